//! An allocator that counts.
#![allow(unsafe_code, reason = "an allocator is an unsafe trait")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicIsize, AtomicUsize, Ordering},
};

/// The system's allocator, with a count of calls and of the bytes that are in use.
pub(crate) struct Counting {
    calls: AtomicUsize,
    bytes: AtomicIsize,
}

impl Counting {
    pub(crate) const fn new() -> Self {
        Self { calls: AtomicUsize::new(0), bytes: AtomicIsize::new(0) }
    }

    /// How often memory was asked for, by any thread.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// How many bytes are in use.
    pub(crate) fn bytes(&self) -> isize {
        self.bytes.load(Ordering::SeqCst)
    }

    fn count(&self, more: usize, less: usize) {
        self.calls.fetch_add(usize::from(more > 0), Ordering::SeqCst);
        self.bytes.fetch_add(more as isize - less as isize, Ordering::SeqCst);
    }
}

// SAFETY: every call is the system allocator's, with the same arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.count(layout.size(), 0);
        // SAFETY: the caller's promise is the callee's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.count(layout.size(), 0);
        // SAFETY: the caller's promise is the callee's.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, len: usize) -> *mut u8 {
        self.count(len, layout.size());
        // SAFETY: the caller's promise is the callee's.
        unsafe { System.realloc(block, layout, len) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        self.count(0, layout.size());
        // SAFETY: the caller's promise is the callee's.
        unsafe { System.dealloc(block, layout) }
    }
}
