// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//
// vm-memory's accesses of eight bytes, on a map that is kept: without a dirty bitmap, and with one for each region.
// read_obj and write_obj take any address; load, store and references refuse what is not aligned or crosses the end of a
// region.

use std::ffi::c_char;

use crate::Ram;

type Run = unsafe extern "C" fn(this: *mut (), gpa: *const u64, count: usize) -> u64;

/// Layout as struct bench_access_peer in bench/lib/peers.h.
#[repr(C)]
pub struct Access {
    name: *const c_char,
    what: *const c_char,
    build: Option<unsafe extern "C" fn(ranges: *const Ram, count: usize) -> *mut ()>,
    destroy: Option<unsafe extern "C" fn(this: *mut ())>,
    run_read: Option<Run>,
    run_write: Option<Run>,
}

// The table is never written, and what its pointers lead to lives as long as the library.
unsafe impl Sync for Access {}

const END: Access = Access {
    name: std::ptr::null(),
    what: std::ptr::null(),
    build: None,
    destroy: None,
    run_read: None,
    run_write: None,
};

macro_rules! peers {
    ($module:ident, $krate:ident, $version:literal, $($import:tt)*) => {
        mod $module {
            use super::Access;
            use crate::vm_memory::$module::{build_plain, build_tracked, destroy, Map, Tracked};
            use std::sync::atomic::Ordering::Relaxed;
            use $krate::{Bytes, GuestAddress, VolatileMemory};
            $($import)*

            #[inline(always)]
            unsafe fn sum<M>(this: *mut (), gpa: *const u64, count: usize, read: impl Fn(&M, u64) -> Option<u64>) -> u64 {
                let map = &*this.cast::<M>();
                let mut sum = 0u64;
                for &address in std::slice::from_raw_parts(gpa, count) {
                    sum = sum.wrapping_add(read(map, address).unwrap_or(0));
                }
                sum
            }

            #[inline(always)]
            unsafe fn done<M>(this: *mut (), gpa: *const u64, count: usize, write: impl Fn(&M, u64) -> Option<()>) -> u64 {
                let map = &*this.cast::<M>();
                let mut done = 0u64;
                for &address in std::slice::from_raw_parts(gpa, count) {
                    done += u64::from(write(map, address).is_some());
                }
                done
            }

            unsafe extern "C" fn read_obj<M: Backend>(this: *mut (), gpa: *const u64, count: usize) -> u64 {
                sum(this, gpa, count, |map: &M, at| map.read_obj(GuestAddress(at)).ok())
            }

            unsafe extern "C" fn write_obj<M: Backend>(this: *mut (), gpa: *const u64, count: usize) -> u64 {
                done(this, gpa, count, |map: &M, at| map.write_obj(at, GuestAddress(at)).ok())
            }

            unsafe extern "C" fn load<M: Backend>(this: *mut (), gpa: *const u64, count: usize) -> u64 {
                sum(this, gpa, count, |map: &M, at| map.load(GuestAddress(at), Relaxed).ok())
            }

            unsafe extern "C" fn store<M: Backend>(this: *mut (), gpa: *const u64, count: usize) -> u64 {
                done(this, gpa, count, |map: &M, at| map.store(at, GuestAddress(at), Relaxed).ok())
            }

            unsafe extern "C" fn load_ref<M: Backend>(this: *mut (), gpa: *const u64, count: usize) -> u64 {
                sum(this, gpa, count, |map: &M, at| {
                    Some(map.get_slice(GuestAddress(at), 8).ok()?.get_ref::<u64>(0).ok()?.load())
                })
            }

            unsafe extern "C" fn store_ref<M: Backend>(this: *mut (), gpa: *const u64, count: usize) -> u64 {
                done(this, gpa, count, |map: &M, at| {
                    map.get_slice(GuestAddress(at), 8).ok()?.get_ref::<u64>(0).ok()?.store(at);
                    Some(())
                })
            }

            const fn entry(name: &'static [u8], what: &'static [u8], tracked: bool) -> Access {
                Access {
                    name: name.as_ptr().cast(),
                    what: what.as_ptr().cast(),
                    build: Some(if tracked { build_tracked } else { build_plain }),
                    destroy: Some(if tracked { destroy::<Tracked> } else { destroy::<Map> }),
                    run_read: None,
                    run_write: None,
                }
            }

            macro_rules! entries {
                ($map:ty, $tracked:literal) => {
                    [
                        Access {
                            run_read: Some(read_obj::<$map>),
                            ..entry(concat!("vm-memory-", $version, "+read_obj\0").as_bytes(), b"Bytes::read_obj\0", $tracked)
                        },
                        Access {
                            run_write: Some(write_obj::<$map>),
                            ..entry(concat!("vm-memory-", $version, "+write_obj\0").as_bytes(), b"Bytes::write_obj\0", $tracked)
                        },
                        Access {
                            run_read: Some(load::<$map>),
                            ..entry(concat!("vm-memory-", $version, "+load\0").as_bytes(), b"Bytes::load, relaxed\0", $tracked)
                        },
                        Access {
                            run_write: Some(store::<$map>),
                            ..entry(concat!("vm-memory-", $version, "+store\0").as_bytes(), b"Bytes::store, relaxed\0", $tracked)
                        },
                        Access {
                            run_read: Some(load_ref::<$map>),
                            run_write: Some(store_ref::<$map>),
                            ..entry(concat!("vm-memory-", $version, "+get_ref\0").as_bytes(), b"get_slice, get_ref, load or store\0", $tracked)
                        },
                    ]
                };
            }

            pub const PLAIN: [Access; 5] = entries!(Map, false);
            pub const TRACKED: [Access; 5] = entries!(Tracked, true);
        }
    };
}

peers! { v0_18, vm_memory_0_18, "0.18.0", use vm_memory_0_18::GuestMemoryBackend as Backend; }
peers! { v0_16, vm_memory_0_16, "0.16.1", use vm_memory_0_16::GuestMemory as Backend; }

const fn both(new: [Access; 5], old: [Access; 5]) -> [Access; 11] {
    let [a, b, c, d, e] = new;
    let [f, g, h, i, j] = old;
    [a, b, c, d, e, f, g, h, i, j, END]
}

#[no_mangle]
pub static BENCH_PEERS_ACCESS: [Access; 11] = both(v0_18::PLAIN, v0_16::PLAIN);

#[no_mangle]
pub static BENCH_PEERS_ACCESS_TRACKED: [Access; 11] = both(v0_18::TRACKED, v0_16::TRACKED);
