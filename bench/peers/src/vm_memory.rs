// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//
// vm-memory, twice because its versions are different types with the same names. Regions are made from memory that is
// there already, as a VMM does that maps for itself; access.rs and bulk.rs read and write them.
//
// Of the calls that answer with a host address, get_host_address is the quickest in both versions: it looks at the
// address alone, while get_slice also looks at the end of the access, as ours does. The peer gets the benefit.

macro_rules! peers {
    ($module:ident, $krate:ident, $version:literal, $($import:tt)*) => {
        pub mod $module {
            use crate::{Peer, Ram};
            $($import)*
            use $krate::bitmap::AtomicBitmap;
            use $krate::{GuestAddress, GuestAddressSpace, GuestMemoryAtomic, GuestMemoryMmap, GuestRegionMmap};

            pub type Map = GuestMemoryMmap<()>;
            pub type Tracked = GuestMemoryMmap<AtomicBitmap>;
            type Shared = GuestMemoryAtomic<Map>;

            fn region<B: NewBitmap>(ram: &Ram) -> Option<GuestRegionMmap<B>> {
                // SAFETY: a reservation of at least that size begins there and outlives the map; who reads or writes
                // has made it accessible.
                let mapping = unsafe {
                    $krate::MmapRegion::build_raw(ram.hva as *mut u8, ram.size as usize, 0, 0)
                };
                new_region(mapping.ok()?, GuestAddress(ram.gpa))
            }

            fn map<B: NewBitmap>(ranges: &[Ram]) -> Option<GuestMemoryMmap<B>> {
                let regions = ranges.iter().map(region).collect::<Option<Vec<_>>>()?;
                GuestMemoryMmap::from_regions(regions).ok()
            }

            fn boxed<T>(value: Option<T>) -> *mut () {
                value.map_or(std::ptr::null_mut(), |value| Box::into_raw(Box::new(value)).cast())
            }

            pub unsafe extern "C" fn build_plain(ranges: *const Ram, count: usize) -> *mut () {
                boxed(map::<()>(std::slice::from_raw_parts(ranges, count)))
            }

            /// Each region with a bitmap of its own.
            pub unsafe extern "C" fn build_tracked(ranges: *const Ram, count: usize) -> *mut () {
                boxed(map::<AtomicBitmap>(std::slice::from_raw_parts(ranges, count)))
            }

            unsafe extern "C" fn build_atomic(ranges: *const Ram, count: usize) -> *mut () {
                boxed(map(std::slice::from_raw_parts(ranges, count)).map(Shared::new))
            }

            pub unsafe extern "C" fn destroy<T>(this: *mut ()) {
                drop(Box::from_raw(this.cast::<T>()));
            }

            /// Its address stands in the table, so that it keeps its signature.
            #[inline(never)]
            unsafe extern "C" fn translate(this: *const (), gpa: u64) -> u64 {
                (*this.cast::<Map>()).get_host_address(GuestAddress(gpa)).map_or(0, |host| host as u64)
            }

            unsafe extern "C" fn translate_atomic(this: *const (), gpa: u64) -> u64 {
                pin_and_translate(&*this.cast::<Shared>(), gpa)
            }

            #[inline(always)]
            fn pin_and_translate(shared: &Shared, gpa: u64) -> u64 {
                shared.memory().get_host_address(GuestAddress(gpa)).map_or(0, |host| host as u64)
            }

            unsafe extern "C" fn run_call(this: *mut (), gpa: *const u64, count: usize) -> u64 {
                let mut sum = 0u64;
                for &address in std::slice::from_raw_parts(gpa, count) {
                    sum = sum.wrapping_add(translate(this, address));
                }
                sum
            }

            /// Each address waits for the answer before it: the top bit of a host address of a process is 0, which
            /// the compiler does not know.
            unsafe extern "C" fn run_dependent(this: *mut (), gpa: *const u64, count: usize) -> u64 {
                let (mut sum, mut host) = (0u64, 0u64);
                for &address in std::slice::from_raw_parts(gpa, count) {
                    host = translate(this, address.wrapping_add(host >> 63));
                    sum = sum.wrapping_add(host);
                }
                sum
            }

            unsafe extern "C" fn run_pinned(this: *mut (), gpa: *const u64, count: usize) -> u64 {
                let shared = &*this.cast::<Shared>();
                let mut sum = 0u64;
                for &address in std::slice::from_raw_parts(gpa, count) {
                    sum = sum.wrapping_add(pin_and_translate(shared, address));
                }
                sum
            }

            pub const PLAIN: Peer = Peer {
                name: concat!("vm-memory-", $version, "\0").as_ptr().cast(),
                what: c"GuestMemoryMmap::get_host_address on a map that is kept".as_ptr(),
                most: usize::MAX,
                len: 1,
                build: Some(build_plain),
                destroy: Some(destroy::<Map>),
                translate: Some(translate),
                run_call: Some(run_call),
                run_dependent: Some(run_dependent),
                run_pinned: None,
            };

            pub const ATOMIC: Peer = Peer {
                name: concat!("vm-memory-", $version, "+atomic\0").as_ptr().cast(),
                what: c"GuestMemoryAtomic::memory, get_host_address and the guard's drop for each address".as_ptr(),
                most: usize::MAX,
                len: 1,
                build: Some(build_atomic),
                destroy: Some(destroy::<Shared>),
                translate: Some(translate_atomic),
                run_call: None,
                run_dependent: None,
                run_pinned: Some(run_pinned),
            };
        }
    };
}

peers! { v0_18, vm_memory_0_18, "0.18.0",
    use vm_memory_0_18::bitmap::NewBitmap;
    use vm_memory_0_18::GuestMemoryBackend as _;

    fn new_region<B: NewBitmap>(mapping: vm_memory_0_18::MmapRegion<B>, base: GuestAddress) -> Option<GuestRegionMmap<B>> {
        GuestRegionMmap::new(mapping, base)
    }
}

peers! { v0_16, vm_memory_0_16, "0.16.1",
    use vm_memory_0_16::mmap::NewBitmap;
    use vm_memory_0_16::GuestMemory as _;

    fn new_region<B: NewBitmap>(mapping: vm_memory_0_16::MmapRegion<B>, base: GuestAddress) -> Option<GuestRegionMmap<B>> {
        GuestRegionMmap::new(mapping, base).ok()
    }
}
