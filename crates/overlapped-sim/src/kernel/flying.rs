//! An operation in flight, and the two steps that a device takes for it.

use std::hash::Hasher;

use overlapped::backend::{Cause, Entry, Op};
use rustc_hash::FxHasher;

use super::{Time, numbers};
use crate::explore::{Actor, Object};

/// An operation in the hands of the simulated kernel.
pub(super) struct Flying {
    pub(super) entry: Entry,
    /// In this run, counted from 1.
    pub(super) number: u32,
    pub(super) actor: Actor,
    pub(super) queue: usize,
    pub(super) stage: Stage,
    /// A cancel was asked for.
    pub(super) cancelled: bool,
    /// It may have to wait for who is at the other end of a pipe.
    pub(super) stream: bool,
    /// Since when it could go on; what waits for a pipe cannot.
    able: Option<Time>,
    /// It fails after the first half.
    pub(super) breaks: Option<Cause>,
    /// How long it takes, at least and at most, once it can go on.
    latency: (Time, Time),
    /// When its next step may come, at the earliest and at the latest, as it was at the last point.
    pub(super) window: (Time, Time),
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// No device has looked at it.
    Queued,
    /// A device works on it, and half of the bytes have moved.
    Taken {
        /// Where in the file it works.
        at: u64,
        /// How many bytes it is to move in the end.
        len: usize,
        /// How many of them have moved.
        moved: usize,
        /// What the lent memory holds as far as they have moved: nobody else may touch it.
        mark: u64,
        /// The device does not look for cancels any more.
        deaf: bool,
    },
}

impl Flying {
    /// What `actor` has just put into `queue`.
    pub(super) fn new(
        entry: Entry,
        number: u32,
        actor: Actor,
        queue: usize,
        latency: (Time, Time),
    ) -> Self {
        let stream = is_stream(entry.op());
        let (stage, window) = (Stage::Queued, (0, Time::MAX));
        let (cancelled, able, breaks) = (false, None, None);
        Self {
            entry,
            number,
            actor,
            queue,
            stage,
            cancelled,
            stream,
            able,
            breaks,
            latency,
            window,
        }
    }

    /// What its steps change of it.
    pub(super) fn object(&self) -> Object {
        numbers::of_operation(self.actor)
    }

    /// Whether a cancel was asked for.
    pub(super) fn cancel_object(&self) -> Object {
        numbers::cancel_of(self.actor)
    }

    /// Notes whether it can go on now, and when its next step may come: at the latest then.
    pub(super) fn note_window(&mut self, now: Time, able: bool) -> Time {
        self.able = able.then(|| self.able.unwrap_or(now));
        self.window = self.next_window(now);
        self.window.1
    }

    fn next_window(&self, now: Time) -> (Time, Time) {
        match (self.stage, self.able) {
            (Stage::Queued, Some(able)) => {
                // A cancel may be heeded at once.
                let least = if self.cancelled { 0 } else { self.latency.0 };
                (able.saturating_add(least).max(now), able.saturating_add(self.latency.1).max(now))
            }
            (Stage::Taken { .. }, Some(able)) => {
                (now, able.saturating_add(self.latency.1).max(now))
            }
            (_, None) => (Time::MAX, Time::MAX),
        }
    }
}

fn is_stream(op: Op) -> bool {
    matches!(op, Op::Read { at: None, .. } | Op::Write { at: None, .. } | Op::Poll { .. })
}

/// What lent memory holds, as one number.
pub(super) fn mark<'a>(slices: impl Iterator<Item = &'a [u8]>, len: usize) -> u64 {
    let mut mark = FxHasher::default();
    let mut left = len;
    for slice in slices {
        let part = &slice[..left.min(slice.len())];
        left -= part.len();
        mark.write(part);
    }
    mark.finish()
}
