//! The two sides of a ring that two threads may use at the same time.
#![allow(unsafe_code, reason = "the ring is memory shared with the kernel")]

use std::{io, sync::Arc, time::Duration};

use io_uring::{
    IoUring, cqueue, squeue,
    types::{SubmitArgs, Timespec},
};

use crate::backend::Entry;

/// The submission side; there is one.
pub(super) struct SqSide(Arc<IoUring>);

/// The completion side; there is one.
pub(super) struct CqSide(Arc<IoUring>);

/// Splits a ring. The ring is closed when both sides are gone; a port keeps them while anything
/// flies, because closing does not wait for what the kernel still writes (C2).
pub(super) fn sides(ring: Arc<IoUring>) -> (SqSide, CqSide) {
    (SqSide(Arc::clone(&ring)), CqSide(ring))
}

impl SqSide {
    /// Queues an operation that lends memory. The ring owns the entry from here to its final CQE.
    pub(super) fn push_entry(&mut self, sqe: &squeue::Entry, entry: Entry) -> Result<(), Entry> {
        let sqe = sqe.clone().user_data(entry.id().to_bits());
        if !self.push_any(&sqe) {
            return Err(entry);
        }
        let _bits = entry.into_bits();
        Ok(())
    }

    /// Queues an operation that lends nothing.
    pub(super) fn push_bare(&mut self, sqe: &squeue::Entry) -> bool {
        self.push_any(sqe)
    }

    fn push_any(&mut self, sqe: &squeue::Entry) -> bool {
        // SAFETY: there is one `SqSide`, borrowed exclusively here, so no other submission queue
        // of this ring exists.
        let mut queue = unsafe { self.0.submission_shared() };
        // SAFETY: what the SQE points at stays valid until its final CQE: it belongs to the
        // payload of an entry that `push_entry` forgets and only the final CQE brings back; bare
        // SQEs point at nothing.
        unsafe { queue.push(sqe) }.is_ok()
    }

    /// Hands what is queued to the kernel, without waiting.
    pub(super) fn enter(&mut self) -> io::Result<()> {
        self.0.submitter().submit().map(drop)
    }
}

impl CqSide {
    /// Waits for a completion for at most `timeout`. Also hands over what is queued.
    pub(super) fn enter(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        let Some(timeout) = timeout else {
            return self.0.submitter().submit_and_wait(1).map(drop);
        };
        let timespec = Timespec::from(timeout);
        let args = SubmitArgs::new().timespec(&timespec);
        self.0.submitter().submit_with_args(1, &args).map(drop)
    }

    /// Calls `each` for what is in the queue.
    pub(super) fn drain(&mut self, mut each: impl FnMut(&cqueue::Entry)) {
        // SAFETY: there is one `CqSide`, borrowed exclusively here, so no other completion queue
        // of this ring exists.
        let queue = unsafe { self.0.completion_shared() };
        for cqe in queue {
            each(&cqe);
        }
    }
}
