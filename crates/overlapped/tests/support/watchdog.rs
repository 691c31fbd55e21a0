//! No test runs for ever: one that hangs is named, and the process aborted.

use std::{
    process,
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

/// Watches over a test until it is dropped.
pub(crate) struct Watchdog {
    /// Hangs up when the watch is over.
    _over: mpsc::Sender<()>,
}

impl Watchdog {
    /// Aborts the process when `name` still runs after `limit`.
    pub(crate) fn set(name: &str, limit: Duration) -> Self {
        let (over, watched) = mpsc::channel::<()>();
        let name = name.to_owned();
        let watch = move || {
            if watched.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                eprintln!("{name} hangs: it is not over after {limit:?}; aborting");
                process::abort();
            }
        };
        let dog = thread::Builder::new().name("watchdog".to_owned());
        dog.spawn(watch).expect("a thread for the watchdog");
        Self { _over: over }
    }
}
