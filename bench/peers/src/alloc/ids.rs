// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//
// vm-allocator's IdAllocator: a counter, and a tree of what was freed. It wants to be borrowed alone; threads share it
// behind a mutex, which is how its users do that.

use super::Answer;
use std::ffi::c_char;
use std::sync::Mutex;
use vm_allocator::IdAllocator;

/// Layout as struct bench_ids in bench/lib/arena.h.
#[repr(C)]
pub struct Table {
    name: *const c_char,
    what: *const c_char,
    peer: u32,
    threads: u32,
    create: Option<unsafe extern "C" fn(count: u32) -> *mut ()>,
    destroy: Option<unsafe extern "C" fn(this: *mut ())>,
    fresh: Option<unsafe extern "C" fn(this: *mut (), slots: *mut u32, count: usize, answer: *mut Answer)>,
    pairs: Option<
        unsafe extern "C" fn(this: *mut (), slots: *mut u32, order: *const u32, count: usize, answer: *mut Answer),
    >,
    drop: Option<unsafe extern "C" fn(this: *mut (), slots: *const u32, count: usize)>,
}

// The tables are never written, and what their pointers lead to lives as long as the library.
unsafe impl Sync for Table {}

trait Ids {
    fn create(count: u32) -> Option<Box<Self>>;
    /// Safety: of an allocator for one thread, one thread at a time.
    unsafe fn allocate(this: *mut Self) -> Option<u32>;
    unsafe fn release(this: *mut Self, id: u32) -> bool;
}

struct Alone(IdAllocator);

impl Ids for Alone {
    fn create(count: u32) -> Option<Box<Self>> {
        IdAllocator::new(0, count - 1).ok().map(|ids| Box::new(Alone(ids)))
    }

    #[inline(always)]
    unsafe fn allocate(this: *mut Self) -> Option<u32> {
        (*this).0.allocate_id().ok()
    }

    #[inline(always)]
    unsafe fn release(this: *mut Self, id: u32) -> bool {
        (*this).0.free_id(id).is_ok()
    }
}

struct Locked(Mutex<IdAllocator>);

impl Ids for Locked {
    fn create(count: u32) -> Option<Box<Self>> {
        IdAllocator::new(0, count - 1).ok().map(|ids| Box::new(Locked(Mutex::new(ids))))
    }

    #[inline(always)]
    unsafe fn allocate(this: *mut Self) -> Option<u32> {
        let locked = &*this;
        locked.0.lock().ok()?.allocate_id().ok()
    }

    #[inline(always)]
    unsafe fn release(this: *mut Self, id: u32) -> bool {
        let locked = &*this;
        locked.0.lock().is_ok_and(|mut ids| ids.free_id(id).is_ok())
    }
}

unsafe extern "C" fn create<I: Ids>(count: u32) -> *mut () {
    I::create(count).map_or(std::ptr::null_mut(), |ids| Box::into_raw(ids).cast())
}

unsafe extern "C" fn destroy<I: Ids>(this: *mut ()) {
    drop(Box::from_raw(this.cast::<I>()));
}

unsafe extern "C" fn fresh<I: Ids>(this: *mut (), slots: *mut u32, count: usize, answer: *mut Answer) {
    let (mut sum, mut failures) = (0u64, 0u64);
    for slot in std::slice::from_raw_parts_mut(slots, count) {
        match I::allocate(this.cast()) {
            Some(id) => {
                sum = sum.wrapping_add(u64::from(id));
                *slot = id;
            }
            None => failures += 1,
        }
    }
    *answer = Answer { sum, failures };
}

unsafe extern "C" fn pairs<I: Ids>(
    this: *mut (),
    slots: *mut u32,
    order: *const u32,
    count: usize,
    answer: *mut Answer,
) {
    let (mut sum, mut failures) = (0u64, 0u64);
    for &at in std::slice::from_raw_parts(order, count) {
        let slot = &mut *slots.add(at as usize);
        failures += u64::from(!I::release(this.cast(), *slot));
        // Callers have something to do in between; else the compiler sees that what is freed comes back, and leaves
        // the memory for it out.
        std::hint::black_box(this);
        match I::allocate(this.cast()) {
            Some(id) => {
                sum = sum.wrapping_add(u64::from(id));
                *slot = id;
            }
            None => failures += 1,
        }
    }
    *answer = Answer { sum, failures };
}

unsafe extern "C" fn drop_all<I: Ids>(this: *mut (), slots: *const u32, count: usize) {
    for &id in std::slice::from_raw_parts(slots, count) {
        I::release(this.cast(), id);
    }
}

const fn table<I: Ids>(name: *const c_char, what: *const c_char, threads: u32) -> Table {
    Table {
        name,
        what,
        peer: 1,
        threads,
        create: Some(create::<I>),
        destroy: Some(destroy::<I>),
        fresh: Some(fresh::<I>),
        pairs: Some(pairs::<I>),
        drop: Some(drop_all::<I>),
    }
}

pub const ALONE: Table = table::<Alone>(
    c"vm-allocator-0.1.4".as_ptr(),
    c"IdAllocator::allocate_id and free_id".as_ptr(),
    1,
);

pub const LOCKED: Table = table::<Locked>(
    c"vm-allocator-0.1.4+mutex".as_ptr(),
    c"the same behind std::sync::Mutex".as_ptr(),
    64,
);

pub const END: Table = Table {
    name: std::ptr::null(),
    what: std::ptr::null(),
    peer: 0,
    threads: 0,
    create: None,
    destroy: None,
    fresh: None,
    pairs: None,
    drop: None,
};
