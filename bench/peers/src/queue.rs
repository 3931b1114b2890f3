// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//
// virtio-queue's way from an available ring to slices of guest memory, on a map that is kept and has no dirty bitmap:
// AvailIter for the heads, DescriptorChain for descriptors, get_slices for each buffer, pushed onto one of two arrays
// that are reused. The crate checks what it checks: neither rights nor the order of buffers are among it.

use std::ffi::c_char;

use virtio_queue::{Queue, QueueOwnedT, QueueT};
use vm_memory_0_18::{GuestAddress, GuestMemoryBackend};

use crate::vm_memory::v0_18::{build_plain, Map};
use crate::Ram;

/// Layout as struct bench_vq_ring in bench/lib/peers.h.
#[repr(C)]
pub struct Ring {
    desc: u64,
    avail: u64,
    used: u64,
    size: u32,
    chains: u32,
}

/// Layout as struct bench_vq_peer in bench/lib/peers.h.
#[repr(C)]
pub struct Walker {
    name: *const c_char,
    what: *const c_char,
    build: Option<unsafe extern "C" fn(*const Ram, usize, *const Ring, usize) -> *mut ()>,
    destroy: Option<unsafe extern "C" fn(this: *mut ())>,
    pass: Option<unsafe extern "C" fn(this: *mut (), look: i32) -> u64>,
}

// The table is never written, and what its pointers lead to lives as long as the library.
unsafe impl Sync for Walker {}

struct Slice {
    base: u64,
    len: u64,
}

struct Device {
    map: Box<Map>,
    queues: Vec<Queue>,
    readable: Vec<Slice>,
    writable: Vec<Slice>,
}

fn queue_of(ring: &Ring) -> Option<Queue> {
    let mut queue = Queue::new(u16::try_from(ring.size).ok()?).ok()?;
    queue.try_set_desc_table_address(GuestAddress(ring.desc)).ok()?;
    queue.try_set_avail_ring_address(GuestAddress(ring.avail)).ok()?;
    queue.try_set_used_ring_address(GuestAddress(ring.used)).ok()?;
    queue.set_ready(true);
    Some(queue)
}

unsafe extern "C" fn build(ranges: *const Ram, count: usize, rings: *const Ring, ring_count: usize) -> *mut () {
    let map = build_plain(ranges, count).cast::<Map>();
    let queues = std::slice::from_raw_parts(rings, ring_count).iter().map(queue_of).collect::<Option<Vec<_>>>();
    match queues {
        Some(queues) if !map.is_null() => {
            let map = Box::from_raw(map);
            let (readable, writable) = (Vec::with_capacity(4096), Vec::with_capacity(4096));
            Box::into_raw(Box::new(Device { map, queues, readable, writable })).cast()
        }
        _ => {
            if !map.is_null() {
                drop(Box::from_raw(map));
            }
            std::ptr::null_mut()
        }
    }
}

unsafe extern "C" fn destroy(this: *mut ()) {
    drop(Box::from_raw(this.cast::<Device>()));
}

fn sum_of(slices: &[Slice]) -> u64 {
    slices.iter().fold(0u64, |sum, slice| sum.wrapping_add(slice.base))
}

unsafe extern "C" fn pass(this: *mut (), look: i32) -> u64 {
    let Device { map, queues, readable, writable } = &mut *this.cast::<Device>();
    let map: &Map = map;
    let mut total = 0u64;
    for queue in queues {
        queue.set_next_avail(0);
        let Ok(chains) = queue.iter(map) else { continue };
        for chain in chains {
            readable.clear();
            writable.clear();
            let mut bytes = 0u64;
            for descriptor in chain {
                let list = if descriptor.is_write_only() { &mut *writable } else { &mut *readable };
                let slices = GuestMemoryBackend::get_slices(map, descriptor.addr(), descriptor.len() as usize);
                for slice in slices {
                    let Ok(slice) = slice else { return 0 };
                    let len = slice.len() as u64;
                    list.push(Slice { base: slice.ptr_guard().as_ptr() as u64, len });
                    bytes += len;
                }
            }
            total = total.wrapping_add(if look != 0 { sum_of(readable).wrapping_add(sum_of(writable)) } else { bytes });
            std::hint::black_box((readable.as_ptr(), writable.as_ptr()));
        }
    }
    total
}

const END: Walker = Walker { name: std::ptr::null(), what: std::ptr::null(), build: None, destroy: None, pass: None };

const WALKER: Walker = Walker {
    name: c"virtio-queue-0.18.0".as_ptr(),
    what: c"QueueOwnedT::iter, DescriptorChain, GuestMemoryBackend::get_slices of vm-memory 0.18.0".as_ptr(),
    build: Some(build),
    destroy: Some(destroy),
    pass: Some(pass),
};

#[no_mangle]
pub static BENCH_PEERS_QUEUE: [Walker; 2] = [WALKER, END];
