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
    error::Cause,
    iocb::{self, Entry, Half, Id, Lease, Tally},
    op::{Op, Operation, Plan},
    port::{Flight, Holder, Parker, Shard},
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
///
/// The memory outlives the operation in every case: it is freed where the OS's last word is heard.
#[must_use = "dropping it abandons the operation; wait, await, or give it a routine"]
pub struct Pending<'io, O: Operation> {
    stage: Stage<O>,
    io: PhantomData<&'io ()>,
}

enum Stage<O: Operation> {
    /// It has a block, and a place in the book.
    Started(Half<O>, Ticket),
    /// It was over when it started, and needed neither.
    Over(O::Output),
    /// The outcome was taken.
    Taken,
}

/// Where an operation is in the book.
struct Ticket {
    shard: Arc<Shard>,
    key: u32,
    id: Id,
}

/// Everything that starting an operation needs.
pub(crate) struct Ask<'a, O> {
    pub(crate) shard: &'a Arc<Shard>,
    pub(crate) op: Op,
    pub(crate) plan: Plan,
    pub(crate) request: O,
    pub(crate) holder: Option<Arc<dyn Holder>>,
}

/// A way into the port that is not the plain one: a stream's own queue.
pub(crate) trait Route {
    /// Starts `entry`; returns its key in the book.
    fn start(self, shard: &Arc<Shard>, entry: Entry, flight: Flight) -> u32;
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
    fn start(self, shard: &Arc<Shard>, entry: Entry, flight: Flight) -> u32 {
        match self {
            Self::Open => shard.start(entry, flight),
            Self::Shut(cause) => {
                shard.refuse(entry, flight.into_holder(), cause);
                u32::MAX
            }
        }
    }
}

impl<O: Operation + 'static> Pending<'static, O> {
    /// Starts an operation that owns what it lends.
    pub(crate) fn start(ask: Ask<'_, O>) -> Self {
        Self::start_by(Gate::Open, ask)
    }

    pub(crate) fn start_by(route: impl Route, ask: Ask<'_, O>) -> Self {
        let Ask { shard, op, plan, request, holder } = ask;
        let (half, entry) = iocb::split(op, plan, request);
        Self::launch(route, shard, half, entry, holder, None)
    }
}

impl<'io, O: Operation> Pending<'io, O> {
    /// Starts an operation that borrows what it lends, under a scope's lease.
    pub(crate) fn start_lent(lease: &'io Lease<'io, '_>, route: impl Route, ask: Ask<'_, O>) -> Self
    where
        O: 'io,
    {
        let Ask { shard, op, plan, request, holder } = ask;
        let (half, entry) = iocb::split_lent(lease, op, plan, request);
        Self::launch(route, shard, half, entry, holder, Some(Arc::clone(lease.tally())))
    }

    fn launch(
        route: impl Route,
        shard: &Arc<Shard>,
        half: Half<O>,
        entry: Entry,
        holder: Option<Arc<dyn Holder>>,
        tally: Option<Arc<Tally>>,
    ) -> Self {
        let id = half.id();
        if let Some(holder) = &holder {
            holder.started();
        }
        let flight = Flight::new(&entry, shard.now(), holder, tally);
        let key = route.start(shard, entry, flight);
        let ticket = Ticket { shard: Arc::clone(shard), key, id };
        Self { stage: Stage::Started(half, ticket), io: PhantomData }
    }

    /// An operation that was over when it started.
    pub(crate) fn over(output: O::Output) -> Self {
        Self { stage: Stage::Over(output), io: PhantomData }
    }

    /// The place in the book of an operation that is not over.
    fn flying(&self) -> Option<&Ticket> {
        match &self.stage {
            Stage::Started(half, ticket) if !half.is_landed() => Some(ticket),
            _ => None,
        }
    }

    /// Whether the operation is over, so that taking its outcome will not wait. Asking also takes a
    /// look at the port, without waiting, so that who asks again and again gets a yes in the end.
    pub fn is_over(&self) -> bool {
        let Stage::Started(half, Ticket { shard, .. }) = &self.stage else {
            return true;
        };
        half.is_landed() || shard.drive(&Parker::current(), &|| half.is_landed(), Some(shard.now()))
    }

    /// Blocks until the operation is over, and gives its outcome.
    ///
    /// The calling thread drives the port itself if nobody else does. Do not call it on an
    /// executor's thread; `.await` there.
    pub fn wait(mut self) -> O::Output {
        self.block(None);
        self.take()
    }

    // [C6] a timeout gives the operation back as it was.
    /// Blocks until the operation is over, but at most for `timeout`.
    ///
    /// # Errors
    ///
    /// When the time is over, the operation itself, which goes on as it was (C6): wait again,
    /// [`cancel`](Self::cancel) it, or drop it. A timeout of zero looks once.
    pub fn wait_timeout(mut self, timeout: Duration) -> Result<O::Output, Self> {
        let until = self.flying().and_then(|ticket| ticket.shard.now().checked_add(timeout));
        if self.block(until) { Ok(self.take()) } else { Err(self) }
    }

    /// Asks that the operation stop. Returns at once; the outcome is still to be waited for, and
    /// may be anything: done (the cancel came too late), partly done, cancelled, failed (C5).
    /// Asking again does nothing.
    pub fn cancel(&self) {
        if let Some(ticket) = self.flying() {
            ticket.shard.cancel(ticket.key, ticket.id);
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
        if let Some(Ticket { shard, key, id }) = self.flying() {
            if let Some(at) = shard.now().checked_add(timeout) {
                shard.deadline(*key, *id, at);
            }
        }
        self
    }

    /// Blocks until landed; whether it is.
    fn block(&mut self, until: Option<Instant>) -> bool {
        let Stage::Started(half, ticket) = &mut self.stage else {
            return true;
        };
        if half.is_landed() {
            return true;
        }
        let parker = Parker::current();
        if half.register(&parker.waker()) {
            return true;
        }
        ticket.shard.drive(&parker, &|| half.is_landed(), until)
    }

    /// Leaves a waker, to be called by somebody who does not block; whether it is over already.
    fn attend(&mut self, waker: &Waker) -> bool {
        let Stage::Started(half, ticket) = &mut self.stage else {
            return true;
        };
        if half.register(waker) {
            return true;
        }
        ticket.shard.attend(ticket.key, ticket.id);
        false
    }

    /// Takes the outcome of an operation that is over.
    fn take(&mut self) -> O::Output {
        match mem::replace(&mut self.stage, Stage::Taken) {
            Stage::Started(half, _ticket) => {
                let (request, outcome) = half.take();
                request.finish(outcome)
            }
            Stage::Over(output) => output,
            Stage::Taken => panic!("the outcome of an operation is taken once"),
        }
    }
}

/// The request is in the block; nothing here is pinned.
impl<O: Operation> Unpin for Pending<'_, O> {}

impl<O: Operation> Future for Pending<'_, O> {
    type Output = O::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<O::Output> {
        if self.attend(cx.waker()) { Poll::Ready(self.take()) } else { Poll::Pending }
    }
}

// [C8] never blocks: it asks, lets go of its half, and leaves the rest to who drives.
impl<O: Operation> Drop for Pending<'_, O> {
    fn drop(&mut self) {
        let stage = mem::replace(&mut self.stage, Stage::Taken);
        let Stage::Started(half, Ticket { shard, key, id }) = stage else {
            return;
        };
        if half.is_landed() {
            return;
        }
        // While the half lives, the id cannot name another operation.
        shard.dropping(key, id);
        drop(half);
        // An orphan must be landed without anybody waiting for it.
        shard.attend(key, id);
    }
}

impl<O: Operation> fmt::Debug for Pending<'_, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending")
            .field("flying", &self.flying().map(|ticket| ticket.id))
            .finish_non_exhaustive()
    }
}
