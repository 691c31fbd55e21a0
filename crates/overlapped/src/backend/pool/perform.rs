//! One step of an operation as a system call: one long match, in the order of [`Op`].

use std::io::{IoSlice, IoSliceMut};

use rustix::{
    fd::BorrowedFd,
    fs::{AtFlags, CWD, Mode, RawMode},
    io::{Errno, pread, preadv, pwrite, pwritev},
};

use super::{
    fd, os, stat,
    stream::{self, Manner},
};
use crate::{
    backend::{Cause, Entry, Op, OpenHow, Value},
    handle::Metadata,
};

/// What came of a step.
pub(super) enum Step {
    Over(Result<Value, Cause>),
    /// A stream had nothing to give or no room, though `poll` had said so.
    NotReady,
}

impl Step {
    /// The step that has moved so many bytes, or failed.
    pub(super) fn moved(result: Result<usize, Errno>) -> Self {
        Self::Over(result.map(Value::Count).map_err(os))
    }
}

/// Performs the step that `entry` stands before. It may block, for a stream only as the module's
/// text says.
pub(super) fn step(entry: &mut Entry, manner: Manner) -> Step {
    let answer = match entry.op() {
        // What waits is the poller's, and a wait that is over is no work.
        Op::Nop | Op::Timer { .. } | Op::Poll { .. } => Ok(Value::Count(0)),
        Op::Read { at: None, .. } => return stream::read_on_worker(entry, manner),
        Op::Write { at: None, .. } => return stream::write_on_worker(entry, manner),
        Op::Read { at: Some(at), .. } => read_at(entry, at).map(Value::Count).map_err(os),
        Op::Write { at: Some(at), .. } => write_at(entry, at).map(Value::Count).map_err(os),
        Op::Open(how) => open(entry, how),
        Op::Sync { data_only: false, .. } => plain(fd::of(entry).and_then(sync_all)),
        Op::Sync { data_only: true, .. } => plain(fd::of(entry).and_then(sync_data)),
        Op::SetLen { len, .. } => {
            plain(fd::of(entry).and_then(|of| rustix::fs::ftruncate(of, len)))
        }
        Op::Allocate { at, len, .. } => {
            fd::of(entry).map_err(os).and_then(|of| allocate(of, at, len))
        }
        Op::Stat { of: Some(_) } => {
            let metadata = fd::of(entry).and_then(stat::of_handle);
            told(entry, metadata.map_err(os))
        }
        Op::Stat { of: None } => {
            let metadata = path(entry).and_then(|path| stat::of_path(path).map_err(os));
            told(entry, metadata)
        }
        Op::Rename => rename(entry),
        Op::Unlink { directory } => {
            let flags = if directory { AtFlags::REMOVEDIR } else { AtFlags::empty() };
            path(entry).and_then(|path| plain(rustix::fs::unlinkat(CWD, path, flags)))
        }
        Op::CreateDir { mode: bits } => {
            path(entry).and_then(|path| plain(rustix::fs::mkdir(path, mode(bits))))
        }
        op @ (Op::ConnectPipe { .. } | Op::Control { .. } | Op::Watch { .. }) => {
            op.of_windows().map_or(Ok(Value::Count(0)), Err)
        }
    };
    Step::Over(answer)
}

fn read_at(entry: &mut Entry, at: u64) -> Result<usize, Errno> {
    let (from, mut slices) = fd::and_slices_mut(entry)?;
    let first = slices.next().unwrap_or_default();
    let Some(second) = slices.next() else {
        return pread(from, first, at);
    };
    let all = [first, second].into_iter().chain(slices);
    preadv(from, &mut all.map(IoSliceMut::new).collect::<Vec<_>>(), at)
}

fn write_at(entry: &Entry, at: u64) -> Result<usize, Errno> {
    let to = fd::of(entry)?;
    let mut slices = entry.slices();
    let first = slices.next().unwrap_or_default();
    let Some(second) = slices.next() else {
        return pwrite(to, first, at);
    };
    let all = [first, second].into_iter().chain(slices);
    pwritev(to, &all.map(IoSlice::new).collect::<Vec<_>>(), at)
}

/// The new handle is owned from the moment it exists (C7).
fn open(entry: &Entry, how: OpenHow) -> Result<Value, Cause> {
    let opened = rustix::fs::open(path(entry)?, how.flags(), mode(how.mode));
    opened.map(Value::handle).map_err(os)
}

fn rename(entry: &Entry) -> Result<Value, Cause> {
    let to = entry.second_path().ok_or(NO_PATH)?;
    plain(rustix::fs::rename(path(entry)?, to))
}

fn told(entry: &mut Entry, metadata: Result<Metadata, Cause>) -> Result<Value, Cause> {
    entry.set_metadata(metadata?);
    Ok(Value::Count(0))
}

const NO_PATH: Cause = Cause::Invalid("the operation needs a path");

fn path(entry: &Entry) -> Result<&std::ffi::CStr, Cause> {
    entry.path().ok_or(NO_PATH)
}

fn mode(bits: u32) -> Mode {
    Mode::from_raw_mode(bits as RawMode)
}

fn plain(result: Result<(), Errno>) -> Result<Value, Cause> {
    result.map(|()| Value::Count(0)).map_err(os)
}

#[cfg(not(target_vendor = "apple"))]
fn sync_all(of: BorrowedFd<'_>) -> Result<(), Errno> {
    rustix::fs::fsync(of)
}

/// `fsync` leaves the data in the device's cache there.
#[cfg(target_vendor = "apple")]
fn sync_all(of: BorrowedFd<'_>) -> Result<(), Errno> {
    rustix::fs::fcntl_fullfsync(of)
}

#[cfg(not(any(target_vendor = "apple", target_os = "dragonfly")))]
fn sync_data(of: BorrowedFd<'_>) -> Result<(), Errno> {
    rustix::fs::fdatasync(of)
}

#[cfg(any(target_vendor = "apple", target_os = "dragonfly"))]
fn sync_data(of: BorrowedFd<'_>) -> Result<(), Errno> {
    sync_all(of)
}

#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
fn allocate(of: BorrowedFd<'_>, at: u64, len: u64) -> Result<Value, Cause> {
    plain(rustix::fs::fallocate(of, rustix::fs::FallocateFlags::empty(), at, len))
}

/// What these systems have instead may shorten the file, or does not exist.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
fn allocate(_of: BorrowedFd<'_>, _at: u64, _len: u64) -> Result<Value, Cause> {
    Err(Cause::Unsupported("this system cannot reserve room in a file; use set_len"))
}
