//! Threads: a bounded pool for what may block, and one poller for what waits for others.
//!
//! An entry is in one place at a time:
//!
//! | where it is     | how it came there                    | where it goes                    |
//! |-----------------|--------------------------------------|----------------------------------|
//! | queue           | `submit`; a stream from the poller   | a worker; cancelled: done        |
//! | a worker        | the queue                            | done; a stream: back to arrivals |
//! | arrivals        | `submit`; a stream from a worker     | the poller's set                 |
//! | poller's set    | arrivals                             | done; the queue; cancelled: done |
//! | done            | everywhere above                     | the reaper                       |
//!
//! * A *worker* performs one step of what does not wait for another program: files and paths. Its
//!   call cannot be interrupted; a cancel that comes later finds the true outcome (C5).
//! * The *poller* holds the streams and the waits for readiness. It touches a stream only when
//!   `poll` has said that it is ready, and then so that it cannot block (`RWF_NOWAIT`). What
//!   cannot promise that (a FIFO, a terminal, any system but Linux) it hands to a worker, which
//!   asks `poll` once more and then moves what is there. Whoever else reads the same blocking
//!   FIFO or terminal may be faster still; the worker then waits for the next bytes as any `read`
//!   does. Opening it non-blocking rules that out.
//! * A stream that was announced as ready and was not, goes back to the poller and *rests* for a
//!   moment, so that a device whose `poll` is too optimistic is not asked in a circle.
//!
//! *Cancels.* Everything but the poller's own set is under one lock ([`Work`]), so a cancel finds
//! an entry in the queue (taken out), at a worker (noted; heeded if the entry would go back to
//! waiting), or else it is left for the poller. The poller takes arrivals and cancels under one
//! lock, arrivals first, and looks through the cancels again in the same lock in which it hands a
//! stream to the queue. So a cancel that comes while an entry is on its way meets it on its way.
//! Cancels that match nothing are gone with the poller's next round.
//!
//! *Bounds* (C14). The queue has [`QUEUE`] places; when they are taken, `submit` gives the entry
//! back. Streams are bounded by the port's limit of operations in flight, since each costs the
//! poller but a place in its set, and those that it hands over find room in the queue always.
//!
//! *The end.* When both halves are gone the threads end by themselves. What still waits then is
//! dropped, which answers it; nobody touches its memory. What a worker performs stays with that
//! worker until its call returns (C2).
//!
//! No entry is dropped or answered while a lock is held (C11).

mod fd;
mod perform;
mod poller;
mod reap;
mod set;
mod stat;
mod stream;
mod submit;
mod wake;
mod work;
mod worker;

#[cfg(all(test, not(loom), not(miri)))]
mod tests;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::{Backend, Cause, Completion, Entry, Features, Kind, RealClock, Value};
use reap::{Done, PoolReap};
use stream::Manner;
use submit::PoolSubmit;
use wake::Wake;
use work::Work;

/// How many entries wait for a worker at most.
const QUEUE: usize = 1024;

/// Opens a pool of at most `workers` threads, none of which is started before it is needed.
pub(crate) fn open(workers: usize) -> Result<Backend, String> {
    Shared::new(Manner::BEST, workers).map(backend)
}

fn backend(shared: Arc<Shared>) -> Backend {
    Backend {
        features: Features::all_native(Kind::Threads),
        submit: Box::new(PoolSubmit::new(Arc::clone(&shared))),
        reap: Box::new(PoolReap::new(shared)),
        clock: Box::new(RealClock::default()),
        cheap: None,
        simulator: None,
        bell: None,
    }
}

/// What both halves, the workers and the poller share.
struct Shared {
    manner: Manner,
    /// At most so many workers.
    workers: usize,
    work: Mutex<Work>,
    /// Something is in the queue, or the end has come.
    hired: Condvar,
    done: Done,
    /// Gets up the poller.
    wake: Wake,
}

impl Shared {
    fn new(manner: Manner, workers: usize) -> Result<Arc<Self>, String> {
        let wake = Wake::new().map_err(|error| format!("threads cannot be used: {error}"))?;
        Ok(Arc::new(Self {
            manner,
            workers: workers.max(1),
            work: Mutex::default(),
            hired: Condvar::new(),
            done: Done::default(),
            wake,
        }))
    }

    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers an entry that a cancel has reached before anything was done for it.
    fn answer_cancelled(&self, entry: Entry) {
        self.done.push(Completion { entry, answer: cancelled() });
    }

    /// One of the two halves is gone; with the second one ends everything.
    fn leave(&self) {
        let Some(waiting) = self.work().leave() else {
            return;
        };
        self.hired.notify_all();
        self.wake.signal();
        drop(waiting);
        self.done.close();
    }
}

fn cancelled() -> Result<Value, Cause> {
    Err(os(rustix::io::Errno::CANCELED))
}

/// The OS's own word.
fn os(errno: rustix::io::Errno) -> Cause {
    Cause::Os(errno.raw_os_error())
}
