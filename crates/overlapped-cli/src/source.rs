//! What PATH is, and how it is opened so that nothing waits before the read does.

use std::{
    fmt, io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use overlapped::{
    Error, Pending, Port,
    fs::{self, File, Kind},
    pipe::Reader,
    request::Read,
};
use rustix::{
    fs::tell,
    io::{Errno, fcntl_dupfd_cloexec, ioctl_fionbio},
    net::{AddressFamily, SocketAddrUnix, SocketType, connect, socket},
};

use crate::{
    args::Ask,
    exit::Exit,
    trouble::{Trouble, next_step},
};

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
        let kind = fs::metadata(port, &ask.path).wait().map_err(failed)?.kind;
        fits(kind, ask)?;
        let handle = match kind {
            Kind::File | Kind::BlockDevice => {
                let file = File::open(port, &ask.path).wait().map_err(failed)?;
                Handle::Placed(file, ask.at.unwrap_or(0))
            }
            Kind::Socket => Handle::Stream(Reader::from_owned(port, connected(ask)?)),
            _ => Handle::Stream(Reader::open(port, &ask.path).wait().map_err(failed)?),
        };
        Ok(Self { handle, kind })
    }

    /// Another descriptor for standard input, so that closing ours leaves it open.
    fn standard_input(port: &Port, ask: &Ask) -> Result<Self, Trouble> {
        let dup = fcntl_dupfd_cloexec(io::stdin(), 0);
        let fd = dup.map_err(|errno| Trouble::os(&ask.subject, &errno.into()))?;
        // A redirected file may stand anywhere; what cannot tell has no offsets.
        let stands = tell(&fd).unwrap_or(0);
        let file = File::from_owned(port, fd);
        let known = file.metadata().wait();
        let kind = known.map_err(|error| Trouble::failed(&ask.subject, &error))?.kind;
        fits(kind, ask)?;
        let handle = match kind {
            Kind::File | Kind::BlockDevice => Handle::Placed(file, ask.at.unwrap_or(stands)),
            _ => {
                let fd = file.into_parts().wait().handle;
                Handle::Stream(Reader::from_owned(port, fd))
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

fn connected(ask: &Ask) -> Result<OwnedFd, Trouble> {
    let refused = |what: &str, errno: Errno, next: &str| {
        let what = format!("{what}: {}", io::Error::from(errno));
        Trouble::new(Exit::Failed, &ask.subject, what, next)
    };
    connect_now(&ask.path).map_err(|errno| match errno {
        Errno::AGAIN => refused(
            "the server's queue of connections is full",
            errno,
            "try again when it accepts them",
        ),
        Errno::PROTOTYPE => refused("it is not a stream socket", errno, "name one that is"),
        _ => refused("cannot connect", errno, next_step(&errno.into())),
    })
}

/// Connects a stream socket, or fails at once: a blocking connect would wait for ever for a server
/// that does not accept.
fn connect_now(path: &Path) -> Result<OwnedFd, Errno> {
    let socket = socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
    ioctl_fionbio(&socket, true)?;
    connect(&socket, &SocketAddrUnix::new(PathBuf::from(path))?)?;
    Ok(socket)
}
