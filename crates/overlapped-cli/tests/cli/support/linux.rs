use std::{
    fs::File,
    io::{self, Write},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat, open};

use super::{Dir, read};

/// When a read that ran into its timeout must have ended, start of the process included.
pub(crate) const LATEST: Duration = Duration::from_millis(1000);

/// What is empty.
pub(crate) const NULL: &str = "/dev/null";

/// A path through a file: the code of the OS, and the next step.
pub(crate) const THROUGH_A_FILE: (i32, &str) =
    (20, "check the path: a part of it is not a directory");

/// What the doctor looks at.
pub(crate) const LOOKED_AT: [&str; 6] =
    ["system", "memlock", "nofile", "directory", "O_DIRECT", "NOWAIT"];

/// The backends that work here.
pub(crate) fn backends() -> Vec<&'static str> {
    let tried = read(Path::new(NULL), "--backend io_uring");
    if tried.code == Some(4) {
        skip(&tried.err);
        return vec!["threads"];
    }
    vec!["io_uring", "threads"]
}

pub(crate) fn skip(why: &str) {
    // The harness hides what passing tests say through `eprintln`.
    let _unheard = writeln!(io::stderr(), "skipped: {}", why.trim_end());
}

/// A stream that nobody writes to.
pub(crate) struct Idle(PathBuf);

impl Idle {
    pub(crate) fn new(dir: &Dir) -> Self {
        Self(dir.fifo("idle"))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Dir {
    pub(crate) fn fifo(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("it is ours");
        path
    }
}

/// Opens a FIFO or a terminal for writing, without waiting for who reads it.
pub(crate) fn writer(path: &Path) -> File {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK;
    let fd: OwnedFd = open(path, flags, Mode::empty()).expect("it is ours");
    File::from(fd)
}
