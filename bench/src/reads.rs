//! Reads of 4 KiB that the page cache holds: the head of this program.

use std::{env, fs, io, mem, os::unix::fs::FileExt};

use overlapped::{Done, Port, backend::Kind, fs::File};

const PAGE: usize = 4096;

/// A read that is over at once; an error where the kernel or the file system has no such reads.
pub fn cached_read() -> io::Result<impl FnMut() + use<>> {
    // Nothing reaches the backend; threads are there on any machine and under any checker.
    let port = Port::builder().backend(Kind::Threads).build()?;
    let file = File::from_owned(&port, program()?);
    let mut buf = vec![0; PAGE];
    let mut round = move || {
        let read = file.read_at(mem::take(&mut buf), 0).wait();
        let Done { n, buf: back, .. } = read.expect("a read");
        assert_eq!(n, PAGE);
        buf = back;
    };
    round();
    match port.stats().inline {
        1 => Ok(round),
        _ => Err(io::Error::other("no read is over at once on this file system")),
    }
}

/// The same by `std`, as the yardstick: if its figure moves, the library is not what has changed.
pub fn pread() -> io::Result<impl FnMut() + use<>> {
    let file = program()?;
    let mut buf = vec![0; PAGE];
    Ok(move || assert_eq!(file.read_at(&mut buf, 0).expect("a read"), PAGE))
}

fn program() -> io::Result<fs::File> {
    fs::File::open(env::current_exe()?)
}
