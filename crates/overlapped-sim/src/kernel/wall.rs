//! The wall clock: it drifts, and it may be set. Nothing that waits goes by it; the clock that
//! deadlines go by is the simulation's own time, which only ever goes forward.

use std::time::{Duration, SystemTime};

use super::{State, Time, numbers::WALL};
use crate::explore::{Access, Kind};

/// By how much a fault sets it.
const HOUR: i128 = 3_600_000_000_000;
/// What it shows when the simulation begins: 2020-01-01.
const BEGIN: i128 = 1_577_836_800_000_000_000;

/// What it shows, in nanoseconds since 1970.
#[derive(Debug)]
pub(super) struct Wall {
    /// It showed `shown` at `at`, and has drifted since.
    shown: i128,
    at: Time,
    /// Parts in a million that it gains.
    drift: i64,
}

impl Default for Wall {
    fn default() -> Self {
        Self { shown: BEGIN, at: 0, drift: 0 }
    }
}

impl Wall {
    fn shows(&self, now: Time) -> i128 {
        let since = i128::from(now - self.at);
        self.shown + since + since * i128::from(self.drift) / 1_000_000
    }

    fn set(&mut self, now: Time, shown: i128) {
        (self.shown, self.at) = (shown.max(0), now);
    }
}

impl State {
    /// What the wall clock shows; it may have been set meanwhile.
    pub(crate) fn wall(&mut self) -> SystemTime {
        let faulty = self.settings.faults.clocks && self.has_faults_left();
        self.touch(WALL, if faulty { Access::Write } else { Access::Read });
        let step = if faulty { [0, -HOUR, HOUR][self.choose(3, Kind::Fault)] } else { 0 };
        if step != 0 {
            self.spend_a_fault();
            self.log.wall(self.now, step > 0);
            let shown = self.wall.shows(self.now);
            self.wall.set(self.now, shown + step);
        }
        let nanos = self.wall.shows(self.now);
        SystemTime::UNIX_EPOCH + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    pub(crate) fn set_wall(&mut self, to: SystemTime) {
        self.touch(WALL, Access::Write);
        let since = to.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.wall.set(self.now, i128::try_from(since.as_nanos()).unwrap_or(i128::MAX));
    }

    pub(crate) fn set_drift(&mut self, ppm: i32) {
        self.touch(WALL, Access::Write);
        let shown = self.wall.shows(self.now);
        self.wall.set(self.now, shown);
        self.wall.drift = i64::from(ppm);
    }
}
