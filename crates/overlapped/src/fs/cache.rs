use std::sync::atomic::{AtomicU32, Ordering};

use crate::handle::{self, Owned};

/// Whether looking into the page cache has paid lately, for one file.
///
/// A look that finds nothing costs a system call. After [`MISSES`] in a row it is left out for the
/// next [`REST`] reads, and then tried once more.
pub(super) struct Cache {
    /// Below `MISSES`: misses in a row. From there on: reads until the next try.
    state: AtomicU32,
}

const MISSES: u32 = 4;
const REST: u32 = 64;
const NEVER: u32 = u32::MAX;

impl Cache {
    /// `offered`: the backend can look. If it cannot, there is no cache to know about.
    pub(super) fn of(handle: &Owned, offered: bool) -> Self {
        let hopeless = !offered || handle::is_direct(handle);
        Self { state: AtomicU32::new(if hopeless { NEVER } else { 0 }) }
    }

    /// Whether to look. What it counts need not be exact: it is a guess about the future.
    pub(super) fn hopes(&self) -> bool {
        match self.state.load(Ordering::Relaxed) {
            NEVER => false,
            misses if misses < MISSES => true,
            rest => {
                let next = if rest == MISSES { MISSES - 1 } else { rest - 1 };
                self.state.store(next, Ordering::Relaxed);
                false
            }
        }
    }

    pub(super) fn hit(&self) {
        if self.state.load(Ordering::Relaxed) != 0 {
            self.state.store(0, Ordering::Relaxed);
        }
    }

    pub(super) fn miss(&self, for_ever: bool) {
        let misses = self.state.load(Ordering::Relaxed) + 1;
        let next = match for_ever {
            true => NEVER,
            false if misses < MISSES => misses,
            false => MISSES + REST,
        };
        self.state.store(next, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looking_stops_when_it_does_not_pay_and_is_tried_again() {
        let cache = Cache { state: AtomicU32::new(0) };
        for _ in 0..MISSES {
            assert!(cache.hopes());
            cache.miss(false);
        }
        let looks = (0..REST).filter(|_| cache.hopes()).count();
        assert_eq!(looks, 0);
        let rest = (0..3).position(|_| cache.hopes()).expect("it is tried again");
        assert!(rest <= 2);
        cache.miss(false);
        assert!(!cache.hopes(), "one more miss, and it rests again");
        cache.hit();
        assert!(cache.hopes());
        cache.miss(true);
        assert!((0..1000).all(|_| !cache.hopes()));
    }
}
