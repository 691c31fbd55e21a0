use std::thread;

use overlapped::{
    Port,
    backend::Kind,
    pipe::{self, Reader, Writer},
};

pub(crate) use crate::census::{descriptors, threads};

/// How many handles are the harness's, at most: one for each test that waits for its turn.
pub(crate) fn harness() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// So many idle pipes.
pub(crate) fn crowd(port: &Port, count: u64) -> (Vec<Reader>, Vec<Writer>) {
    (0..count).map(|_| pipe::pair(port).expect("a pipe")).unzip()
}

/// A stream into which something writes that is not this port.
pub(crate) fn fed_from_elsewhere(port: &Port) -> (Reader, impl FnMut(&[u8]) + Send + use<>) {
    let (reader, writer) = pipe::pair(port).expect("a pipe");
    let other = Port::builder().backend(Kind::Iocp).build().expect("another port");
    let writer = Writer::from_owned(&other, writer.into_parts().wait().handle);
    let feed = move |bytes: &[u8]| {
        writer.write_all(bytes.to_vec()).wait().expect("a pipe takes a record");
    };
    (reader, feed)
}
