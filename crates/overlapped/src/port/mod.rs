//! The port: where operations go in and completions come out.
//!
//! A port has one or more [shards](shard), each with a backend of its own. Operations are started
//! through [`Shard::start`]; who waits in the kernel for a shard is settled by its [helm].

mod after;
mod ask;
mod background;
mod batch;
mod builder;
mod counter;
mod end;
mod held;
mod helm;
mod home;
mod limit;
mod book;
mod mine;
mod outside;
mod parker;
mod report;
mod shard;
mod tables;
mod tell;
mod timers;
mod trace;
mod turn;

#[cfg(all(test, loom))]
mod models;
#[cfg(all(test, not(loom)))]
mod tests;

pub use builder::Builder;
pub(crate) use held::{Held, Holding};
pub(crate) use home::Home;
pub(crate) use parker::Parker;
pub use parker::SleepBy;
pub use report::{Flying, Report, Stats};
pub(crate) use shard::Shard;

use std::{
    cell::Cell,
    fmt, io,
    sync::{Arc, OnceLock},
    thread::{self, ThreadId},
    time::{Duration, Instant},
};

use limit::Limit;
use tables::Tables;

use crate::{
    backend::{
        Backend, Features, Kind,
        driver::{self, Choice},
    },
    handle::Owned,
    op::Op,
    sync::this_thread,
};

/// The I/O subsystem of a program: operations go in, completions come out.
///
/// A port serves any thread and any executor. A thread that blocks in a wait drives it itself;
/// for those who do not block there is one thread in the background, started when first needed.
/// Clones are handles to the same port. When the last one is gone (files and streams hold one
/// each) everything in flight is cancelled and drained in the background; see
/// [`Port::shutdown`] for doing that in the foreground and for what is leaked if the OS does not
/// answer in time.
///
/// After `fork` only the parent may use its ports.
///
/// ```
/// use overlapped::{Port, fs::File};
///
/// # fn main() -> std::io::Result<()> {
/// let port = Port::shared()?;
/// let file = File::open(&port, "Cargo.toml").wait()?;
/// let done = file.read_at(vec![0; 16], 0).wait()?;
/// assert!(done.n > 0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Port(Arc<Handle>);

/// Counts the user's handles: operations in flight hold shards, not this.
struct Handle(Core);

pub(crate) struct Core {
    shards: Vec<Arc<Shard>>,
    /// Does what the backend lacks.
    aux: OnceLock<Result<Arc<Shard>, String>>,
    /// Made with the first thing that is registered; `None` if there are too many.
    tables: OnceLock<Option<Arc<Tables>>>,
    workers: usize,
    limit: Arc<Limit>,
    drain_bound: Duration,
}

static SHARED: OnceLock<Result<Port, String>> = OnceLock::new();

impl Port {
    /// The process's own port, made at first use with the best backend that works here. It lives
    /// as long as the process.
    ///
    /// # Errors
    ///
    /// If no backend works at all; the message says why for each.
    pub fn shared() -> io::Result<Self> {
        let made = SHARED.get_or_init(|| Self::builder().build().map_err(|e| e.to_string()));
        made.clone().map_err(io::Error::other)
    }

    /// Settings for a port of one's own.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// A port on a backend that the caller brings: a simulated kernel, or
    /// [`backend::null`](crate::backend::null). [`Builder::build_on`] does it with settings.
    pub fn with_backend(backend: Backend) -> Self {
        Builder::default().build_on(backend)
    }

    fn core(&self) -> &Core {
        &self.0.0
    }

    /// What this port's backend does, and which fallback was taken for which reason.
    pub fn features(&self) -> &Features {
        &self.core().shards[0].features
    }

    /// The mechanism behind this port.
    pub fn backend(&self) -> Kind {
        self.features().kind
    }

    /// The time on the port's clock, by which its timers and deadlines go.
    pub fn now(&self) -> Instant {
        self.core().shards[0].now()
    }

    /// The shard for an operation that this thread starts.
    #[inline]
    pub(crate) fn shard_for(&self, op: &Op) -> &Arc<Shard> {
        let core = self.core();
        let shard = match &core.shards[..] {
            [only] => only,
            shards => &shards[this_thread() as usize % shards.len()],
        };
        if shard.features.has(op) {
            return shard;
        }
        match core.aux.get_or_init(|| core.open_aux()) {
            Ok(aux) => aux,
            Err(_) => shard,
        }
    }

    /// Makes a handle known to the backends, before any operation works on it.
    pub(crate) fn adopt(&self, handle: &Owned) {
        for cheap in self.shards().filter_map(|shard| shard.cheap()) {
            cheap.adopt(handle);
        }
    }

    /// As [`adopt`](Self::adopt), for a handle of which more is asked than to move bytes.
    #[cfg(windows)]
    pub(crate) fn adopt_device(&self, handle: &Owned) {
        for cheap in self.shards().filter_map(|shard| shard.cheap()) {
            cheap.adopt_device(handle);
        }
    }

    /// All shards.
    pub(crate) fn shards(&self) -> impl Iterator<Item = &Arc<Shard>> {
        self.core().all()
    }

    /// Counts since the port was made. A local port's own thread is asked, for at most a tenth of a
    /// second; if it does not turn, `backlog` and `cancels` are 0.
    pub fn stats(&self) -> Stats {
        self.shards().map(Shard::stats).fold(Stats::default(), Stats::and)
    }

    /// What is in flight now, oldest first. A local port's own thread is asked, for at most a tenth
    /// of a second; if it does not turn, nothing is told.
    pub fn in_flight(&self) -> Vec<Flying> {
        let mut flying: Vec<_> = self.shards().flat_map(Shard::flying).collect();
        flying.sort_by_key(|flying| std::cmp::Reverse(flying.age));
        flying
    }

    /// Runs `body`; what the calling thread starts in it reaches the OS in one submission, when
    /// `body` is over (or panics), when the thread waits for something, or at [`Port::submit`].
    ///
    /// Without it each start of a shared port is a submission of its own, so that the OS begins at
    /// once. A local port always waits for its next turn.
    ///
    /// ```
    /// use overlapped::{Port, fs::File};
    ///
    /// # fn main() -> std::io::Result<()> {
    /// let port = Port::shared()?;
    /// let file = File::open(&port, "Cargo.toml").wait()?;
    /// let reads = port.batch(|_| [0, 64, 128].map(|at| file.read_at(vec![0; 64], at)));
    /// for read in reads {
    ///     assert_eq!(read.wait()?.n, 64);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn batch<R>(&self, body: impl FnOnce(&Self) -> R) -> R {
        self.shard_for(&Op::Nop).batch(|| body(self))
    }

    /// Hands to the OS what this port has queued: the operations of a [`Port::batch`] so far; on a
    /// local port, what was started since its last turn.
    pub fn submit(&self) {
        self.shard_for(&Op::Nop).submit();
    }

    /// Ends the port: new operations are refused, everything in flight is asked to stop, and the
    /// caller drives until all of it is over, for at most `deadline`.
    ///
    /// Outcomes stay with their [`Pending`](crate::Pending)s. What the OS has not finished when
    /// the time is over is leaked and counted: freeing it would be the very bug that this library
    /// exists to prevent (C9). A later shutdown goes on where this one stopped.
    pub fn shutdown(&self, deadline: Duration) -> Report {
        let until = self.now().checked_add(deadline);
        self.shards().for_each(|shard| shard.catch_up(until));
        let flying: usize = self.shards().map(|shard| shard.busy()).sum();
        self.shards().for_each(Shard::close);
        let leaked = self.shards().map(|shard| shard.drain(until)).sum();
        Report { drained: flying.saturating_sub(leaked), leaked }
    }
}

impl fmt::Debug for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Port")
            .field("backend", &self.backend())
            .field("shards", &self.core().shards.len())
            .field("stats", &self.stats())
            .finish()
    }
}

impl Core {
    fn all(&self) -> impl Iterator<Item = &Arc<Shard>> {
        self.shards.iter().chain(self.aux.get().and_then(|aux| aux.as_ref().ok()))
    }

    fn tables(&self) -> Option<&Arc<Tables>> {
        self.tables.get_or_init(|| Tables::new().map(Arc::new)).as_ref()
    }

    fn open_aux(&self) -> Result<Arc<Shard>, String> {
        let backend = driver::open(Choice::Only(Kind::Threads), self.workers)?;
        let aux = Shard::new(self.shards.len(), backend, Arc::clone(&self.limit));
        if self.shards[0].is_closed() {
            aux.close();
        }
        Ok(aux)
    }
}

impl Drop for Handle {
    /// Cancels what flies and leaves the draining to the background: it never blocks.
    fn drop(&mut self) {
        for shard in self.0.all() {
            shard.close();
            if shard.outside.is_none() {
                shard.background.retire(shard, self.0.drain_bound);
            }
        }
    }
}

/// The calling thread's own name for itself, at the cost of a look.
#[inline]
fn thread_id() -> ThreadId {
    thread_local! {
        static MINE: Cell<Option<ThreadId>> = const { Cell::new(None) };
    }
    MINE.with(|mine| {
        mine.get().unwrap_or_else(|| {
            let id = thread::current().id();
            mine.set(Some(id));
            id
        })
    })
}
