use std::{
    alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error},
    fmt,
    ops::{Deref, DerefMut},
    ptr::NonNull,
    slice,
    sync::Arc,
};

use super::{IoBuf, IoBufMut};

/// A buffer that shares its allocation with others: one of those that
/// [`File::read_ranges`](crate::fs::File::read_ranges) gives. It derefs to its bytes.
///
/// It is `Send`, outlives file and port, and may be lent to further operations. What it shares is a
/// *slab* of at most 1 MiB (or its own length, if that is more), which is freed with the last
/// buffer that was cut from it. To keep a few small buffers for long, copy their bytes: a kept
/// buffer keeps its slab.
pub struct RangeBuf {
    start: NonNull<u8>,
    len: usize,
    /// `None` if it is empty.
    slab: Option<Arc<Slab>>,
}

/// Cuts buffers from slabs, and makes slabs as they are needed.
pub(crate) struct Slabs {
    align: usize,
    slab: Option<Arc<Slab>>,
    /// Where the rest of `slab` begins and ends, counted from its `first`.
    used: usize,
    room: usize,
    /// How many bytes are still to be cut, as far as is known.
    ahead: usize,
}

/// Memory that is zero at first, and whose every byte belongs to one buffer or to none.
struct Slab {
    memory: NonNull<u8>,
    layout: Layout,
}

/// Large enough that a system gives fresh pages, small enough to be kept for one buffer.
const SLAB: usize = 1 << 20;

/// Where a slab's first buffer starts.
const PAGE: usize = 4096;

impl Slabs {
    /// For buffers that start at multiples of `align` bytes and of which `ahead` bytes in all,
    /// gaps included, are going to be cut. It is a guess that saves memory: more may be cut.
    ///
    /// # Panics
    ///
    /// If `align` is no power of two.
    pub(crate) fn new(align: usize, ahead: usize) -> Self {
        assert!(align.is_power_of_two(), "an alignment is a power of two");
        Self { align, slab: None, used: 0, room: 0, ahead }
    }

    /// `len` zero bytes.
    ///
    /// # Panics
    ///
    /// If the length does not fit an `isize`.
    pub(crate) fn cut(&mut self, len: usize) -> RangeBuf {
        if len == 0 {
            return RangeBuf { start: NonNull::dangling(), len, slab: None };
        }
        let taken = len.checked_next_multiple_of(self.align).expect(TOO_LONG);
        if self.room - self.used < taken {
            self.open(taken);
        }
        let slab = self.slab.as_ref().expect("a slab with room was opened");
        let first = slab.first(self.align);
        let start = slab.memory.as_ptr().wrapping_add(first + self.used);
        let start = NonNull::new(start).expect("an address inside an allocation is not null");
        self.used += taken;
        self.ahead = self.ahead.saturating_sub(taken);
        RangeBuf { start, len, slab: Some(Arc::clone(slab)) }
    }

    /// Goes on with a new slab, with room for at least so much.
    fn open(&mut self, len: usize) {
        let room = self.ahead.min(SLAB).max(len);
        self.slab = Some(Arc::new(Slab::new(room, self.align)));
        (self.used, self.room) = (0, room);
    }
}

const TOO_LONG: &str = "a length fits the address space";

impl Slab {
    /// With `room` bytes from its [first](Self::first) on. Room is left to begin there, so that the
    /// allocation itself asks for no alignment: then fresh pages need not be written to be zero.
    fn new(room: usize, align: usize) -> Self {
        let size = room.checked_add(align.max(PAGE)).expect(TOO_LONG);
        let layout = Layout::from_size_align(size, 1).expect(TOO_LONG);
        // SAFETY: the layout's size is not zero: a page at least.
        let memory = unsafe { alloc_zeroed(layout) };
        let memory = NonNull::new(memory).unwrap_or_else(|| handle_alloc_error(layout));
        Self { memory, layout }
    }

    /// How many bytes to leave out in front.
    fn first(&self, align: usize) -> usize {
        let address = self.memory.addr().get();
        address.next_multiple_of(align.max(PAGE)) - address
    }
}

impl Drop for Slab {
    fn drop(&mut self) {
        // SAFETY: `new` allocated `memory` with this layout, and only drop frees it.
        unsafe { dealloc(self.memory.as_ptr(), self.layout) };
    }
}

impl Deref for RangeBuf {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: `start` points at `len` initialised bytes (none, if dangling) of the slab, which
        // lives while `self` does; `cut` gave them to nobody else.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl DerefMut for RangeBuf {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`, and `self` is borrowed exclusively.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

impl AsRef<[u8]> for RangeBuf {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for RangeBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.slab.as_ref().map_or(0, |slab| slab.layout.size());
        f.debug_struct("RangeBuf").field("len", &self.len).field("slab", &kept).finish()
    }
}

// SAFETY: a slab is an address to free; its bytes belong to the buffers.
unsafe impl Send for Slab {}
// SAFETY: a shared slab only tells its address.
unsafe impl Sync for Slab {}
// SAFETY: the buffer owns its bytes alone, as a `Box<[u8]>` does.
unsafe impl Send for RangeBuf {}
// SAFETY: a shared reference only reads bytes.
unsafe impl Sync for RangeBuf {}

// SAFETY: the bytes are in the slab; moving the buffer does not move them.
unsafe impl IoBuf for RangeBuf {
    fn as_slice(&self) -> &[u8] {
        self
    }
}
// SAFETY: no two buffers share a byte.
unsafe impl IoBufMut for RangeBuf {
    fn as_mut_slice(&mut self) -> &mut [u8] {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_aligned_apart_and_zero() {
        for align in [1, 512, 8192] {
            let mut slabs = Slabs::new(align, 10_000);
            let lens = [1, 0, 100, 512, 600, 3, 3000, 0, 7];
            let mut bufs: Vec<_> = lens.iter().map(|&len| slabs.cut(len)).collect();
            drop(slabs);
            for (number, buf) in (1..).zip(&mut bufs) {
                assert!(buf.is_empty() || buf.as_ptr().addr() % align == 0);
                assert!(buf.iter().all(|byte| *byte == 0), "nobody else has written here");
                buf.fill(number);
            }
            for (number, (buf, len)) in (1..).zip(bufs.iter().zip(lens)) {
                assert_eq!(**buf, *vec![number; len]);
            }
        }
    }

    #[test]
    fn a_buffer_outlives_its_neighbours_and_goes_to_other_threads() {
        let mut slabs = Slabs::new(64, 0);
        let (mut kept, others) = (slabs.cut(10), [slabs.cut(10), slabs.cut(20_000)]);
        drop((slabs, others));
        let kept = std::thread::spawn(move || {
            kept.fill(7);
            kept
        });
        assert_eq!(kept.join().expect("it fills a buffer")[..], [7; 10]);
    }

    #[test]
    fn a_slab_is_as_large_as_what_is_cut_from_it() {
        let mut slabs = Slabs::new(64, 128);
        let (a, b, c) = (slabs.cut(64), slabs.cut(1), slabs.cut(64));
        let slab = |buf: &RangeBuf| buf.slab.as_ref().map(Arc::as_ptr);
        assert_eq!(slab(&a), slab(&b));
        assert_ne!(slab(&b), slab(&c), "more than was foretold takes another");
        assert_eq!(a.slab.map(|slab| slab.layout.size()), Some(128 + PAGE));
        assert_eq!(size_of::<RangeBuf>(), 24, "it fits the room of a block");
    }

    #[test]
    #[should_panic(expected = "fits the address space")]
    fn a_length_that_fits_nowhere_is_a_panic() {
        Slabs::new(4096, 0).cut(usize::MAX);
    }
}
