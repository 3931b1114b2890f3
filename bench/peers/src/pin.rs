// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//
// arc-swap by itself: what vm-memory keeps its map in, without the map. A guard is taken and dropped for each round;
// what it guards is looked at once, at the end, as ours never follows the view that it pins.

use std::ffi::c_char;
use std::hint::black_box;
use std::sync::Arc;

use arc_swap::{ArcSwap, Cache};

/// Layout as struct bench_pin_peer in bench/lib/peers.h.
#[repr(C)]
pub struct Pin {
    name: *const c_char,
    what: *const c_char,
    build: Option<unsafe extern "C" fn(value: u64) -> *mut ()>,
    destroy: Option<unsafe extern "C" fn(this: *mut ())>,
    run: Option<unsafe extern "C" fn(this: *mut (), iters: u64) -> u64>,
}

// The table is never written, and what its pointers lead to lives as long as the library.
unsafe impl Sync for Pin {}

type Shared = ArcSwap<u64>;

unsafe extern "C" fn build(value: u64) -> *mut () {
    Box::into_raw(Box::new(Shared::from_pointee(value))).cast()
}

unsafe extern "C" fn destroy(this: *mut ()) {
    drop(Box::from_raw(this.cast::<Shared>()));
}

unsafe extern "C" fn run_load(this: *mut (), iters: u64) -> u64 {
    let shared = &*this.cast::<Shared>();
    for _ in 0..iters {
        let guard = shared.load();
        black_box(Arc::as_ptr(&guard));
    }
    **shared.load()
}

/// One cache for each thread, as it is meant.
unsafe extern "C" fn run_cache(this: *mut (), iters: u64) -> u64 {
    let mut cache = Cache::new(&*this.cast::<Shared>());
    for _ in 0..iters {
        black_box(Arc::as_ptr(cache.load()));
    }
    **cache.load()
}

#[no_mangle]
pub static BENCH_PEERS_PIN: [Pin; 3] = [
    Pin {
        name: c"arc-swap-1.9.3".as_ptr(),
        what: c"ArcSwap::load and the guard's drop".as_ptr(),
        build: Some(build),
        destroy: Some(destroy),
        run: Some(run_load),
    },
    Pin {
        name: c"arc-swap-1.9.3+cache".as_ptr(),
        what: c"Cache::load, which keeps the version it saw last alive for as long as it is not asked again".as_ptr(),
        build: Some(build),
        destroy: Some(destroy),
        run: Some(run_cache),
    },
    Pin { name: std::ptr::null(), what: std::ptr::null(), build: None, destroy: None, run: None },
];
