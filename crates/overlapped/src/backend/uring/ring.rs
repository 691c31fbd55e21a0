//! The two sides of a ring, which two threads may use at the same time, or one thread alone.
#![allow(unsafe_code, reason = "the ring is memory shared with the kernel")]

use std::{
    io,
    num::NonZeroU16,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use io_uring::{
    IoUring, Submitter, cqueue, squeue,
    types::{SubmitArgs, Timespec},
};

use super::{encode::encode, enter::Enter, tables::Tables};
use crate::{backend::Entry, sync::this_thread};

/// A ring, and the thread that it belongs to, if it does.
pub(super) struct Ring {
    uring: IoUring,
    own: Option<Owned>,
    /// What the kernel was told of. Goes after the ring (fields go in order), so that the memory
    /// outlives the registration (C1).
    tables: Mutex<Tables>,
}

struct Owned {
    thread: u64,
    enter: Enter,
}

/// The submission side; there is one.
pub(super) struct SqSide(Arc<Ring>);

/// The completion side; there is one.
pub(super) struct CqSide(Arc<Ring>);

/// Splits a ring. The ring is closed when both sides are gone; a port keeps them while anything
/// flies, because closing does not wait for what the kernel still writes (C2).
pub(super) fn sides(uring: IoUring) -> (SqSide, CqSide) {
    let ring = Arc::new(Ring { uring, own: None, tables: Mutex::default() });
    (SqSide(Arc::clone(&ring)), CqSide(ring))
}

/// Splits a ring whose sides are both used by the calling thread, and by no other.
pub(super) fn own_sides(uring: IoUring, enter: Enter) -> (SqSide, CqSide) {
    let own = Owned { thread: this_thread(), enter };
    let ring = Arc::new(Ring { uring, own: Some(own), tables: Mutex::default() });
    (SqSide(Arc::clone(&ring)), CqSide(ring))
}

impl Ring {
    /// How to enter the ring, if it belongs to one thread: the calling one.
    #[inline]
    fn own(&self) -> Option<&Enter> {
        let own = self.own.as_ref()?;
        assert_eq!(own.thread, this_thread(), "this ring belongs to another thread");
        Some(&own.enter)
    }

    /// Queues an SQE; whether there was room.
    ///
    /// # Safety
    ///
    /// No other submission queue of this ring exists, and what the SQE points at stays valid until
    /// its final CQE.
    #[inline]
    unsafe fn push(&self, sqe: &squeue::Entry) -> bool {
        // SAFETY: the caller's promise is the callee's.
        let mut queue = unsafe { self.uring.submission_shared() };
        // SAFETY: as above.
        unsafe { queue.push(sqe) }.is_ok()
    }

    /// How many SQEs are queued, of a ring that belongs to the calling thread.
    #[inline]
    fn queued(&self) -> u32 {
        // SAFETY: both sides belong to this thread, and no function of either lets a queue live on.
        let queue = unsafe { self.uring.submission_shared() };
        queue.len() as u32
    }
}

impl SqSide {
    /// Queues an operation that lends memory. The ring owns the entry from here to its final CQE.
    #[inline]
    pub(super) fn push_entry(
        &mut self,
        entry: Entry,
        table: Option<NonZeroU16>,
    ) -> Result<(), Entry> {
        let bits = entry.to_bits();
        if !encode(&entry, table, |sqe| self.push_bare(&sqe.user_data(bits))) {
            return Err(entry);
        }
        entry.give_away();
        Ok(())
    }

    /// Queues an operation that lends nothing, or one that `push_entry` answers for.
    #[inline]
    pub(super) fn push_bare(&mut self, sqe: &squeue::Entry) -> bool {
        self.0.own();
        // SAFETY: there is one `SqSide`, borrowed exclusively here, and of a ring of one thread the
        // other side is not at work either. What the SQE points at belongs to the payload of an
        // entry that `push_entry` forgets and only the final CQE brings back; bare ones point at
        // nothing.
        unsafe { self.0.push(sqe) }
    }

    /// The ring's tables, and whom to tell of a change.
    pub(super) fn with_tables<R>(
        &mut self,
        body: impl FnOnce(&mut Tables, &Submitter<'_>) -> R,
    ) -> R {
        // Of a ring of one thread, the kernel takes such calls from that thread alone.
        self.0.own();
        let mut tables = self.0.tables.lock().unwrap_or_else(PoisonError::into_inner);
        body(&mut tables, &self.0.uring.submitter())
    }

    /// Whether the next wait hands over what is queued.
    pub(super) fn is_own(&self) -> bool {
        self.0.own.is_some()
    }

    /// Hands what is queued to the kernel, without waiting.
    pub(super) fn enter(&mut self) -> io::Result<()> {
        match self.0.own() {
            Some(enter) => enter.submit(&self.0.uring, self.0.queued()),
            None => self.0.uring.submitter().submit().map(drop),
        }
    }
}

impl CqSide {
    /// Whether something is queued that nobody but the next wait hands over.
    #[inline]
    pub(super) fn owes(&self) -> bool {
        self.0.own().is_some() && self.0.queued() > 0
    }

    /// Waits for a completion until then. Also hands over what is queued.
    pub(super) fn enter(&mut self, until: Option<Instant>) -> io::Result<()> {
        if let Some(enter) = self.0.own() {
            return enter.wait(&self.0.uring, self.0.queued(), until);
        }
        let Some(until) = until else {
            return self.0.uring.submitter().submit_and_wait(1).map(drop);
        };
        let timespec = Timespec::from(until.saturating_duration_since(Instant::now()));
        let args = SubmitArgs::new().timespec(&timespec);
        self.0.uring.submitter().submit_with_args(1, &args).map(drop)
    }

    /// Has work done that the kernel has put off, and hands over nothing.
    pub(super) fn catch_up(&mut self) {
        if let Some(enter) = self.0.own() {
            // It says no more than the next wait will.
            let _tried = enter.catch_up(&self.0.uring);
        }
    }

    /// Waits for a completion for at most so long.
    pub(super) fn enter_for(&mut self, timeout: Duration) -> io::Result<()> {
        self.enter(Instant::now().checked_add(timeout))
    }

    /// Queues what lends nothing, on a ring of one thread.
    #[inline]
    pub(super) fn push_bare(&mut self, sqe: &squeue::Entry) -> bool {
        if self.0.own().is_none() {
            return false;
        }
        // SAFETY: both sides belong to this thread, so no other queue exists now; the SQE points
        // at nothing.
        unsafe { self.0.push(sqe) }
    }

    /// Whether anything is in the queue.
    #[inline]
    pub(super) fn has_some(&mut self) -> bool {
        // SAFETY: as in `drain`.
        let queue = unsafe { self.0.uring.completion_shared() };
        !queue.is_empty()
    }

    /// Calls `each` for what is in the queue.
    #[inline]
    pub(super) fn drain(&mut self, mut each: impl FnMut(&cqueue::Entry)) {
        // SAFETY: there is one `CqSide`, borrowed exclusively here, so no other completion queue
        // of this ring exists.
        let queue = unsafe { self.0.uring.completion_shared() };
        for cqe in queue {
            each(&cqe);
        }
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        if let Some(own) = self.own.as_ref().filter(|own| own.thread == this_thread()) {
            own.enter.unregister(&self.uring);
        }
    }
}
