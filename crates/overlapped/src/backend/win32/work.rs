//! The bounded pool: threads for what has no overlapped form.

use std::{
    collections::VecDeque,
    io, mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use super::{cancelled, done::Done, perform};
use crate::backend::{Cause, Completion, Entry, Id};

/// How many entries wait for a worker at most.
const QUEUE: usize = 1024;
/// How long a worker waits for something to do before it leaves.
const PATIENCE: Duration = Duration::from_secs(10);

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
    workers: usize,
    idle: usize,
    serial: u64,
    halves_gone: usize,
}

/// Who must be told, once the lock is released.
enum Tell {
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
        match tell {
            Tell::Nobody => {}
            Tell::Worker => self.hired.notify_one(),
            Tell::Hire(serial) => {
                if let Err(error) = self.hire(serial) {
                    let unserved = self.work().not_hired();
                    for entry in unserved {
                        self.done.push(Completion { entry, answer: Err(no_thread(&error)) });
                    }
                }
            }
        }
        Ok(())
    }

    /// Answers an entry that waits for a worker. What a worker has cannot be interrupted.
    pub(crate) fn cancel(&self, id: Id) {
        let waiting = self.work().take(id);
        if let Some(entry) = waiting {
            self.done.push(cancelled(entry));
        }
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
        thread.spawn(move || workers.run()).map(drop)
    }

    fn run(&self) {
        let mut work = self.work();
        loop {
            if let Some(mut entry) = work.queue.pop_front() {
                drop(work);
                let answer = perform::perform(&mut entry);
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

    fn take(&mut self, id: Id) -> Option<Entry> {
        let place = self.queue.iter().position(|entry| entry.id() == id)?;
        self.queue.remove(place)
    }

    /// A worker could not be started. If there is no other one nobody would come for the queue.
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
fn no_thread(error: &io::Error) -> Cause {
    Cause::Os(error.raw_os_error().unwrap_or(1450))
}
