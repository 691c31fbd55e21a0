//! What a path names on a Unix, and the sockets among that.

use std::{
    fs::File,
    io,
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
};

use overlapped::{
    Error, Port,
    fs::{self, Kind},
    pipe::Reader,
};
use rustix::{
    io::{Errno, ioctl_fionbio},
    net::{AddressFamily, SocketAddrUnix, SocketType, connect, socket},
};

use crate::{
    args::Ask,
    exit::Exit,
    trouble::{Trouble, next_step},
};

pub(super) fn kind(port: &Port, path: &Path) -> Result<Kind, Error> {
    Ok(fs::metadata(port, path).wait()?.kind)
}

pub(super) fn standard_input() -> io::Result<File> {
    Ok(io::stdin().as_fd().try_clone_to_owned()?.into())
}

/// The other end of a server's connection.
pub(super) fn connected(port: &Port, ask: &Ask) -> Result<Reader, Trouble> {
    let refused = |what: &str, errno: Errno, next: &str| {
        let what = format!("{what}: {}", io::Error::from(errno));
        Trouble::new(Exit::Failed, &ask.subject, what, next)
    };
    let socket = connect_now(&ask.path).map_err(|errno| match errno {
        Errno::AGAIN => refused(
            "the server's queue of connections is full",
            errno,
            "try again when it accepts them",
        ),
        Errno::PROTOTYPE => refused("it is not a stream socket", errno, "name one that is"),
        _ => refused("cannot connect", errno, next_step(&errno.into())),
    })?;
    Ok(Reader::from_owned(port, socket))
}

/// Connects a stream socket, or fails at once: a blocking connect would wait for ever for a server
/// that does not accept.
fn connect_now(path: &Path) -> Result<OwnedFd, Errno> {
    let socket = socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
    ioctl_fionbio(&socket, true)?;
    connect(&socket, &SocketAddrUnix::new(PathBuf::from(path))?)?;
    Ok(socket)
}
