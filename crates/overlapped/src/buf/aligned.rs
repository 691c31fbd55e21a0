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
    len: usize,
    /// How many bytes of the allocation lie before the start.
    lead: u32,
    align: u32,
}

/// From here on an allocation asks for no alignment, but for room to find it: fresh pages are zero,
/// and an allocator that is asked for more than its usual alignment writes zeros over them.
const LARGE: usize = 128 << 10;

const TOO_MUCH: &str =
    "an alignment is a power of two of at most 1 GiB, and a length fits an isize";

impl AlignedBuf {
    /// `len` zero bytes at a multiple of `align` bytes.
    ///
    /// # Panics
    ///
    /// If `align` is no power of two, or more than 1 GiB, or the rounded length does not fit an
    /// `isize`.
    pub fn new(len: usize, align: usize) -> Self {
        assert!(align.is_power_of_two() && align <= 1 << 30, "{TOO_MUCH}");
        let narrow = |size| u32::try_from(size).expect(TOO_MUCH);
        if len == 0 {
            return Self { start: NonNull::dangling(), len, lead: 0, align: narrow(align) };
        }
        let layout = layout(len, align);
        // SAFETY: the layout's size is not zero.
        let memory = unsafe { alloc_zeroed(layout) };
        let memory = NonNull::new(memory).unwrap_or_else(|| handle_alloc_error(layout));
        let lead = memory.addr().get().next_multiple_of(align) - memory.addr().get();
        let start = NonNull::new(memory.as_ptr().wrapping_add(lead)).expect("it is in the memory");
        Self { start, len, lead: narrow(lead), align: narrow(align) }
    }

    /// The alignment that was asked for, in bytes.
    pub fn align(&self) -> usize {
        self.align as usize
    }
}

/// What is asked of the allocator for a buffer.
fn layout(len: usize, align: usize) -> Layout {
    let (size, align) = if len < LARGE { (Some(len), align) } else { (len.checked_add(align), 1) };
    let layout = size.and_then(|size| Layout::from_size_align(size, align).ok());
    layout.expect(TOO_MUCH)
}

impl Drop for AlignedBuf {
    fn drop(&mut self) {
        if self.len > 0 {
            let memory = self.start.as_ptr().wrapping_sub(self.lead as usize);
            // SAFETY: `new` allocated this memory with this layout, and only drop frees it.
            unsafe { dealloc(memory, layout(self.len, self.align())) };
        }
    }
}

impl Deref for AlignedBuf {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: `start` points at `len` initialised bytes (none, if dangling) that `self` owns.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl DerefMut for AlignedBuf {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`, and `self` is borrowed exclusively.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
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

#[cfg(test)]
mod tests {
    use super::{AlignedBuf, LARGE};

    #[test]
    fn every_size_starts_where_it_was_asked_for_and_is_zero() {
        for len in [0, 1, 4096, LARGE - 1, LARGE, LARGE + 5] {
            for align in [1, 64, 4096, 1 << 16] {
                let mut buf = AlignedBuf::new(len, align);
                assert_eq!((buf.len(), buf.align()), (len, align));
                assert!(len == 0 || buf.as_ptr().addr() % align == 0);
                assert!(buf.iter().all(|&byte| byte == 0));
                buf.fill(7);
            }
        }
    }

    #[test]
    #[should_panic(expected = "power of two")]
    fn an_alignment_is_a_power_of_two() {
        AlignedBuf::new(8, 3);
    }
}
