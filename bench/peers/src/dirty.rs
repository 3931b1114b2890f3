// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//
// vm-memory's dirty bitmaps, by themselves. Writes to guest memory mark by Bitmap::mark_dirty, which divides by a page
// size that is known at run time only; set_bit takes a page number instead and is its quickest mark, for those who
// divide themselves. get_and_reset is the only harvest that loses no mark; its Vec is freed but not looked at, in the
// peer's favour.

use std::ffi::c_char;

/// Layout as struct bench_dirty_peer in bench/lib/peers.h.
#[repr(C)]
pub struct Dirty {
    name: *const c_char,
    what: *const c_char,
    tracks: i32,
    ranges: i32,
    harvests: i32,
    build: Option<unsafe extern "C" fn(pages: u64) -> *mut ()>,
    destroy: Option<unsafe extern "C" fn(this: *mut ())>,
    mark: Option<unsafe extern "C" fn(this: *mut (), address: *const u64, count: usize, len: u64)>,
    clear: Option<unsafe extern "C" fn(this: *mut ())>,
    test: Option<unsafe extern "C" fn(this: *mut (), page: u64) -> i32>,
    harvest: Option<unsafe extern "C" fn(this: *mut ()) -> *mut ()>,
    harvested: Option<unsafe extern "C" fn(harvest: *const (), out: *mut u64, room: usize) -> u64>,
    drop: Option<unsafe extern "C" fn(harvest: *mut ())>,
}

// The table is never written, and what its pointers lead to lives as long as the library.
unsafe impl Sync for Dirty {}

const PAGE: usize = 4096;
const PAGE_SHIFT: u32 = 12;

const END: Dirty = Dirty {
    name: std::ptr::null(),
    what: std::ptr::null(),
    tracks: 0,
    ranges: 0,
    harvests: 0,
    build: None,
    destroy: None,
    mark: None,
    clear: None,
    test: None,
    harvest: None,
    harvested: None,
    drop: None,
};

/// The pages of a harvest, for those who check it; never timed.
unsafe extern "C" fn harvested(harvest: *const (), out: *mut u64, room: usize) -> u64 {
    let words = &*harvest.cast::<Vec<u64>>();
    let mut listed = 0;
    for (index, &word) in words.iter().enumerate() {
        let mut rest = word;
        while rest != 0 && listed < room {
            *out.add(listed) = index as u64 * 64 + u64::from(rest.trailing_zeros());
            rest &= rest - 1;
            listed += 1;
        }
    }
    words.iter().map(|word| u64::from(word.count_ones())).sum()
}

unsafe extern "C" fn drop_harvest(harvest: *mut ()) {
    drop(Box::from_raw(harvest.cast::<Vec<u64>>()));
}

macro_rules! peers {
    ($module:ident, $krate:ident, $version:literal) => {
        mod $module {
            use super::{drop_harvest, harvested, Dirty, PAGE, PAGE_SHIFT};
            use std::hint::black_box;
            use std::num::NonZeroUsize;
            use $krate::bitmap::{AtomicBitmap, Bitmap};

            unsafe extern "C" fn build(pages: u64) -> *mut () {
                let page = NonZeroUsize::new(PAGE).unwrap();
                Box::into_raw(Box::new(AtomicBitmap::new(pages as usize * PAGE, page))).cast()
            }

            unsafe extern "C" fn destroy(this: *mut ()) {
                drop(Box::from_raw(this.cast::<AtomicBitmap>()));
            }

            #[inline(always)]
            unsafe fn mark_each<B: Bitmap>(bitmap: &B, address: *const u64, count: usize, len: usize) {
                for &at in std::slice::from_raw_parts(address, count) {
                    bitmap.mark_dirty(at as usize, len);
                }
            }

            /// Eight bytes as a constant, as a store of them has it.
            unsafe extern "C" fn mark(this: *mut (), address: *const u64, count: usize, len: u64) {
                let bitmap = &*this.cast::<AtomicBitmap>();
                match len {
                    8 => mark_each(bitmap, address, count, 8),
                    _ => mark_each(bitmap, address, count, len as usize),
                }
            }

            unsafe extern "C" fn mark_bit(this: *mut (), address: *const u64, count: usize, _len: u64) {
                let bitmap = &*this.cast::<AtomicBitmap>();
                for &at in std::slice::from_raw_parts(address, count) {
                    bitmap.set_bit((at >> PAGE_SHIFT) as usize);
                }
            }

            unsafe extern "C" fn mark_nothing(_this: *mut (), address: *const u64, count: usize, _len: u64) {
                for &at in std::slice::from_raw_parts(address, count) {
                    ().mark_dirty(black_box(at) as usize, 8); // without the box nothing at all would be left
                }
            }

            unsafe extern "C" fn clear(this: *mut ()) {
                (*this.cast::<AtomicBitmap>()).reset();
            }

            unsafe extern "C" fn test(this: *mut (), page: u64) -> i32 {
                i32::from((*this.cast::<AtomicBitmap>()).is_bit_set(page as usize))
            }

            unsafe extern "C" fn harvest(this: *mut ()) -> *mut () {
                Box::into_raw(Box::new((*this.cast::<AtomicBitmap>()).get_and_reset())).cast()
            }

            pub const TRAIT: Dirty = Dirty {
                name: concat!("vm-memory-", $version, "\0").as_ptr().cast(),
                what: c"AtomicBitmap: Bitmap::mark_dirty, get_and_reset".as_ptr(),
                tracks: 1,
                ranges: 1,
                harvests: 1,
                build: Some(build),
                destroy: Some(destroy),
                mark: Some(mark),
                clear: Some(clear),
                test: Some(test),
                harvest: Some(harvest),
                harvested: Some(harvested),
                drop: Some(drop_harvest),
            };

            pub const BIT: Dirty = Dirty {
                name: concat!("vm-memory-", $version, "+set_bit\0").as_ptr().cast(),
                what: c"AtomicBitmap::set_bit of the address's page".as_ptr(),
                ranges: 0,
                harvests: 0,
                mark: Some(mark_bit),
                ..TRAIT
            };

            pub const OFF: Dirty = Dirty {
                name: concat!("vm-memory-", $version, "+unit\0").as_ptr().cast(),
                what: c"Bitmap::mark_dirty of (), which a map without tracking is compiled with".as_ptr(),
                tracks: 0,
                mark: Some(mark_nothing),
                ..BIT
            };
        }
    };
}

peers! { v0_18, vm_memory_0_18, "0.18.0" }
peers! { v0_16, vm_memory_0_16, "0.16.1" }

#[no_mangle]
pub static BENCH_PEERS_DIRTY: [Dirty; 7] =
    [v0_18::TRAIT, v0_18::BIT, v0_18::OFF, v0_16::TRAIT, v0_16::BIT, v0_16::OFF, END];
