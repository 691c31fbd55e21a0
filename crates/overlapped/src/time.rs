//! Timers: operations that are over at a time of the port's clock.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    buf::NoMemory,
    op::{Goal, Nap, Op, Plan},
    pending::{Ask, Pending},
    port::Port,
};

impl Port {
    /// Does nothing, and is over when the OS has said so: the shortest way there and back. See
    /// [io_uring_prep_nop(3)].
    ///
    /// [io_uring_prep_nop(3)]: https://man7.org/linux/man-pages/man3/io_uring_prep_nop.3.html
    pub fn nop(&self) -> Pending<'static, Nap> {
        let (shard, plan) = (self.shard_for(&Op::Nop), Plan::new(Goal::Once));
        let request = Nap(NoMemory);
        Pending::start(Ask { shard, op: Op::Nop, plan, request, holder: None, fixed: None })
    }

    /// Is over when `duration` has passed. Never early; how late depends on who drives the port.
    ///
    /// Dropped, it is cancelled. See [clock_gettime(2)], `CLOCK_MONOTONIC`.
    ///
    /// [clock_gettime(2)]: https://man7.org/linux/man-pages/man2/clock_gettime.2.html
    pub fn sleep(&self, duration: Duration) -> Pending<'static, Nap> {
        let now = self.now();
        // A sleep past the end of time ends in a hundred years.
        let end_of_time = Duration::from_secs(100 * 365 * 86_400);
        self.sleep_until(now.checked_add(duration).unwrap_or(now + end_of_time))
    }

    /// Is over when the port's clock ([`Port::now`]) has come to `due`.
    pub fn sleep_until(&self, due: Instant) -> Pending<'static, Nap> {
        let op = Op::Timer { due };
        let shard = Arc::clone(self.shard_for(&op));
        let plan = Plan::new(Goal::Once);
        let request = Nap(NoMemory);
        Pending::start(Ask { shard: &shard, op, plan, request, holder: None, fixed: None })
    }
}
