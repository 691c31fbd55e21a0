//! Which backend a port gets, and why.

use std::fmt;
#[cfg(not(windows))]
use std::thread;

pub use super::null::null;

use super::{Backend, Op};

/// A mechanism by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Linux's [io_uring(7)](https://man7.org/linux/man-pages/man7/io_uring.7.html).
    Uring,
    /// Windows' [completion ports].
    ///
    /// [completion ports]: https://learn.microsoft.com/en-us/windows/win32/fileio/i-o-completion-ports
    Iocp,
    /// Windows' [completion routines], on one thread: that of a [`Runtime`](crate::Runtime), which
    /// alone can have it. No handle is bound to anything, so it serves one that others use with
    /// routines, too.
    ///
    /// The thread may wait alertably elsewhere as it likes. A routine that is not this library's
    /// (`QueueUserAPC`) may run in a wait of this library; it must not itself wait for the port.
    ///
    /// [completion routines]: https://learn.microsoft.com/en-us/windows/win32/fileio/alertable-i-o
    Apc,
    /// A bounded pool of threads, and one that waits for streams: by `poll`, on Windows by
    /// completion routines.
    Threads,
    /// Everything completes at once and nothing moves.
    Null,
    /// A kernel that is simulated, or brought by the user.
    Custom(&'static str),
}

impl Kind {
    /// Its name, as messages show it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Uring => "io_uring",
            Self::Iocp => "IOCP",
            Self::Apc => "APC",
            Self::Threads => "threads",
            Self::Null => "null",
            Self::Custom(name) => name,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

// [C15] told before, fallback and reason included.
/// What a backend does, said beforehand (C15).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Features {
    /// Which mechanism it is.
    pub kind: Kind,
    /// Why this one and not a better one; `None` if it is the first choice.
    pub fallback: Option<String>,
    /// Names of operations that it cannot do itself; a port gives these to its threads.
    pub missing: Vec<&'static str>,
    /// Whether an operation on a regular file can be stopped once the OS works on it.
    pub cancels_running: bool,
    /// Which of the optional settings of the mechanism are in use, by the OS's names.
    pub flags: Vec<&'static str>,
}

impl Features {
    /// The features of a mechanism that does every operation itself.
    pub fn all_native(kind: Kind) -> Self {
        Self {
            kind,
            fallback: None,
            missing: Vec::new(),
            cancels_running: false,
            flags: Vec::new(),
        }
    }

    /// Whether it does `op` itself.
    pub fn has(&self, op: &Op) -> bool {
        self.missing.is_empty() || !self.missing.contains(&op.name())
    }
}

/// Which mechanism a port is to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    Best,
    Only(Kind),
}

/// Opens a backend: the one that was asked for, or the best that works here. `workers` bounds the
/// threads of a pool.
#[cfg(target_os = "linux")]
pub(crate) fn open(choice: Choice, workers: usize) -> Result<Backend, String> {
    let backend = match choice {
        Choice::Only(Kind::Null) => return Ok(null()),
        Choice::Only(Kind::Custom(name)) => return Err(unknown(name)),
        Choice::Only(Kind::Threads) => super::pool::open(workers),
        Choice::Only(Kind::Uring) => super::uring::open(),
        Choice::Only(Kind::Iocp) => return Err(NO_IOCP.to_owned()),
        Choice::Only(Kind::Apc) => return Err(NO_APC.to_owned()),
        Choice::Best => super::uring::open().or_else(|reason| {
            let mut backend = super::pool::open(workers)?;
            backend.features.fallback = Some(reason);
            Ok(backend)
        }),
    }?;
    Ok(Backend { cheap: super::cached::cheap(), ..backend })
}

/// Opens a backend for the calling thread alone, as [`open`] does for all. Where none can be had
/// that one thread owns, it is one that all may share.
#[cfg(target_os = "linux")]
pub(crate) fn open_local(
    choice: Choice,
    workers: usize,
    deferred: bool,
) -> Result<Backend, String> {
    let backend = match choice {
        Choice::Only(Kind::Uring) => super::uring::open_local(deferred),
        Choice::Best => super::uring::open_local(deferred).or_else(|reason| {
            let mut backend = super::pool::open(workers)?;
            backend.features.fallback = Some(reason);
            Ok(backend)
        }),
        Choice::Only(_) => return open(choice, workers),
    }?;
    Ok(Backend { cheap: super::cached::cheap(), ..backend })
}

/// Opens a backend for the calling thread, be it one that all may share.
#[cfg(windows)]
pub(crate) fn open_local(
    choice: Choice,
    workers: usize,
    _deferred: bool,
) -> Result<Backend, String> {
    match choice {
        Choice::Only(Kind::Apc) => super::apc::open(workers),
        _ => open(choice, workers),
    }
}

/// Opens a backend for the calling thread; here it is one that all may share.
#[cfg(all(unix, not(target_os = "linux")))]
pub(crate) fn open_local(
    choice: Choice,
    workers: usize,
    _deferred: bool,
) -> Result<Backend, String> {
    open(choice, workers)
}

/// Opens a backend: the one that was asked for, or the best that works here.
#[cfg(all(unix, not(target_os = "linux")))]
pub(crate) fn open(choice: Choice, workers: usize) -> Result<Backend, String> {
    match choice {
        Choice::Only(Kind::Null) => Ok(null()),
        Choice::Best | Choice::Only(Kind::Threads) => super::pool::open(workers),
        Choice::Only(Kind::Uring) => Err("io_uring is Linux's own; use threads".to_owned()),
        Choice::Only(Kind::Iocp) => Err(NO_IOCP.to_owned()),
        Choice::Only(Kind::Apc) => Err(NO_APC.to_owned()),
        Choice::Only(Kind::Custom(name)) => Err(unknown(name)),
    }
}

#[cfg(unix)]
const NO_IOCP: &str = "IOCP is Windows' own; use threads";
#[cfg(unix)]
const NO_APC: &str = "APC is Windows' own; use threads";
#[cfg(windows)]
const NO_APC: &str = "a routine runs on the thread that has made the call; \
                      make a Runtime of it: Runtime::with(Port::builder().backend(Kind::Apc))";

/// Opens a backend: the one that was asked for, or the best that works here. `workers` bounds the
/// threads of a pool.
#[cfg(windows)]
pub(crate) fn open(choice: Choice, workers: usize) -> Result<Backend, String> {
    match choice {
        Choice::Only(Kind::Null) => Ok(null()),
        Choice::Only(Kind::Iocp) => super::iocp::open(workers),
        Choice::Only(Kind::Apc) => Err(NO_APC.to_owned()),
        Choice::Only(Kind::Threads) => super::threads::open(workers),
        Choice::Best => super::iocp::open(workers).or_else(|reason| {
            let mut backend = super::threads::open(workers)?;
            backend.features.fallback = Some(reason);
            Ok(backend)
        }),
        Choice::Only(Kind::Uring) => Err("io_uring is Linux's own; use IOCP".to_owned()),
        Choice::Only(Kind::Custom(name)) => Err(unknown(name)),
    }
}

/// Of how many mechanisms a port is made, if so many were asked for.
#[cfg(not(windows))]
pub(crate) fn shards(asked: Option<usize>) -> usize {
    let default = || thread::available_parallelism().map_or(1, |cpus| cpus.get().div_ceil(8));
    asked.unwrap_or_else(default)
}

/// Of how many mechanisms a port is made: of one, as a handle belongs to one completion port for
/// life, and that is made for many threads.
#[cfg(windows)]
pub(crate) fn shards(_asked: Option<usize>) -> usize {
    1
}

fn unknown(name: &str) -> String {
    format!("the backend {name:?} is not built in; give it to Port::with_backend")
}
