//! A place of the OS's for a number of each thread's own, which nothing destroys before the thread
//! is gone. What `std` calls a thread-local is such a place on most systems; on
//! `x86_64-pc-windows-gnu` it is a box that goes with the thread's other locals.
#![allow(unsafe_code, reason = "thread-local storage that `std` does not offer")]

use std::{ptr, sync::OnceLock};

use windows_sys::Win32::System::Threading::{
    TLS_OUT_OF_INDEXES, TlsAlloc, TlsGetValue, TlsSetValue,
};

/// What the calling thread has set, or 0.
pub(super) fn get() -> u64 {
    // SAFETY: the slot is one that was allocated; what is in it is a number, and never followed.
    unsafe { TlsGetValue(slot()) }.addr() as u64
}

pub(super) fn set(number: u64) {
    let value = usize::try_from(number).expect("fewer threads than addresses");
    let value = ptr::without_provenance(value);
    // SAFETY: the slot is one that was allocated, and nobody follows what is in it.
    let good = unsafe { TlsSetValue(slot(), value) };
    assert_ne!(good, 0, "no memory for a number of this thread");
}

fn slot() -> u32 {
    static SLOT: OnceLock<u32> = OnceLock::new();
    *SLOT.get_or_init(|| {
        // SAFETY: it takes nothing. The slot is never given back.
        let slot = unsafe { TlsAlloc() };
        assert_ne!(slot, TLS_OUT_OF_INDEXES, "this process has no thread-local storage left");
        slot
    })
}
