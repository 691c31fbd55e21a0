//! What a shard does at a given time: ends a sleep, or cancels an operation at its deadline.

use std::{collections::BTreeMap, time::Instant};

use crate::iocb::{Entry, Id};

/// Names one armed timer. The number tells timers of the same instant apart, in arming order.
pub(super) type TimerKey = (Instant, u64);

pub(super) enum Due {
    /// A sleep is over.
    Land(Entry),
    // [C13] a deadline holds no claim to a block, only an identity.
    /// A deadline has come. It names the operation, so it can never hit a later one (C13).
    Cancel { key: u32, id: Id },
}

#[derive(Default)]
pub(super) struct Timers {
    armed: BTreeMap<TimerKey, Due>,
    count: u64,
}

impl Timers {
    pub(super) fn arm(&mut self, at: Instant, due: Due) -> TimerKey {
        self.count += 1;
        let key = (at, self.count);
        self.armed.insert(key, due);
        key
    }

    pub(super) fn disarm(&mut self, key: TimerKey) -> Option<Due> {
        self.armed.remove(&key)
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.armed.first_key_value().map(|((at, _), _)| *at)
    }

    /// The next timer that is due at `now`.
    pub(super) fn pop(&mut self, now: Instant) -> Option<Due> {
        let first = self.armed.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }
}
