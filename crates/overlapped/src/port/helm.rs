//! Who waits in the kernel for a shard: one leader, and a queue of followers.
//!
//! A thread that blocks in `wait` takes the helm if it is free, so no other thread is needed to
//! land what it waits for. Those who come later follow: they sleep until their own operation has
//! landed or until they are promoted. Who leaves the helm promotes the next follower; if there is
//! none and somebody must be served who does not block (a waker was left, an operation was
//! abandoned), the shard's background thread is called. Whoever was promoted and has no need of
//! it passes it on, so the helm is never left while somebody sleeps for it.

use std::{collections::VecDeque, task::Waker};

use crate::sync::{Mutex, MutexGuard, lock};

pub(super) struct Helm {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    led: bool,
    followers: VecDeque<(u64, Waker)>,
    tickets: u64,
}

/// What a thread that wants to wait has got.
pub(super) enum Seat {
    Lead,
    Follow(u64),
}

/// Whether the background thread is called for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Call {
    Nobody,
    Background,
}

impl Helm {
    pub(super) fn new() -> Self {
        Self { state: Mutex::new(State::default()) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// A thread wants to wait; what `waker` makes gets it up if it has to follow and is promoted.
    pub(super) fn board(&self, waker: impl FnOnce() -> Waker) -> Seat {
        let mut state = self.lock();
        if !state.led {
            state.led = true;
            return Seat::Lead;
        }
        state.tickets += 1;
        let ticket = state.tickets;
        state.followers.push_back((ticket, waker()));
        Seat::Follow(ticket)
    }

    /// Whether somebody leads.
    pub(super) fn is_led(&self) -> bool {
        self.lock().led
    }

    /// The leader goes. `attended` is asked under the lock whether somebody who does not block
    /// must be served.
    pub(super) fn leave(&self, attended: impl FnOnce() -> bool) -> Call {
        let mut state = self.lock();
        state.led = false;
        self.promote(state, attended)
    }

    /// A follower goes, or wants another look. If it was promoted, the next is promoted instead,
    /// unless it takes the helm itself.
    pub(super) fn disembark(&self, ticket: u64, attended: impl FnOnce() -> bool) -> Call {
        let mut state = self.lock();
        let place = state.followers.iter().position(|(other, _)| *other == ticket);
        if let Some(place) = place {
            state.followers.remove(place);
            return Call::Nobody;
        }
        if state.led {
            return Call::Nobody;
        }
        self.promote(state, attended)
    }

    /// Somebody who does not block has come: whether the background thread must lead.
    pub(super) fn hail(&self) -> Call {
        let state = self.lock();
        if state.led { Call::Nobody } else { Call::Background }
    }

    #[expect(clippy::unused_self, reason = "the guard is of this helm")]
    fn promote(&self, mut state: MutexGuard<'_, State>, attended: impl FnOnce() -> bool) -> Call {
        if let Some((_, next)) = state.followers.pop_front() {
            drop(state);
            next.wake();
            return Call::Nobody;
        }
        if attended() { Call::Background } else { Call::Nobody }
    }
}
