// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//
// vm-memory's copies, objects and atomic accesses on a map that is kept. Each entry is one shape, which is named as the
// rows that it takes part in. Lengths of slices are known at run time only, those of objects are the type's.

use std::ffi::c_char;

use crate::Ram;

type Run = unsafe extern "C" fn(this: *mut (), gpa: *const u64, count: usize, buf: *mut u8) -> u64;

/// Layout as struct bench_shape_peer in bench/lib/peers.h.
#[repr(C)]
pub struct Shape {
    name: *const c_char,
    shape: *const c_char,
    build: Option<unsafe extern "C" fn(ranges: *const Ram, count: usize) -> *mut ()>,
    destroy: Option<unsafe extern "C" fn(this: *mut ())>,
    run: Option<Run>,
}

// The table is never written, and what its pointers lead to lives as long as the library.
unsafe impl Sync for Shape {}

/// Of each version; as BENCH_SHAPES in bench/lib/peers.h.
const SHAPES: usize = 25;

macro_rules! peers {
    ($module:ident, $krate:ident, $version:literal, $($import:tt)*) => {
        mod $module {
            use super::{Shape, SHAPES};
            use crate::vm_memory::$module::{build_plain, build_tracked, destroy, Map, Tracked};
            use std::hint::black_box;
            use std::slice::{from_raw_parts, from_raw_parts_mut};
            use std::sync::atomic::Ordering::{Acquire, Release};
            use $krate::{Bytes, GuestAddress};
            $($import)*

            #[inline(always)]
            unsafe fn each<M>(this: *mut (), gpa: *const u64, count: usize, one: impl Fn(&M, u64) -> Option<u64>) -> u64 {
                let map = &*this.cast::<M>();
                let mut sum = 0u64;
                for &at in from_raw_parts(gpa, count) {
                    sum = sum.wrapping_add(one(map, at).unwrap_or(0));
                }
                sum
            }

            unsafe extern "C" fn read_slice<M: Backend, const N: usize>(this: *mut (), gpa: *const u64, count: usize, buf: *mut u8) -> u64 {
                each(this, gpa, count, |map: &M, at| {
                    map.read_slice(from_raw_parts_mut(buf, black_box(N)), GuestAddress(at)).ok()?;
                    Some(buf.cast::<u64>().read_volatile())
                })
            }

            unsafe extern "C" fn write_slice<M: Backend, const N: usize>(this: *mut (), gpa: *const u64, count: usize, buf: *mut u8) -> u64 {
                each(this, gpa, count, |map: &M, at| {
                    map.write_slice(from_raw_parts(buf, black_box(N)), GuestAddress(at)).ok()?;
                    Some(1)
                })
            }

            unsafe extern "C" fn read<M: Backend, const N: usize>(this: *mut (), gpa: *const u64, count: usize, buf: *mut u8) -> u64 {
                each(this, gpa, count, |map: &M, at| {
                    let done = map.read(from_raw_parts_mut(buf, black_box(N)), GuestAddress(at)).ok()?;
                    (done == N).then(|| buf.cast::<u64>().read_volatile())
                })
            }

            unsafe extern "C" fn write<M: Backend, const N: usize>(this: *mut (), gpa: *const u64, count: usize, buf: *mut u8) -> u64 {
                each(this, gpa, count, |map: &M, at| {
                    let done = map.write(from_raw_parts(buf, black_box(N)), GuestAddress(at)).ok()?;
                    Some(u64::from(done == N))
                })
            }

            unsafe extern "C" fn read_obj<M: Backend, const WORDS: usize>(this: *mut (), gpa: *const u64, count: usize, _buf: *mut u8) -> u64
            where
                [u64; WORDS]: $krate::ByteValued,
            {
                each(this, gpa, count, |map: &M, at| Some(black_box(map.read_obj::<[u64; WORDS]>(GuestAddress(at)).ok()?)[0]))
            }

            unsafe extern "C" fn write_obj<M: Backend, const WORDS: usize>(this: *mut (), gpa: *const u64, count: usize, _buf: *mut u8) -> u64
            where
                [u64; WORDS]: $krate::ByteValued,
            {
                each(this, gpa, count, |map: &M, at| {
                    map.write_obj(black_box([at; WORDS]), GuestAddress(at)).ok()?;
                    Some(1)
                })
            }

            macro_rules! atomics {
                ($load:ident, $store:ident, $type:ty) => {
                    unsafe extern "C" fn $load<M: Backend>(this: *mut (), gpa: *const u64, count: usize, _buf: *mut u8) -> u64 {
                        each(this, gpa, count, |map: &M, at| Some(u64::from(map.load::<$type>(GuestAddress(at), Acquire).ok()?)))
                    }

                    unsafe extern "C" fn $store<M: Backend>(this: *mut (), gpa: *const u64, count: usize, _buf: *mut u8) -> u64 {
                        each(this, gpa, count, |map: &M, at| {
                            map.store(at as $type, GuestAddress(at), Release).ok()?;
                            Some(1)
                        })
                    }
                };
            }

            atomics! { load8, store8, u8 }
            atomics! { load16, store16, u16 }
            atomics! { load32, store32, u32 }
            atomics! { load64, store64, u64 }

            macro_rules! entry {
                ($shape:literal, $call:literal, $tracked:literal, $run:expr) => {
                    Shape {
                        name: concat!("vm-memory-", $version, "+", $call, "\0").as_ptr().cast(),
                        shape: concat!($shape, "\0").as_ptr().cast(),
                        build: Some(if $tracked { build_tracked } else { build_plain }),
                        destroy: Some(if $tracked { destroy::<Tracked> } else { destroy::<Map> }),
                        run: Some($run),
                    }
                };
            }

            pub const ALL: [Shape; SHAPES] = [
                entry!("read/64", "read_slice", false, read_slice::<Map, 64>),
                entry!("read/256", "read_slice", false, read_slice::<Map, 256>),
                entry!("read/4096", "read_slice", false, read_slice::<Map, 4096>),
                entry!("write/64/tracked", "write_slice", true, write_slice::<Tracked, 64>),
                entry!("write/256/tracked", "write_slice", true, write_slice::<Tracked, 256>),
                entry!("write/4096/tracked", "write_slice", true, write_slice::<Tracked, 4096>),
                entry!("write/64/untracked", "write_slice", false, write_slice::<Map, 64>),
                entry!("write/256/untracked", "write_slice", false, write_slice::<Map, 256>),
                entry!("write/4096/untracked", "write_slice", false, write_slice::<Map, 4096>),
                entry!("load/u8", "load", true, load8::<Tracked>),
                entry!("load/u16", "load", true, load16::<Tracked>),
                entry!("load/u32", "load", true, load32::<Tracked>),
                entry!("load/u64", "load", true, load64::<Tracked>),
                entry!("store/u8", "store", true, store8::<Tracked>),
                entry!("store/u16", "store", true, store16::<Tracked>),
                entry!("store/u32", "store", true, store32::<Tracked>),
                entry!("store/u64", "store", true, store64::<Tracked>),
                entry!("read_entire_slice_from", "read_slice", false, read_slice::<Map, 512>),
                entry!("read_slice_from", "read", false, read::<Map, 512>),
                entry!("read_small_obj_from", "read_obj", false, read_obj::<Map, 1>),
                entry!("read_big_obj_from", "read_obj", false, read_obj::<Map, 12>),
                entry!("write_entire_slice_to", "write_slice", false, write_slice::<Map, 512>),
                entry!("write_slice_to", "write", false, write::<Map, 512>),
                entry!("write_small_obj_to", "write_obj", false, write_obj::<Map, 1>),
                entry!("write_big_obj_to", "write_obj", false, write_obj::<Map, 12>),
            ];
        }
    };
}

peers! { v0_18, vm_memory_0_18, "0.18.0", use vm_memory_0_18::GuestMemoryBackend as Backend; }
peers! { v0_16, vm_memory_0_16, "0.16.1", use vm_memory_0_16::GuestMemory as Backend; }

#[no_mangle]
pub static BENCH_PEERS_SHAPES: [&[Shape; SHAPES]; 2] = [&v0_18::ALL, &v0_16::ALL];
