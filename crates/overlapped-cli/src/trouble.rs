//! What went wrong before or after the operation itself, as one line: which operation, on which
//! path, what, and what to do next.

use std::{fmt, io, path::Path};

use overlapped::Error;

use crate::exit::Exit;

pub(crate) struct Trouble {
    pub(crate) exit: Exit,
    line: String,
}

impl Trouble {
    /// `subject` is the operation and its path, as [`subject`] writes them.
    pub(crate) fn new(exit: Exit, subject: &str, what: impl fmt::Display, next: &str) -> Self {
        Self { exit, line: format!("{subject}: {what}; {next}") }
    }

    pub(crate) fn usage(subject: &str, what: impl fmt::Display, next: &str) -> Self {
        Self::new(Exit::Usage, subject, what, next)
    }

    /// The library's word about a path that could not be looked at or opened.
    pub(crate) fn failed(subject: &str, error: &Error) -> Self {
        Self::new(Exit::Failed, subject, error.cause(), next_of(error))
    }

    /// The OS's word about anything else.
    pub(crate) fn os(subject: &str, error: &io::Error) -> Self {
        Self::new(Exit::Failed, subject, error, next_step(error))
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

/// An operation and its path, as every line about them starts.
pub(crate) fn subject(operation: &str, path: &Path) -> String {
    format!("{operation} {}", shown(path))
}

/// A path within a line. What would break the line, or could not be seen, is quoted.
pub(crate) fn shown(path: &Path) -> String {
    let text = path.to_string_lossy();
    if text.is_empty() || text.contains(char::is_control) {
        format!("{path:?}")
    } else {
        text.into_owned()
    }
}

/// What to do about what the library says.
pub(crate) fn next_of(error: &Error) -> &'static str {
    let os = error.raw_os_error().map(io::Error::from_raw_os_error);
    next_step(&os.unwrap_or_else(|| error.kind().into()))
}

/// What to do about what the OS says.
pub(crate) fn next_step(error: &io::Error) -> &'static str {
    use io::ErrorKind as K;
    if let Some(next) = error.raw_os_error().and_then(of_code) {
        return next;
    }
    match error.kind() {
        K::NotFound => "check the path",
        K::PermissionDenied => LOOK,
        K::NotADirectory => "check the path: a part of it is not a directory",
        K::IsADirectory => "name a file in it",
        K::ConnectionRefused => "start the program that listens there",
        K::WouldBlock => "try again later",
        K::StorageFull => "make room on the device",
        K::InvalidInput => "see whether it takes this offset and this length",
        _ => "see with --trace how far it came",
    }
}

#[cfg(unix)]
const LOOK: &str = "look at its permissions with ls -l, and at those above it";
#[cfg(windows)]
const LOOK: &str = "look at its permissions with icacls, and at those above it";

/// What `std` has no kind for.
#[cfg(unix)]
fn of_code(code: i32) -> Option<&'static str> {
    use rustix::io::Errno;

    match Errno::from_raw_os_error(code) {
        Errno::MFILE | Errno::NFILE => Some("raise the limit of open files (ulimit -n)"),
        _ => None,
    }
}

/// What `std` has no kind for, or one that says too little.
#[cfg(windows)]
fn of_code(code: i32) -> Option<&'static str> {
    Some(match code {
        32 => "end the program that has it open and does not share it",
        109 | 233 => "the other end of the pipe is gone; nothing more comes",
        231 => "all instances of the pipe are in use; try again when one is free",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_never_breaks_the_line() {
        assert_eq!(subject("read", Path::new("/a b")), "read /a b");
        assert_eq!(subject("read", Path::new("a\nb")), "read \"a\\nb\"");
        assert_eq!(subject("read", Path::new("")), "read \"\"");
    }
}
