//! What went wrong before or after the operation itself, as one line: which operation, on which
//! path, what, and what to do next.

use std::{fmt, io, path::Path};

use overlapped::Error;
use rustix::io::Errno;

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
    if is_out_of_descriptors(error) {
        return "raise the limit of open files (ulimit -n)";
    }
    match error.kind() {
        K::NotFound => "check the path",
        K::PermissionDenied => "look at its permissions with ls -l, and at those above it",
        K::NotADirectory => "check the path: a part of it is not a directory",
        K::IsADirectory => "name a file in it",
        K::ConnectionRefused => "start the program that listens there",
        K::WouldBlock => "try again later",
        K::StorageFull => "make room on the device",
        K::InvalidInput => "see whether it takes this offset and this length",
        _ => "see with --trace how far it came",
    }
}

/// `std` has no kind for this.
fn is_out_of_descriptors(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    matches!(errno, Some(Errno::MFILE | Errno::NFILE))
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
