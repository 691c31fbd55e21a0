//! Ports that somebody must drive though nobody blocks for them. Each is a thread that is not
//! there: its turn is taken by whoever is at a point.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::Arc,
};

use overlapped::simulation::Attended;

use super::{Kernel, State, Time, numbers};
use crate::explore::Actor;

pub(super) struct Service {
    /// `None` while it is at work, and once it is over.
    attended: Option<Arc<dyn Attended>>,
    over: bool,
    /// Its queue and its next timer, once it has been in a wait.
    waits: Option<(usize, Option<Time>)>,
    /// Its last turn came to nothing: until somebody else has taken a step, it would again.
    vain: Option<u64>,
}

impl Service {
    /// `vain`: with nothing to reap, at this many moves of others.
    pub(super) fn waits(&mut self, queue: usize, until: Option<Time>, vain: Option<u64>) {
        self.waits = Some((queue, until));
        self.vain = vain;
    }
}

impl Kernel {
    pub(super) fn attend(&self, attended: Arc<dyn Attended>) {
        let mut state = self.lock();
        let service = Service { attended: Some(attended), over: false, waits: None, vain: None };
        match state.services.iter().position(|known| known.over) {
            Some(place) => state.services[place] = service,
            None => state.services.push(service),
        }
    }

    /// The service at `place` takes a turn, on the stack of the calling thread. No lock is held.
    pub(super) fn serve(&self, place: usize) {
        let Some(attended) = ({
            let mut state = self.lock();
            state.serving = Some(place);
            state.services[place].attended.take()
        }) else {
            return;
        };
        // It may be unwound, and is to be served all the same then.
        let served = catch_unwind(AssertUnwindSafe(|| attended.serve(None)));
        let again = *served.as_ref().unwrap_or(&true);
        let mut state = self.lock();
        state.serving = None;
        if again {
            state.services[place].attended = Some(attended);
        } else {
            state.services[place].over = true;
            drop(state);
            // It may be the last handle of a port.
            drop(attended);
        }
        if let Err(unwound) = served {
            resume_unwind(unwound);
        }
    }
}

impl State {
    /// A service that is not over.
    pub(super) fn next_service(&self) -> Option<usize> {
        self.services.iter().position(|service| service.attended.is_some())
    }

    /// Who waits at `queue` does so until `at` at the latest.
    pub(super) fn alarm(&mut self, queue: usize, at: Time) {
        for (own, until) in self.services.iter_mut().filter_map(|service| service.waits.as_mut()) {
            if *own == queue {
                *until = Some(until.map_or(at, |until| until.min(at)));
            }
        }
    }

    /// What is still to be served: it is dropped where no lock is held.
    pub(super) fn take_attended(&mut self) -> Vec<Arc<dyn Attended>> {
        self.services.iter_mut().filter_map(|service| service.attended.take()).collect()
    }

    pub(super) fn service_actor(&self, place: usize) -> Actor {
        numbers::service(place)
    }

    /// Whether the service would do nothing, as it did when it was served last.
    pub(super) fn is_in_vain(&self, place: usize) -> bool {
        self.services[place].vain == Some(self.moves)
    }

    /// The services that have something to do: each with its actor, and when at the earliest.
    pub(super) fn services_due(&self) -> impl Iterator<Item = (usize, Actor, Time)> {
        let due = |(place, service): (usize, &Service)| {
            service.attended.as_ref()?;
            let at = match service.waits {
                None => self.now,
                Some((queue, until)) => {
                    let queue = &self.queues[queue];
                    let has = !queue.landed.is_empty() || queue.woken;
                    if has { self.now } else { until? }
                }
            };
            Some((place, numbers::service(place), at.max(self.now)))
        };
        self.services.iter().enumerate().filter_map(due)
    }
}
