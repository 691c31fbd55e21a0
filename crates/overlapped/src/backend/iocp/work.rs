//! The bounded pool: threads for what has no overlapped form.

use std::{
    collections::VecDeque,
    io, mem,
    sync::{Arc, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use super::{Shared, perform};
use crate::backend::{Cause, Completion, Entry, Id};

/// How many entries wait for a worker at most.
const QUEUE: usize = 1024;
/// How long a worker waits for something to do before it leaves.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Default)]
pub(super) struct Work {
    queue: VecDeque<Entry>,
    workers: usize,
    idle: usize,
    serial: u64,
    halves_gone: usize,
}

/// Where a cancel has met its target.
pub(super) enum Met {
    InQueue(Entry),
    /// A worker has it, or it is over. The worker's call cannot be interrupted.
    Nowhere,
}

/// Who must be told, once the lock is released.
enum Tell {
    Nobody,
    Worker,
    /// One more may be started; it is counted already, and this is its number.
    Hire(u64),
}

impl Work {
    pub(super) fn cancel(&mut self, id: Id) -> Met {
        let place = self.queue.iter().position(|entry| entry.id() == id);
        place.and_then(|place| self.queue.remove(place)).map_or(Met::Nowhere, Met::InQueue)
    }

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
    pub(super) fn leave(&mut self) -> Option<VecDeque<Entry>> {
        self.halves_gone += 1;
        self.is_closing().then(|| mem::take(&mut self.queue))
    }
}

/// Leaves an entry for a worker. No room: it comes back.
pub(super) fn enqueue(shared: &Arc<Shared>, entry: Entry) -> Result<(), Entry> {
    let mut work = shared.work();
    if work.queue.len() >= QUEUE {
        return Err(entry);
    }
    let tell = work.enqueue(entry, shared.workers);
    drop(work);
    match tell {
        Tell::Nobody => {}
        Tell::Worker => shared.hired.notify_one(),
        Tell::Hire(serial) => {
            if let Err(error) = hire(shared, serial) {
                let unserved = shared.work().not_hired();
                for entry in unserved {
                    shared.answer(Completion { entry, answer: Err(no_thread(&error)) });
                }
            }
        }
    }
    Ok(())
}

/// `ERROR_NO_SYSTEM_RESOURCES`, unless the OS says another word.
fn no_thread(error: &io::Error) -> Cause {
    Cause::Os(error.raw_os_error().unwrap_or(1450))
}

fn hire(shared: &Arc<Shared>, serial: u64) -> io::Result<()> {
    let shared = Arc::clone(shared);
    let thread = thread::Builder::new().name(format!("overlapped-worker-{serial}"));
    thread.spawn(move || run(&shared)).map(drop)
}

fn run(shared: &Shared) {
    let mut work = shared.work();
    loop {
        if let Some(mut entry) = work.queue.pop_front() {
            drop(work);
            let answer = perform::perform(&mut entry, shared);
            shared.answer(Completion { entry, answer });
            work = shared.work();
        } else if work.is_quiet() {
            let (rested, bored) = rest(shared, work);
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
fn rest<'a>(shared: &'a Shared, mut work: MutexGuard<'a, Work>) -> (MutexGuard<'a, Work>, bool) {
    work.idle += 1;
    let waited = shared.hired.wait_timeout_while(work, PATIENCE, |work| work.is_quiet());
    let (mut work, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
    work.idle -= 1;
    (work, timeout.timed_out())
}
