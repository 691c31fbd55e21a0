use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
    time::{Duration, Instant},
};

use crate::port::Parker;

/// A flag that threads and tasks can wait for, as Win32's event object: manual reset (it stays set
/// until reset, and lets everybody pass) or automatic reset (each setting lets one waiter pass).
///
/// Clones are handles to the same event.
///
/// ```
/// use overlapped::Event;
///
/// let event = Event::automatic();
/// event.set();
/// event.wait();
/// assert!(!event.is_set(), "one waiter has passed");
/// ```
#[derive(Clone, Debug)]
pub struct Event(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    automatic: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    set: bool,
    waiters: Vec<Waker>,
}

impl Event {
    /// An event that stays set until [`reset`](Self::reset).
    pub fn manual() -> Self {
        Self::new(false)
    }

    /// An event that each successful wait resets.
    pub fn automatic() -> Self {
        Self::new(true)
    }

    fn new(automatic: bool) -> Self {
        Self(Arc::new(Inner { automatic, state: Mutex::default() }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets it. Waiters look again, and of an automatic event one passes.
    pub fn set(&self) {
        let waiters = {
            let mut state = self.lock();
            state.set = true;
            std::mem::take(&mut state.waiters)
        };
        waiters.into_iter().for_each(Waker::wake);
    }

    /// Resets it.
    pub fn reset(&self) {
        self.lock().set = false;
    }

    /// Whether it is set now. Does not reset it.
    pub fn is_set(&self) -> bool {
        self.lock().set
    }

    /// Blocks until it is set, and resets it if it is automatic.
    pub fn wait(&self) {
        self.wait_until(&Parker::current(), None);
    }

    /// As [`wait`](Self::wait), but at most for `timeout`; whether it was set.
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        let parker = Parker::current();
        let until = parker.now().checked_add(timeout);
        self.wait_until(&parker, until)
    }

    fn wait_until(&self, parker: &Arc<Parker>, until: Option<Instant>) -> bool {
        loop {
            parker.clear();
            self.register(&parker.waker());
            if self.pass() {
                return true;
            }
            if until.is_some_and(|until| until <= parker.now()) {
                return false;
            }
            parker.park(until);
        }
    }

    /// Passes if it is set; whether it was.
    pub(super) fn pass(&self) -> bool {
        let mut state = self.lock();
        let set = state.set;
        if self.0.automatic {
            state.set = false;
        }
        set
    }

    /// Undoes a passing that came to nothing.
    pub(super) fn give_back(&self) {
        if self.0.automatic {
            self.set();
        }
    }

    /// Leaves a waker for the next setting; whether it is set already. It is left even then: who
    /// finds the event set may find that somebody else has passed.
    pub(super) fn register(&self, waker: &Waker) -> bool {
        // A waker is user code: it is cloned and dropped with no lock held.
        let mut mine = Some(waker.clone());
        let mut state = self.lock();
        if !state.waiters.iter().any(|known| known.will_wake(waker)) {
            state.waiters.extend(mine.take());
        }
        let set = state.set;
        drop(state);
        set
    }
}
