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

use super::{parker::Parker, shard::Shard, trace};

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
        self.called.store(true, Ordering::SeqCst);
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = &*thread {
            thread.unpark();
            return;
        }
        let name = format!("overlapped-{}", shard.number);
        let mine = Arc::clone(shard);
        match thread::Builder::new().name(name).spawn(move || run(&mine)) {
            Ok(handle) => *thread = Some(handle.thread().clone()),
            // Whoever blocks still drives; the next call tries again.
            Err(error) => trace::no_background(&error),
        }
    }

    /// The port is gone: the thread is to drain `shard` within `bound` and end.
    pub(super) fn retire(&self, shard: &Arc<Shard>, bound: Duration) {
        let by = shard.now().checked_add(bound);
        self.retire_by.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(by);
        let exists = self.thread.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        if exists || shard.busy() > 0 {
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
