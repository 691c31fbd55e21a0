//! A buffer that tells whether the kernel writes to it after its end.
#![allow(unsafe_code, reason = "a buffer's promise to stay where it is cannot be checked")]

use std::{
    mem::ManuallyDrop,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use overlapped::{AlignedBuf, IoBuf, IoBufMut};

/// What a probe's memory is filled with when its owner lets go of it.
const RELEASED: u8 = 0xa5;

/// A buffer whose memory outlives it. Its destructor fills the memory with a pattern; whatever is
/// not the pattern afterwards was written by a kernel that had not finished.
#[derive(Debug)]
pub(crate) struct Probe {
    block: Arc<Block>,
}

/// What is left to look at when a probe is gone.
#[derive(Debug)]
pub(crate) struct Remains(Arc<Block>);

#[derive(Debug)]
struct Block {
    /// Taken from [`BLOCKS`], and given back when probe and remains are gone.
    start: *mut u8,
    len: usize,
    released: AtomicBool,
}

// SAFETY: the bytes are reached as `Block`'s methods say, whatever the thread.
unsafe impl Send for Block {}
// SAFETY: as above.
unsafe impl Sync for Block {}

/// Memory is never given back to the allocator: a late write shall hit nobody else.
static BLOCKS: Mutex<Vec<Spare>> = Mutex::new(Vec::new());

struct Spare {
    start: *mut u8,
    len: usize,
}

// SAFETY: nobody but the list knows a spare block.
unsafe impl Send for Spare {}

impl Probe {
    /// A probe of `len` bytes, aligned for direct I/O, filled with zeros.
    pub(crate) fn new(len: usize) -> (Self, Remains) {
        let block = Arc::new(Block::take(len));
        block.fill(0);
        (Self { block: Arc::clone(&block) }, Remains(block))
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.block.fill(RELEASED);
        self.block.released.store(true, Ordering::SeqCst);
    }
}

impl Remains {
    /// Whether the probe's destructor has run.
    pub(crate) fn is_released(&self) -> bool {
        self.0.released.load(Ordering::SeqCst)
    }

    /// How many bytes have been written since the probe's destructor ran.
    pub(crate) fn written_late(&self) -> usize {
        assert!(self.is_released(), "only what was released can be written late");
        (0..self.0.len).filter(|&at| self.0.peek(at) != RELEASED).count()
    }
}

impl Block {
    fn take(len: usize) -> Self {
        let mut spares = BLOCKS.lock().unwrap();
        let fit = spares.iter().position(|spare| spare.len == len);
        let start = fit.map_or_else(|| fresh(len), |place| spares.swap_remove(place).start);
        Self { start, len, released: AtomicBool::new(false) }
    }

    /// Only for the probe, at its beginning and at its end: nothing is lent then.
    fn fill(&self, byte: u8) {
        // SAFETY: the block is `len` bytes that are never freed and that no reference points to.
        unsafe { self.start.write_bytes(byte, self.len) };
    }

    /// Volatile, because a kernel may write to what nobody in this program owns any more.
    fn peek(&self, at: usize) -> u8 {
        assert!(at < self.len);
        // SAFETY: inside the block, which is never freed.
        let byte = unsafe { self.start.add(at) };
        // SAFETY: as above; any byte is a valid `u8`.
        unsafe { byte.read_volatile() }
    }
}

/// Memory of the allocator's that is never given back to it.
fn fresh(len: usize) -> *mut u8 {
    ManuallyDrop::new(AlignedBuf::new(len, 4096)).as_mut_ptr()
}

impl Drop for Block {
    fn drop(&mut self) {
        let spare = Spare { start: self.start, len: self.len };
        BLOCKS.lock().unwrap().push(spare);
    }
}

// SAFETY: the block stays in its place for ever.
unsafe impl IoBuf for Probe {
    fn as_slice(&self) -> &[u8] {
        // SAFETY: `len` initialised bytes, which the probe alone reaches until it is dropped.
        unsafe { std::slice::from_raw_parts(self.block.start, self.block.len) }
    }
}
// SAFETY: the remains do not look at the block before the probe is gone.
unsafe impl IoBufMut for Probe {
    fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: as in `as_slice`, and the probe is borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.block.start, self.block.len) }
    }
}
