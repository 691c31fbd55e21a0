//! The bounded pool: threads for what has no overlapped form, and for whom no port can serve.

use std::{
    collections::VecDeque,
    io, mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use super::{cancelled, done::Done, interrupt::Interrupt, perform};
use crate::backend::{Bell, Cause, Completion, Entry, Id};

/// How many entries wait for a worker at most.
const QUEUE: usize = 1024;
/// How long a worker waits for something to do before it leaves.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the reaper waits at most before it asks once more who was asked to stop.
const PAUSE: Duration = Duration::from_millis(5);

/// Threads that are started when they are needed, and what they are to do.
pub(crate) struct Workers {
    /// At most so many threads.
    limit: usize,
    work: Mutex<Work>,
    /// Something is in the queue, or the end has come.
    hired: Condvar,
    done: Arc<Done>,
}

#[derive(Default)]
struct Work {
    queue: VecDeque<Entry>,
    running: Vec<Running>,
    workers: usize,
    idle: usize,
    serial: u64,
    halves_gone: usize,
}

/// What a worker performs.
struct Running {
    id: Id,
    cancelled: bool,
    worker: Arc<Interrupt>,
}

/// Where a cancel has met its target.
enum Met {
    InQueue(Entry),
    AtWorker,
    Nowhere,
}

/// Who must be told, once the lock is released.
#[derive(Clone, Copy)]
#[must_use]
pub(crate) enum Tell {
    Nobody,
    Worker,
    /// One more may be started; it is counted already, and this is its number.
    Hire(u64),
}

impl Workers {
    pub(crate) fn new(limit: usize, done: Arc<Done>) -> Arc<Self> {
        let (work, hired) = (Mutex::default(), Condvar::new());
        Arc::new(Self { limit: limit.max(1), work, hired, done })
    }

    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves an entry for a worker. No room: it comes back.
    pub(crate) fn enqueue(self: &Arc<Self>, entry: Entry) -> Result<(), Entry> {
        let mut work = self.work();
        if work.queue.len() >= QUEUE {
            return Err(entry);
        }
        let tell = work.enqueue(entry, self.limit);
        drop(work);
        self.tell(tell);
        Ok(())
    }

    /// Leaves an entry for a worker that has found no better place; there always is room for it.
    pub(crate) fn take_on(&self, entry: Entry) -> Tell {
        self.work().enqueue(entry, self.limit)
    }

    /// Tells whoever is to act. To be called with no lock held.
    pub(crate) fn tell(self: &Arc<Self>, tell: Tell) {
        match tell {
            Tell::Nobody => {}
            Tell::Worker => self.hired.notify_one(),
            Tell::Hire(serial) => {
                if let Err(error) = self.hire(serial) {
                    self.not_hired(&error);
                }
            }
        }
    }

    // [C5] a cancel that meets a worker between two calls finds nothing, and is asked again.
    /// Answers an entry that waits for a worker; interrupts the worker that performs it.
    pub(crate) fn cancel(&self, id: Id) {
        let met = self.work().cancel(id);
        match met {
            Met::InQueue(entry) => self.done.push(cancelled(entry)),
            // So that it comes by `insist`.
            Met::AtWorker => self.done.ring(),
            Met::Nowhere => {}
        }
    }

    /// Asks once more the workers that perform what was cancelled; until when the reaper may wait
    /// that would wait until `until`.
    pub(crate) fn insist(&self, until: Option<Instant>) -> Option<Instant> {
        if !self.work().insist() {
            return until;
        }
        let soon = Instant::now() + PAUSE;
        Some(until.map_or(soon, |until| until.min(soon)))
    }

    /// One of the mechanism's two halves is gone; with the second one ends everything.
    pub(crate) fn leave(&self) {
        let Some(waiting) = self.work().leave() else {
            return;
        };
        self.hired.notify_all();
        drop(waiting);
        self.done.close();
    }

    fn hire(self: &Arc<Self>, serial: u64) -> io::Result<()> {
        let workers = Arc::clone(self);
        let thread = thread::Builder::new().name(format!("overlapped-worker-{serial}"));
        let run = move || match Interrupt::new() {
            Ok(own) => workers.run(&Arc::new(own)),
            Err(error) => workers.not_hired(&error),
        };
        thread.spawn(run).map(drop)
    }

    /// A worker could not be started. If there is no other one nobody would come for the queue.
    fn not_hired(&self, error: &io::Error) {
        let unserved = self.work().not_hired();
        for entry in unserved {
            self.done.push(Completion { entry, answer: Err(no_thread(error)) });
        }
    }

    fn run(&self, own: &Arc<Interrupt>) {
        let mut work = self.work();
        loop {
            if let Some(mut entry) = work.begin(own) {
                drop(work);
                let answer = perform::perform(&mut entry, own);
                self.work().end(entry.id());
                self.done.push(Completion { entry, answer });
                work = self.work();
            } else if work.is_quiet() {
                let (rested, bored) = self.rest(work);
                work = rested;
                if bored && work.is_quiet() {
                    break;
                }
            } else {
                break;
            }
        }
        work.workers -= 1;
    }

    /// Waits for something to do; whether it was in vain.
    fn rest<'a>(&'a self, mut work: MutexGuard<'a, Work>) -> (MutexGuard<'a, Work>, bool) {
        work.idle += 1;
        let waited = self.hired.wait_timeout_while(work, PATIENCE, |work| work.is_quiet());
        let (mut work, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        work.idle -= 1;
        (work, timeout.timed_out())
    }
}

impl Work {
    fn enqueue(&mut self, entry: Entry, limit: usize) -> Tell {
        self.queue.push_back(entry);
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

    fn cancel(&mut self, id: Id) -> Met {
        if let Some(running) = self.running.iter_mut().find(|running| running.id == id) {
            running.cancelled = true;
            running.worker.ask();
            return Met::AtWorker;
        }
        let place = self.queue.iter().position(|entry| entry.id() == id);
        place.and_then(|place| self.queue.remove(place)).map_or(Met::Nowhere, Met::InQueue)
    }

    /// Whether there was anybody to ask.
    fn insist(&self) -> bool {
        let cancelled = self.running.iter().filter(|running| running.cancelled);
        cancelled.inspect(|running| running.worker.ask()).count() > 0
    }

    /// The next entry, which `worker` performs from now on.
    fn begin(&mut self, worker: &Arc<Interrupt>) -> Option<Entry> {
        let entry = self.queue.pop_front()?;
        worker.begin();
        let worker = Arc::clone(worker);
        self.running.push(Running { id: entry.id(), cancelled: false, worker });
        Some(entry)
    }

    // [C13] from here on nobody asks the worker to stop on account of this.
    fn end(&mut self, id: Id) {
        self.running.retain(|running| running.id != id);
    }

    fn not_hired(&mut self) -> VecDeque<Entry> {
        self.workers -= 1;
        if self.workers == 0 { mem::take(&mut self.queue) } else { VecDeque::new() }
    }

    fn is_closing(&self) -> bool {
        self.halves_gone == 2
    }

    fn is_quiet(&self) -> bool {
        self.queue.is_empty() && !self.is_closing()
    }

    /// A half is gone. At the end, what has not begun; to be dropped when the lock is released.
    fn leave(&mut self) -> Option<VecDeque<Entry>> {
        self.halves_gone += 1;
        self.is_closing().then(|| mem::take(&mut self.queue))
    }
}

/// `ERROR_NO_SYSTEM_RESOURCES`, unless the OS says another word.
pub(crate) fn no_thread(error: &io::Error) -> Cause {
    Cause::Os(error.raw_os_error().unwrap_or(1450))
}
