//! What an operation is: plain data, a plan of its steps, and the typed request around them.

mod device;
mod path;
mod plan;
mod typed;
#[cfg(windows)]
mod watch;
#[cfg(unix)]
pub(crate) mod unix;

pub use device::Control;
pub(crate) use path::c_path;
pub(crate) use plan::{Goal, Next, Plan};
pub(crate) use typed::About;
pub use typed::{
    Heir, MakePath, Nap, Open, Operation, Outcome, Plain, Read, ReadMany, ReadMessage, Stat, Write,
    WriteMany,
};

#[cfg(windows)]
pub(crate) use watch::Spare;
#[cfg(windows)]
pub use watch::Watch;

use std::time::Instant;

#[cfg(unix)]
use unix::HAS_DIRECT;

use crate::{
    error::Cause,
    handle::{self, Owned, Raw},
};

#[cfg(not(unix))]
const HAS_DIRECT: bool = true;

/// What is asked of the OS, as plain data. The memory that goes with it is lent by the
/// [`Entry`](crate::backend::Entry) that carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Nothing; it completes at once.
    Nop,
    /// Bytes into the lent memory, from an offset, or from where a stream stands.
    Read {
        /// The handle to read.
        from: Raw,
        /// The offset in bytes; `None` for a stream.
        at: Option<u64>,
    },
    /// Bytes from the lent memory, to an offset, or to where a stream stands.
    Write {
        /// The handle to write.
        to: Raw,
        /// The offset in bytes; `None` for a stream.
        at: Option<u64>,
    },
    /// A path becomes a handle.
    Open(OpenHow),
    /// Data (and metadata) reach the device.
    Sync {
        /// The handle.
        of: Raw,
        /// Leave out metadata that is not needed to read the data back.
        data_only: bool,
    },
    /// A file's length is set.
    SetLen {
        /// The handle.
        of: Raw,
        /// The new length in bytes.
        len: u64,
    },
    /// Room is reserved on the device, and the file grows to hold it.
    Allocate {
        /// The handle.
        of: Raw,
        /// First byte.
        at: u64,
        /// Length in bytes.
        len: u64,
    },
    /// What the OS says about a handle, or about the lent path.
    Stat {
        /// The handle; `None` to ask by path.
        of: Option<Raw>,
    },
    /// The first lent path gets the second's name.
    Rename,
    /// The lent path is removed.
    Unlink {
        /// It names a directory, which must be empty.
        directory: bool,
    },
    /// A directory is made at the lent path.
    CreateDir {
        /// Its permission bits, before the process's mask.
        mode: u32,
    },
    /// Waits until a handle is ready.
    Poll {
        /// The handle.
        of: Raw,
        /// Ready for what.
        interest: Interest,
    },
    /// A named pipe's instance waits for a client. Of Windows, as the next two.
    ConnectPipe {
        /// The server's end.
        of: Raw,
    },
    /// A device is told what to do, in its own language: lent bytes go in, others come out.
    Control {
        /// The handle.
        of: Raw,
        /// The control code.
        code: u32,
    },
    /// What has changed in a directory, as records in the lent memory.
    Watch {
        /// The directory.
        of: Raw,
        /// Which changes: a set of `FILE_NOTIFY_CHANGE_*`.
        changes: u32,
        /// In the directories below it, too.
        tree: bool,
    },
    /// Waits until an instant of the port's clock. The port keeps it; no backend sees it.
    Timer {
        /// When.
        due: Instant,
    },
}

/// Ready for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Bytes to read, or the end of the stream.
    Readable,
    /// Room to write, or nobody left to read.
    Writable,
}

/// How a path is opened, as [`fs::OpenOptions`](crate::fs::OpenOptions) says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one flag of open(2)")]
pub struct OpenHow {
    /// For reading.
    pub read: bool,
    /// For writing.
    pub write: bool,
    /// Each write goes to the end.
    pub append: bool,
    /// An existing file is emptied.
    pub truncate: bool,
    /// A missing file is made.
    pub create: bool,
    /// The file must not exist yet.
    pub create_new: bool,
    /// Past the page cache (`O_DIRECT`).
    pub direct: bool,
    /// Do not wait for a FIFO's other end, nor for a terminal's carrier.
    pub nonblocking: bool,
    /// It must be a directory, whose names are to be read.
    pub directory: bool,
    /// Permission bits of a new file, before the process's mask.
    pub mode: u32,
}

/// What dropping the program's half does to an operation in flight: the documented drop table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnDrop {
    /// A cancel is requested: nothing is consumed by what does not happen. What a stream read took
    /// all the same stays with its handle, for the next read.
    Cancel,
    /// It runs to its end; an error is told by the handle's next write, sync or close.
    Finish,
}

/// Whether an operation was asked to stop, and by whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cancel {
    None,
    ByProgram,
    /// The port is being closed: the program did not want this end.
    ByPort,
}

impl OpenHow {
    /// What this system cannot do; it is refused, not left out.
    pub(crate) fn trouble(self) -> Option<Cause> {
        let unaligned = "this system has no O_DIRECT; open it without";
        (self.direct && !HAS_DIRECT).then_some(Cause::Unsupported(unaligned))
    }
}

impl Op {
    // [C7] what becomes of an operation that nobody waits for.
    /// The drop table (C7).
    pub(crate) fn on_drop(&self) -> OnDrop {
        match self {
            Self::Nop
            | Self::Read { .. }
            | Self::Open(_)
            | Self::Stat { .. }
            | Self::Poll { .. }
            | Self::ConnectPipe { .. }
            | Self::Control { .. }
            | Self::Watch { .. }
            | Self::Timer { .. } => OnDrop::Cancel,
            Self::Write { .. }
            | Self::Sync { .. }
            | Self::SetLen { .. }
            | Self::Allocate { .. }
            | Self::Rename
            | Self::Unlink { .. }
            | Self::CreateDir { .. } => OnDrop::Finish,
        }
    }

    /// The operation's name, as messages and `in_flight()` show it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Nop => "nop",
            Self::Read { at: Some(_), .. } => "read_at",
            Self::Read { at: None, .. } => "read",
            Self::Write { at: Some(_), .. } => "write_at",
            Self::Write { at: None, .. } => "write",
            Self::Open(_) => "open",
            Self::Sync { data_only: false, .. } => "sync_all",
            Self::Sync { data_only: true, .. } => "sync_data",
            Self::SetLen { .. } => "set_len",
            Self::Allocate { .. } => "allocate",
            Self::Stat { .. } => "metadata",
            Self::Rename => "rename",
            Self::Unlink { directory: false } => "remove_file",
            Self::Unlink { directory: true } => "remove_dir",
            Self::CreateDir { .. } => "create_dir",
            Self::Poll { .. } => "poll",
            Self::ConnectPipe { .. } => "connect",
            Self::Control { .. } => "control",
            Self::Watch { .. } => "watch",
            Self::Timer { .. } => "sleep",
        }
    }

    /// The handle that it works on, if it works on one.
    pub fn handle(&self) -> Option<Raw> {
        match *self {
            Self::Read { from: raw, .. }
            | Self::Write { to: raw, .. }
            | Self::Sync { of: raw, .. }
            | Self::SetLen { of: raw, .. }
            | Self::Allocate { of: raw, .. }
            | Self::Poll { of: raw, .. }
            | Self::ConnectPipe { of: raw }
            | Self::Control { of: raw, .. }
            | Self::Watch { of: raw, .. } => Some(raw),
            Self::Stat { of } => of,
            _ => None,
        }
    }

    /// Why every system but Windows refuses it, if only Windows has it.
    pub fn of_windows(&self) -> Option<Cause> {
        let instead = match self {
            Self::ConnectPipe { .. } => "only Windows' pipes wait for clients; listen on a socket",
            Self::Control { .. } => "ioctl is no overlapped call; make it yourself",
            Self::Watch { .. } => "this system tells changes as a stream (inotify); read that",
            _ => return None,
        };
        Some(Cause::Unsupported(instead))
    }

    /// The number of its handle, for messages.
    pub(crate) fn handle_number(&self) -> Option<i64> {
        self.handle().map(handle::number)
    }
}

/// What a successful operation produced. A handle arrives typed, so it cannot leak (C7).
#[derive(Debug)]
pub enum Value {
    /// A count of bytes, or 0 where there is nothing to count.
    Count(usize),
    /// A count of bytes that are not all there was: a message, or a device's answer, goes on.
    Part(usize),
    /// A new OS handle.
    Handle(Box<Owned>),
}

impl Value {
    /// A new OS handle.
    pub fn handle(handle: impl Into<Owned>) -> Self {
        Self::Handle(Box::new(handle.into()))
    }
}
