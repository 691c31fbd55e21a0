//! Reads of 4 KiB that the page cache holds: the head of this program.

#[cfg(unix)]
use std::os::unix::fs::FileExt;
#[cfg(windows)]
use std::os::windows::fs::FileExt;
use std::{env, fs, io, mem};

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
    Ok(move || assert_eq!(read_at_start(&file, &mut buf).expect("a read"), PAGE))
}

#[cfg(unix)]
fn read_at_start(file: &fs::File, buf: &mut [u8]) -> io::Result<usize> {
    file.read_at(buf, 0)
}

#[cfg(windows)]
fn read_at_start(file: &fs::File, buf: &mut [u8]) -> io::Result<usize> {
    file.seek_read(buf, 0)
}

fn program() -> io::Result<fs::File> {
    fs::File::open(env::current_exe()?)
}
