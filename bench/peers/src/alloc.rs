// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//
// Allocators of address ranges and of ids. The structures are those of bench/lib/arena.h, and so is what functions
// mean; each peer gets a place of its own below, and one loop, generic, so that it is compiled into it.

use std::ffi::c_char;

mod dbs;
mod ids;
mod vm;

pub const LOWEST: u32 = 0;
pub const HIGHEST: u32 = 1;
pub const FIXED: u32 = 2;

const CAN_HIGHEST: u32 = 1;
const CAN_FIXED: u32 = 2;
const CAN_WINDOW: u32 = 4;

const NOWHERE: u64 = u64::MAX;
const FREE: u16 = 1;
const ENOSPC: i32 = -28;
const EINVAL: i32 = -22;

#[repr(C)]
pub struct Request {
    size: u64,
    align: u64,
    min: u64,
    max: u64,
    policy: u32,
    reserved: u32,
}

#[repr(C)]
pub struct Op {
    slot: u32,
    request: u16,
    kind: u16,
}

#[repr(C)]
pub struct Extent {
    address: u64,
    size: u64,
}

#[repr(C)]
pub struct Answer {
    sum: u64,
    failures: u64,
}

type Replay = unsafe extern "C" fn(
    this: *mut (),
    requests: *const Request,
    ops: *const Op,
    count: usize,
    slots: *mut u64,
    answer: *mut Answer,
);

/// Layout as struct bench_arena.
#[repr(C)]
pub struct Table {
    name: *const c_char,
    what: *const c_char,
    peer: u32,
    can: u32,
    live: u64,
    fill: u64,
    create: Option<unsafe extern "C" fn(base: u64, size: u64) -> *mut ()>,
    destroy: Option<unsafe extern "C" fn(this: *mut ())>,
    alloc: Option<unsafe extern "C" fn(this: *mut (), request: *const Request, address: *mut u64) -> i32>,
    free: Option<unsafe extern "C" fn(this: *mut (), address: u64, size: u64) -> i32>,
    place: Option<unsafe extern "C" fn(this: *mut (), extents: *const Extent, count: usize) -> i32>,
    replay: Option<Replay>,
}

// The tables are never written, and what their pointers lead to lives as long as the library.
unsafe impl Sync for Table {}

/// What a peer has to do; requests are only those that its table says it can.
trait Arena: Sized {
    fn create(base: u64, size: u64) -> Option<Self>;
    fn allocate(&mut self, request: &Request) -> Option<u64>;
    fn release(&mut self, address: u64, size: u64) -> bool;
    fn place(&mut self, extent: &Extent) -> bool;
}

unsafe extern "C" fn create<A: Arena>(base: u64, size: u64) -> *mut () {
    A::create(base, size).map_or(std::ptr::null_mut(), |arena| Box::into_raw(Box::new(arena)).cast())
}

unsafe extern "C" fn destroy<A: Arena>(this: *mut ()) {
    drop(Box::from_raw(this.cast::<A>()));
}

unsafe extern "C" fn alloc<A: Arena>(this: *mut (), request: *const Request, address: *mut u64) -> i32 {
    match (*this.cast::<A>()).allocate(&*request) {
        Some(found) => {
            *address = found;
            0
        }
        None => ENOSPC,
    }
}

unsafe extern "C" fn free<A: Arena>(this: *mut (), address: u64, size: u64) -> i32 {
    if (*this.cast::<A>()).release(address, size) {
        0
    } else {
        EINVAL
    }
}

unsafe extern "C" fn place<A: Arena>(this: *mut (), extents: *const Extent, count: usize) -> i32 {
    let arena = &mut *this.cast::<A>();
    if std::slice::from_raw_parts(extents, count).iter().all(|extent| arena.place(extent)) {
        0
    } else {
        EINVAL
    }
}

/// requests and slots are as long as the largest index in ops.
unsafe extern "C" fn replay<A: Arena>(
    this: *mut (),
    requests: *const Request,
    ops: *const Op,
    count: usize,
    slots: *mut u64,
    answer: *mut Answer,
) {
    let arena = &mut *this.cast::<A>();
    let (mut sum, mut failures) = (0u64, 0u64);
    for op in std::slice::from_raw_parts(ops, count) {
        let request = &*requests.add(op.request as usize);
        let slot = &mut *slots.add(op.slot as usize);
        if op.kind == FREE {
            failures += u64::from(!arena.release(*slot, request.size));
            *slot = NOWHERE;
        } else if let Some(address) = arena.allocate(request) {
            sum = sum.wrapping_add(address);
            *slot = address;
        } else {
            failures += 1;
            *slot = NOWHERE;
        }
    }
    *answer = Answer { sum, failures };
}

const fn table<A: Arena>(name: *const c_char, what: *const c_char, can: u32, live: u64, fill: u64) -> Table {
    Table {
        name,
        what,
        peer: 1,
        can,
        live,
        fill,
        create: Some(create::<A>),
        destroy: Some(destroy::<A>),
        alloc: Some(alloc::<A>),
        free: Some(free::<A>),
        place: Some(place::<A>),
        replay: Some(replay::<A>),
    }
}

const END: Table = Table {
    name: std::ptr::null(),
    what: std::ptr::null(),
    peer: 0,
    can: 0,
    live: 0,
    fill: 0,
    create: None,
    destroy: None,
    alloc: None,
    free: None,
    place: None,
    replay: None,
};

/// To be raised with every change of the structures here, in ids.rs, and in bench/lib/arena.h.
#[no_mangle]
pub static BENCH_ALLOC_VERSION: u32 = 1;

#[no_mangle]
pub static BENCH_ALLOC_PEERS: [Table; 3] = [dbs::TABLE, vm::TABLE, END];

#[no_mangle]
pub static BENCH_ID_PEERS: [ids::Table; 3] = [ids::ALONE, ids::LOCKED, ids::END];
