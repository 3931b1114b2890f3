// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//
// vm-allocator: the same tree with results in the place of panics, the highest address too, and fixed addresses
// without a search. It has no windows. An exact match inside a used range succeeds and gives the same addresses away
// twice, and a free at the very ends of the address space may lose what it frees: no load here does either.

use super::{Arena, Extent, Request, Table, FIXED, HIGHEST};
use vm_allocator::{AddressAllocator, AllocPolicy, RangeInclusive};

struct Vm(AddressAllocator);

impl Arena for Vm {
    fn create(base: u64, size: u64) -> Option<Self> {
        AddressAllocator::new(base, size).ok().map(Vm)
    }

    #[inline(always)]
    fn allocate(&mut self, request: &Request) -> Option<u64> {
        let policy = match request.policy {
            FIXED => AllocPolicy::ExactMatch(request.min),
            HIGHEST => AllocPolicy::LastMatch,
            _ => AllocPolicy::FirstMatch,
        };
        self.0.allocate(request.size, request.align, policy).ok().map(|range| range.start())
    }

    #[inline(always)]
    fn release(&mut self, address: u64, size: u64) -> bool {
        RangeInclusive::new(address, address + (size - 1)).is_ok_and(|range| self.0.free(&range).is_ok())
    }

    fn place(&mut self, extent: &Extent) -> bool {
        self.0.allocate(extent.size, 1, AllocPolicy::ExactMatch(extent.address)).is_ok()
    }
}

pub const TABLE: Table = super::table::<Vm>(
    c"vm-allocator-0.1.4".as_ptr(),
    c"AddressAllocator::allocate and free".as_ptr(),
    super::CAN_HIGHEST | super::CAN_FIXED,
    50_000,
    1_000,
);
