//! How the state of a block changes: by one atomic read-modify-write, or, of a block that lives on
//! a thread and there, by a load and a store.

use std::sync::atomic::Ordering::Relaxed;

use super::{Block, WAITER};
use crate::sync::{Ordering, this_thread};

impl Block {
    /// Whether the block lives on a thread, and that is the calling one.
    #[inline]
    pub(super) fn is_here(&self) -> bool {
        let thread = self.thread.load(Relaxed);
        thread != 0 && u64::from(thread) == this_thread()
    }

    /// Whether the block lives on another thread.
    #[inline]
    pub(super) fn is_elsewhere(&self) -> bool {
        let thread = self.thread.load(Relaxed);
        thread != 0 && u64::from(thread) != this_thread()
    }

    /// Changes the state from `before`; or what it is instead.
    #[inline]
    pub(super) fn change(&self, before: u32, after: u32) -> Result<(), u32> {
        if self.is_here() {
            let now = self.state.load(Ordering::Acquire);
            if now != before {
                return Err(now);
            }
            self.state.store(after, Ordering::Release);
            return Ok(());
        }
        let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
        self.state.compare_exchange(before, after, success, failure).map(drop)
    }

    /// Clears bits that are set; the state before.
    #[inline]
    pub(super) fn subtract(&self, bits: u32) -> u32 {
        if self.is_here() {
            let before = self.state.load(Ordering::Acquire);
            self.state.store(before - bits, Ordering::Release);
            return before;
        }
        // To subtract bits that are set is to clear them, in one instruction.
        self.state.fetch_sub(bits, Ordering::AcqRel)
    }

    /// Takes the slot back from the kernel's half, for the program's half; the state before.
    #[inline]
    pub(super) fn reclaim_slot(&self) -> u32 {
        if self.is_here() {
            let before = self.state.load(Ordering::Acquire);
            self.state.store(before & !WAITER, Ordering::Release);
            return before;
        }
        self.state.fetch_and(!WAITER, Ordering::AcqRel)
    }
}
