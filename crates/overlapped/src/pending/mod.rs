//! What the program holds of an operation, and the three ways to treat it: keep it and block
//! ([`Pending::wait`]), keep it and leave a waker (`.await`), give it up with a routine
//! ([`Pending::then`]).

pub mod alertable;
mod event;
mod open;
mod set;

pub use event::Event;
pub(crate) use open::open;
pub use set::{Waitable, wait_all, wait_any};

use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use crate::{
    buf::Fixed,
    error::Cause,
    iocb::{self, Asked, Entry, Half, Holder, Lease, Left, Line, Split},
    op::{Op, Operation, Plan},
    port::{Home, Parker, Shard},
    sync::in_this_order_always,
};

/// An operation that was started: its outcome, sooner or later.
///
/// The operation runs from the moment the verb returned it, whether or not anybody waits; further
/// steps of one that has several (`write_all_sync_at`) are taken by whoever drives the port: a
/// thread that waits, or the background thread once something was polled or dropped. Exactly one
/// outcome comes (C3), with the buffer that was lent (C4).
///
/// * **Block**: [`wait`](Self::wait), [`wait_timeout`](Self::wait_timeout).
/// * **Await**: it is a [`Future`] that is `Unpin`, runs on any executor and may be polled by
///   reference in a `select`; polling loses nothing.
/// * **Routine**: [`then`](Self::then).
///
/// # Dropping it
///
/// never blocks and never panics, from any thread, and `mem::forget` is safe. What it does to an
/// operation in flight depends on the operation, so that nothing that completed is lost:
///
/// | operation | on drop in flight | its result |
/// |---|---|---|
/// | positional read, metadata, sleep | cancel is requested | dropped: nothing was consumed |
/// | positional write, sync, allocate, rename, … | runs to its end | an error is told by the handle's next write, sync or close |
/// | stream read | cancel is requested | what it took all the same stays with the handle and is served to the next read, in order |
/// | stream write | runs to its end, before the next write | an error is told by the next write or close |
/// | open | cancel is requested | the handle, if one came, is closed |
/// | a watcher's wait for changes (Windows) | cancel is requested | changes that came all the same stay with the watcher and are told to its next call, in order |
/// | a device's control code (Windows) | cancel is requested | its answer, or its error, is dropped |
/// | a server's wait for a client (Windows) | cancel is requested | a client that came all the same stays with the instance: the next `connect` finds it |
///
/// The memory outlives the operation in every case: it is freed where the OS's last word is heard.
#[must_use = "dropping it abandons the operation; wait, await, or give it a routine"]
pub struct Pending<'io, O: Operation> {
    stage: Stage<O>,
    io: PhantomData<&'io ()>,
}

enum Stage<O: Operation> {
    /// It has a block, and a place in the book.
    Started(Half<O>, Home),
    /// It was over when it started, and needed neither.
    Over(O::Output),
    /// The outcome was taken.
    Taken,
}

/// Everything that starting an operation needs.
pub(crate) struct Ask<'a, O> {
    pub(crate) shard: &'a Arc<Shard>,
    pub(crate) op: Op,
    pub(crate) plan: Plan,
    pub(crate) request: O,
    pub(crate) holder: Option<Arc<dyn Holder>>,
    /// The handle's place in the backend's table.
    pub(crate) fixed: Option<Fixed>,
}

/// A way into the port that is not the plain one: a stream's own queue.
pub(crate) trait Route {
    /// Starts `entry`.
    fn start(self, shard: &Arc<Shard>, entry: Entry, line: Line);
}

/// Straight into the port, or refused before that with a cause.
pub(crate) enum Gate {
    Open,
    Shut(Cause),
}

impl Gate {
    pub(crate) fn unless(cause: Option<Cause>) -> Self {
        cause.map_or(Self::Open, Self::Shut)
    }
}

impl Route for Gate {
    #[inline]
    fn start(self, shard: &Arc<Shard>, entry: Entry, line: Line) {
        match self {
            Self::Open => shard.start(entry, line),
            Self::Shut(cause) => shard.refuse(entry, line, cause),
        }
    }
}

impl<O: Operation + 'static> Pending<'static, O> {
    /// Starts an operation that owns what it lends.
    #[inline]
    pub(crate) fn start(ask: Ask<'_, O>) -> Self {
        Self::start_by(Gate::Open, ask)
    }

    #[inline]
    pub(crate) fn start_by(route: impl Route, ask: Ask<'_, O>) -> Self {
        Self::launch(route, ask, iocb::split)
    }
}

impl<'io, O: Operation> Pending<'io, O> {
    /// Starts an operation that borrows what it lends, under a scope's lease.
    #[inline]
    pub(crate) fn start_lent(lease: &'io Lease<'io, '_>, route: impl Route, ask: Ask<'_, O>) -> Self
    where
        O: 'io,
    {
        Self::launch(route, ask, |asked, request| iocb::split_lent(lease, asked, request))
    }

    #[inline]
    fn launch(
        route: impl Route,
        ask: Ask<'_, O>,
        split: impl FnOnce(Asked<'_>, O) -> Split<O>,
    ) -> Self {
        let Ask { shard, op, plan, request, holder, fixed } = ask;
        // A stream's other end may wait for what only a further step does.
        let is_stream = matches!(op, Op::Read { at: None, .. } | Op::Write { at: None, .. });
        let attended = is_stream && plan.has_steps();
        let (note, thread) = (shard.note(holder), shard.thread());
        let asked = Asked { op: &op, plan, fixed, note, attended, thread };
        let Split { half, entry, line } = split(asked, request);
        if let Some(holder) = &line.holder {
            holder.started();
        }
        route.start(shard, entry, line);
        Self { stage: Stage::Started(half, shard.home()), io: PhantomData }
    }

    /// An operation that was over when it started.
    pub(crate) fn over(output: O::Output) -> Self {
        Self { stage: Stage::Over(output), io: PhantomData }
    }

    /// The half and the shard of an operation that is not over.
    #[inline]
    fn flying(&self) -> Option<(&Half<O>, Arc<Shard>)> {
        match &self.stage {
            Stage::Started(half, home) if !half.is_landed() => Some((half, home.shard()?)),
            _ => None,
        }
    }

    /// Whether the operation is over, so that taking its outcome will not wait. Asking also takes a
    /// look at the port, without waiting, so that who asks again and again gets a yes in the end.
    pub fn is_over(&self) -> bool {
        let Some((half, shard)) = self.flying() else {
            return self.is_landed();
        };
        shard.drive(&Parker::current(), &|| half.is_landed(), Some(shard.now()))
    }

    /// Blocks until the operation is over, and gives its outcome.
    ///
    /// The calling thread drives the port itself if nobody else does. Do not call it on an
    /// executor's thread; `.await` there.
    #[inline]
    pub fn wait(mut self) -> O::Output {
        if matches!(self.stage, Stage::Started(..)) {
            self.block(None);
        }
        let output = self.take();
        // What is taken leaves nothing to drop.
        mem::forget(self);
        output
    }

    // [C6] a timeout gives the operation back as it was.
    /// Blocks until the operation is over, but at most for `timeout`.
    ///
    /// # Errors
    ///
    /// When the time is over, the operation itself, which goes on as it was (C6): wait again,
    /// [`cancel`](Self::cancel) it, or drop it. A timeout of zero looks once.
    pub fn wait_timeout(mut self, timeout: Duration) -> Result<O::Output, Self> {
        let until = self.flying().and_then(|(_, shard)| shard.now().checked_add(timeout));
        if self.block(until) { Ok(self.take()) } else { Err(self) }
    }

    /// Asks that the operation stop. Returns at once; the outcome is still to be waited for, and
    /// may be anything: done (the cancel came too late), partly done, cancelled, failed (C5).
    /// Asking again does nothing.
    pub fn cancel(&self) {
        if let Some((half, shard)) = self.flying() {
            shard.cancel(half.key(), half.id());
        }
    }

    /// Asks that the operation stop when `timeout` has passed from now. The outcome then tells the
    /// truth, as after [`cancel`](Self::cancel): a success that came first is a success, and a
    /// failure that is [cancelled](crate::Error::is_cancelled) took nothing (C6).
    ///
    /// The deadline is kept by whoever drives the port: a thread that waits, or the background
    /// thread once the operation was polled, dropped or given a routine. A later deadline replaces
    /// an earlier one. A sleep has no deadline.
    pub fn deadline(self, timeout: Duration) -> Self {
        if let Some((half, shard)) = self.flying() {
            if let Some(at) = shard.now().checked_add(timeout) {
                shard.deadline(half.key(), half.id(), at);
            }
        }
        self
    }

    /// Blocks until landed; whether it is.
    fn block(&mut self, until: Option<Instant>) -> bool {
        let Stage::Started(half, home) = &mut self.stage else {
            return true;
        };
        if half.is_landed() {
            return true;
        }
        let parker = Parker::current();
        if !leave(half, *home, parker.own_waker()) {
            return true;
        }
        home.drive(&parker, &|| half.is_landed(), until)
    }

    /// Leaves a waker, to be called by whoever drives; where to drive. `None` if it is over.
    pub(crate) fn leave(&mut self, waker: &Waker) -> Option<Home> {
        match &mut self.stage {
            Stage::Started(half, home) => leave(half, *home, waker).then_some(*home),
            Stage::Over(_) | Stage::Taken => None,
        }
    }

    pub(crate) fn is_landed(&self) -> bool {
        match &self.stage {
            Stage::Started(half, _) => half.is_landed(),
            Stage::Over(_) | Stage::Taken => true,
        }
    }

    /// Leaves a waker, to be called by somebody who does not block; whether it is over already.
    #[inline]
    pub(crate) fn attend(&mut self, waker: &Waker) -> bool {
        let Stage::Started(half, home) = &mut self.stage else {
            return true;
        };
        if !leave(half, *home, waker) {
            return true;
        }
        if !home.is_local() {
            if let Some(shard) = home.shard() {
                shard.attend(half.key(), half.id());
            }
        }
        false
    }

    /// Takes the outcome of an operation that is over.
    #[inline]
    pub(crate) fn take(&mut self) -> O::Output {
        match mem::replace(&mut self.stage, Stage::Taken) {
            Stage::Started(half, home) => half.finish(home.name()),
            Stage::Over(output) => output,
            Stage::Taken => panic!("the outcome of an operation is taken once"),
        }
    }
}

/// Leaves a waker for an operation that flies; whether it does.
#[inline]
fn leave<O: Operation>(half: &mut Half<O>, home: Home, waker: &Waker) -> bool {
    match half.register(waker) {
        Left::Here => true,
        Left::Landed => false,
        Left::Elsewhere => {
            if let Some(shard) = home.shard() {
                shard.leave_waker(half.key(), half.id(), waker.clone());
            }
            // First left, then looked: that thread lands first and then looks for what is left.
            in_this_order_always();
            !half.is_landed()
        }
    }
}

/// The request is in the block; nothing here is pinned.
impl<O: Operation> Unpin for Pending<'_, O> {}

impl<O: Operation> Future for Pending<'_, O> {
    type Output = O::Output;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<O::Output> {
        if self.attend(cx.waker()) { Poll::Ready(self.take()) } else { Poll::Pending }
    }
}

// [C8] never blocks: it asks, lets go of its half, and leaves the rest to who drives.
impl<O: Operation> Drop for Pending<'_, O> {
    #[inline]
    fn drop(&mut self) {
        if matches!(self.stage, Stage::Started(..)) {
            self.abandon();
        }
    }
}

impl<O: Operation> Pending<'_, O> {
    fn abandon(&mut self) {
        let Stage::Started(half, home) = mem::replace(&mut self.stage, Stage::Taken) else {
            return;
        };
        if half.is_landed() {
            return;
        }
        let Some(shard) = home.shard() else {
            return;
        };
        if half.is_astray() {
            return shard.drop_there(half.into_stray());
        }
        // While the half lives, the id cannot name another operation.
        let (key, id) = (half.key(), half.id());
        shard.dropping(half.op().on_drop(), key, id);
        drop(half);
        // An orphan must be landed without anybody waiting for it.
        shard.attend(key, id);
    }
}

impl<O: Operation> fmt::Debug for Pending<'_, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending")
            .field("flying", &self.flying().map(|(half, _)| half.id()))
            .finish_non_exhaustive()
    }
}
