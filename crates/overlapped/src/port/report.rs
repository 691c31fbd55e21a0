//! What a port tells about itself.

use std::{fmt, thread::ThreadId, time::Duration};

/// What a shutdown came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "a report may say that memory was leaked"]
pub struct Report {
    /// Operations that were in flight and are over: their outcomes are told, their memory is free.
    pub drained: usize,
    /// Operations that were still in flight when the time was over. Their memory stays allocated,
    /// since the OS may still write to it: until a later shutdown finishes them, or for ever.
    pub leaked: usize,
}

/// Counts since the port was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Operations started.
    pub started: u64,
    /// Operations over.
    pub landed: u64,
    /// Of these, operations that were over when they started: reads of cached data.
    pub inline: u64,
    /// Operations in flight now.
    pub in_flight: usize,
    /// Operations in flight that wait for room in the backend.
    pub backlog: usize,
    /// Operations that were asked to stop.
    pub cancels: u64,
    /// Wakers that panicked.
    pub panics: u64,
}

impl Stats {
    /// Those of two shards together.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            started: self.started + other.started,
            landed: self.landed + other.landed,
            inline: self.inline + other.inline,
            in_flight: self.in_flight + other.in_flight,
            backlog: self.backlog + other.backlog,
            cancels: self.cancels + other.cancels,
            panics: self.panics + other.panics,
        }
    }
}

/// One operation in flight.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Flying {
    /// The operation's name, as in `"read_at"`.
    pub operation: &'static str,
    /// The number of its handle, if it has one.
    pub handle: Option<i64>,
    /// How many bytes of memory it has been lent.
    pub len: usize,
    /// How long it has been in flight, by a clock that ticks a few hundred times a second. On a
    /// [`Runtime`](crate::Runtime)'s port it counts from the first start after the thread's last
    /// turn.
    pub age: Duration,
    /// The thread that started it.
    pub thread: ThreadId,
    /// Whether it was asked to stop.
    pub cancel_requested: bool,
}

impl fmt::Display for Flying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} bytes", self.operation, self.len)?;
        if let Some(handle) = self.handle {
            write!(f, " on handle {handle}")?;
        }
        write!(f, ", {:?} old, started by {:?}", self.age, self.thread)?;
        if self.cancel_requested {
            f.write_str(", asked to stop")?;
        }
        Ok(())
    }
}
