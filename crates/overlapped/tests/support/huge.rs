//! A buffer that is larger than one wants to fill.
#![allow(unsafe_code, reason = "memory of Win32's, and a buffer's promise to stay where it is")]

use std::{io, ptr, slice};

use overlapped::{IoBuf, IoBufMut};
use windows_sys::Win32::System::Memory::{
    MEM_COMMIT, MEM_RELEASE, MEM_RESERVE, PAGE_READWRITE, VirtualAlloc, VirtualFree,
};

/// So many zeros, of which no page is there before it is touched.
#[derive(Debug)]
pub(crate) struct Huge {
    start: *mut u8,
    len: usize,
}

// SAFETY: it owns what it points to, as a box does.
unsafe impl Send for Huge {}

impl Huge {
    pub(crate) fn new(len: usize) -> Self {
        let how = MEM_RESERVE | MEM_COMMIT;
        // SAFETY: any place will do.
        let start = unsafe { VirtualAlloc(ptr::null(), len, how, PAGE_READWRITE) };
        assert!(!start.is_null(), "{}", io::Error::last_os_error());
        Self { start: start.cast(), len }
    }
}

impl Drop for Huge {
    fn drop(&mut self) {
        // SAFETY: it was made by `VirtualAlloc`, and nobody else knows it.
        unsafe { VirtualFree(self.start.cast(), 0, MEM_RELEASE) };
    }
}

// SAFETY: the memory stays in its place until it is dropped.
unsafe impl IoBuf for Huge {
    fn as_slice(&self) -> &[u8] {
        // SAFETY: so many bytes were made, as zeros, and they are this buffer's alone.
        unsafe { slice::from_raw_parts(self.start, self.len) }
    }
}
// SAFETY: as above.
unsafe impl IoBufMut for Huge {
    fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: as in `as_slice`, and the buffer is borrowed exclusively.
        unsafe { slice::from_raw_parts_mut(self.start, self.len) }
    }
}
