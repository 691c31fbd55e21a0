use std::{
    alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error},
    fmt,
    ops::{Deref, DerefMut},
    ptr::NonNull,
    slice,
};

use super::{IoBuf, IoBufMut};

/// A buffer on the heap that starts at a multiple of a given alignment, as `O_DIRECT` asks.
///
/// [`File::alignment`](crate::fs::File::alignment) says what a file asks for; 4096 fits every
/// common file system. It derefs to its bytes, which start as zeros.
///
/// ```
/// use overlapped::AlignedBuf;
///
/// let buf = AlignedBuf::new(8192, 4096);
/// assert_eq!(buf.as_ptr().addr() % 4096, 0);
/// assert_eq!(buf.len(), 8192);
/// ```
pub struct AlignedBuf {
    start: NonNull<u8>,
    layout: Layout,
}

impl AlignedBuf {
    /// `len` zero bytes at a multiple of `align` bytes.
    ///
    /// # Panics
    ///
    /// If `align` is no power of two, or the rounded length does not fit an `isize`.
    pub fn new(len: usize, align: usize) -> Self {
        let layout = Layout::from_size_align(len, align)
            .expect("an alignment is a power of two and a length fits the address space");
        if len == 0 {
            return Self { start: NonNull::dangling(), layout };
        }
        // SAFETY: the layout's size is not zero.
        let start = unsafe { alloc_zeroed(layout) };
        let start = NonNull::new(start).unwrap_or_else(|| handle_alloc_error(layout));
        Self { start, layout }
    }

    /// The alignment that was asked for, in bytes.
    pub fn align(&self) -> usize {
        self.layout.align()
    }
}

impl Drop for AlignedBuf {
    fn drop(&mut self) {
        if self.layout.size() > 0 {
            // SAFETY: `new` allocated `start` with this layout, and only drop frees it.
            unsafe { dealloc(self.start.as_ptr(), self.layout) };
        }
    }
}

impl Deref for AlignedBuf {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: `start` points at `size` initialised bytes (none, if dangling) that `self` owns.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.layout.size()) }
    }
}

impl DerefMut for AlignedBuf {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`, and `self` is borrowed exclusively.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.layout.size()) }
    }
}

impl fmt::Debug for AlignedBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AlignedBuf")
            .field("len", &self.len())
            .field("align", &self.align())
            .finish()
    }
}

// SAFETY: the buffer owns its bytes alone, as a `Box<[u8]>` does.
unsafe impl Send for AlignedBuf {}
// SAFETY: a shared reference only reads bytes.
unsafe impl Sync for AlignedBuf {}

// SAFETY: the bytes are on the heap; moving the buffer does not move them.
unsafe impl IoBuf for AlignedBuf {
    fn as_slice(&self) -> &[u8] {
        self
    }
}
// SAFETY: the buffer owns its bytes alone.
unsafe impl IoBufMut for AlignedBuf {
    fn as_mut_slice(&mut self) -> &mut [u8] {
        self
    }
}
