//! Buffers in one piece of memory, which a backend may have been told of beforehand.
//!
//! Who may touch what: a `PoolBuf` has its own part of the memory alone, from `get` to its drop;
//! while it is lent to an operation, the OS has. What nobody has out is on the free list, and
//! nobody touches it. The memory lives while any of these does: a pool, a buffer that is out, a
//! backend that was told of it. So a registration never outlives what it is about (C1): to be
//! registered *is* to be held.

use std::{
    alloc::{Layout, LayoutError, alloc, dealloc},
    any::Any,
    fmt, io,
    ops::{Deref, DerefMut},
    ptr::NonNull,
    slice,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{Fixed, IoBuf, IoBufMut};
use crate::error::Error;

/// Each buffer starts at a multiple of this, as direct I/O asks.
const ALIGN: usize = 4096;

/// From this size on a pool is made of pages of this size, where the OS has them: then most of its
/// buffers are one piece to a device, and there is less to look up.
const HUGE: usize = 2 << 20;

/// A bounded number of buffers of one length, made once and used again and again.
///
/// Each starts at a multiple of 4096 bytes, as `O_DIRECT` asks. [`get`](Self::get) takes one out,
/// dropping it gives it back, on any thread; a [`PoolBuf`] is a buffer like any other, for every
/// verb of every port. A clone is another handle to the same pool.
///
/// On io_uring the pool is *registered* with its port: the kernel looks the memory up and pins it
/// once, and not for each operation. Pinned memory counts against the limit of locked memory
/// (`ulimit -l`), once for each shard of the port. Where the limit is too low or there is nothing
/// to register with, the pool works all the same with plain buffers, and
/// [`fallback`](Self::fallback) says why. A pool for large direct transfers is best 2 MiB or more:
/// then it is made of huge pages. What it saves and what it needs is told in
/// [the platforms](crate::_documents::platforms).
///
/// ```
/// use overlapped::{BufPool, Port, fs::File};
///
/// # fn main() -> std::io::Result<()> {
/// let port = Port::shared()?;
/// let pool = BufPool::new(&port, 2, 4096)?;
/// if let Some(why) = pool.fallback() {
///     eprintln!("plain buffers: {why}");
/// }
/// let file = File::open(&port, "Cargo.toml").wait()?;
/// let (a, b) = (pool.get().unwrap(), pool.get().unwrap());
/// assert!(pool.get().is_none(), "both are out");
/// let (a, b) = (file.read_at(a, 0), file.read_at(b, 64));
/// let done = a.wait()?;
/// assert!(done.buf[..done.n].starts_with(b"[package]"));
/// drop((done, b.wait()?));
/// assert_eq!(pool.available(), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct BufPool(Arc<Shared>);

/// A buffer of a [`BufPool`]. Derefs to its bytes; goes back when it is dropped.
///
/// Its bytes are what its last user left there, zeros at first. It is taken out at full length;
/// [`set_len`](Self::set_len) makes it shorter, for a write of less than all of it.
pub struct PoolBuf {
    pool: Arc<Shared>,
    /// Which of the pool's buffers it is.
    number: u32,
    len: u32,
}

struct Shared {
    /// Goes first: the backend is asked to forget the memory before the pool lets go of it.
    registered: Result<Registered, Error>,
    memory: Arc<PoolMemory>,
    free: Mutex<Vec<u32>>,
    count: usize,
}

/// The memory of a pool, as a backend gets it to keep.
pub struct PoolMemory {
    start: NonNull<u8>,
    layout: Layout,
    /// How much of it is buffers.
    size: usize,
    /// From one buffer to the next.
    stride: usize,
    /// The length of one.
    len: u32,
}

/// That a backend has been told of a pool's memory.
pub(crate) struct Registered {
    place: Fixed,
    _undo: Box<dyn Any + Send + Sync>,
}

impl Registered {
    /// `undo` undoes it when it is dropped.
    pub(crate) fn new(place: Fixed, undo: impl Send + Sync + 'static) -> Self {
        Self { place, _undo: Box::new(undo) }
    }
}

impl BufPool {
    /// A pool of `count` buffers of `len` bytes, registered by `register`; or the reason why not.
    pub(crate) fn with(
        count: usize,
        len: usize,
        register: impl FnOnce(&Arc<PoolMemory>) -> Result<Registered, Error>,
    ) -> io::Result<Self> {
        let memory = Arc::new(PoolMemory::new(count, len)?);
        let registered = register(&memory);
        // In order: what is taken first lies first.
        let free = Mutex::new((0..count as u32).rev().collect());
        Ok(Self(Arc::new(Shared { registered, memory, free, count })))
    }

    // [C14] as many as there are, and no more.
    /// Takes a buffer out; `None` if all of them are out.
    pub fn get(&self) -> Option<PoolBuf> {
        let number = self.0.free().pop()?;
        Some(PoolBuf { pool: Arc::clone(&self.0), number, len: self.0.memory.len })
    }

    /// How many buffers are in the pool now.
    pub fn available(&self) -> usize {
        self.0.free().len()
    }

    /// How many buffers there are, those that are out included.
    pub fn count(&self) -> usize {
        self.0.count
    }

    /// The length of each, in bytes.
    pub fn buf_len(&self) -> usize {
        self.0.memory.len as usize
    }

    // [C15] a pool that is not what it could be says so.
    /// Why its buffers are not registered with its port, and go the way of any other buffer; `None`
    /// if they are registered.
    pub fn fallback(&self) -> Option<&Error> {
        self.0.registered.as_ref().err()
    }
}

impl Shared {
    fn free(&self) -> MutexGuard<'_, Vec<u32>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PoolBuf {
    /// How long it can be, in bytes.
    pub fn capacity(&self) -> usize {
        self.pool.memory.len as usize
    }

    /// Sets how many bytes are lent, from the start. What was cut off before is still there.
    ///
    /// # Panics
    ///
    /// If `len` is more than its [`capacity`](Self::capacity).
    pub fn set_len(&mut self, len: usize) {
        assert!(len <= self.capacity(), "{len} bytes of a buffer of {}", self.capacity());
        self.len = len as u32;
    }
}

impl Drop for PoolBuf {
    fn drop(&mut self) {
        // There is room: each was in the list before.
        self.pool.free().push(self.number);
    }
}

impl Deref for PoolBuf {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let start = self.pool.memory.buffer(self.number);
        // SAFETY: `start` points at `capacity` initialised bytes, `len` of them at most; the memory
        // lives as long as the pool, which `self` holds; and a number is out once, so nobody else
        // reaches them.
        unsafe { slice::from_raw_parts(start, self.len as usize) }
    }
}

impl DerefMut for PoolBuf {
    fn deref_mut(&mut self) -> &mut [u8] {
        let start = self.pool.memory.buffer(self.number);
        // SAFETY: as in `deref`, and `self` is borrowed exclusively.
        unsafe { slice::from_raw_parts_mut(start, self.len as usize) }
    }
}

// SAFETY: the bytes are the pool's memory; moving the buffer does not move them.
unsafe impl IoBuf for PoolBuf {
    fn as_slice(&self) -> &[u8] {
        self
    }

    fn fixed(&self) -> Option<Fixed> {
        self.pool.registered.as_ref().ok().map(|registered| registered.place)
    }
}
// SAFETY: a number is out once, so the buffer has its bytes alone.
unsafe impl IoBufMut for PoolBuf {
    fn as_mut_slice(&mut self) -> &mut [u8] {
        self
    }
}

impl PoolMemory {
    fn new(count: usize, len: usize) -> io::Result<Self> {
        let invalid = |what| io::Error::new(io::ErrorKind::InvalidInput, what);
        let (Ok(1..), Ok(short @ 1..)) = (u32::try_from(count), u32::try_from(len)) else {
            return Err(invalid("a pool has 1 to 2^32 - 1 buffers of 1 to 2^32 - 1 bytes each"));
        };
        let stride = len.next_multiple_of(ALIGN);
        let size = stride.checked_mul(count).filter(|&size| size <= isize::MAX as usize - HUGE);
        let size = size.ok_or_else(|| invalid("a pool fits the address space"))?;
        let layout = layout(size).map_err(io::Error::other)?;
        // SAFETY: the layout's size is not zero: neither `count` nor `len` is.
        let start = unsafe { alloc(layout) };
        let start = NonNull::new(start).ok_or(io::ErrorKind::OutOfMemory)?;
        if layout.align() == HUGE {
            ask_for_huge_pages(start, layout.size());
        }
        // SAFETY: `size` bytes from `start` were just allocated, and `layout` has no fewer.
        unsafe { start.write_bytes(0, size) };
        Ok(Self { start, layout, size, stride, len: short })
    }

    /// Where a buffer starts.
    fn buffer(&self, number: u32) -> *mut u8 {
        // It was made for more buffers than `number`, so this stays inside.
        self.start.as_ptr().wrapping_add(number as usize * self.stride)
    }

    /// Where the first buffer starts.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "io_uring's tables"))]
    pub(crate) fn start(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    /// The length of all buffers together, in bytes.
    pub(crate) fn size(&self) -> usize {
        self.size
    }
}

fn layout(size: usize) -> Result<Layout, LayoutError> {
    let align = if size < HUGE { ALIGN } else { HUGE };
    Ok(Layout::from_size_align(size, align)?.pad_to_align())
}

/// Before the memory is touched. Only a wish: without such pages it is as good.
#[cfg(target_os = "linux")]
fn ask_for_huge_pages(start: NonNull<u8>, size: usize) {
    use rustix::mm::{Advice, madvise};
    // SAFETY: the range is whole pages of one allocation, and this advice changes no byte of it.
    let _granted = unsafe { madvise(start.as_ptr().cast(), size, Advice::LinuxHugepage) };
}

/// This system does as it likes.
#[cfg(not(target_os = "linux"))]
fn ask_for_huge_pages(_start: NonNull<u8>, _size: usize) {}

impl Drop for PoolMemory {
    fn drop(&mut self) {
        // SAFETY: `new` allocated `start` with this layout, and only drop frees it.
        unsafe { dealloc(self.start.as_ptr(), self.layout) };
    }
}

// SAFETY: an address and lengths; its bytes are reached through a `PoolBuf` alone, each its own.
unsafe impl Send for PoolMemory {}
// SAFETY: as above; what is shared of it never changes.
unsafe impl Sync for PoolMemory {}

impl fmt::Debug for PoolMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolMemory").field("size", &self.size()).finish_non_exhaustive()
    }
}

impl fmt::Debug for BufPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufPool")
            .field("count", &self.count())
            .field("buf_len", &self.buf_len())
            .field("available", &self.available())
            .field("fallback", &self.fallback())
            .finish()
    }
}

impl fmt::Debug for PoolBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolBuf").field("number", &self.number).field("len", &self.len).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        buf::{Fill, Lend, lent::Memory},
        error::{Cause, Object},
    };

    fn plain(count: usize, len: usize) -> BufPool {
        let why = Error::unregistered(Cause::Unsupported("a test"), Object::Nothing, "");
        BufPool::with(count, len, |_| Err(why)).expect("a small pool")
    }

    #[test]
    fn a_buffer_fits_the_room_of_a_block() {
        assert!(size_of::<Fill<PoolBuf>>() <= 24);
    }

    #[test]
    fn buffers_are_aligned_and_do_not_overlap() {
        let pool = plain(3, 5000);
        let mut bufs: Vec<_> = std::iter::from_fn(|| pool.get()).collect();
        assert_eq!((bufs.len(), pool.available()), (3, 0));
        for (i, buf) in (1..).zip(&mut bufs) {
            assert_eq!((buf.as_ptr().addr() % 4096, buf.len()), (0, 5000));
            assert!(buf.iter().all(|&byte| byte == 0));
            buf.fill(i);
        }
        for (i, buf) in (1..).zip(&bufs) {
            assert!(buf.iter().all(|&byte| byte == i));
        }
    }

    // [C1] the memory outlives the pool's handle.
    #[test]
    fn a_buffer_outlives_the_pool_and_goes_back_from_another_thread() {
        let pool = plain(1, 10);
        let mut buf = pool.get().expect("one");
        drop(pool.clone());
        std::thread::spawn(move || drop(buf)).join().expect("no panic");
        buf = pool.get().expect("it is back");
        drop(pool);
        buf.set_len(4);
        buf.copy_from_slice(b"last");
        assert_eq!(&buf[..], b"last");
    }

    #[test]
    fn what_is_lent_is_what_the_length_says() {
        let pool = plain(1, 10);
        let mut buf = pool.get().expect("one");
        buf.set_len(3);
        let memory = Fill(buf).memory().0;
        assert!(matches!(memory, Memory::Fill(piece, None) if piece.len == 3));
    }

    #[test]
    fn a_pool_of_nothing_is_refused() {
        for (count, len) in [(0, 1), (1, 0), (usize::MAX, 1), (1 << 31, usize::MAX >> 32)] {
            let made = PoolMemory::new(count, len);
            assert!(made.is_err(), "{count} of {len}");
        }
    }
}
