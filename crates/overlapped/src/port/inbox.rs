//! The queue into a shard: entries and cancels in one order, and the book of what flies.
//!
//! A cancel first notes itself in the operation's flight and then asks the backend; whoever hands
//! an entry on (first submission, next step, backlog, a handle's own queue) looks at the note under
//! the same lock. So a cancel meets the operation wherever it is, and none is lost (C5).

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Waker,
    thread::{self, ThreadId},
    time::Instant,
};

use slab::Slab;

use super::timers::{Due, TimerKey, Timers};
use crate::{
    backend::{Cause, Completion, Submit, Value},
    error::ECANCELED,
    iocb::{Entry, Id, Tally},
    op::{Cancel, Next, OnDrop, Op},
    sync::{Mutex, MutexGuard, lock},
};

/// The handle that an operation belongs to. Called with no lock held.
pub(crate) trait Holder: Send + Sync {
    /// One of its operations is being started.
    fn started(&self);

    /// One of its operations has landed, after so many bytes had moved; who is to be woken.
    fn landed(&self, id: Id, moved: usize) -> Option<Waker>;

    /// Gives back an operation that is still queued at the handle.
    fn withdraw(&self, id: Id) -> Option<Entry> {
        let _ = id;
        None
    }
}

/// One started operation, as the port knows it.
pub(crate) struct Flight {
    pub(super) id: Id,
    pub(super) op: Op,
    pub(super) len: usize,
    pub(super) started: Instant,
    pub(super) thread: ThreadId,
    /// The handle it belongs to, which stays open until it has landed.
    pub(super) holder: Option<Arc<dyn Holder>>,
    /// The scope that has lent it its memory.
    pub(super) tally: Option<Arc<Tally>>,
    pub(super) cancelled: bool,
    /// The port asked, because it is being closed.
    recalled: bool,
    pub(super) attended: bool,
    pub(super) timer: Option<TimerKey>,
}

impl Flight {
    pub(crate) fn new(
        entry: &Entry,
        started: Instant,
        holder: Option<Arc<dyn Holder>>,
        tally: Option<Arc<Tally>>,
    ) -> Self {
        let op = entry.asked();
        // A stream's other end may wait for what only a further step does.
        let is_stream = matches!(op, Op::Read { at: None, .. } | Op::Write { at: None, .. });
        Self {
            id: entry.id(),
            op,
            len: entry.len(),
            started,
            thread: thread::current().id(),
            holder,
            tally,
            cancelled: false,
            recalled: false,
            attended: is_stream && entry.has_steps(),
            timer: None,
        }
    }

    pub(crate) fn into_holder(self) -> Option<Arc<dyn Holder>> {
        self.holder
    }

    /// Whether it belongs to this handle.
    pub(crate) fn is_of(&self, holder: &Arc<impl Holder + 'static>) -> bool {
        let held = self.holder.as_ref().map(|held| Arc::as_ptr(held).cast::<()>());
        held == Some(Arc::as_ptr(holder).cast())
    }

    /// The port is being closed.
    pub(super) fn recall(&mut self) {
        self.recalled |= !self.cancelled;
    }

    /// Who asked it to stop.
    pub(super) fn cancel(&self) -> Cancel {
        match (self.cancelled, self.recalled) {
            (false, _) => Cancel::None,
            (true, false) => Cancel::ByProgram,
            (true, true) => Cancel::ByPort,
        }
    }

    pub(crate) fn is_lent(&self, tally: &Arc<Tally>) -> bool {
        self.tally.as_ref().is_some_and(|other| Arc::ptr_eq(other, tally))
    }
}

/// An operation that is to be landed, once the lock is gone.
pub(super) struct Landed {
    pub(super) entry: Entry,
    pub(super) answer: Result<Value, Cause>,
    pub(super) flight: Flight,
}

/// How many operations may fly at once, on all shards of a port together.
pub(super) struct Limit {
    most: usize,
    flying: AtomicUsize,
}

impl Limit {
    pub(super) fn new(most: usize) -> Self {
        // A key is 32 bits wide, and the last one names nothing.
        Self { most: most.min(u32::MAX as usize - 1), flying: AtomicUsize::new(0) }
    }

    /// One more, if there is room.
    fn enter(&self) -> bool {
        let room = self.flying.fetch_add(1, Ordering::Relaxed) < self.most;
        if !room {
            self.leave();
        }
        room
    }

    fn leave(&self) {
        self.flying.fetch_sub(1, Ordering::Relaxed);
    }
}

pub(super) struct Inbox {
    state: Mutex<State>,
}

pub(super) struct State {
    submit: Box<dyn Submit>,
    pub(super) flights: Slab<Flight>,
    backlog: VecDeque<Entry>,
    timers: Timers,
    /// When the thread at the helm means to wake up by itself; `None` while nobody sleeps there.
    sleeps_until: Option<Option<Instant>>,
    pub(super) closed: bool,
    limit: Arc<Limit>,
    pub(super) started: u64,
    pub(super) landed: u64,
    pub(super) cancels: u64,
    /// How many flights must be served without anybody blocking for them.
    pub(super) attended: usize,
}

impl Inbox {
    pub(super) fn new(submit: Box<dyn Submit>, limit: Arc<Limit>) -> Self {
        Self {
            state: Mutex::new(State {
                submit,
                flights: Slab::new(),
                backlog: VecDeque::new(),
                timers: Timers::default(),
                sleeps_until: None,
                closed: false,
                limit,
                started: 0,
                landed: 0,
                cancels: 0,
                attended: 0,
            }),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl State {
    /// Enters an operation into the book, or says why it may not start.
    pub(super) fn admit(&mut self, entry: &mut Entry, flight: Flight) -> Result<u32, Cause> {
        if self.closed {
            return Err(Cause::Closed);
        }
        // [C14] at the limit an operation is refused, with its buffer.
        if !self.limit.enter() {
            return Err(Cause::Full(self.limit.most));
        }
        self.started += 1;
        self.attended += usize::from(flight.attended);
        let key = u32::try_from(self.flights.insert(flight)).expect("the limit fits 32 bits");
        entry.set_key(key);
        Ok(key)
    }

    /// Hands an admitted entry on: to the timers, to the backend, or to the backlog if that is
    /// full. One that was cancelled meanwhile comes back, to be landed.
    pub(super) fn launch(&mut self, entry: Entry) -> Option<Landed> {
        let flight = &mut self.flights[entry.key() as usize];
        if flight.cancelled {
            return Some(self.strike(entry, Err(Cause::Os(ECANCELED))));
        }
        if let Op::Timer { due } = entry.asked() {
            flight.timer = Some(self.timers.arm(due, Due::Land(entry)));
            self.alarm(due);
            return None;
        }
        if !self.backlog.is_empty() {
            self.backlog.push_back(entry);
        } else if let Err(entry) = self.submit.submit(entry) {
            self.backlog.push_back(entry);
        }
        None
    }

    // [C5] noted first, then asked for; whoever hands the entry on looks at the note.
    /// Asks that an operation stop. What has not reached the OS comes back, to be landed; what may
    /// be queued at its handle is for the caller to look for there.
    pub(super) fn cancel(&mut self, key: u32, id: Id) -> Cancelled {
        let Some(flight) = self.flights.get_mut(key as usize).filter(|flight| flight.id == id)
        else {
            return Cancelled::Unknown;
        };
        if flight.cancelled {
            return Cancelled::Unknown;
        }
        flight.cancelled = true;
        self.cancels += 1;
        if matches!(flight.op, Op::Timer { .. }) {
            if let Some(Due::Land(entry)) = flight.timer.take().and_then(|t| self.timers.disarm(t))
            {
                return Cancelled::Here(self.strike(entry, Err(Cause::Os(ECANCELED))));
            }
        }
        if let Some(place) = self.backlog.iter().position(|entry| entry.id() == id) {
            if let Some(entry) = self.backlog.remove(place) {
                return Cancelled::Here(self.strike(entry, Err(Cause::Os(ECANCELED))));
            }
        }
        self.submit.cancel(id);
        let holder = self.flights[key as usize].holder.clone();
        holder.map_or(Cancelled::Asked, Cancelled::AskHolder)
    }

    // [C3] struck once: the entry goes with it, and only an entry can be landed.
    /// Takes an operation out of the book: it is over.
    pub(super) fn strike(&mut self, entry: Entry, answer: Result<Value, Cause>) -> Landed {
        let flight = self.flights.remove(entry.key() as usize);
        if let Some(timer) = flight.timer {
            self.timers.disarm(timer);
        }
        if self.flights.is_empty() && self.flights.capacity() > 1024 {
            // A burst leaves no trace (C14).
            self.flights = Slab::new();
        }
        self.landed += 1;
        self.limit.leave();
        self.attended -= usize::from(flight.attended);
        Landed { entry, answer, flight }
    }

    /// Takes a step's answer: the operation goes on, or comes back to be landed.
    pub(super) fn answer(&mut self, completion: Completion) -> Option<Landed> {
        let Completion { mut entry, answer } = completion;
        let cancelled = self.flights[entry.key() as usize].cancelled;
        match entry.step(answer, cancelled) {
            Next::Over(answer) => Some(self.strike(entry, answer)),
            Next::Again => self.launch(entry),
        }
    }

    /// Arms a deadline for an operation that flies.
    pub(super) fn deadline(&mut self, key: u32, id: Id, at: Instant) {
        let Some(flight) = self.flights.get_mut(key as usize).filter(|flight| flight.id == id)
        else {
            return;
        };
        if matches!(flight.op, Op::Timer { .. }) {
            // A sleep's timer is the sleep; ending it earlier is what `cancel` is for.
            return;
        }
        let armed = self.timers.arm(at, Due::Cancel { key, id });
        if let Some(old) = flight.timer.replace(armed) {
            self.timers.disarm(old);
        }
        self.alarm(at);
    }

    /// Somebody who does not block waits for this operation now; whether that is news.
    pub(super) fn attend(&mut self, key: u32, id: Id) -> bool {
        let flight = self.flights.get_mut(key as usize).filter(|flight| flight.id == id);
        let Some(flight) = flight.filter(|flight| !flight.attended) else {
            return false;
        };
        flight.attended = true;
        self.attended += 1;
        true
    }

    /// As [`State::attend`], for every operation that `chosen` picks.
    pub(super) fn attend_where(&mut self, mut chosen: impl FnMut(&Flight) -> bool) -> bool {
        let before = self.attended;
        for (_, flight) in &mut self.flights {
            if !flight.attended && chosen(flight) {
                flight.attended = true;
                self.attended += 1;
            }
        }
        self.attended > before
    }

    /// What dropping the program's half of this operation is to do, if it still flies.
    pub(super) fn on_drop(&self, key: u32, id: Id) -> Option<OnDrop> {
        let flight = self.flights.get(key as usize).filter(|flight| flight.id == id)?;
        Some(flight.op.on_drop())
    }

    /// The next timer that is due.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<Due> {
        self.timers.pop(now)
    }

    /// The thread at the helm is about to sleep: until when at the latest.
    pub(super) fn sleep(&mut self, until: Option<Instant>) -> Option<Instant> {
        let next = self.timers.next();
        let until = match (until, next) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self.sleeps_until = Some(until);
        until
    }

    pub(super) fn awake(&mut self) {
        self.sleeps_until = None;
    }

    /// Gets up the thread at the helm if it would sleep past `at`.
    fn alarm(&mut self, at: Instant) {
        if let Some(until) = self.sleeps_until {
            if until.is_none_or(|until| at < until) {
                self.submit.wake();
            }
        }
    }

    pub(super) fn wake(&mut self) {
        self.submit.wake();
    }

    /// Tries again what the backend had no room for. What was cancelled is not here any more.
    pub(super) fn flush(&mut self) {
        self.submit.flush();
        while let Some(entry) = self.backlog.pop_front() {
            if let Err(entry) = self.submit.submit(entry) {
                self.backlog.push_front(entry);
                return;
            }
        }
    }

    /// Leaks the submission half and every entry that is kept here.
    pub(super) fn leak(&mut self) {
        std::mem::forget(std::mem::replace(&mut self.submit, Box::new(Gone)));
        std::mem::forget(std::mem::take(&mut self.backlog));
        std::mem::forget(std::mem::take(&mut self.timers));
    }

    pub(super) fn backlog_len(&self) -> usize {
        self.backlog.len()
    }
}

/// What a cancel found.
pub(super) enum Cancelled {
    /// Nothing of that identity flies, or it was asked to stop before.
    Unknown,
    /// It had not reached the OS: over.
    Here(Landed),
    /// The backend was asked.
    Asked,
    /// The backend was asked; the operation may also be queued at its handle.
    AskHolder(Arc<dyn Holder>),
}

/// Stands in for a backend that is leaked.
struct Gone;

impl Submit for Gone {
    fn submit(&mut self, entry: Entry) -> Result<(), Entry> {
        Err(entry)
    }

    fn cancel(&mut self, _id: Id) {}

    fn wake(&mut self) {}
}
