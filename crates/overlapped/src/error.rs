//! What an operation that failed says: the cause in the OS's own word, and the sentence around it.

mod status;

pub(crate) use status::NtStatus;

use std::{error, fmt, io};

/// Why an operation did not succeed.
///
/// The raw code of the OS is kept as it came ([`Cause::Os`]); nothing is translated for comfort.
/// The other causes are this library's own and name what it refused or noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The OS's own error number (`errno`), positive.
    Os(i32),
    /// The port was shut down before the operation could start.
    Closed,
    /// The port's limit of operations in flight is reached; the number is the limit.
    Full(usize),
    /// The input ended before the buffer was full (`read_exact_at` and alike).
    UnexpectedEnd,
    /// The OS accepted none of the bytes that were left to write.
    WriteZero,
    /// The request itself makes no sense; the text says what to change.
    Invalid(&'static str),
    /// This port's backend cannot do it; the text says what to use instead.
    Unsupported(&'static str),
    /// A backend let go of the operation without an answer. This is a bug in that backend.
    Abandoned,
}

/// `ECANCELED`: the OS's word for an operation that a cancel stopped.
pub(crate) const ECANCELED: i32 = codes::ECANCELED;
/// `EINTR`: what a cancelled operation that blocked in a kernel thread says.
pub(crate) const EINTR: i32 = codes::EINTR;
/// `EAGAIN`: nothing there yet, and the handle is non-blocking.
pub(crate) const EAGAIN: i32 = codes::EAGAIN;

/// `ESPIPE`: a stream has no offsets.
pub(crate) const ESPIPE: i32 = codes::ESPIPE;

#[cfg(unix)]
mod codes {
    use rustix::io::Errno;

    pub(super) const ECANCELED: i32 = Errno::CANCELED.raw_os_error();
    pub(super) const ESPIPE: i32 = Errno::SPIPE.raw_os_error();
    pub(super) const EINTR: i32 = Errno::INTR.raw_os_error();
    pub(super) const EAGAIN: i32 = Errno::AGAIN.raw_os_error();
}

#[cfg(windows)]
mod codes {
    /// `ERROR_OPERATION_ABORTED`.
    pub(super) const ECANCELED: i32 = 995;
    /// `ERROR_INVALID_FUNCTION`.
    pub(super) const ESPIPE: i32 = 1;
    /// No call here is interrupted.
    pub(super) const EINTR: i32 = -1;
    /// No handle here says so.
    pub(super) const EAGAIN: i32 = -2;
}

impl Cause {
    fn kind(self) -> io::ErrorKind {
        match self {
            Self::Os(code) => io::Error::from_raw_os_error(code).kind(),
            Self::Closed => io::ErrorKind::BrokenPipe,
            Self::Full(_) => io::ErrorKind::WouldBlock,
            Self::UnexpectedEnd => io::ErrorKind::UnexpectedEof,
            Self::WriteZero => io::ErrorKind::WriteZero,
            Self::Invalid(_) => io::ErrorKind::InvalidInput,
            Self::Unsupported(_) => io::ErrorKind::Unsupported,
            Self::Abandoned => io::ErrorKind::Other,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Os(code) => write!(f, "{}", io::Error::from_raw_os_error(*code)),
            Self::Closed => f.write_str("the port is shut down; start it on another port"),
            Self::Full(limit) => write!(
                f,
                "the port's limit of {limit} operations in flight is reached; \
                 wait for some of them, or raise it with Builder::max_in_flight"
            ),
            Self::UnexpectedEnd => f.write_str("the input ended before the buffer was full"),
            Self::WriteZero => f.write_str("the OS accepted none of the bytes that were left"),
            Self::Invalid(what) => f.write_str(what),
            Self::Unsupported(what) => f.write_str(what),
            Self::Abandoned => f.write_str("the backend dropped the operation without an answer"),
        }
    }
}

/// An operation that did not succeed: what was asked, of what, on which backend, and why not.
///
/// Converts into [`io::Error`] with the matching kind, so `?` works in functions that return
/// [`io::Result`]; the raw code stays reachable through [`Error::raw_os_error`].
#[derive(Clone, PartialEq, Eq)]
pub struct Error(Box<Parts>);

/// What an error knows. On the heap, so that an outcome is no larger than what a success needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) cause: Cause,
    pub(crate) verb: &'static str,
    pub(crate) object: Object,
    pub(crate) backend: &'static str,
    pub(crate) moved: usize,
    pub(crate) cancel_requested: bool,
    pub(crate) status: NtStatus,
}

impl From<Parts> for Error {
    fn from(parts: Parts) -> Self {
        Self(Box::new(parts))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error {
    /// What is to be told of a handle, beside the outcomes of its operations.
    pub(crate) fn of_handle(
        cause: Cause,
        verb: &'static str,
        number: i64,
        backend: &'static str,
    ) -> Self {
        Self::unmoved(cause, verb, Object::Handle(number), backend)
    }

    /// What could not be registered.
    pub(crate) fn unregistered(cause: Cause, object: Object, backend: &'static str) -> Self {
        Self::unmoved(cause, "register", object, backend)
    }

    /// Of what is no operation.
    pub(crate) fn unmoved(
        cause: Cause,
        verb: &'static str,
        object: Object,
        backend: &'static str,
    ) -> Self {
        let (moved, cancel_requested, status) = (0, false, NtStatus::NONE);
        Parts { cause, verb, object, backend, moved, cancel_requested, status }.into()
    }

    /// The cause, in the OS's own word where the OS gave one.
    pub fn cause(&self) -> Cause {
        self.0.cause
    }

    /// The OS's error number, if the OS gave one.
    pub fn raw_os_error(&self) -> Option<i32> {
        match self.0.cause {
            Cause::Os(code) => Some(code),
            _ => None,
        }
    }

    /// On Windows the [NTSTATUS] that the OS's error number was made of, where it is known; of
    /// several the same number may be made. `None` on other systems.
    ///
    /// [NTSTATUS]: https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-erref/596a1078-e883-4972-9bbc-49e60bebca55
    pub fn nt_status(&self) -> Option<u32> {
        self.raw_os_error().and(self.0.status.failure())
    }

    /// The kind that `std` gives to this cause.
    pub fn kind(&self) -> io::ErrorKind {
        self.0.cause.kind()
    }

    /// Whether the operation ended because a cancel reached it: `ECANCELED`, or `EINTR` after a
    /// cancel was requested (what a call that blocked in a kernel thread says).
    pub fn is_cancelled(&self) -> bool {
        match self.0.cause {
            Cause::Os(ECANCELED) => true,
            Cause::Os(EINTR) => self.0.cancel_requested,
            _ => false,
        }
    }

    /// How many bytes had moved before it failed. Not zero only for operations of several steps,
    /// such as `read_exact_at` or `write_all_at`.
    pub fn moved(&self) -> usize {
        self.0.moved
    }

    /// The name of the operation, as in `"read_at"`.
    pub fn operation(&self) -> &'static str {
        self.0.verb
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0.verb, self.0.object)?;
        if !self.0.backend.is_empty() {
            write!(f, " ({})", self.0.backend)?;
        }
        write!(f, ": {}", self.0.cause)?;
        if let Some(status) = self.nt_status() {
            write!(f, " [NTSTATUS {status:#010X}]")?;
        }
        if self.is_cancelled() && self.0.cancel_requested {
            f.write_str(" (as requested)")?;
        }
        if self.0.moved > 0 {
            write!(f, "; {} bytes had moved before", self.0.moved)?;
        }
        match self.next_step() {
            Some(next) => write!(f, "; {next}"),
            None => Ok(()),
        }
    }
}

impl Error {
    fn next_step(&self) -> Option<&'static str> {
        let Cause::Os(code) = self.0.cause else {
            return None;
        };
        let moves_bytes = self.0.verb.starts_with("read") || self.0.verb.starts_with("write");
        hint(code, self.0.verb, moves_bytes)
    }
}

/// What to do about the errors that have one usual reason. The numbers are the same on every Unix.
#[cfg(not(windows))]
fn hint(code: i32, verb: &str, moves_bytes: bool) -> Option<&'static str> {
    Some(match code {
        2 => "check the path",
        6 if verb == "open" => "a FIFO is opened for writing once somebody reads it",
        12 if verb == "register" => {
            "raise the limit of locked memory (ulimit -l), or register less"
        }
        13 => "check the permissions",
        21 => "this is a directory; name a file",
        22 if verb == "register" => "Linux 5.19 or newer is needed for it",
        22 if moves_bytes => {
            "if it is open for direct I/O, align buffer, offset and length (File::alignment)"
        }
        23 | 24 => "raise the limit of open files (ulimit -n) or close some",
        28 => "make room on the device",
        29 => "this is a stream; use pipe::Reader or pipe::Writer",
        _ => return None,
    })
}

/// What to do about the errors that have one usual reason.
#[cfg(windows)]
fn hint(code: i32, verb: &str, moves_bytes: bool) -> Option<&'static str> {
    Some(match code {
        1 if moves_bytes => "this is a stream; use pipe::Reader or pipe::Writer",
        1 | 50 if verb == "control" => "the handle does not know this code",
        2 | 3 => "check the path",
        5 if verb == "sync_all" || verb == "sync_data" => "open it for writing",
        5 if verb == "create pipe" => "another server has the name; was this to be the first?",
        5 => "check the permissions, and that it is no directory",
        32 => "another program has it open and does not share it",
        87 if moves_bytes => {
            "if it is open for direct I/O, align buffer, offset and length (File::alignment)"
        }
        122 if verb == "control" => "make more room for the answer",
        39 | 112 => "make room on the device",
        109 if verb.starts_with("read") => "the other end of the pipe is gone; nothing more comes",
        10_054 => "the other side has reset the connection",
        232 if verb == "connect" => "a client has come and gone; disconnect first",
        109 | 232 => "the other end of the pipe is gone",
        231 => "all instances of the pipe are in use; try again",
        233 => "the server has disconnected the client; connect to get another",
        536 => "no client has come yet; connect first",
        _ => return None,
    })
}

impl error::Error for Error {}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        Self::new(error.kind(), error)
    }
}

/// What an operation was about, as far as an error message can name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Object {
    Nothing,
    /// A handle's number.
    Handle(i64),
    Path(Box<str>),
    /// So many bytes of memory.
    Memory(usize),
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("(no object)"),
            Self::Handle(raw) => write!(f, "handle {raw}"),
            Self::Path(path) => write!(f, "{path:?}"),
            Self::Memory(size) => write!(f, "{size} bytes of memory"),
        }
    }
}

/// An operation that moved bytes: how many, and the buffer that was lent to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Done<B> {
    /// The OS's count of bytes. Less than was asked is not an error; 0 from a read is the end.
    pub n: usize,
    /// The buffer, given back.
    pub buf: B,
}

/// A message that was read, or a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message<B> {
    /// The OS's count of bytes. A message may be empty.
    pub n: usize,
    /// The buffer had no room for the whole message; the next read gets what is left of it, unless
    /// it is a datagram's, which the OS drops.
    pub more: bool,
    /// The buffer, given back.
    pub buf: B,
}

/// A device's answer to a control code, and both buffers that were lent to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reply<I, O> {
    /// The OS's count of bytes in `output`.
    pub n: usize,
    /// `output` had no room for all of the answer.
    pub more: bool,
    /// What went in, given back.
    pub input: I,
    /// What came out.
    pub output: O,
}

/// An operation that failed: why, and the buffer that was lent to it (C4).
///
/// After a cancel, the first [`Error::moved`] bytes of a multi-step read's buffer are valid.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failed<B> {
    /// Why.
    pub error: Error,
    /// The buffer, given back.
    pub buf: B,
}

impl<B> fmt::Display for Failed<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<B: fmt::Debug> error::Error for Failed<B> {}

impl<B> From<Failed<B>> for io::Error {
    fn from(failed: Failed<B>) -> Self {
        failed.error.into()
    }
}

impl<B> From<Failed<B>> for Error {
    fn from(failed: Failed<B>) -> Self {
        failed.error
    }
}
