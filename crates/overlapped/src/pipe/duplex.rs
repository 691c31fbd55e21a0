use std::{fmt, sync::Arc};

use super::{Close, IntoParts, Reader, Writer};
use crate::{handle::Owned, port::Port};

/// A stream with two sides and one handle: a named pipe's end, a socket, a terminal.
///
/// Its sides work independently of one another, each in its own order. They stay with it, so that
/// the handle has one owner; tasks that use a side each share it.
pub struct Duplex {
    reader: Reader,
    writer: Writer,
}

impl Duplex {
    /// Takes over a handle that is read and written.
    ///
    /// ```
    /// # #[cfg(unix)]
    /// # fn main() -> std::io::Result<()> {
    /// use overlapped::{Port, pipe::Duplex};
    /// use std::os::unix::net::UnixStream;
    ///
    /// let port = Port::shared()?;
    /// let (here, there) = UnixStream::pair()?;
    /// let (here, there) = (Duplex::from_owned(&port, here), Duplex::from_owned(&port, there));
    /// let answer = here.reader().read_exact(vec![0; 4]);
    /// here.writer().write_all(b"ping".to_vec()).wait()?;
    /// let ping = there.reader().read_exact(vec![0; 4]).wait()?.buf;
    /// there.writer().write_all(ping).wait()?;
    /// assert_eq!(answer.wait()?.buf, b"ping");
    /// # Ok(())
    /// # }
    /// # #[cfg(not(unix))]
    /// # fn main() {}
    /// ```
    pub fn from_owned(port: &Port, handle: impl Into<Owned>) -> Self {
        let handle = handle.into();
        port.adopt(&handle);
        let handle = Arc::new(handle);
        Self { reader: Reader::of(port, Arc::clone(&handle)), writer: Writer::of(port, handle) }
    }

    /// The port that its operations go to.
    pub fn port(&self) -> &Port {
        self.reader.port()
    }

    /// The side that bytes come out of.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// The side that bytes go into.
    pub fn writer(&self) -> &Writer {
        &self.writer
    }

    /// Waits until everything that was started is written and nothing else is in flight, and closes
    /// the descriptor. Reads are asked to stop.
    pub fn close(self) -> Close {
        Close::new(self.into_parts())
    }

    /// Takes it apart, once everything that was started is written and nothing else is in flight.
    /// Reads are asked to stop.
    pub fn into_parts(self) -> IntoParts {
        let Self { reader, writer } = self;
        IntoParts::new([reader.lane(), writer.lane()], reader.port())
    }
}

impl fmt::Debug for Duplex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Duplex")
            .field("reader", &self.reader)
            .field("writer", &self.writer)
            .finish()
    }
}
