//! What can be said of another Unix.

use std::{os::fd::OwnedFd, path::Path};

use overlapped::backend::Kind;

pub(super) use super::limits::all as limits;

use super::finding::Finding;
use crate::trouble::shown;

/// The first choice, where it works.
pub(super) const BEST: Kind = Kind::Uring;
pub(super) const THREADS_NEED: &str =
    "see the limits of processes and descriptors (ulimit -u, ulimit -n)";

pub(super) fn system() -> Finding {
    let uname = rustix::system::uname();
    let (name, release) = (uname.sysname().to_string_lossy(), uname.release().to_string_lossy());
    Finding::note("system", format!("{name} {release}: only threads work here"))
}

pub(super) fn sandbox(_uring_works: bool) -> Vec<Finding> {
    Vec::new()
}

pub(super) fn no_best(reason: &str) -> Finding {
    Finding::note("io_uring", reason)
}

pub(super) fn file_system(dir: &Path) -> Finding {
    Finding::ok("directory", shown(dir))
}

pub(super) fn nowait(_file: &OwnedFd) -> Finding {
    Finding::note("NOWAIT", "this system cannot tell a read of a file not to wait")
}
