//! One backend and those who drive it.

use std::{
    io, mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    task::Waker,
    thread,
    time::{Duration, Instant},
};

use super::{
    background::Background,
    helm::{Call, Helm, Seat},
    inbox::{Cancelled, Flight, Holder, Inbox, Landed, Limit, State},
    parker::Parker,
    timers::Due,
    trace,
};
use crate::{
    backend::{Backend, Cause, Cheap, Clock, Completion, Features, Reap, Value},
    iocb::{Entry, Id, Landing, Orphan, Tally},
    op::{Cancel, OnDrop},
};

/// A backend with its queue in, its place at the kernel, and its background thread.
pub(crate) struct Shard {
    pub(super) number: usize,
    pub(super) features: Features,
    inbox: Inbox,
    helm: Helm,
    /// The completion half, used by who is at the helm. `None` only once leaked.
    reap: Mutex<Option<Box<dyn Reap>>>,
    clock: Box<dyn Clock>,
    cheap: Option<Arc<dyn Cheap>>,
    /// Operations that were over when they started.
    inline: AtomicU64,
    closed: AtomicBool,
    /// Room for the next turn, so that a turn does not allocate.
    spare: Mutex<Batch>,
    /// Operations whose landing, wills and wake-ups included, is not finished.
    busy: AtomicUsize,
    /// Who waits for `busy` to fall to zero.
    idle: Mutex<Vec<Waker>>,
    pub(super) background: Background,
    panics: AtomicU64,
}

/// The helm is held; it is left even if a backend panics.
struct AtHelm<'a>(&'a Arc<Shard>);

impl Drop for AtHelm<'_> {
    fn drop(&mut self) {
        let call = self.0.helm.leave(|| self.0.is_attended());
        self.0.heed(call);
    }
}

#[derive(Default)]
struct Batch {
    completions: Vec<Completion>,
    landed: Vec<Landed>,
    holders: Vec<(Id, Arc<dyn Holder>)>,
    after: After,
}

impl Batch {
    /// Whether its room is worth keeping: that of a burst is given back (C14).
    fn is_modest(&self) -> bool {
        self.completions.capacity().max(self.landed.capacity()) <= 1024
    }
}

/// What is to be done once the helm is free: it may run user code.
#[derive(Default)]
struct After {
    notes: Vec<trace::Note>,
    orphans: Vec<Orphan>,
    holders: Vec<(Id, usize, Arc<dyn Holder>)>,
    wakers: Vec<Waker>,
    count: usize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shard {
    pub(super) fn new(number: usize, backend: Backend, limit: Arc<Limit>) -> Arc<Self> {
        Arc::new(Self {
            number,
            features: backend.features,
            inbox: Inbox::new(backend.submit, limit),
            helm: Helm::new(),
            reap: Mutex::new(Some(backend.reap)),
            clock: backend.clock,
            cheap: backend.cheap,
            inline: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            spare: Mutex::default(),
            busy: AtomicUsize::new(0),
            idle: Mutex::default(),
            background: Background::default(),
            panics: AtomicU64::new(0),
        })
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    pub(super) fn book(&self) -> impl std::ops::DerefMut<Target = State> + '_ {
        self.inbox.lock()
    }

    // --- at once ----------------------------------------------------------------------------

    /// What can be done without an operation, unless the port is closed.
    pub(crate) fn cheap(&self) -> Option<&dyn Cheap> {
        if self.closed.load(Ordering::Acquire) { None } else { self.cheap.as_deref() }
    }

    /// An operation was over when it started.
    pub(crate) fn count_inline(&self) {
        self.inline.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn inline(&self) -> u64 {
        self.inline.load(Ordering::Relaxed)
    }

    // --- starting ---------------------------------------------------------------------------

    /// Enters an operation into the book and hands it on. A refusal is an outcome too: it lands.
    pub(crate) fn start(self: &Arc<Self>, entry: Entry, flight: Flight) -> u32 {
        match self.admit(entry, flight) {
            Ok((key, entry)) => {
                self.launch(entry);
                key
            }
            Err(key) => key,
        }
    }

    /// Enters an operation into the book, for a handle that queues it itself.
    pub(crate) fn admit(
        self: &Arc<Self>,
        mut entry: Entry,
        flight: Flight,
    ) -> Result<(u32, Entry), u32> {
        let hail = flight.attended;
        let holder = flight.holder.clone();
        let admitted = {
            let mut book = self.inbox.lock();
            let admitted = book.admit(&mut entry, flight);
            // Counted under the lock under which a shutdown closes the book.
            self.busy.fetch_add(usize::from(admitted.is_ok()), Ordering::AcqRel);
            admitted
        };
        match admitted {
            Ok(key) => {
                if hail {
                    self.hail();
                }
                Ok((key, entry))
            }
            Err(cause) => {
                self.refuse(entry, holder, cause);
                Err(u32::MAX)
            }
        }
    }

    /// Lands an operation that may not even start.
    pub(crate) fn refuse(&self, entry: Entry, holder: Option<Arc<dyn Holder>>, cause: Cause) {
        let mut after = After::default();
        after.holders.extend(holder.map(|holder| (entry.id(), 0, holder)));
        after.publish(entry, Err(cause), "", Cancel::None);
        self.finish(&mut after);
    }

    /// Hands on an operation that was admitted.
    pub(crate) fn launch(self: &Arc<Self>, entry: Entry) {
        let back = self.inbox.lock().launch(entry);
        if let Some(landed) = back {
            self.land_now(landed);
        }
    }

    /// Lands an operation that was admitted and is not to be handed on.
    pub(crate) fn strike(self: &Arc<Self>, entry: Entry, cause: Cause) {
        let landed = self.inbox.lock().strike(entry, Err(cause));
        self.land_now(landed);
    }

    /// Answers a step of an operation that was admitted, in the backend's stead.
    pub(crate) fn answer(self: &Arc<Self>, entry: Entry, answer: Result<Value, Cause>) {
        let landed = self.inbox.lock().answer(Completion { entry, answer });
        if let Some(landed) = landed {
            self.land_now(landed);
        }
    }

    // --- asking -----------------------------------------------------------------------------

    pub(crate) fn cancel(self: &Arc<Self>, key: u32, id: Id) {
        let found = self.inbox.lock().cancel(key, id);
        match found {
            Cancelled::Unknown | Cancelled::Asked => {}
            Cancelled::Here(landed) => self.land_now(landed),
            Cancelled::AskHolder(holder) => self.withdraw(&*holder, id),
        }
    }

    fn withdraw(self: &Arc<Self>, holder: &dyn Holder, id: Id) {
        if let Some(entry) = holder.withdraw(id) {
            // Its flight is marked as cancelled, so launching it lands it.
            self.launch(entry);
        }
    }

    /// Cancels what `chosen` picks. What is over when its turn comes is left alone.
    pub(crate) fn cancel_where(self: &Arc<Self>, mut chosen: impl FnMut(&Flight) -> bool) {
        let ids: Vec<(u32, Id)> = {
            let state = self.inbox.lock();
            let chosen = state.flights.iter().filter(|(_, flight)| chosen(flight));
            chosen
                .map(|(key, flight)| (u32::try_from(key).unwrap_or(u32::MAX), flight.id))
                .collect()
        };
        for (key, id) in ids {
            self.cancel(key, id);
        }
    }

    /// The program's half of an operation is about to be dropped.
    pub(crate) fn dropping(self: &Arc<Self>, key: u32, id: Id) {
        let found = self.inbox.lock().on_drop(key, id);
        if found == Some(OnDrop::Cancel) {
            self.cancel(key, id);
        }
    }

    /// A scope ends: what it lent must land soon, whoever forgot it.
    pub(crate) fn recall(self: &Arc<Self>, tally: &Arc<Tally>) {
        self.cancel_where(|flight| flight.is_lent(tally) && flight.op.on_drop() != OnDrop::Finish);
    }

    pub(crate) fn deadline(&self, key: u32, id: Id, at: Instant) {
        self.inbox.lock().deadline(key, id, at);
    }

    /// Somebody who does not block waits for this operation.
    pub(crate) fn attend(self: &Arc<Self>, key: u32, id: Id) {
        if self.inbox.lock().attend(key, id) {
            self.hail();
        }
    }

    /// As [`Shard::attend`], for every operation that `chosen` picks.
    pub(crate) fn attend_where(self: &Arc<Self>, chosen: impl FnMut(&Flight) -> bool) {
        if self.inbox.lock().attend_where(chosen) {
            self.hail();
        }
    }

    /// A handle is being closed: its operations are attended, and those that only read are asked
    /// to stop.
    pub(crate) fn end_reads<H: Holder + 'static>(self: &Arc<Self>, holder: &Arc<H>) {
        self.cancel_where(|flight| flight.is_of(holder) && flight.op.on_drop() != OnDrop::Finish);
        self.attend_where(|flight| flight.is_of(holder));
    }

    pub(super) fn hail(self: &Arc<Self>) {
        if self.helm.hail() == Call::Background {
            self.background.call(self);
        }
    }

    /// Gets up the thread at the helm.
    pub(super) fn wake(&self) {
        self.inbox.lock().wake();
    }

    // --- driving ----------------------------------------------------------------------------

    /// Blocks until `done`, or until the time has come; whether `done`. The caller has seen to it
    /// that `parker` is woken when `done` may have changed. Looks at the backend at least once.
    pub(crate) fn drive(
        self: &Arc<Self>,
        parker: &Arc<Parker>,
        done: &dyn Fn() -> bool,
        until: Option<Instant>,
    ) -> bool {
        let waker = parker.waker();
        let mut looked = false;
        loop {
            parker.clear();
            if done() {
                return true;
            }
            if looked && until.is_some_and(|until| until <= self.now()) {
                return false;
            }
            looked = true;
            match self.helm.board(&waker) {
                Seat::Lead if done() => drop(AtHelm(self)),
                Seat::Lead => self.turn(parker, until),
                Seat::Follow(ticket) => {
                    if !done() {
                        parker.park(until);
                    }
                    let call = self.helm.disembark(ticket, || self.is_attended());
                    self.heed(call);
                }
            }
        }
    }

    pub(super) fn is_attended(&self) -> bool {
        self.inbox.lock().attended > 0
    }

    fn heed(self: &Arc<Self>, call: Call) {
        if call == Call::Background {
            self.background.call(self);
        }
    }

    /// One turn at the helm: wait, tell the outcomes, leave, and only then run what may be user
    /// code: it may itself wait for this shard (C11).
    fn turn(self: &Arc<Self>, parker: &Arc<Parker>, until: Option<Instant>) {
        let at_helm = AtHelm(self);
        let mut batch = mem::take(&mut *lock(&self.spare));
        parker.steer(self, |woken| {
            let until = if woken { Some(self.now()) } else { until };
            self.reap(until, &mut batch.completions);
        });
        self.settle(&mut batch);
        for landed in batch.landed.drain(..) {
            batch.after.land(landed, self.features.kind.name());
        }
        drop(at_helm);
        for (id, holder) in batch.holders.drain(..) {
            self.withdraw(&*holder, id);
        }
        self.finish(&mut batch.after);
        if batch.is_modest() {
            *lock(&self.spare) = batch;
        }
    }

    fn reap(&self, until: Option<Instant>, out: &mut Vec<Completion>) {
        let until = self.inbox.lock().sleep(until);
        let waited = match &mut *lock(&self.reap) {
            Some(reap) => reap.wait(until, out),
            None => Err(io::ErrorKind::NotConnected.into()),
        };
        self.inbox.lock().awake();
        if let Err(error) = waited {
            // No backend should come to this; what flies stays where it is.
            trace::wait_failed(&error);
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn settle(&self, batch: &mut Batch) {
        let now = self.now();
        let mut state = self.inbox.lock();
        for completion in batch.completions.drain(..) {
            batch.landed.extend(state.answer(completion));
        }
        while let Some(due) = state.pop_due(now) {
            match due {
                Due::Land(entry) => batch.landed.push(state.strike(entry, Ok(Value::Count(0)))),
                Due::Cancel { key, id } => match state.cancel(key, id) {
                    Cancelled::Here(landed) => batch.landed.push(landed),
                    Cancelled::AskHolder(holder) => batch.holders.push((id, holder)),
                    Cancelled::Unknown | Cancelled::Asked => {}
                },
            }
        }
        state.flush();
    }

    fn land_now(self: &Arc<Self>, landed: Landed) {
        let mut after = After::default();
        after.land(landed, self.features.kind.name());
        self.finish(&mut after);
    }

    // [C11] no lock is held here: what runs may come back to this shard.
    /// Wills, then handles, then wakers, then nothing.
    fn finish(&self, after: &mut After) {
        after.notes.drain(..).for_each(trace::landed);
        for orphan in after.orphans.drain(..) {
            after.wakers.extend(orphan.bury());
        }
        for (id, moved, holder) in after.holders.drain(..) {
            after.wakers.extend(holder.landed(id, moved));
        }
        for waker in after.wakers.drain(..) {
            if catch_unwind(AssertUnwindSafe(|| waker.wake())).is_err() {
                self.panics.fetch_add(1, Ordering::Relaxed);
            }
        }
        let count = mem::take(&mut after.count);
        if count > 0 && self.busy.fetch_sub(count, Ordering::AcqRel) == count {
            let idle = mem::take(&mut *lock(&self.idle));
            idle.into_iter().for_each(Waker::wake);
        }
    }

    // --- ending -----------------------------------------------------------------------------

    /// Refuses new operations and cancels what flies.
    pub(super) fn close(self: &Arc<Self>) {
        {
            let mut book = self.inbox.lock();
            book.closed = true;
            self.closed.store(true, Ordering::Release);
            book.flights.iter_mut().for_each(|(_, flight)| flight.recall());
        }
        self.cancel_where(|_| true);
    }

    pub(super) fn busy(&self) -> usize {
        self.busy.load(Ordering::Acquire)
    }

    /// Drives until nothing flies, or until the time has come; how many still fly.
    pub(super) fn drain(self: &Arc<Self>, until: Option<Instant>) -> usize {
        let parker = Parker::current();
        lock(&self.idle).push(parker.waker());
        self.drive(&parker, &|| self.busy() == 0, until);
        self.busy()
    }

    pub(super) fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }
}

// [C2] [C9] a backend is closed when nothing flies on it, or it is leaked.
impl Drop for Shard {
    /// Nobody can drive this backend any more. If something still flies, closing it would not
    /// wait for what the kernel writes (C2), so both halves are leaked with it.
    fn drop(&mut self) {
        let busy = *self.busy.get_mut();
        if busy > 0 {
            trace::leaked(busy);
            self.inbox.lock().leak();
            mem::forget(lock(&self.reap).take());
        }
    }
}

impl After {
    fn land(&mut self, landed: Landed, backend: &'static str) {
        let Landed { entry, answer, flight } = landed;
        self.notes.extend(trace::note(&flight, &answer));
        self.count += 1;
        let cancel = flight.cancel();
        let moved = entry.moved();
        self.holders.extend(flight.holder.map(|holder| (flight.id, moved, holder)));
        self.publish(entry, answer, backend, cancel);
    }

    fn publish(
        &mut self,
        entry: Entry,
        answer: Result<Value, Cause>,
        backend: &'static str,
        cancel: Cancel,
    ) {
        match entry.land(answer, backend, cancel) {
            Landing::Told(waiter, scope) => {
                self.wakers.extend(waiter);
                self.wakers.extend(scope);
            }
            Landing::Orphan(orphan) => self.orphans.push(orphan),
        }
    }
}
