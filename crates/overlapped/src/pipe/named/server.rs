use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::SeqCst},
};

use super::{Disconnect, ServerOptions, disconnect, held, raw};
use crate::{
    backend::{Cause, Owned},
    buf::NoMemory,
    error::Error,
    handle::win32,
    lane::Lane,
    op::{Goal, Nap, Op, Plan},
    pending::{Ask, Gate, Pending},
    pipe::{Close, Duplex, IntoParts, Reader, Writer},
    port::Port,
};

/// `ERROR_PIPE_NOT_CONNECTED`.
const NOT_CONNECTED: Cause = Cause::Os(233);

/// A server's instance of a named pipe: it serves one client at a time, one after the other. For
/// several at a time a pipe has several instances.
///
/// ```
/// use overlapped::{Port, pipe::{self, ServerOptions}};
///
/// # fn main() -> std::io::Result<()> {
/// let port = Port::shared()?;
/// let name = format!(r"\\.\pipe\overlapped-doc-{}", std::process::id());
/// let server = ServerOptions::new().messages(true).create(&port, &name)?;
/// let come = server.connect();
/// let client = pipe::connect(&port, &name).wait()?;
/// come.wait()?;
/// client.writer().write_all(b"a message".to_vec()).wait()?;
/// let part = server.reader().read_message(vec![0; 4]).wait()?;
/// assert_eq!((&part.buf[..part.n], part.more), (&b"a me"[..], true));
/// server.disconnect().wait()?; // and `connect` waits for the next
/// # Ok(())
/// # }
/// ```
///
/// Dropping it leaves what is in flight to finish as the table at [`Pending`] says, and closes the
/// instance after the last of it: the client's end is broken then, once it has read what there is.
#[derive(Debug)]
pub struct Server {
    duplex: Duplex,
    /// A client was sent away, and something that was started for it may be in flight.
    leaving: AtomicBool,
}

impl Server {
    /// The pipe's first or only instance, as [`ServerOptions`] has it by default: both directions,
    /// bytes, for clients of this machine.
    ///
    /// # Errors
    ///
    /// As [`ServerOptions::create`].
    pub fn create(port: &Port, name: impl AsRef<str>) -> Result<Self, Error> {
        ServerOptions::new().create(port, name)
    }

    /// Takes over the server's end of a pipe.
    pub fn from_owned(port: &Port, handle: impl Into<Owned>) -> Self {
        Self { duplex: Duplex::from_owned(port, handle), leaving: AtomicBool::new(false) }
    }

    /// Waits for a client; it is over at once if one is there already. See [ConnectNamedPipe].
    ///
    /// A client that has come and gone is the error `ERROR_NO_DATA` (232): [`disconnect`] and
    /// connect again. Cancelled, or dropped in flight, it asks the OS to stop waiting; a client
    /// that came all the same stays with the instance, and the next `connect` finds it.
    ///
    /// [`disconnect`]: Self::disconnect
    /// [ConnectNamedPipe]: https://learn.microsoft.com/en-us/windows/win32/api/namedpipeapi/nf-namedpipeapi-connectnamedpipe
    pub fn connect(&self) -> Pending<'static, Nap> {
        let lane = self.reader().lane();
        let ask = Ask {
            shard: lane.shard(),
            op: Op::ConnectPipe { of: raw(lane) },
            plan: Plan::new(Goal::Once),
            request: Nap(NoMemory),
            holder: Some(Arc::<Lane>::clone(lane)),
            fixed: None,
        };
        Pending::start_by(Gate::unless(self.trouble()), ask)
    }

    /// Sends the client away, so that [`connect`](Self::connect) can wait for another: at once, and
    /// over when nothing is in flight any more that was started for it. See [DisconnectNamedPipe].
    ///
    /// What was written and not yet read is gone, in both directions, and so is what abandoned
    /// reads have taken; [`Writer::flush`] waits until the client has read all. Reads and writes
    /// that were started end with `ERROR_PIPE_NOT_CONNECTED` (233) or as cancelled, unless they had
    /// ended before; nothing of them reaches the next client.
    ///
    /// # Errors
    ///
    /// The OS's; or that of an operation that was abandoned before, if nobody has been told yet:
    /// then the client is sent away all the same.
    ///
    /// [DisconnectNamedPipe]: https://learn.microsoft.com/en-us/windows/win32/api/namedpipeapi/nf-namedpipeapi-disconnectnamedpipe
    pub fn disconnect(&self) -> Disconnect {
        let lanes = self.lanes();
        // Before: what ends by the disconnect is no news.
        let owed = lanes.map(|lane| held(lane).pay());
        if let Err(error) = win32::pipe::disconnect(raw(lanes[0])) {
            lanes.into_iter().zip(owed).for_each(|(lane, owed)| {
                owed.into_iter().for_each(|cause| held(lane).owe(cause));
            });
            return Disconnect::refused(self.duplex.error("disconnect", &error));
        }
        self.leaving.store(true, SeqCst);
        // What was started before is the old client's, whenever it ends.
        lanes.into_iter().for_each(|lane| {
            lane.disconnect(NOT_CONNECTED);
            lane.close();
        });
        let owed = owed.into_iter().flatten().next();
        let told = owed.map(|cause| self.duplex.told("stream operation (abandoned)", cause));
        Disconnect::new(lanes, told.map_or(Ok(()), Err))
    }

    // [C7] what is not with the OS yet must not come to the next client.
    /// Why it may not wait for a client now.
    fn trouble(&self) -> Option<Cause> {
        if !self.leaving.load(SeqCst) {
            return None;
        }
        if disconnect::is_over(self.lanes()) {
            self.leaving.store(false, SeqCst);
            return None;
        }
        Some(Cause::Invalid("the last client's operations are in flight; wait for the disconnect"))
    }

    fn lanes(&self) -> [&Arc<Lane>; 2] {
        [self.reader().lane(), self.writer().lane()]
    }

    /// The port that its operations go to.
    pub fn port(&self) -> &Port {
        self.duplex.port()
    }

    /// What the client writes comes out of it.
    pub fn reader(&self) -> &Reader {
        self.duplex.reader()
    }

    /// What goes into it the client reads.
    pub fn writer(&self) -> &Writer {
        self.duplex.writer()
    }

    /// As [`Duplex::close`].
    pub fn close(self) -> Close {
        self.duplex.close()
    }

    /// As [`Duplex::into_parts`].
    pub fn into_parts(self) -> IntoParts {
        self.duplex.into_parts()
    }
}
