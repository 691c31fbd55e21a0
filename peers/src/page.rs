//! The one buffer that every peer reads into and writes from: 4 KiB at a multiple of 4 KiB.

use std::{
    fmt,
    mem::MaybeUninit,
    ops::{Deref, DerefMut},
};

/// How long a page is.
pub const SIZE: usize = 4096;

#[repr(align(4096))]
struct Bytes([u8; SIZE]);

/// 4 KiB on the heap, fit for direct I/O.
pub struct Page(Box<Bytes>);

impl Default for Page {
    fn default() -> Self {
        Self(Box::new(Bytes([0; SIZE])))
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Page")
    }
}

impl Deref for Page {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0.0
    }
}

impl DerefMut for Page {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0.0
    }
}

// SAFETY: the bytes are on the heap and the page's own; moving the page does not move them.
unsafe impl overlapped::IoBuf for Page {
    fn as_slice(&self) -> &[u8] {
        self
    }
}

// SAFETY: as above.
unsafe impl overlapped::IoBufMut for Page {
    fn as_mut_slice(&mut self) -> &mut [u8] {
        self
    }
}

impl compio::buf::IoBuf for Page {
    fn as_init(&self) -> &[u8] {
        self
    }
}

impl compio::buf::SetLen for Page {
    unsafe fn set_len(&mut self, _len: usize) {}
}

impl compio::buf::IoBufMut for Page {
    fn as_uninit(&mut self) -> &mut [MaybeUninit<u8>] {
        let bytes: *mut [u8] = &mut **self;
        // SAFETY: the bytes are borrowed exclusively, and compio writes only whole bytes there.
        unsafe { &mut *(bytes as *mut [MaybeUninit<u8>]) }
    }
}

// SAFETY: as for overlapped.
unsafe impl monoio::buf::IoBuf for Page {
    fn read_ptr(&self) -> *const u8 {
        self.as_ptr()
    }

    fn bytes_init(&self) -> usize {
        SIZE
    }
}

// SAFETY: as for overlapped.
unsafe impl monoio::buf::IoBufMut for Page {
    fn write_ptr(&mut self) -> *mut u8 {
        self.as_mut_ptr()
    }

    fn bytes_total(&mut self) -> usize {
        SIZE
    }

    unsafe fn set_init(&mut self, _pos: usize) {}
}

// SAFETY: as for overlapped.
unsafe impl tokio_uring::buf::IoBuf for Page {
    fn stable_ptr(&self) -> *const u8 {
        self.as_ptr()
    }

    fn bytes_init(&self) -> usize {
        SIZE
    }

    fn bytes_total(&self) -> usize {
        SIZE
    }
}

// SAFETY: as for overlapped.
unsafe impl tokio_uring::buf::IoBufMut for Page {
    fn stable_mut_ptr(&mut self) -> *mut u8 {
        self.as_mut_ptr()
    }

    unsafe fn set_init(&mut self, _pos: usize) {}
}

// SAFETY: as for overlapped.
unsafe impl a10::io::Buf for Page {
    unsafe fn parts(&self) -> (*const u8, u32) {
        (self.as_ptr(), SIZE as u32)
    }
}

// SAFETY: as for overlapped.
unsafe impl a10::io::BufMut for Page {
    unsafe fn parts_mut(&mut self) -> (*mut u8, u32) {
        (self.as_mut_ptr(), SIZE as u32)
    }

    unsafe fn set_init(&mut self, _n: usize) {}

    fn spare_capacity(&self) -> u32 {
        SIZE as u32
    }
}
