//! What every open handle keeps beside its descriptor: how many operations fly on it, and what it
//! owes its user.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, atomic::Ordering::SeqCst},
    task::{Context, Poll, Waker},
};

use super::{Parker, Port, Shard, tables::Slot};
use crate::{
    buf::Fixed,
    error::{Cause, Error},
    handle::{Owned, Raw},
    sync::{AtomicBool, AtomicU32, Mutex, MutexGuard, in_this_order, lock},
};

/// The common part of a file and of a stream's side. Operations in flight hold it, so the
/// descriptor stays open until the last of them has landed.
pub(crate) struct Held {
    raw: Raw,
    /// How many operations fly.
    flying: AtomicU32,
    /// There may be something in `state.owed`.
    owes: AtomicBool,
    /// Somebody may wait in `state.drained`.
    watched: AtomicBool,
    /// Its place in the port's table of files.
    slot: Slot,
    state: Mutex<State>,
}

struct State {
    /// `None` once given out. Shared with the user's handle, which is gone by then.
    handle: Option<Arc<Owned>>,
    /// Why an operation that nobody watched failed.
    owed: Option<Cause>,
    drained: Option<Waker>,
}

impl Held {
    pub(crate) fn new(raw: Raw, handle: Arc<Owned>) -> Self {
        Self {
            raw,
            flying: AtomicU32::new(0),
            owes: AtomicBool::new(false),
            watched: AtomicBool::new(false),
            slot: Slot::default(),
            state: Mutex::new(State { handle: Some(handle), owed: None, drained: None }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(crate) fn raw(&self) -> Raw {
        self.raw
    }

    /// One more operation flies.
    #[inline]
    pub(crate) fn enter(&self) {
        self.flying.fetch_add(1, SeqCst);
    }

    /// One has landed; who is to be woken if it was the last. Who watches first says so and then
    /// counts; here it is counted first and then looked who watches.
    #[inline]
    pub(crate) fn leave(&self) -> Option<Waker> {
        let last = self.flying.fetch_sub(1, SeqCst) == 1;
        in_this_order();
        if last && self.watched.load(SeqCst) { self.lock().drained.take() } else { None }
    }

    // [C7] told by the next write, sync or close.
    /// The first error that nobody has been told yet is kept (C7).
    pub(crate) fn owe(&self, cause: Cause) {
        let mut state = self.lock();
        state.owed.get_or_insert(cause);
        self.owes.store(true, SeqCst);
    }

    /// Tells it, once.
    #[inline]
    pub(crate) fn pay(&self) -> Option<Cause> {
        if !self.owes.load(SeqCst) {
            return None;
        }
        let mut state = self.lock();
        self.owes.store(false, SeqCst);
        state.owed.take()
    }

    /// Its place in the port's table, for an operation that starts now.
    #[inline]
    pub(crate) fn place(&self) -> Option<Fixed> {
        self.slot.place()
    }

    /// Has the port's backend know of `handle`, which is this one's.
    pub(crate) fn register(&self, port: &Port, handle: &Owned) -> Result<(), Error> {
        self.slot.register(port, handle)
    }

    pub(crate) fn is_drained(&self) -> bool {
        self.flying.load(SeqCst) == 0
    }

    pub(super) fn watch(&self, waker: &Waker) -> bool {
        // A waker is user code: it is cloned and dropped with no lock held.
        let old = {
            let waker = waker.clone();
            self.lock().drained.replace(waker)
        };
        drop(old);
        self.watched.store(true, SeqCst);
        in_this_order();
        self.is_drained()
    }

    fn give_out(&self) -> Option<Owned> {
        let handle = self.lock().handle.take();
        handle.and_then(Arc::into_inner)
    }
}

// [C1] the place is given up after the last operation, and before the descriptor.
/// The last operation has landed, and nobody can start another.
impl Drop for Held {
    fn drop(&mut self) {
        if let Some(registration) = self.slot.take() {
            let handle = self.lock().handle.take();
            registration.undo(handle);
        }
    }
}

/// A step that counts as an operation in flight, until this is dropped.
pub(super) struct Step<H: AsRef<Held>>(Arc<H>);

impl<H: AsRef<Held>> Step<H> {
    pub(super) fn of(holder: &Arc<H>) -> Self {
        (**holder).as_ref().enter();
        Self(Arc::clone(holder))
    }
}

impl<H: AsRef<Held>> Drop for Step<H> {
    fn drop(&mut self) {
        if let Some(waker) = (*self.0).as_ref().leave() {
            // It may be on a thread that happens to drive the port, and is not its victim (C11).
            let _panic = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
    }
}

/// A handle that is being taken apart: waits until nothing flies on it.
pub(crate) struct Holding<H> {
    holder: Arc<H>,
    shard: Arc<Shard>,
}

impl<H: AsRef<Held> + Send + Sync + 'static> Holding<H> {
    /// The holder's operations must have been asked to stop, and be attended.
    pub(crate) fn new(holder: Arc<H>, shard: Arc<Shard>) -> Self {
        Self { holder, shard }
    }

    pub(crate) fn wait(self) -> (Arc<H>, Option<Owned>) {
        self.drain();
        self.unregister();
        self.drain();
        let handle = (*self.holder).as_ref().give_out();
        (self.holder, handle)
    }

    /// Blocks until nothing flies.
    pub(crate) fn drain(&self) {
        let held = (*self.holder).as_ref();
        let parker = Parker::current();
        held.watch(parker.own_waker());
        self.shard.drive(&parker, &|| held.is_drained(), None);
    }

    /// Whether nothing flies; otherwise the task is woken then.
    #[cfg(windows)]
    pub(crate) fn poll_drained(&self, cx: &Context<'_>) -> Poll<()> {
        let drained = (*self.holder).as_ref().watch(cx.waker());
        if drained { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Once nothing flies: gives up its place in the port's table. What is left to be done of that
    /// elsewhere flies.
    fn unregister(&self) {
        if let Some(registration) = (*self.holder).as_ref().slot.take() {
            registration.undo(Step::of(&self.holder));
        }
    }
}

impl<H: AsRef<Held> + Send + Sync + 'static> Future for Holding<H> {
    type Output = (Arc<H>, Option<Owned>);

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let held = (*self.holder).as_ref();
        if !held.watch(cx.waker()) {
            return Poll::Pending;
        }
        self.unregister();
        if !held.watch(cx.waker()) {
            return Poll::Pending;
        }
        let handle = held.give_out();
        Poll::Ready((Arc::clone(&self.holder), handle))
    }
}
