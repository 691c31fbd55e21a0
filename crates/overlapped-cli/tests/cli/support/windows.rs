use std::{
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use overlapped::{Port, pipe::Server};

use super::Dir;

/// When a read that ran into its timeout must have ended, start of the process included. Under Wine
/// that alone takes a while.
pub(crate) const LATEST: Duration = Duration::from_secs(10);

/// What is empty.
pub(crate) const NULL: &str = "NUL";

/// A path through a file: the code of the OS, and the next step.
pub(crate) const THROUGH_A_FILE: (i32, &str) = (3, "check the path");

/// What the doctor looks at.
pub(crate) const LOOKED_AT: [&str; 5] = ["system", "handles", "directory", "O_DIRECT", "NOWAIT"];

/// The backends that work here.
pub(crate) fn backends() -> Vec<&'static str> {
    vec!["IOCP", "threads"]
}

/// A stream that nobody writes to.
pub(crate) struct Idle {
    path: PathBuf,
    _server: Server,
}

impl Idle {
    pub(crate) fn new(_dir: &Dir) -> Self {
        let (path, server) = server();
        Self { path, _server: server }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// A pipe under a name of its own, for one client.
pub(crate) fn server() -> (PathBuf, Server) {
    let name = fresh_name();
    let port = Port::shared().expect("a port");
    let server = Server::create(&port, &name).expect("a pipe");
    (name.into(), server)
}

pub(crate) fn fresh_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!(r"\\.\pipe\overlapped-cli-{}-{number}", process::id())
}
