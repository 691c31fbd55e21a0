//! An allocator that counts when told to, and costs one load of a flag when not.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed},
};

/// The system's allocator with a count of calls and of bytes in use, by any thread.
pub struct Counting;

static ON: AtomicBool = AtomicBool::new(false);
static CALLS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicI64 = AtomicI64::new(0);

/// Starts or stops counting.
pub fn count(on: bool) {
    ON.store(on, Relaxed);
}

/// How often memory was asked for while counting.
pub fn calls() -> u64 {
    CALLS.load(Relaxed)
}

/// Bytes asked for less bytes given back, while counting.
pub fn bytes() -> i64 {
    BYTES.load(Relaxed)
}

fn note(more: usize, less: usize) {
    if ON.load(Relaxed) {
        CALLS.fetch_add(u64::from(more > 0), Relaxed);
        BYTES.fetch_add(more as i64 - less as i64, Relaxed);
    }
}

// SAFETY: every call is the system allocator's, with the same arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 0);
        // SAFETY: the caller's promise is the callee's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size(), 0);
        // SAFETY: the caller's promise is the callee's.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, len: usize) -> *mut u8 {
        note(len, layout.size());
        // SAFETY: the caller's promise is the callee's.
        unsafe { System.realloc(block, layout, len) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        note(0, layout.size());
        // SAFETY: the caller's promise is the callee's.
        unsafe { System.dealloc(block, layout) }
    }
}
