//! Streams: pipes, FIFOs, terminals and other character devices, and any socket that is given in.
//!
//! Reads of a [`Reader`] happen in the order in which they were started, and so do writes of a
//! [`Writer`]; several may be started ahead. A read that is abandoned, in a `select` or by a
//! timeout, loses no byte: what it took is served to the next read.

mod duplex;
#[cfg(windows)]
mod named;
mod parts;
mod reader;
mod writer;

pub use duplex::Duplex;
#[cfg(windows)]
pub use named::{Disconnect, Server, ServerOptions, connect};
pub use parts::{Close, IntoParts, Parts};
pub use reader::Reader;
pub use writer::Writer;

use std::io;

use crate::{op::Op, port::Port};

/// A pipe: what is written to the writer comes out of the reader. See [pipe(2)].
///
/// ```
/// use overlapped::{Port, pipe};
///
/// # fn main() -> std::io::Result<()> {
/// let port = Port::shared()?;
/// let (reader, writer) = pipe::pair(&port)?;
/// let read = reader.read(vec![0; 16]);
/// writer.write_all(b"hello".to_vec()).wait()?;
/// let done = read.wait()?;
/// assert_eq!(&done.buf[..done.n], b"hello");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// If the process or the system has no descriptors left.
///
/// [pipe(2)]: https://man7.org/linux/man-pages/man2/pipe.2.html
pub fn pair(port: &Port) -> io::Result<(Reader, Writer)> {
    let (reader, writer) = port.shard_for(&Op::Nop).pipe()?;
    Ok((Reader::from_owned(port, reader), Writer::from_owned(port, writer)))
}
