//! What is to be done, and by whom: everything that a cancel may have to look through, under one
//! lock.

use std::{
    collections::{HashSet, VecDeque},
    mem,
};

use super::QUEUE;
use crate::backend::{Entry, Id};

/// An entry, with its identity at hand for those who search.
pub(super) struct Job {
    pub(super) id: Id,
    pub(super) entry: Entry,
}

impl Job {
    pub(super) fn new(entry: Entry) -> Self {
        Self { id: entry.id(), entry }
    }
}

/// A stream or a wait for readiness, on its way to the poller.
pub(super) struct Arrival {
    pub(super) job: Job,
    /// It was announced as ready and was not.
    pub(super) tired: bool,
}

/// What a worker performs.
struct Running {
    id: Id,
    cancelled: bool,
}

#[derive(Default)]
pub(super) struct Work {
    queue: VecDeque<Job>,
    running: Vec<Running>,
    workers: usize,
    idle: usize,
    serial: u64,
    news: News,
    /// The poller has been signalled and has not looked yet.
    signalled: bool,
    halves_gone: usize,
}

/// What the poller has not seen yet.
#[derive(Default)]
pub(super) struct News {
    pub(super) arrivals: Vec<Arrival>,
    pub(super) cancels: HashSet<Id>,
    pub(super) closing: bool,
}

/// Whether somebody must be told, to be done when the lock is released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Tell {
    Nobody,
    /// A worker waits for something to do.
    Worker,
    /// All workers are busy and another one may be started; it is counted already, and this is
    /// its number.
    Hire(u64),
    Poller,
}

/// Where a cancel has met its target.
pub(super) enum Met {
    InQueue(Job),
    AtWorker,
    Nowhere,
}

impl Work {
    // --- the queue --------------------------------------------------------------------------

    pub(super) fn has_room(&self) -> bool {
        self.queue.len() < QUEUE
    }

    pub(super) fn enqueue(&mut self, job: Job, limit: usize) -> Tell {
        self.queue.push_back(job);
        if self.queue.len() <= self.idle {
            return Tell::Worker;
        }
        if self.workers < limit {
            self.workers += 1;
            self.serial += 1;
            return Tell::Hire(self.serial);
        }
        Tell::Nobody
    }

    /// A worker could not be started. If there is no other one nobody would come for the queue, so
    /// it is the caller's to answer.
    pub(super) fn not_hired(&mut self) -> VecDeque<Job> {
        self.workers -= 1;
        if self.workers == 0 { mem::take(&mut self.queue) } else { VecDeque::new() }
    }

    // --- a worker ---------------------------------------------------------------------------

    /// The next entry, which is running from now on.
    pub(super) fn take(&mut self) -> Option<Job> {
        let job = self.queue.pop_front()?;
        self.running.push(Running { id: job.id, cancelled: false });
        Some(job)
    }

    /// An entry is not running any more; whether a cancel has met it there.
    pub(super) fn put(&mut self, id: Id) -> bool {
        let place = self.running.iter().position(|running| running.id == id);
        place.is_some_and(|place| self.running.swap_remove(place).cancelled)
    }

    /// Whether a worker that has nothing to do may sleep.
    pub(super) fn is_quiet(&self) -> bool {
        self.queue.is_empty() && !self.is_closing()
    }

    pub(super) fn sleeps(&mut self) {
        self.idle += 1;
    }

    pub(super) fn awakes(&mut self) {
        self.idle -= 1;
    }

    pub(super) fn dismiss(&mut self) {
        self.workers -= 1;
    }

    // --- the poller -------------------------------------------------------------------------

    pub(super) fn arrive(&mut self, arrival: Arrival) -> Tell {
        self.news.arrivals.push(arrival);
        self.signal()
    }

    /// Leaves a cancel for the poller.
    pub(super) fn cancel_later(&mut self, id: Id) -> Tell {
        self.news.cancels.insert(id);
        self.signal()
    }

    /// Moves what is new into `news`, which is empty and lends its room to what comes next.
    pub(super) fn take_news(&mut self, news: &mut News) {
        let closing = self.is_closing();
        mem::swap(&mut self.news, news);
        news.closing = closing;
        self.signalled = false;
    }

    /// Whether a cancel has come that the poller has not seen; it is used up.
    pub(super) fn take_cancel(&mut self, id: Id) -> bool {
        self.news.cancels.remove(&id)
    }

    fn signal(&mut self) -> Tell {
        if mem::replace(&mut self.signalled, true) { Tell::Nobody } else { Tell::Poller }
    }

    // --- both -------------------------------------------------------------------------------

    pub(super) fn cancel(&mut self, id: Id) -> Met {
        if let Some(running) = self.running.iter_mut().find(|running| running.id == id) {
            running.cancelled = true;
            return Met::AtWorker;
        }
        let place = self.queue.iter().position(|job| job.id == id);
        place.and_then(|place| self.queue.remove(place)).map_or(Met::Nowhere, Met::InQueue)
    }

    pub(super) fn is_closing(&self) -> bool {
        self.halves_gone == 2
    }

    /// A half is gone. At the end, what has not begun; to be dropped when the lock is released.
    pub(super) fn leave(&mut self) -> Option<(VecDeque<Job>, News)> {
        self.halves_gone += 1;
        self.is_closing().then(|| (mem::take(&mut self.queue), mem::take(&mut self.news)))
    }
}
