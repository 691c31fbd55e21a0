use std::{
    array,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use crate::sync::this_thread;

/// How many threads have a number of their own.
const OWN: usize = 15;

/// Counts what many threads do often. The first few threads of a process write to a place of their
/// own each, with no more than a load and a store; the others share one.
pub(super) struct Counter {
    own: [Apart; OWN],
    shared: Apart,
}

/// On a cache line of its own.
#[derive(Default)]
#[repr(align(64))]
struct Apart(AtomicU64);

impl Counter {
    pub(super) fn new() -> Self {
        Self { own: array::from_fn(|_| Apart::default()), shared: Apart::default() }
    }

    /// One more.
    #[inline]
    pub(super) fn add(&self) {
        // Numbers count from 1 and are not given twice, so nobody else writes there.
        let mine = usize::try_from(this_thread() - 1).ok().and_then(|place| self.own.get(place));
        match mine {
            Some(Apart(count)) => count.store(count.load(Relaxed) + 1, Relaxed),
            None => _ = self.shared.0.fetch_add(1, Relaxed),
        }
    }

    pub(super) fn get(&self) -> u64 {
        let own: u64 = self.own.iter().map(|count| count.0.load(Relaxed)).sum();
        own + self.shared.0.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, thread};

    use super::Counter;

    #[test]
    fn every_thread_counts() {
        let counter = Arc::new(Counter::new());
        let threads: Vec<_> = (0..20)
            .map(|_| {
                let counter = Arc::clone(&counter);
                thread::spawn(move || (0..1000).for_each(|_| counter.add()))
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(counter.get(), 20_000);
    }
}
