//! Threads, as Windows has them: a bounded pool for what may block, and one thread for streams that
//! wait for another program. Nothing is bound to a completion port.
//!
//! An entry is in one place at a time:
//!
//! | where it is | how it came there | where it goes |
//! |---|---|---|
//! | arrivals | `submit`: a read or write of an overlapped stream | flights; cancelled: done |
//! | flights | arrivals | done, when its routine has run; the queue, if no routine can be had |
//! | queue | `submit`: everything else; flights | a worker; cancelled: done |
//! | a worker | the queue | done |
//! | done | everywhere above | the reaper |
//!
//! * *The waiter* is the thread that makes the calls of streams: one that waits costs it nothing
//!   but its OVERLAPPED. The OS ties such a call to the thread that has made it, so that must be
//!   one of ours, which stays. It hears of the end by a routine, which has no bound in number, as
//!   events have.
//! * *A worker* serves a stream that is synchronous, is another port's, or has messages (whether
//!   a part of one has a routine is not the same on all systems). As many of these as there are
//!   workers may wait; what comes later waits in the queue.
//! * *A cancel* is as with completion ports: `CancelIoEx` under the lock of the flights, or an
//!   interrupted worker.
//!
//! No entry is dropped or answered while a lock is held (C11).

mod adopt;
mod reap;
mod streams;
mod submit;

use std::sync::Arc;

use super::{
    Backend, Features, Kind, RealClock,
    win32::{done::Done, event::Event, manners::Manners, work::Workers},
};
use reap::ThreadsReap;
use streams::Streams;
use submit::ThreadsSubmit;

/// Opens a pool of at most `workers` threads, none of which is started before it is needed.
pub(crate) fn open(workers: usize) -> Result<Backend, String> {
    let event = || Event::new().map_err(|error| format!("threads cannot be used: {error}"));
    let bell = Arc::new(event()?);
    let done = Done::new(Arc::<Event>::clone(&bell));
    let workers = Workers::new(workers, Arc::clone(&done));
    let shared = Arc::new(Shared {
        manners: Manners::default(),
        streams: Streams::new(event()?, Arc::clone(&workers), Arc::clone(&done)),
        workers,
        done: Arc::clone(&done),
        bell,
    });
    Ok(Backend {
        features: Features::all_native(Kind::Threads),
        submit: Box::new(ThreadsSubmit::new(Arc::clone(&shared))),
        cheap: Some(Arc::<Shared>::clone(&shared)),
        reap: Box::new(ThreadsReap::new(shared)),
        clock: Box::new(RealClock::default()),
        bell: Some(done),
        simulator: None,
    })
}

/// What both halves share.
struct Shared {
    manners: Manners,
    streams: Arc<Streams>,
    workers: Arc<Workers>,
    done: Arc<Done>,
    /// Gets up the reaper.
    bell: Arc<Event>,
}

impl Shared {
    fn leave(&self) {
        self.streams.leave();
        self.workers.leave();
    }
}
