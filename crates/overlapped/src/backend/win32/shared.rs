//! What both halves of a mechanism have in common that makes overlapped calls.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{
    calls::{Call, Issued},
    done::Done,
    flights::{Flights, Word},
    manners::Manners,
    work::Workers,
};
use crate::backend::{Bell, Completion};

pub(crate) struct Shared {
    pub(crate) manners: Manners,
    pub(crate) workers: Arc<Workers>,
    pub(crate) done: Arc<Done>,
    flights: Mutex<Flights>,
}

impl Shared {
    /// `bell` gets up the reaper.
    pub(crate) fn new(workers: usize, bell: Arc<dyn Bell>) -> Arc<Self> {
        let done = Done::new(bell);
        Arc::new(Self {
            manners: Manners::default(),
            workers: Workers::new(workers, Arc::clone(&done)),
            done,
            flights: Mutex::default(),
        })
    }

    pub(super) fn flights(&self) -> MutexGuard<'_, Flights> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Issues a call, and those that follow it at once; what is over then, if it is.
    pub(super) fn issue(&self, mut call: Call) -> Option<Completion> {
        loop {
            let (id, skips) = (call.id(), call.skips());
            let word = match call.make() {
                Issued::Pending => {
                    self.flights().cancel_late(id);
                    return None;
                }
                // [C2] with a packet on its way it is over when that is dequeued.
                Issued::Done if !skips => return None,
                Issued::Done => self.flights().told(id.overlapped())?,
                Issued::Refused(failure) => self.flights().refused(id, failure)?,
            };
            match word {
                Word::Over(completion) => return Some(completion),
                Word::Next(next) => call = next,
            }
        }
    }

    /// The OS has told of the call with the OVERLAPPED at `address`; what is over by it, if it is.
    pub(crate) fn told(&self, address: usize) -> Option<Completion> {
        let word = self.flights().told(address)?;
        match word {
            Word::Over(completion) => Some(completion),
            Word::Next(call) => self.issue(call),
        }
    }
}
