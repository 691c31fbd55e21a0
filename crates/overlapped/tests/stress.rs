//! Storms on the real kernel. `OVERLAPPED_STRESS` multiplies their length, as in `0.1` or `10`.
//!
//! They run one after the other, and under a sanitizer too.
#![cfg(any(target_os = "linux", windows))]

#[path = "conformance/storms.rs"]
mod storms;

#[cfg(windows)]
#[path = "support/census.rs"]
mod census;
#[path = "support/probe.rs"]
mod probe;
#[path = "support/scratch.rs"]
mod scratch;
#[path = "support/telling.rs"]
mod telling;
#[path = "support/watchdog.rs"]
mod watchdog;

#[path = "stress/chases.rs"]
mod chases;
#[path = "stress/crowds.rs"]
mod crowds;
#[path = "stress/dice.rs"]
mod dice;
#[path = "stress/direct.rs"]
mod direct;
#[path = "stress/local.rs"]
mod local;
#[path = "stress/mixed.rs"]
mod mixed;
#[path = "stress/ports.rs"]
mod ports;

/// What is asked of the OS itself.
#[cfg(target_os = "linux")]
#[path = "stress/linux.rs"]
mod system;
#[cfg(windows)]
#[path = "stress/windows.rs"]
mod system;

use std::{
    env,
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use overlapped::{Port, backend::Kind};
use system::{descriptors, harness, threads};
use watchdog::Watchdog;

/// No storm lasts longer, not even under a sanitizer.
const LIMIT: Duration = Duration::from_secs(300);

/// What a storm holds while it runs: the machine, and a dog that watches. At its end nothing may be
/// left of it.
struct Storm {
    descriptors: usize,
    _dog: Watchdog,
    _alone: MutexGuard<'static, ()>,
}

/// Waits until no other storm runs.
fn begin(name: &str) -> Storm {
    static ALONE: Mutex<()> = Mutex::new(());
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let dog = Watchdog::set(name, LIMIT.mul_f64(factor().max(1.0)));
    Storm { descriptors: descriptors(), _dog: dog, _alone: alone }
}

impl Drop for Storm {
    fn drop(&mut self) {
        if !thread::panicking() {
            eventually("every thread of the library is gone", || threads() == 0);
            let most = self.descriptors + harness();
            eventually("every descriptor is closed", || descriptors() <= most);
        }
    }
}

/// So many, at the usual length of the storms.
fn scaled(count: u64) -> u64 {
    (count as f64 * factor()).ceil() as u64
}

fn factor() -> f64 {
    let set = env::var("OVERLAPPED_STRESS").ok();
    set.map_or(1.0, |text| text.parse().expect("OVERLAPPED_STRESS is a number, as in 0.1"))
}

/// A port on `kind`, or a word on standard error why there is none.
fn port(kind: Kind) -> Option<Port> {
    let built = Port::builder().backend(kind).build();
    built.inspect_err(|error| eprintln!("skipped: {error}")).ok()
}

/// Looks until `is_so`, which must come.
#[track_caller]
fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(60), "never: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// The storms on one backend.
macro_rules! storms_on {
    ($kind:expr, $module:ident: $($storm:path as $name:ident;)+) => {
        mod $module {
            use crate::*;

            $(
                #[test]
                fn $name() {
                    let _storm = begin(concat!(stringify!($module), "::", stringify!($name)));
                    $storm($kind);
                }
            )+
        }
    };
}

/// The same storms on each backend that this system has.
macro_rules! on_each {
    ($($storms:tt)+) => {
        #[cfg(target_os = "linux")]
        storms_on!(Kind::Uring, io_uring: $($storms)+);
        #[cfg(windows)]
        storms_on!(Kind::Iocp, iocp: $($storms)+);
        storms_on!(Kind::Threads, threads: $($storms)+);
    };
}

on_each! {
    // [C5] every byte exactly once, however a cancel and its completion cross.
    chases::cancels as cancels;
    // [C6] the same for deadlines.
    chases::deadlines as deadlines;
    // [C7] the same for reads that are dropped.
    chases::drops as drops;
    // [C5] bursts of cancels, longer than the queue of any ring.
    crowds::cancelled as a_crowd_is_cancelled;
    // [C9] a port with thousands in flight is dropped.
    crowds::port_dropped as a_port_with_a_crowd;
    // [C1] no byte is written to memory that is free again.
    direct::port_dropped as direct_reads;
    // [C2] the same when it is only the reads that are dropped.
    direct::reads_dropped as direct_drops;
    // [C7] everything at once: nothing is lost, nothing doubled, nothing left.
    mixed::storm as everything;
    // [C9] ports come and go, and leave nothing behind.
    ports::come_and_go as ports_come_and_go;
}

/// The storms on the port of one thread, on each backend that it can have.
macro_rules! on_each_local {
    ($($storms:tt)+) => {
        #[cfg(target_os = "linux")]
        storms_on!(Kind::Uring, local_port: $($storms)+);
        #[cfg(windows)]
        storms_on!(Kind::Iocp, local_port: $($storms)+);
        #[cfg(windows)]
        storms_on!(Kind::Apc, local_port_with_routines: $($storms)+);
    };
}

on_each_local! {
    // [C5] [C6] [C7] every byte exactly once, whoever cancels, and where.
    local::chases_here as chases_here;
    local::chases_elsewhere as chases_elsewhere;
    // [C3] [C13] each outcome is its own operation's, whichever thread looks at it.
    local::halves_go_round as halves_go_round;
    // [C8] [C14] more than the queues of a ring hold.
    local::a_crowd_is_dropped as a_crowd_is_dropped;
    // [C1] [C9] no byte is written to memory that is free again.
    local::direct_reads as direct_reads;
}
