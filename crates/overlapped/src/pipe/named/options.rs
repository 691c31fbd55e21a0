use std::time::Duration;

use windows_sys::Win32::{
    Storage::FileSystem::{
        FILE_FLAG_FIRST_PIPE_INSTANCE, PIPE_ACCESS_DUPLEX, PIPE_ACCESS_INBOUND,
        PIPE_ACCESS_OUTBOUND,
    },
    System::Pipes::{
        PIPE_ACCEPT_REMOTE_CLIENTS, PIPE_READMODE_MESSAGE, PIPE_REJECT_REMOTE_CLIENTS,
        PIPE_TYPE_BYTE, PIPE_TYPE_MESSAGE, PIPE_UNLIMITED_INSTANCES,
    },
};

use super::Server;
use crate::{
    backend::Cause,
    error::{Error, Object},
    handle::win32::pipe::{Make, ROOM},
    port::Port,
};

/// How a server's instance of a named pipe is made, as [CreateNamedPipeW] has it. Clients of other
/// machines are rejected unless they are asked for, and nobody can act in a client's name.
///
/// [CreateNamedPipeW]: https://learn.microsoft.com/en-us/windows/win32/api/namedpipeapi/nf-namedpipeapi-createnamedpipew
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is one flag of CreateNamedPipeW")]
pub struct ServerOptions {
    read: bool,
    write: bool,
    messages: bool,
    first_instance: bool,
    remote_clients: bool,
    max_instances: Option<u8>,
    room_in: u32,
    room_out: u32,
    default_timeout: Duration,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl ServerOptions {
    /// Both directions, bytes, any number of instances, buffers of 64 KiB, clients of this machine.
    pub fn new() -> Self {
        Self {
            read: true,
            write: true,
            messages: false,
            first_instance: false,
            remote_clients: false,
            max_instances: None,
            room_in: ROOM,
            room_out: ROOM,
            default_timeout: Duration::ZERO,
        }
    }

    /// Whether the server reads what the client writes.
    pub fn read(&mut self, read: bool) -> &mut Self {
        self.read = read;
        self
    }

    /// Whether the server writes what the client reads.
    pub fn write(&mut self, write: bool) -> &mut Self {
        self.write = write;
        self
    }

    /// Whether each write is a message, which the server's reads get by itself
    /// ([`Reader::read_message`](super::super::Reader::read_message)). A client says for itself how
    /// it reads: [`Duplex::read_messages`](super::super::Duplex::read_messages).
    pub fn messages(&mut self, messages: bool) -> &mut Self {
        self.messages = messages;
        self
    }

    /// Whether it must be the pipe's first instance, so that no other server has the name.
    pub fn first_instance(&mut self, first: bool) -> &mut Self {
        self.first_instance = first;
        self
    }

    /// Whether clients of other machines may connect.
    pub fn remote_clients(&mut self, remote: bool) -> &mut Self {
        self.remote_clients = remote;
        self
    }

    /// How many instances the pipe may have, 1 to 254; the first instance decides.
    pub fn max_instances(&mut self, instances: u8) -> &mut Self {
        self.max_instances = Some(instances);
        self
    }

    /// How many bytes the client may write ahead of the server's reads, more or less.
    pub fn room_in(&mut self, bytes: u32) -> &mut Self {
        self.room_in = bytes;
        self
    }

    /// How many bytes the server may write ahead of the client's reads, more or less.
    pub fn room_out(&mut self, bytes: u32) -> &mut Self {
        self.room_out = bytes;
        self
    }

    /// How long a client waits in `WaitNamedPipe` that leaves it to the server, in whole
    /// milliseconds; zero is the OS's own 50 ms. The first instance decides.
    pub fn default_timeout(&mut self, timeout: Duration) -> &mut Self {
        self.default_timeout = timeout;
        self
    }

    /// Makes an instance of the pipe `name`, as in `\\.\pipe\name`. It does not wait; clients can
    /// come from now on, and [`Server::connect`] tells of the first.
    ///
    /// # Errors
    ///
    /// That the request makes no sense ([`Cause::Invalid`]), or the OS's word:
    /// `ERROR_ACCESS_DENIED` (5) if another server has the name, `ERROR_PIPE_BUSY` (231) if the
    /// pipe has all its instances, `ERROR_INVALID_NAME` (123).
    pub fn create(&self, port: &Port, name: impl AsRef<str>) -> Result<Server, Error> {
        let name = name.as_ref();
        let made = self.how(name).and_then(|how| {
            how.make(name).map_err(|error| Cause::Os(error.raw_os_error().unwrap_or_default()))
        });
        let handle = made.map_err(|cause| {
            let object = Object::Path(name.into());
            Error::unmoved(cause, "create pipe", object, port.backend().name())
        })?;
        Ok(Server::from_owned(port, handle))
    }

    /// In the OS's words.
    fn how(&self, name: &str) -> Result<Make, Cause> {
        if name.contains('\0') {
            return Err(Cause::Invalid("a name holds no NUL; leave it out"));
        }
        let access = match (self.read, self.write) {
            (true, true) => PIPE_ACCESS_DUPLEX,
            (true, false) => PIPE_ACCESS_INBOUND,
            (false, true) => PIPE_ACCESS_OUTBOUND,
            (false, false) => return Err(Cause::Invalid("a server reads or writes; choose")),
        };
        let first = if self.first_instance { FILE_FLAG_FIRST_PIPE_INSTANCE } else { 0 };
        let kind = match (self.messages, self.read) {
            (false, _) => PIPE_TYPE_BYTE,
            (true, false) => PIPE_TYPE_MESSAGE,
            (true, true) => PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE,
        };
        let reach = match self.remote_clients {
            true => PIPE_ACCEPT_REMOTE_CLIENTS,
            false => PIPE_REJECT_REMOTE_CLIENTS,
        };
        let instances = match self.max_instances {
            None => PIPE_UNLIMITED_INSTANCES,
            Some(instances @ 1..=254) => u32::from(instances),
            Some(_) => return Err(Cause::Invalid("a pipe has 1 to 254 instances")),
        };
        let milliseconds = u32::try_from(self.default_timeout.as_millis());
        Ok(Make {
            access: access | first,
            mode: kind | reach,
            instances,
            room_out: self.room_out,
            room_in: self.room_in,
            milliseconds: milliseconds.unwrap_or(u32::MAX - 1),
        })
    }
}
