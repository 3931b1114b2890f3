// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//
// dbs-allocator: one tree for free and used ranges. It has the lowest address only; a fixed address is a window of
// exactly the size, which is how its users ask for one. Ranges that are there before are inserted, with a value: it
// has no quicker way, and its search treats them as it does those that it allocated.

use super::{Arena, Extent, Request, Table};
use dbs_allocator::{Constraint, IntervalTree, NodeState, Range};

struct Dbs(IntervalTree<()>);

impl Arena for Dbs {
    fn create(base: u64, size: u64) -> Option<Self> {
        let mut tree = IntervalTree::new();
        tree.insert(Range::new(base, base + (size - 1)), None);
        Some(Dbs(tree))
    }

    #[inline(always)]
    fn allocate(&mut self, request: &Request) -> Option<u64> {
        let constraint = Constraint::new(request.size).min(request.min).max(request.max).align(request.align);
        self.0.allocate(&constraint).map(|range| range.min)
    }

    /// It does not say whether the range was there: one that was not joins the pool.
    #[inline(always)]
    fn release(&mut self, address: u64, size: u64) -> bool {
        self.0.free(&Range::new(address, address + (size - 1)));
        true
    }

    fn place(&mut self, extent: &Extent) -> bool {
        let used = Range::new(extent.address, extent.address + (extent.size - 1));
        let gap = match self.0.get_superset(&used) {
            Some((range, NodeState::Free)) => *range,
            _ => return false,
        };
        self.0.delete(&gap);
        if gap.min < used.min {
            self.0.insert(Range::new(gap.min, used.min - 1), None);
        }
        self.0.insert(used, Some(()));
        if gap.max > used.max {
            self.0.insert(Range::new(used.max + 1, gap.max), None);
        }
        true
    }
}

pub const TABLE: Table = super::table::<Dbs>(
    c"dbs-allocator-0.1.1".as_ptr(),
    c"IntervalTree::allocate and free".as_ptr(),
    super::CAN_FIXED | super::CAN_WINDOW,
    50_000,
    2_000,
);
