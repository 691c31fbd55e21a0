//! What is over without a packet: by a worker, or because the call has said so at once.

use std::{
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::backend::Completion;

#[derive(Default)]
pub(super) struct Done(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    list: Vec<Completion>,
    woken: bool,
    /// The reaper dequeues packets, and has not been called yet.
    waits: bool,
    closed: bool,
}

impl Done {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the reaper must be woken.
    #[must_use]
    pub(super) fn push(&self, completion: Completion) -> bool {
        let mut inner = self.lock();
        if inner.closed {
            // Nobody will reap it. It is dropped, with no lock held.
            drop(inner);
            drop(completion);
            return false;
        }
        inner.list.push(completion);
        mem::take(&mut inner.waits)
    }

    /// Has the reaper return; whether it must be woken.
    #[must_use]
    pub(super) fn wake(&self) -> bool {
        let mut inner = self.lock();
        inner.woken = true;
        mem::take(&mut inner.waits)
    }

    /// The reaper is about to wait; whether it may.
    pub(super) fn may_wait(&self) -> bool {
        let mut inner = self.lock();
        inner.waits = inner.list.is_empty() && !inner.woken;
        inner.waits
    }

    /// The reaper waits no more, and takes what is there.
    pub(super) fn take(&self, out: &mut Vec<Completion>) {
        let mut inner = self.lock();
        inner.waits = false;
        inner.woken = false;
        out.append(&mut inner.list);
    }

    /// Drops what nobody will reap, now and later.
    pub(super) fn close(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        let unwanted = mem::take(&mut inner.list);
        drop(inner);
        drop(unwanted);
    }
}
