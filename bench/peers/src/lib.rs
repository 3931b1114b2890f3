// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//
// The table of peers that bench/lib/peers.c finds after loading this library. Loops over addresses are on this side
// of the border, so that a call from C is paid once in thousands of translations, and each peer is compiled into its
// loop as it would be into a program of its own language.

mod access;
mod alloc;
mod bulk;
mod dbs;
mod dirty;
mod pin;
mod queue;
mod vm_memory;

use std::ffi::c_char;

/// Layout as in bench/lib/inputs.h: RAM that is contiguous for the guest and the host.
#[repr(C)]
pub struct Ram {
    gpa: u64,
    size: u64,
    hva: u64,
}

/// Adds up the host addresses of count guest addresses.
type Run = unsafe extern "C" fn(this: *mut (), gpa: *const u64, count: usize) -> u64;

/// Layout as struct bench_peer in bench/lib/peers.h.
#[repr(C)]
pub struct Peer {
    name: *const c_char,
    what: *const c_char,
    most: usize,
    len: u64,
    build: Option<unsafe extern "C" fn(ranges: *const Ram, count: usize) -> *mut ()>,
    destroy: Option<unsafe extern "C" fn(this: *mut ())>,
    translate: Option<unsafe extern "C" fn(this: *const (), gpa: u64) -> u64>,
    run_call: Option<Run>,
    run_dependent: Option<Run>,
    run_pinned: Option<Run>,
}

// The table is never written, and what its pointers lead to lives as long as the library.
unsafe impl Sync for Peer {}

const END: Peer = Peer {
    name: std::ptr::null(),
    what: std::ptr::null(),
    most: 0,
    len: 0,
    build: None,
    destroy: None,
    translate: None,
    run_call: None,
    run_dependent: None,
    run_pinned: None,
};

/// To be raised with every change of a table, here and in bench/lib/peers.c.
#[no_mangle]
pub static BENCH_PEERS_VERSION: u32 = 3;

#[no_mangle]
pub static BENCH_PEERS: [Peer; 6] = [
    vm_memory::v0_18::PLAIN,
    vm_memory::v0_16::PLAIN,
    vm_memory::v0_18::ATOMIC,
    vm_memory::v0_16::ATOMIC,
    dbs::HYBRID,
    END,
];
