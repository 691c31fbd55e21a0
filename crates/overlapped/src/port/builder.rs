use std::{
    io,
    sync::{Arc, OnceLock},
    time::Duration,
};

use super::{Core, Handle, Port, Shard, limit::Limit};
use crate::backend::{
    Backend,
    driver::{self, Choice, Kind},
};

/// Settings for a [`Port`].
///
/// ```
/// use overlapped::{Port, backend::Kind};
///
/// # fn main() -> std::io::Result<()> {
/// let port = Port::builder().backend(Kind::Threads).max_in_flight(1000).build()?;
/// assert_eq!(port.backend(), Kind::Threads);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Builder {
    choice: Choice,
    shards: Option<usize>,
    max_in_flight: usize,
    max_workers: usize,
    deferred: bool,
    drain_bound: Duration,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            choice: Choice::Best,
            shards: None,
            max_in_flight: 1 << 20,
            max_workers: 16,
            deferred: true,
            drain_bound: Duration::from_secs(30),
        }
    }
}

impl Builder {
    /// Requires a mechanism. Without this the best one that works here is taken, and
    /// [`Port::features`] says why if that is a fallback.
    pub fn backend(mut self, kind: Kind) -> Self {
        self.choice = Choice::Only(kind);
        self
    }

    /// How many backends work side by side; a thread keeps to one of them. At least 1; by default
    /// one for every eight processors. On Windows always one: a completion port serves all threads,
    /// and a handle belongs to one for life.
    pub fn shards(mut self, shards: usize) -> Self {
        self.shards = Some(shards.max(1));
        self
    }

    /// How many operations may be in flight at once, at least 1; about a million by default.
    /// Starting one more fails at once, with its buffer given back.
    pub fn max_in_flight(mut self, limit: usize) -> Self {
        self.max_in_flight = limit.max(1);
        self
    }

    /// How many threads a thread backend may use for what blocks, at least 1; 16 by default.
    pub fn max_workers(mut self, workers: usize) -> Self {
        self.max_workers = workers.max(1);
        self
    }

    /// Whether the ring of a [`Runtime`](crate::Runtime) leaves its completions to the thread's
    /// next turn (`IORING_SETUP_DEFER_TASKRUN`, see [io_uring_setup(2)]), rather than to its next
    /// system call or tick. On by default: nearly everything costs less so. Where a disk is read
    /// directly and completions come one by one, less is done without it. It means nothing to other
    /// ports.
    ///
    /// The kernel's own work is put off, too: a write that found a pipe full, and a read that found
    /// it empty, go on at a turn, and not while the thread computes or sleeps elsewhere (joins a
    /// thread, say). Turn it off where such a thread waits for what its own operations do.
    ///
    /// [io_uring_setup(2)]: https://man7.org/linux/man-pages/man2/io_uring_setup.2.html
    pub fn deferred(mut self, deferred: bool) -> Self {
        self.deferred = deferred;
        self
    }

    /// How long a dropped port tries in the background to drain what is in flight before it leaks
    /// it; 30 seconds by default.
    pub fn drain_bound(mut self, bound: Duration) -> Self {
        self.drain_bound = bound;
        self
    }

    /// Makes the port.
    ///
    /// # Errors
    ///
    /// If the mechanism that was required does not work here; the message says what to change.
    pub fn build(self) -> io::Result<Port> {
        let count = driver::shards(self.shards);
        let open = |_| driver::open(self.choice, self.max_workers).map_err(io::Error::other);
        let backends = (0..count).map(open).collect::<io::Result<Vec<_>>>()?;
        Ok(self.build_with(backends, Shard::new))
    }

    /// Makes the port on a backend that the caller brings, as [`Port::with_backend`] does. Which
    /// mechanism and how many shards were asked for means nothing then.
    pub fn build_on(self, backend: Backend) -> Port {
        self.build_with(vec![backend], Shard::new)
    }

    /// Makes a port of the calling thread.
    pub(crate) fn build_local(self) -> io::Result<Port> {
        let backend = driver::open_local(self.choice, self.max_workers, self.deferred)
            .map_err(io::Error::other)?;
        Ok(self.build_local_on(backend))
    }

    pub(crate) fn build_local_on(self, backend: Backend) -> Port {
        self.build_with(vec![backend], Shard::local)
    }

    /// How long a dropped port is drained.
    pub(crate) fn bound(&self) -> Duration {
        self.drain_bound
    }

    fn build_with(
        self,
        backends: Vec<Backend>,
        shard: fn(usize, Backend, Arc<Limit>) -> Arc<Shard>,
    ) -> Port {
        let limit = Arc::new(Limit::new(self.max_in_flight));
        let shard = |(number, backend)| shard(number, backend, Arc::clone(&limit));
        Port(Arc::new(Handle(Core {
            shards: backends.into_iter().enumerate().map(shard).collect(),
            aux: OnceLock::new(),
            tables: OnceLock::new(),
            workers: self.max_workers,
            limit,
            drain_bound: self.drain_bound,
        })))
    }
}
