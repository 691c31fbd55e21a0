//! What is over without a word from the OS: by a worker, or because the call has said so at once.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::backend::{Bell, Completion};

/// Gets up the reaper by the bell of its mechanism, once a wait.
pub(crate) struct Done {
    inner: Mutex<Inner>,
    bell: Arc<dyn Bell>,
}

#[derive(Default)]
struct Inner {
    list: Vec<Completion>,
    woken: bool,
    /// The reaper waits where only the bell is heard, and it has not been rung yet.
    waits: bool,
    closed: bool,
}

impl Done {
    pub(crate) fn new(bell: Arc<dyn Bell>) -> Arc<Self> {
        Arc::new(Self { inner: Mutex::default(), bell })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, completion: Completion) {
        let mut inner = self.lock();
        if inner.closed {
            // Nobody will reap it. It is dropped, with no lock held.
            drop(inner);
            drop(completion);
            return;
        }
        inner.list.push(completion);
        self.tell(inner);
    }

    fn tell(&self, mut inner: MutexGuard<'_, Inner>) {
        let waits = mem::take(&mut inner.waits);
        drop(inner);
        if waits {
            self.bell.ring();
        }
    }

    /// The reaper is about to wait; whether it may.
    pub(crate) fn may_wait(&self) -> bool {
        let mut inner = self.lock();
        inner.waits = inner.list.is_empty() && !inner.woken;
        inner.waits
    }

    /// The reaper waits no more, and takes what is there.
    pub(crate) fn take(&self, out: &mut Vec<Completion>) {
        let mut inner = self.lock();
        inner.waits = false;
        inner.woken = false;
        out.append(&mut inner.list);
    }

    /// Drops what nobody will reap, now and later.
    pub(crate) fn close(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        let unwanted = mem::take(&mut inner.list);
        drop(inner);
        drop(unwanted);
    }
}

impl Bell for Done {
    fn ring(&self) {
        let mut inner = self.lock();
        inner.woken = true;
        self.tell(inner);
    }
}
