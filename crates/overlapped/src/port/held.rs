//! What every open handle keeps beside its descriptor: how many operations fly on it, and what it
//! owes its user.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use super::{Parker, Shard};
use crate::{
    error::Cause,
    handle::{Owned, Raw},
};

/// The common part of a file and of a stream's side. Operations in flight hold it, so the
/// descriptor stays open until the last of them has landed.
pub(crate) struct Held {
    raw: Raw,
    state: Mutex<State>,
}

struct State {
    /// `None` once given out. Shared with the user's handle, which is gone by then.
    handle: Option<Arc<Owned>>,
    flying: usize,
    /// Why an operation that nobody watched failed.
    owed: Option<Cause>,
    drained: Option<Waker>,
}

impl Held {
    pub(crate) fn new(raw: Raw, handle: Arc<Owned>) -> Self {
        let state = State { handle: Some(handle), flying: 0, owed: None, drained: None };
        Self { raw, state: Mutex::new(state) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn raw(&self) -> Raw {
        self.raw
    }

    /// One more operation flies.
    pub(crate) fn enter(&self) {
        self.lock().flying += 1;
    }

    /// One has landed; who is to be woken if it was the last.
    pub(crate) fn leave(&self) -> Option<Waker> {
        let mut state = self.lock();
        state.flying -= 1;
        if state.flying == 0 { state.drained.take() } else { None }
    }

    // [C7] told by the next write, sync or close.
    /// The first error that nobody has been told yet is kept (C7).
    pub(crate) fn owe(&self, cause: Cause) {
        self.lock().owed.get_or_insert(cause);
    }

    /// Tells it, once.
    pub(crate) fn pay(&self) -> Option<Cause> {
        self.lock().owed.take()
    }

    fn is_drained(&self) -> bool {
        self.lock().flying == 0
    }

    fn watch(&self, waker: &Waker) -> bool {
        // A waker is user code: it is cloned and dropped with no lock held.
        let mut waker = Some(waker.clone());
        let mut state = self.lock();
        let drained = state.flying == 0;
        if !drained {
            std::mem::swap(&mut state.drained, &mut waker);
        }
        drop(state);
        drained
    }

    fn give_out(&self) -> Option<Owned> {
        let handle = self.lock().handle.take();
        handle.and_then(Arc::into_inner)
    }
}

/// A handle that is being taken apart: waits until nothing flies on it.
pub(crate) struct Holding<H> {
    holder: Arc<H>,
    shard: Arc<Shard>,
}

impl<H: AsRef<Held>> Holding<H> {
    /// The holder's operations must have been asked to stop, and be attended.
    pub(crate) fn new(holder: Arc<H>, shard: Arc<Shard>) -> Self {
        Self { holder, shard }
    }

    pub(crate) fn wait(self) -> (Arc<H>, Option<Owned>) {
        let held = (*self.holder).as_ref();
        let parker = Parker::current();
        held.watch(&parker.waker());
        self.shard.drive(&parker, &|| held.is_drained(), None);
        let handle = held.give_out();
        (self.holder, handle)
    }
}

impl<H: AsRef<Held>> Future for Holding<H> {
    type Output = (Arc<H>, Option<Owned>);

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let held = (*self.holder).as_ref();
        if !held.watch(cx.waker()) {
            return Poll::Pending;
        }
        let handle = held.give_out();
        Poll::Ready((Arc::clone(&self.holder), handle))
    }
}
