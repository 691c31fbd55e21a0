//! One backend, and the ways in to it.
//!
//! A shard is shared by all threads, or it belongs to one: then its book has no lock, and what
//! other threads want of it they leave [outside](super::outside).

use std::{
    io,
    num::NonZeroU32,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::Waker,
    time::{Duration, Instant},
};

use super::{
    after::After, background::Background, book::Book, counter::Counter, helm::Helm, home::Home,
    limit::Limit, mine, outside::Outside, turn::Kernel,
};
use crate::{
    backend::{
        Backend, Cause, Cheap, Clock, Completion, Features, Fixed, Resource, Simulator, Table,
        Value,
    },
    handle::{self, Owned},
    iocb::{Entry, Holder, Line, Note},
    sync::{Guarded, this_thread},
};

/// A backend with its book, its place at the kernel, and its background thread.
pub(crate) struct Shard {
    pub(super) number: usize,
    pub(super) home: Home,
    thread: Option<NonZeroU32>,
    pub(super) features: Features,
    pub(super) book: Guarded<Book>,
    pub(super) kernel: Guarded<Kernel>,
    pub(super) helm: Helm,
    /// Where other threads leave what they want, if the shard belongs to one.
    pub(super) outside: Option<Outside>,
    clock: Box<dyn Clock>,
    /// What the cheap clock said after the last turn of the thread that the shard belongs to, when
    /// it first was asked; 0 if it was not.
    pub(super) looked_at: AtomicU64,
    cheap: Option<Arc<dyn Cheap>>,
    pub(super) simulator: Option<Arc<dyn Simulator>>,
    /// Operations that were over when they started, where there are any.
    pub(super) inline: Option<Box<Counter>>,
    pub(super) closed: AtomicBool,
    /// Operations admitted so far; written by who has the book.
    pub(super) admitted: AtomicU64,
    /// Of these, those whose landing is finished, wills and wake-ups included.
    pub(super) finished: AtomicU64,
    /// Who waits until all are.
    pub(super) idle: Mutex<Vec<Waker>>,
    pub(super) background: Background,
    pub(super) panics: AtomicU64,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shard {
    /// A shard of all threads.
    pub(super) fn new(number: usize, backend: Backend, limit: Arc<Limit>) -> Arc<Self> {
        Self::make(number, backend, limit, false)
    }

    /// A shard of the calling thread, if the backend has a bell for the others.
    pub(super) fn local(number: usize, backend: Backend, limit: Arc<Limit>) -> Arc<Self> {
        let shard = Self::make(number, backend, limit, true);
        if shard.is_local() {
            mine::add(&shard);
        }
        shard
    }

    fn make(number: usize, backend: Backend, limit: Arc<Limit>, local: bool) -> Arc<Self> {
        let book = Book::new(backend.submit, limit);
        let kernel = Kernel::new(backend.reap);
        let outside = backend.bell.filter(|_| local).map(Outside::new);
        let (book, kernel) = match outside {
            Some(_) => (Guarded::own(book), Guarded::own(kernel)),
            None => (Guarded::shared(book), Guarded::shared(kernel)),
        };
        Arc::new_cyclic(|shard| Self {
            number,
            // A number that is too large for a block is as good as none: it lives on no thread.
            thread: outside
                .as_ref()
                .and_then(|_| u32::try_from(this_thread()).ok()?.try_into().ok()),
            home: Home::new(shard, backend.features.kind.name(), outside.is_some()),
            features: backend.features,
            book,
            kernel,
            helm: Helm::new(),
            outside,
            clock: backend.clock,
            looked_at: AtomicU64::new(0),
            inline: backend.cheap.as_ref().map(|_| Box::new(Counter::new())),
            cheap: backend.cheap,
            simulator: backend.simulator,
            closed: AtomicBool::new(false),
            admitted: AtomicU64::new(0),
            finished: AtomicU64::new(0),
            idle: Mutex::default(),
            background: Background::default(),
            panics: AtomicU64::new(0),
        })
    }

    #[inline]
    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Its number, for operations in flight.
    #[inline]
    pub(crate) fn home(&self) -> Home {
        self.home
    }

    /// Whether it belongs to one thread.
    pub(crate) fn is_local(&self) -> bool {
        self.outside.is_some()
    }

    /// The number of the thread that it belongs to, for the blocks of its operations.
    #[inline]
    pub(crate) fn thread(&self) -> Option<NonZeroU32> {
        self.thread
    }

    /// Whether this thread may touch the book.
    #[inline]
    pub(crate) fn is_mine(&self) -> bool {
        self.book.is_mine()
    }

    // --- at once ----------------------------------------------------------------------------

    /// What can be done without an operation.
    pub(crate) fn cheap(&self) -> Option<&Arc<dyn Cheap>> {
        self.cheap.as_ref()
    }

    /// An operation was over when it started.
    #[inline]
    pub(crate) fn count_inline(&self) {
        if let Some(inline) = &self.inline {
            inline.add();
        }
    }

    // --- starting ---------------------------------------------------------------------------

    /// What is noted of an operation that this thread starts now.
    #[inline]
    pub(crate) fn note(&self, holder: Option<Arc<dyn Holder>>) -> Note {
        Note { holder, started: self.lately(), thread: super::thread_id() }
    }

    /// The time by the cheap clock. A thread that has the shard to itself looks at it once between
    /// two of its turns.
    #[inline]
    fn lately(&self) -> u64 {
        if !(self.is_local() && self.is_mine()) {
            return self.clock.lately();
        }
        match self.looked_at.load(Ordering::Relaxed) {
            0 => {
                let now = self.clock.lately();
                self.looked_at.store(now, Ordering::Relaxed);
                now
            }
            known => known,
        }
    }

    /// How long ago the operation of this line was started, at most some milliseconds too much, and
    /// on a thread's own shard the time between two of its turns.
    pub(super) fn age(&self, note: &Note) -> Duration {
        let now = self.now().saturating_duration_since(self.clock.made());
        now.saturating_sub(Duration::from_nanos(note.started))
    }

    /// Enters an operation into the book and hands it on. A refusal is an outcome too: it lands.
    #[inline]
    pub(crate) fn start(self: &Arc<Self>, entry: Entry, line: Line) {
        let Some(mut book) = self.book.lock() else {
            return self.start_there(entry, line, Self::start);
        };
        let attended = line.marks().attended;
        if let Some(cause) = book.refusal() {
            drop(book);
            return self.refuse(entry, line, cause);
        }
        self.enter(&mut book, line);
        book.hand_on(entry);
        self.hand_over(book);
        if attended {
            self.hail();
        }
        self.pass();
    }

    /// Enters an operation into the book, for a handle that queues it itself; `None` if it was
    /// refused. To be called where the book is.
    pub(crate) fn admit(self: &Arc<Self>, entry: Entry, line: Line) -> Option<Entry> {
        let attended = line.marks().attended;
        let Some(mut book) = self.book.lock() else {
            self.refuse(entry, line, Cause::Closed);
            return None;
        };
        if let Some(cause) = book.refusal() {
            drop(book);
            self.refuse(entry, line, cause);
            return None;
        }
        self.enter(&mut book, line);
        drop(book);
        if attended {
            self.hail();
        }
        Some(entry)
    }

    #[inline]
    fn enter(&self, book: &mut Book, line: Line) {
        book.enter(line);
        self.admitted.store(book.started, Ordering::Release);
    }

    /// Starts an operation on the thread that the shard belongs to.
    pub(crate) fn start_there(
        self: &Arc<Self>,
        entry: Entry,
        line: Line,
        start: impl FnOnce(&Arc<Self>, Entry, Line) + Send + 'static,
    ) {
        let posted = self.outside.as_ref().and_then(Outside::open);
        match posted {
            Some(mut posts) => posts.push(move |shard| start(shard, entry, line)),
            None => self.refuse(entry, line, Cause::Closed),
        }
    }

    /// Leaves `what` for the thread that the shard belongs to. After its end nothing is in flight
    /// that it could be about.
    pub(super) fn post(&self, what: impl FnOnce(&Arc<Self>) + Send + 'static) {
        if let Some(mut posts) = self.outside.as_ref().and_then(Outside::open) {
            posts.push(what);
        }
    }

    /// Lands an operation that may not even start.
    pub(crate) fn refuse(&self, mut entry: Entry, line: Line, cause: Cause) {
        let mut after = After::default();
        entry.settle(Err(cause));
        after.publish(entry, line);
        self.finish(&mut after);
    }

    /// Hands on an operation that was admitted.
    pub(crate) fn launch(self: &Arc<Self>, entry: Entry) {
        let Some(mut book) = self.book.lock() else {
            return self.post(move |shard| shard.launch(entry));
        };
        let back = book.launch(entry);
        self.hand_over(book);
        self.land_back(back);
        self.pass();
    }

    /// No lock is held: on a simulated system others may overtake this thread here.
    #[inline]
    pub(super) fn pass(&self) {
        if let Some(simulator) = &self.simulator {
            self.tell_alarm();
            simulator.pass();
        }
    }

    /// On a simulated system nobody is at the helm between two turns of who is attended there, and
    /// would be got up by a timer that was armed meanwhile.
    pub(super) fn tell_alarm(&self) {
        if let Some(simulator) = &self.simulator {
            if let Some(next) = self.book.lock().and_then(|book| book.next_timer()) {
                simulator.alarm(next);
            }
        }
    }

    /// Which of `ready` tasks of a runtime comes next; 0 is the one that waits longest.
    #[inline]
    pub(crate) fn pick(&self, ready: usize) -> usize {
        match &self.simulator {
            Some(simulator) if ready > 1 => simulator.pick(ready).min(ready - 1),
            _ => 0,
        }
    }

    /// A pipe of the system that this shard is on.
    pub(crate) fn pipe(&self) -> io::Result<(Owned, Owned)> {
        match &self.simulator {
            Some(simulator) => simulator.pipe(),
            None => handle::pipe(),
        }
    }

    /// Lands an operation that was admitted and is not to be handed on.
    pub(crate) fn strike(self: &Arc<Self>, entry: Entry, cause: Cause) {
        let Some(mut book) = self.book.lock() else {
            return self.post(move |shard| shard.strike(entry, cause));
        };
        let landed = book.refuse(entry, cause);
        drop(book);
        self.land_back(Some(landed));
    }

    /// Answers a step of an operation that was admitted, in the backend's stead.
    pub(crate) fn answer(self: &Arc<Self>, entry: Entry, answer: Result<Value, Cause>) {
        let Some(mut book) = self.book.lock() else {
            return self.post(move |shard| shard.answer(entry, answer));
        };
        let landed = book.answer(Completion { entry, answer });
        self.hand_over(book);
        self.land_back(landed);
    }

    // --- telling beforehand -----------------------------------------------------------------

    /// Has the backend know of `resource`, at a place that is free.
    pub(super) fn register(&self, place: Fixed, resource: Resource<'_>) -> Result<(), Cause> {
        if self.is_closed() {
            return Err(Cause::Closed);
        }
        let foreign = "this port belongs to another thread; register there";
        let mut book = self.book.lock().ok_or(Cause::Unsupported(foreign))?;
        book.submit.register(place, resource)
    }

    /// Has it forget what stands there; no operation in flight carries the place.
    pub(super) fn unregister(&self, table: Table, place: Fixed) -> Result<(), Cause> {
        match self.book.lock() {
            Some(mut book) => book.submit.unregister(table, place),
            None => Err(Cause::Unsupported("only the thread that the port belongs to can")),
        }
    }
}
