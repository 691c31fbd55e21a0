use std::sync::atomic::{AtomicUsize, Ordering};

/// How many operations may fly at once, on all shards of a port together.
pub(super) struct Limit {
    pub(super) most: usize,
    /// How many may still be handed out to shards.
    pub(super) free: AtomicUsize,
    /// How many a shard takes at a time, so that it need not ask for each, and how many it keeps.
    pub(super) handful: usize,
    pub(super) kept: usize,
}

impl Limit {
    pub(super) fn new(most: usize) -> Self {
        // A key is 32 bits wide, and the last one names nothing.
        let most = most.min(u32::MAX as usize - 1);
        // What one shard holds and does not use is missing for the others: little of the whole.
        let handful = (most / 4096).clamp(1, 64);
        let kept = if handful == 1 { 0 } else { 2 * handful };
        Self { most, free: AtomicUsize::new(most), handful, kept }
    }

    /// A handful, or what is left of it.
    pub(super) fn take(&self) -> usize {
        let some = |free: usize| free.checked_sub(self.handful.min(free));
        let taken = self.free.fetch_update(Ordering::Relaxed, Ordering::Relaxed, some);
        taken.map_or(0, |free| self.handful.min(free))
    }

    pub(super) fn give_back(&self, count: usize) {
        self.free.fetch_add(count, Ordering::Relaxed);
    }
}
