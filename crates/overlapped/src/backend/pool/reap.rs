//! The half where completions come out: a list and a condition.

use std::{
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use super::Shared;
use crate::backend::{Completion, Reap};

/// Room for so many completions is kept when they are reaped.
const KEPT: usize = 1024;

/// What has completed and was not reaped yet, in the order of completion.
#[derive(Default)]
pub(super) struct Done {
    inner: Mutex<Inner>,
    changed: Condvar,
}

#[derive(Default)]
struct Inner {
    list: Vec<Completion>,
    woken: bool,
    /// Somebody waits for `changed`.
    waits: bool,
    closed: bool,
}

impl Done {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, completion: Completion) {
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

    /// The iterator must not run user code: it runs under the lock.
    pub(super) fn extend(&self, completions: impl IntoIterator<Item = Completion>) {
        let mut inner = self.lock();
        inner.list.extend(completions);
        if inner.closed {
            let unwanted = std::mem::take(&mut inner.list);
            drop(inner);
            drop(unwanted);
        } else if !inner.list.is_empty() {
            self.tell(inner);
        }
    }

    pub(super) fn wake(&self) {
        let mut inner = self.lock();
        inner.woken = true;
        self.tell(inner);
    }

    /// Drops what nobody will reap, now and later.
    pub(super) fn close(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        let unwanted = std::mem::take(&mut inner.list);
        drop(inner);
        drop(unwanted);
    }

    fn tell(&self, inner: MutexGuard<'_, Inner>) {
        let waits = inner.waits;
        drop(inner);
        if waits {
            self.changed.notify_one();
        }
    }

    fn wait(&self, until: Option<Instant>, out: &mut Vec<Completion>) {
        let mut inner = self.lock();
        while inner.list.is_empty() && !inner.woken {
            let Some(waited) = self.wait_once(inner, until) else {
                return;
            };
            inner = waited;
        }
        inner.woken = false;
        out.append(&mut inner.list);
        if inner.list.capacity() > KEPT {
            inner.list = Vec::new();
        }
    }

    /// `None` if the time has come.
    fn wait_once<'a>(
        &'a self,
        mut inner: MutexGuard<'a, Inner>,
        until: Option<Instant>,
    ) -> Option<MutexGuard<'a, Inner>> {
        inner.waits = true;
        let mut inner = match until {
            None => self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner),
            Some(until) => {
                let left = until.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    inner.waits = false;
                    return None;
                }
                let waited = self.changed.wait_timeout(inner, left);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        inner.waits = false;
        Some(inner)
    }
}

pub(super) struct PoolReap(Arc<Shared>);

impl PoolReap {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }
}

impl Reap for PoolReap {
    fn wait(&mut self, until: Option<Instant>, out: &mut Vec<Completion>) -> io::Result<()> {
        self.0.done.wait(until, out);
        Ok(())
    }
}

impl Drop for PoolReap {
    fn drop(&mut self) {
        self.0.leave();
    }
}
