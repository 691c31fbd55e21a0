//! The thread that drives a shard when nobody blocks for it: started when first called, parked
//! when nothing is left for it to serve, gone when the port is.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, Thread},
    time::{Duration, Instant},
};

use super::{
    parker::{Parker, as_another},
    shard::Shard,
    trace,
};
use crate::backend::Attended;

#[derive(Default)]
pub(super) struct Background {
    thread: Mutex<Option<Thread>>,
    called: AtomicBool,
    /// Set once: the port is gone, and what flies must be over by then.
    retire_by: Mutex<Option<Option<Instant>>>,
}

impl Background {
    /// Calls the thread to the helm of `shard`, starting it if need be.
    pub(super) fn call(&self, shard: &Arc<Shard>) {
        let called = self.called.swap(true, Ordering::SeqCst);
        if let Some(simulator) = &shard.simulator {
            if !called {
                simulator.attend(Arc::new(Service(Arc::clone(shard))));
            }
            return;
        }
        // Without it whoever blocks still drives; the next call tries again.
        if let Some(thread) = self.thread(shard) {
            thread.unpark();
        }
    }

    /// Whether somebody comes when called.
    pub(super) fn is_there(&self, shard: &Arc<Shard>) -> bool {
        shard.simulator.is_some() || self.thread(shard).is_some()
    }

    /// The thread; it is started if need be.
    fn thread(&self, shard: &Arc<Shard>) -> Option<Thread> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_none() {
            let name = format!("overlapped-{}", shard.number);
            let mine = Arc::clone(shard);
            match thread::Builder::new().name(name).spawn(move || run(&mine)) {
                Ok(handle) => *thread = Some(handle.thread().clone()),
                Err(error) => trace::no_background(&error),
            }
        }
        thread.clone()
    }

    /// The port is gone: the thread is to drain `shard` within `bound` and end.
    pub(super) fn retire(&self, shard: &Arc<Shard>, bound: Duration) {
        let by = shard.now().checked_add(bound);
        self.retire_by.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(by);
        let busy = shard.busy() > 0;
        if shard.simulator.is_some() {
            if busy {
                self.call(shard);
            }
            return;
        }
        let exists = self.thread.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        if exists || busy {
            self.call(shard);
            // It may sleep at the helm without a need to get up.
            shard.wake();
        }
    }

    fn retires(&self) -> Option<Option<Instant>> {
        *self.retire_by.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// [C9] drained with a bound; what is left is leaked, and said.
fn run(shard: &Arc<Shard>) {
    let background = &shard.background;
    let parker = Parker::current();
    loop {
        while !background.called.swap(false, Ordering::SeqCst) {
            thread::park();
        }
        if let Some(by) = background.retires() {
            let leaked = shard.drain(by);
            if leaked > 0 {
                // Nothing is freed that the kernel may still write to. Should it ever be done, its
                // outcomes are told, so this thread stays for it.
                trace::leaked(leaked);
                shard.drain(None);
            }
            return;
        }
        let served = || !shard.is_attended() || background.retires().is_some();
        shard.drive(&parker, &served, None);
    }
}

/// What the thread would do, turn by turn, for a simulated system.
struct Service(Arc<Shard>);

impl Attended for Service {
    fn serve(&self, until: Option<Instant>) -> bool {
        let Self(shard) = self;
        let background = &shard.background;
        let by = background.retires();
        let done = || if by.is_some() { shard.busy() == 0 } else { !shard.is_attended() };
        let late = by.flatten().is_some_and(|by| by <= shard.now());
        // Who is at the helm serves, and calls again when it leaves.
        if done() || late || shard.helm.is_led() {
            background.called.store(false, Ordering::SeqCst);
            if late && !done() {
                trace::leaked(shard.busy());
            }
            return false;
        }
        let until = [until, by.flatten()].into_iter().flatten().min();
        as_another(|| shard.sail(&Parker::current(), &done, until));
        true
    }
}
