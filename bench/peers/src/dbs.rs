// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//
// dbs-address-space. AddressSpace describes regions and has no host addresses: it says of an address what its region
// is like (NUMA node, protection), by a walk over all regions. Host addresses are answered by the crate's own
// collection for vm-memory's traits, GuestMemoryHybrid, by binary search; regions are its own GuestRegionRaw (those
// that wrap vm-memory's take as long).

use crate::{Peer, Ram, END};
use dbs_address_space::{
    AddressSpaceBase, AddressSpaceLayout, AddressSpaceRegion, AddressSpaceRegionType, GuestMemoryHybrid,
    GuestRegionHybrid, GuestRegionRaw,
};
use std::sync::Arc;
use vm_memory_0_9::{GuestAddress, GuestMemory as _};

type Hybrid = GuestMemoryHybrid<()>;

unsafe fn ranges<'a>(ranges: *const Ram, count: usize) -> &'a [Ram] {
    std::slice::from_raw_parts(ranges, count)
}

unsafe extern "C" fn destroy<T>(this: *mut ()) {
    drop(Box::from_raw(this.cast::<T>()));
}

fn hybrid_region(ram: &Ram) -> GuestRegionHybrid<()> {
    // SAFETY: a reservation of at least that size begins there and outlives the map, and nothing dereferences it.
    let region = unsafe { GuestRegionRaw::new(GuestAddress(ram.gpa), ram.hva as *mut u8, ram.size as usize) };
    GuestRegionHybrid::from_raw_region(region)
}

unsafe extern "C" fn build_hybrid(list: *const Ram, count: usize) -> *mut () {
    let regions = ranges(list, count).iter().map(hybrid_region).collect();
    Hybrid::from_regions(regions).map_or(std::ptr::null_mut(), |map| Box::into_raw(Box::new(map)).cast())
}

/// Its address stands in the table, so that it keeps its signature.
#[inline(never)]
unsafe extern "C" fn translate(this: *const (), gpa: u64) -> u64 {
    (*this.cast::<Hybrid>()).get_host_address(GuestAddress(gpa)).map_or(0, |host| host as u64)
}

/// The NUMA node of a region is its number here, so that the answer says which region it is.
fn described_region((index, ram): (usize, &Ram)) -> Arc<AddressSpaceRegion> {
    let mut region =
        AddressSpaceRegion::new(AddressSpaceRegionType::DefaultMemory, GuestAddress(ram.gpa), ram.size);
    region.set_host_numa_node_id(Some(index as u32 + 1));
    Arc::new(region)
}

unsafe extern "C" fn build_regions(list: *const Ram, count: usize) -> *mut () {
    let regions = ranges(list, count).iter().enumerate().map(described_region).collect();
    let layout = AddressSpaceLayout::new(u64::MAX, 0, u64::MAX);
    Box::into_raw(Box::new(AddressSpaceBase::from_regions(regions, layout))).cast()
}

#[inline(never)]
unsafe extern "C" fn region_of(this: *const (), gpa: u64) -> u64 {
    (*this.cast::<AddressSpaceBase>()).numa_node_id(gpa).map_or(0, u64::from)
}

macro_rules! loops {
    ($answer:ident, $run_call:ident, $run_dependent:ident) => {
        unsafe extern "C" fn $run_call(this: *mut (), gpa: *const u64, count: usize) -> u64 {
            let mut sum = 0u64;
            for &address in std::slice::from_raw_parts(gpa, count) {
                sum = sum.wrapping_add($answer(this, address));
            }
            sum
        }

        /// Each address waits for the answer before it: the top bit of the answer is 0, which the compiler does not
        /// know.
        unsafe extern "C" fn $run_dependent(this: *mut (), gpa: *const u64, count: usize) -> u64 {
            let (mut sum, mut answer) = (0u64, 0u64);
            for &address in std::slice::from_raw_parts(gpa, count) {
                answer = $answer(this, address.wrapping_add(answer >> 63));
                sum = sum.wrapping_add(answer);
            }
            sum
        }
    };
}

loops! { translate, run_call, run_dependent }
loops! { region_of, run_call_region, run_dependent_region }

pub const HYBRID: Peer = Peer {
    name: c"dbs-address-space-0.3.0".as_ptr(),
    what: c"GuestMemoryHybrid::get_host_address on a map that is kept".as_ptr(),
    most: usize::MAX,
    len: 1,
    build: Some(build_hybrid),
    destroy: Some(destroy::<Hybrid>),
    translate: Some(translate),
    run_call: Some(run_call),
    run_dependent: Some(run_dependent),
    run_pinned: None,
};

/// Beyond 512 regions a walk over all of them takes microseconds.
const REGIONS: Peer = Peer {
    name: c"dbs-address-space-0.3.0".as_ptr(),
    what: c"AddressSpaceBase::numa_node_id, which finds the region by walking over all of them".as_ptr(),
    most: 512,
    len: 1,
    build: Some(build_regions),
    destroy: Some(destroy::<AddressSpaceBase>),
    translate: Some(region_of),
    run_call: Some(run_call_region),
    run_dependent: Some(run_dependent_region),
    run_pinned: None,
};

#[no_mangle]
pub static BENCH_PEERS_REGION: [Peer; 2] = [REGIONS, END];
