//! What Windows' named pipes have and other streams do not: servers, clients, messages.

mod disconnect;
mod options;
mod server;

pub use disconnect::Disconnect;
pub use options::ServerOptions;
pub use server::Server;

use std::{io, path::Path, sync::Arc};

use super::{Duplex, Writer};
use crate::{
    backend::Cause,
    buf::NoMemory,
    error::Error,
    handle::{self, win32},
    lane::Lane,
    op::{Goal, Op, Open, OpenHow, Plain, Plan},
    pending::{self, Ask, Pending},
    port::{Held, Port},
};

/// Connects to the server of the named pipe `name`, as in `\\.\pipe\name`, for both directions. See
/// [named pipe client].
///
/// It does not wait for a free instance: that all are in use is the error `ERROR_PIPE_BUSY` (231),
/// that there is no server `ERROR_FILE_NOT_FOUND` (2). The server learns who the client is, but
/// cannot act in its name. Dropped in flight, a cancel is requested and a connection that comes all
/// the same is closed.
///
/// A pipe that goes in one direction is opened by [`Reader::open`](super::Reader::open) or
/// [`Writer::open`].
///
/// [named pipe client]: https://learn.microsoft.com/en-us/windows/win32/ipc/named-pipe-client
pub fn connect(port: &Port, name: impl AsRef<Path>) -> Pending<'static, Open<Duplex>> {
    let how = OpenHow { read: true, write: true, ..OpenHow::default() };
    let owner = port.clone();
    pending::open(port, how, name.as_ref(), move |handle| Duplex::from_owned(&owner, handle))
}

/// Named pipes.
impl Duplex {
    /// Has reads get messages, each by itself, or bytes. A client begins with bytes, even if the
    /// pipe has messages; a server with what its pipe has. To be called when no read is in flight.
    /// See [SetNamedPipeHandleState].
    ///
    /// # Errors
    ///
    /// The OS's: a pipe of bytes has no messages (`ERROR_INVALID_PARAMETER`, 87), and it may not be
    /// permitted to the client (`ERROR_ACCESS_DENIED`, 5).
    ///
    /// [SetNamedPipeHandleState]: https://learn.microsoft.com/en-us/windows/win32/api/namedpipeapi/nf-namedpipeapi-setnamedpipehandlestate
    pub fn read_messages(&self, messages: bool) -> Result<(), Error> {
        let lane = self.reader().lane();
        let set = win32::pipe::read_messages(raw(lane), messages);
        set.map_err(|error| self.error("set read mode", &error))?;
        lane.set_messages(messages);
        Ok(())
    }

    /// Why a call that was made at once has failed.
    fn error(&self, verb: &'static str, error: &io::Error) -> Error {
        self.told(verb, Cause::Os(error.raw_os_error().unwrap_or_default()))
    }

    fn told(&self, verb: &'static str, cause: Cause) -> Error {
        let number = handle::number(raw(self.reader().lane()));
        Error::of_handle(cause, verb, number, self.port().backend().name())
    }
}

/// Named pipes.
impl Writer {
    /// Waits until everything that was written before is read at the other end. See
    /// [FlushFileBuffers].
    ///
    /// A thread of the port waits in the call. Cancelled, it is interrupted; dropped in flight, it
    /// runs to its end, and so does a [`close`](Self::close) that comes after it. It ends with an
    /// error when the other end goes away or is disconnected.
    ///
    /// [FlushFileBuffers]: https://learn.microsoft.com/en-us/windows/win32/api/fileapi/nf-fileapi-flushfilebuffers
    pub fn flush(&self) -> Pending<'static, Plain> {
        let lane = self.lane();
        let ask = Ask {
            shard: lane.shard(),
            op: Op::Sync { of: raw(lane), data_only: false },
            plan: Plan::new(Goal::Once),
            request: Plain(NoMemory),
            holder: Some(Arc::<Lane>::clone(lane)),
            fixed: None,
        };
        Pending::start_by(lane, ask)
    }
}

fn raw(lane: &Lane) -> handle::Raw {
    held(lane).raw()
}

fn held(lane: &Lane) -> &Held {
    lane.as_ref()
}
