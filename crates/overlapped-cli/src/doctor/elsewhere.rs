//! What can be said of a system that is not Linux.

use std::{os::fd::OwnedFd, path::Path};

use super::finding::Finding;
use crate::trouble::shown;

pub(super) fn system() -> Finding {
    let uname = rustix::system::uname();
    let (name, release) = (uname.sysname().to_string_lossy(), uname.release().to_string_lossy());
    Finding::note("system", format!("{name} {release}: only threads work here"))
}

pub(super) fn sandbox(_uring_works: bool) -> Vec<Finding> {
    Vec::new()
}

pub(super) fn no_uring(reason: &str) -> Finding {
    Finding::note("io_uring", reason)
}

pub(super) fn file_system(dir: &Path) -> Finding {
    Finding::ok("directory", shown(dir))
}

pub(super) fn nowait(_file: &OwnedFd) -> Finding {
    Finding::note("NOWAIT", "this system cannot tell a read of a file not to wait")
}
