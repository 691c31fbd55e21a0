use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use crate::{
    backend::{Attempt, Cheap},
    handle::{self, Owned},
    op::Op,
    port::{Port, Shard},
};

/// Whether looking into the page cache has paid lately, for one file.
///
/// A look that finds nothing costs a system call. After [`MISSES`] in a row it is left out for the
/// next [`REST`] reads, and then tried once more.
pub(super) struct Cache {
    /// What looks, and for whom; `None` if there is nothing to look into.
    look: Option<(Arc<dyn Cheap>, Arc<Shard>)>,
    /// Below `MISSES`: misses in a row. From there on: reads until the next try.
    state: AtomicU32,
}

/// How many bytes are copied at once by who starts a read. More would hold up an executor's thread.
const COPIED: usize = 256 << 10;
const MISSES: u32 = 4;
const REST: u32 = 64;
const NEVER: u32 = u32::MAX;

impl Cache {
    /// What `port` knows of this handle's data, if that has a place in a cache at all.
    pub(super) fn of(port: &Port, handle: &Owned, has_offsets: bool) -> Self {
        let shard = port.shard_for(&Op::Nop);
        let cheap = shard.cheap().filter(|_| has_offsets && !handle::is_direct(handle));
        Self {
            look: cheap.map(|cheap| (Arc::clone(cheap), Arc::clone(shard))),
            state: AtomicU32::new(0),
        }
    }

    /// Copies what is at hand into all of `room`, without an operation; whether it did.
    #[inline]
    pub(super) fn read(&self, handle: &Owned, offset: u64, room: &mut [u8]) -> bool {
        let Some((cheap, shard)) = &self.look else {
            return false;
        };
        // The OS takes offsets as signed numbers; what is wrong with this one, the operation tells.
        let sound = offset <= i64::MAX as u64 && room.len() <= COPIED;
        if !sound || shard.is_closed() || !self.hopes() {
            return false;
        }
        // The end of the file in the middle of a whole read is for the operation to tell, too.
        let asked = room.len();
        match cheap.read_at(handle, offset, room) {
            Attempt::Done(n) if n == asked => {
                self.hit();
                shard.count_inline();
                true
            }
            attempt => {
                self.miss(attempt == Attempt::Never);
                false
            }
        }
    }

    /// Whether to look. What it counts need not be exact: it is a guess about the future.
    #[inline]
    fn hopes(&self) -> bool {
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

    #[inline]
    fn hit(&self) {
        if self.state.load(Ordering::Relaxed) != 0 {
            self.state.store(0, Ordering::Relaxed);
        }
    }

    fn miss(&self, for_ever: bool) {
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
        let cache = Cache { look: None, state: AtomicU32::new(0) };
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
