//! The streams that wait, and the thread that has made their calls.

use std::{
    collections::VecDeque,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Instant,
};

use crate::backend::{
    Completion, Entry, Id,
    win32::{
        calls::{self, Call, Failure, Issued, Target, Way},
        cancelled,
        done::Done,
        event::Event,
        flights::{Flights, Word},
        routine::{self, Notes},
        work::{Workers, no_thread},
    },
};

pub(super) struct Streams {
    inner: Mutex<Inner>,
    notes: Arc<Notes>,
    /// Gets up the waiter.
    wake: Event,
    workers: Arc<Workers>,
    done: Arc<Done>,
}

/// A read or write that the waiter has not seen yet.
pub(super) struct Arrival {
    pub(super) entry: Entry,
    pub(super) target: Target,
    pub(super) way: Way,
}

#[derive(Default)]
struct Inner {
    arrivals: VecDeque<Arrival>,
    flights: Flights,
    /// The waiter has been started.
    waits: bool,
    halves_gone: usize,
}

impl Inner {
    fn is_closing(&self) -> bool {
        self.halves_gone == 2
    }

    /// Takes an entry that the waiter has not seen yet.
    fn take(&mut self, id: Id) -> Option<Entry> {
        let place = self.arrivals.iter().position(|arrival| arrival.entry.id() == id)?;
        self.arrivals.remove(place).map(|arrival| arrival.entry)
    }
}

impl Streams {
    pub(super) fn new(wake: Event, workers: Arc<Workers>, done: Arc<Done>) -> Arc<Self> {
        let (inner, notes) = (Mutex::default(), Arc::default());
        Arc::new(Self { inner, notes, wake, workers, done })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the waiter hears of the end of its calls.
    pub(super) fn way(&self) -> Way {
        Way::Routine(Arc::clone(&self.notes))
    }

    /// Leaves an entry for the waiter.
    pub(super) fn arrive(self: &Arc<Self>, arrival: Arrival) {
        let mut inner = self.lock();
        if !inner.waits {
            let streams = Arc::clone(self);
            let thread = thread::Builder::new().name("overlapped-wait".to_owned());
            if let Err(error) = thread.spawn(move || streams.run()) {
                drop(inner);
                let (entry, answer) = (arrival.entry, Err(no_thread(&error)));
                return self.done.push(Completion { entry, answer });
            }
            inner.waits = true;
        }
        inner.arrivals.push_back(arrival);
        drop(inner);
        self.wake.set();
    }

    /// Asks that an operation stop, if it is here; whether it is.
    pub(super) fn cancel(&self, id: Id) -> bool {
        let mut inner = self.lock();
        if inner.flights.cancel(id) {
            return true;
        }
        let Some(entry) = inner.take(id) else {
            return false;
        };
        drop(inner);
        self.done.push(cancelled(entry));
        true
    }

    /// One of the mechanism's two halves is gone; with the second one the waiter leaves.
    pub(super) fn leave(&self) {
        let mut inner = self.lock();
        inner.halves_gone += 1;
        if inner.is_closing() {
            let unserved = mem::take(&mut inner.arrivals);
            drop(inner);
            drop(unserved);
            self.wake.set();
        }
    }

    // --- the waiter -------------------------------------------------------------------------

    fn run(&self) {
        let mut over = Vec::new();
        loop {
            self.wake.reset();
            while let Some(call) = self.next() {
                self.issue(call);
            }
            if self.lock().is_closing() {
                return;
            }
            self.wake.wait_alertably();
            routine::sleep(Some(Instant::now()));
            self.notes.take(&mut over);
            for address in over.drain(..) {
                let word = self.lock().flights.told(address);
                self.heed(word);
            }
        }
    }

    fn next(&self) -> Option<Call> {
        let mut inner = self.lock();
        let Arrival { entry, target, way } = inner.arrivals.pop_front()?;
        Some(inner.flights.enter(entry, target, way))
    }

    fn issue(&self, call: Call) {
        let id = call.id();
        match call.make() {
            Issued::Pending | Issued::Done => self.lock().flights.cancel_late(id),
            Issued::Refused(failure) if calls::may_be_bound(failure.code) => {
                self.give_up(id, failure);
            }
            Issued::Refused(failure) => {
                let word = self.lock().flights.refused(id, failure);
                self.heed(word);
            }
        }
    }

    // [C5] a cancel finds it on the one side or on the other: it goes over under the lock.
    /// The handle is another port's, and has no routines: a worker has an event for it.
    fn give_up(&self, id: Id, failure: Failure) {
        let mut inner = self.lock();
        match inner.flights.withdraw(id) {
            Some((entry, true)) => {
                drop(inner);
                self.done.push(cancelled(entry));
            }
            Some((entry, false)) => {
                let tell = self.workers.take_on(entry);
                drop(inner);
                self.workers.tell(tell);
            }
            None => {
                let word = inner.flights.refused(id, failure);
                drop(inner);
                self.heed(word);
            }
        }
    }

    fn heed(&self, word: Option<Word>) {
        match word {
            Some(Word::Over(completion)) => self.done.push(completion),
            Some(Word::Next(call)) => self.issue(call),
            None => {}
        }
    }
}
