//! What PATH is, and how it is opened so that nothing waits before the read does.

#[cfg(unix)]
#[path = "source/unix.rs"]
mod platform;
#[cfg(windows)]
#[path = "source/windows.rs"]
mod platform;

use std::{fmt, io::Seek, path::Path};

use overlapped::{
    Error, Pending, Port,
    fs::{File, Kind},
    pipe::Reader,
    request::Read,
};

use crate::{args::Ask, exit::Exit, trouble::Trouble};

/// What is read from.
pub(crate) struct Source {
    handle: Handle,
    kind: Kind,
}

enum Handle {
    /// Bytes at offsets, and the offset to read at.
    Placed(File, u64),
    /// Bytes in their order.
    Stream(Reader),
}

impl Source {
    pub(crate) fn open(port: &Port, ask: &Ask) -> Result<Self, Trouble> {
        if ask.path == Path::new("-") {
            return Self::standard_input(port, ask);
        }
        let failed = |error: Error| Trouble::failed(&ask.subject, &error);
        let kind = platform::kind(port, &ask.path).map_err(failed)?;
        fits(kind, ask)?;
        let handle = match kind {
            Kind::File | Kind::BlockDevice => {
                let file = File::open(port, &ask.path).wait().map_err(failed)?;
                Handle::Placed(file, ask.at.unwrap_or(0))
            }
            Kind::Socket => Handle::Stream(platform::connected(port, ask)?),
            _ => Handle::Stream(Reader::open(port, &ask.path).wait().map_err(failed)?),
        };
        Ok(Self { handle, kind })
    }

    /// Another handle for standard input, so that closing ours leaves it open.
    fn standard_input(port: &Port, ask: &Ask) -> Result<Self, Trouble> {
        let input = platform::standard_input();
        let mut input = input.map_err(|error| Trouble::os(&ask.subject, &error))?;
        // A redirected file may stand anywhere; what cannot tell has no offsets.
        let stands = input.stream_position().unwrap_or(0);
        let file = File::from_owned(port, input);
        let known = file.metadata().wait();
        let kind = known.map_err(|error| Trouble::failed(&ask.subject, &error))?.kind;
        fits(kind, ask)?;
        let handle = match kind {
            Kind::File | Kind::BlockDevice => Handle::Placed(file, ask.at.unwrap_or(stands)),
            _ => {
                let handle = file.into_parts().wait().handle;
                Handle::Stream(Reader::from_owned(port, handle))
            }
        };
        Ok(Self { handle, kind })
    }

    /// Starts the read. The buffer belongs to the I/O from here on.
    pub(crate) fn read(&self, buf: Vec<u8>) -> Pending<'static, Read<Vec<u8>>> {
        match &self.handle {
            Handle::Placed(file, at) => file.read_at(buf, *at),
            Handle::Stream(reader) => reader.read(buf),
        }
    }

    /// The offset of the first byte that is read; 0 for a stream.
    pub(crate) fn offset(&self) -> u64 {
        match &self.handle {
            Handle::Placed(_, at) => *at,
            Handle::Stream(_) => 0,
        }
    }

    /// Closes it, when nothing is in flight on it.
    pub(crate) fn close(self) -> Result<(), Error> {
        match self.handle {
            Handle::Placed(file, _) => file.close().wait(),
            Handle::Stream(reader) => reader.close().wait(),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.handle {
            Handle::Placed(_, at) => write!(f, "{}, read at offset {at}", name(self.kind)),
            Handle::Stream(_) => write!(f, "{}, read in order", name(self.kind)),
        }
    }
}

/// Whether a read as asked makes sense on such a thing.
fn fits(kind: Kind, ask: &Ask) -> Result<(), Trouble> {
    let refused = |what, next| Err(Trouble::new(Exit::Failed, &ask.subject, what, next));
    match kind {
        Kind::File | Kind::BlockDevice => Ok(()),
        Kind::Directory => refused("it is a directory", "name a file in it"),
        Kind::Pipe | Kind::CharDevice | Kind::Socket if ask.at.is_some() => {
            let what = format!("--at needs offsets, and {} is a stream", name(kind));
            Err(Trouble::usage(&ask.subject, what, "leave --at out"))
        }
        Kind::Pipe | Kind::CharDevice | Kind::Socket => Ok(()),
        _ => refused("nothing of this kind can be read", "name a file or a stream"),
    }
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::File => "a file",
        Kind::Directory => "a directory",
        Kind::Pipe => "a pipe or FIFO",
        Kind::CharDevice => "a terminal or character device",
        Kind::BlockDevice => "a block device",
        Kind::Socket => "a socket",
        _ => "something else",
    }
}
