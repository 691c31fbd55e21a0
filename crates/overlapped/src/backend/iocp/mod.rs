//! IOCP: one completion port for all threads, and a few threads for what has no overlapped form.
//!
//! An entry is in one place at a time:
//!
//! | where it is | how it came there | where it goes |
//! |---|---|---|
//! | flights | `submit`: a read or write on a handle that is bound to the port | done, when the OS has said its last word |
//! | queue | `submit`: everything else | a worker; cancelled: done |
//! | a worker | the queue | done |
//! | done | everywhere above | the reaper |
//!
//! * *A flight* is an entry together with its OVERLAPPED, whose address is the operation's name to
//!   the OS. Both stay in the table until the packet was dequeued, or until the call has said that
//!   there will be none: it failed at once, or it succeeded at once on a handle that skips packets
//!   then. A packet whose address is not in the table is not one of ours, and is left alone.
//! * *A cancel* is `CancelIoEx` with that address, under the table's lock, so that it never names a
//!   successor. What it answers proves nothing and is not looked at.
//! * *A handle* belongs to one completion port for life. It is bound when it is adopted. One that
//!   cannot be bound, because it is synchronous or another port's, is served by the workers: each
//!   call there has an event of its own, with the lowest bit set, so that no packet goes anywhere.
//! * *Several buffers* move one after the other, as overlapped calls have no vectors for them. What
//!   has moved when one of them ends short is the count.
//!
//! No entry is dropped or answered while a lock is held (C11).

mod adopt;
mod calls;
mod done;
mod flights;
mod packets;
mod perform;
mod reap;
mod stat;
mod submit;
mod work;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::{Backend, Bell, Cause, Completion, Entry, Features, Kind, RealClock};
use adopt::Manners;
use calls::{Call, Issued};
use done::Done;
use flights::{Flights, Word};
use packets::CompletionPort;
use reap::IocpReap;
use submit::IocpSubmit;
use work::Work;

/// Opens a completion port, and at most `workers` threads when they are needed.
pub(crate) fn open(workers: usize) -> Result<Backend, String> {
    let port = CompletionPort::new();
    let port = port.map_err(|error| format!("IOCP cannot be used: {error}"))?;
    let shared = Arc::new(Shared {
        port,
        workers: workers.max(1),
        manners: Manners::default(),
        flights: Mutex::default(),
        work: Mutex::default(),
        hired: Condvar::new(),
        done: Done::default(),
    });
    Ok(Backend {
        features: Features {
            missing: vec!["allocate"],
            flags: vec!["SKIP_COMPLETION_PORT_ON_SUCCESS"],
            ..Features::all_native(Kind::Iocp)
        },
        submit: Box::new(IocpSubmit::new(Arc::clone(&shared))),
        clock: Box::new(RealClock::default()),
        cheap: Some(Arc::<Shared>::clone(&shared)),
        bell: Some(Arc::<Shared>::clone(&shared)),
        reap: Box::new(IocpReap::new(shared)),
        simulator: None,
    })
}

/// What both halves and the workers share.
struct Shared {
    port: CompletionPort,
    /// At most so many threads.
    workers: usize,
    manners: Manners,
    flights: Mutex<Flights>,
    work: Mutex<Work>,
    /// Something is in the queue, or the end has come.
    hired: Condvar,
    done: Done,
}

impl Shared {
    fn flights(&self) -> MutexGuard<'_, Flights> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Issues a call, and those that follow it at once; what is over then, if it is.
    fn issue(&self, mut call: Call) -> Option<Completion> {
        loop {
            let (name, skips) = (call.name(), call.skips());
            let word = match call.make() {
                Issued::Pending => {
                    self.flights().cancel_late(name);
                    return None;
                }
                // [C2] with a packet on its way it is over when that is dequeued.
                Issued::Done if !skips => return None,
                Issued::Done => self.flights().told(name.address)?,
                Issued::Refused(code) => self.flights().refused(name.address, code)?,
            };
            match word {
                Word::Over(completion) => return Some(completion),
                Word::Next(next) => call = next,
            }
        }
    }

    /// Answers an operation from where no reaper is.
    fn answer(&self, completion: Completion) {
        if self.done.push(completion) {
            self.port.post_wake();
        }
    }

    /// One of the two halves is gone; with the second one ends everything.
    fn leave(&self) {
        let Some(waiting) = self.work().leave() else {
            return;
        };
        self.hired.notify_all();
        drop(waiting);
        self.done.close();
    }
}

impl Bell for Shared {
    fn ring(&self) {
        if self.done.wake() {
            self.port.post_wake();
        }
    }
}

/// The OS's own word.
fn os(code: u32) -> Cause {
    Cause::Os(code as i32)
}

/// Answers an entry that a cancel has reached before anything was done for it.
fn cancelled(entry: Entry) -> Completion {
    Completion { entry, answer: Err(Cause::Os(crate::error::ECANCELED)) }
}
