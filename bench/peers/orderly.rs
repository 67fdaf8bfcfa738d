// SPDX-License-Identifier: MIT
// ickk/orderly-allocator as a contender of bench/seed_range; see README.
use orderly_allocator::{Allocation, Allocator};
use std::ffi::c_char;
use std::num::NonZeroU32;

#[repr(C)]
pub struct Handle {
    offset: u32,
    size: u32,
}

#[repr(transparent)]
pub struct Name(*const c_char);
unsafe impl Sync for Name {}

#[no_mangle]
pub static peer_name: Name = Name(b"orderly\0".as_ptr() as *const c_char);

#[no_mangle]
pub extern "C" fn peer_create(capacity: u32, _max_live: u32) -> *mut Allocator {
    Box::into_raw(Box::new(Allocator::new(capacity)))
}

#[no_mangle]
pub unsafe extern "C" fn peer_destroy(a: *mut Allocator) {
    drop(Box::from_raw(a));
}

#[no_mangle]
pub unsafe extern "C" fn peer_alloc(
    a: *mut Allocator,
    size: u32,
    handle: *mut Handle,
) -> bool {
    match (*a).alloc(size) {
        Some(got) => {
            *handle = Handle { offset: got.offset, size: got.size.get() };
            true
        }
        None => false,
    }
}

#[no_mangle]
pub unsafe extern "C" fn peer_free(a: *mut Allocator, handle: Handle) {
    let size = NonZeroU32::new_unchecked(handle.size);
    (*a).free(Allocation { offset: handle.offset, size });
}
