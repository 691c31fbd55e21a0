//! The submission half: entries and cancels in one queue, in order.

use std::collections::VecDeque;

use io_uring::{opcode, squeue};

use super::{TAG_CANCEL, TAG_WAKE, encode::encode, ring::SqSide};
use crate::backend::{Entry, Id, Submit};

pub(super) struct UringSubmit {
    sq: SqSide,
    /// Cancels that found the queue full. Never more than operations in flight, and sent before
    /// any further operation, so none is lost (C5).
    cancels: VecDeque<Id>,
    wake: bool,
}

impl UringSubmit {
    pub(super) fn new(sq: SqSide) -> Self {
        Self { sq, cancels: VecDeque::new(), wake: false }
    }

    fn push_bare(&mut self, sqe: &squeue::Entry) -> bool {
        self.sq.push_bare(sqe) || {
            self.enter();
            self.sq.push_bare(sqe)
        }
    }

    /// What the kernel does not take now (EBUSY, EAGAIN, EINTR) stays queued, and goes with the
    /// next `enter` from either side. No entry is touched: the ring owns what was pushed.
    fn enter(&mut self) {
        for _ in 0..3 {
            match self.sq.enter() {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                _ => return,
            }
        }
    }
}

impl Submit for UringSubmit {
    fn submit(&mut self, mut entry: Entry) -> Result<(), Entry> {
        self.flush();
        if !self.cancels.is_empty() {
            return Err(entry);
        }
        let sqe = encode(&entry);
        if let Err(refused) = self.sq.push_entry(&sqe, entry) {
            entry = refused;
            self.enter();
            self.sq.push_entry(&sqe, entry)?;
        }
        self.enter();
        Ok(())
    }

    fn cancel(&mut self, id: Id) {
        self.cancels.push_back(id);
        self.flush();
    }

    fn wake(&mut self) {
        self.wake = true;
        self.flush();
    }

    // [C5] cancels that found no room go before anything else.
    fn flush(&mut self) {
        let mut pushed = false;
        while let Some(&id) = self.cancels.front() {
            let sqe = opcode::AsyncCancel::new(id.to_bits()).build().user_data(TAG_CANCEL);
            if !self.push_bare(&sqe) {
                return;
            }
            pushed = true;
            self.cancels.pop_front();
        }
        if self.wake && self.push_bare(&opcode::Nop::new().build().user_data(TAG_WAKE)) {
            self.wake = false;
            pushed = true;
        }
        if pushed {
            self.enter();
        }
    }
}
