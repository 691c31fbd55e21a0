//! A share of the operations: one chain of which each begins when the one before is over.

use crate::{files::LEN, page::SIZE};

/// One of the chains that run side by side; gives the offset of each of its operations.
pub struct Lane {
    left: usize,
    state: u64,
}

/// Shares `ops` operations out to `depth` lanes.
pub fn lanes(depth: usize, ops: usize) -> impl Iterator<Item = Lane> {
    let share = move |i| ops / depth + usize::from(i < ops % depth);
    (0..depth).map(move |i| Lane::new(i, share(i)))
}

impl Lane {
    /// Lane number `i`, of so many operations.
    pub fn new(i: usize, ops: usize) -> Self {
        Self { left: ops, state: 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(i as u64 + 1) }
    }
}

impl Iterator for Lane {
    type Item = u64;

    #[inline]
    fn next(&mut self) -> Option<u64> {
        self.left = self.left.checked_sub(1)?;
        // xorshift64
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        let pages = LEN / SIZE as u64;
        Some((((self.state >> 32) * pages) >> 32) * SIZE as u64)
    }
}
