#![allow(unsafe_code, reason = "a clock that `std` does not offer")]

use std::time::Instant;

use super::Clock;

/// The clock on the wall.
#[derive(Clone, Copy, Debug)]
pub struct RealClock {
    made: Instant,
    /// What the cheap clock's exact brother said then.
    ticks: u64,
}

impl Default for RealClock {
    fn default() -> Self {
        Self { made: Instant::now(), ticks: cheap::exact() }
    }
}

impl Clock for RealClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn made(&self) -> Instant {
        self.made
    }

    fn lately(&self) -> u64 {
        cheap::lagging().saturating_sub(self.ticks)
    }
}

/// `CLOCK_MONOTONIC_COARSE`: the time of the last tick, which nobody need work out. See
/// [clock_gettime(2)].
///
/// [clock_gettime(2)]: https://man7.org/linux/man-pages/man2/clock_gettime.2.html
#[cfg(target_os = "linux")]
mod cheap {
    pub(super) fn lagging() -> u64 {
        get(libc::CLOCK_MONOTONIC_COARSE)
    }

    pub(super) fn exact() -> u64 {
        get(libc::CLOCK_MONOTONIC)
    }

    fn get(clock: libc::clockid_t) -> u64 {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the struct is ours and writable.
        unsafe { libc::clock_gettime(clock, &raw mut time) };
        time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
    }
}

/// This system has none: the exact clock, counted from its first use.
#[cfg(not(target_os = "linux"))]
mod cheap {
    use std::{sync::OnceLock, time::Instant};

    pub(super) fn lagging() -> u64 {
        exact()
    }

    pub(super) fn exact() -> u64 {
        static FIRST: OnceLock<Instant> = OnceLock::new();
        let since = FIRST.get_or_init(Instant::now).elapsed();
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }
}
