//! An entry as an SQE: one long match, in the order of [`Op`].

use std::ptr;

use io_uring::{
    opcode, squeue,
    types::{Fd, FsyncFlags},
};
use rustix::fs::AtFlags as At;

use crate::{
    backend::{Entry, Interest, Op},
    buf::lent::{Memory, Piece},
    handle::Raw,
};

const CWD: Fd = Fd(libc::AT_FDCWD);

/// An offset that means "where the stream stands".
const STREAM: u64 = u64::MAX;

pub(super) fn encode(entry: &Entry) -> squeue::Entry {
    match entry.op() {
        // The port keeps timers itself; one that comes here anyway is over at once.
        Op::Nop | Op::Timer { .. } => opcode::Nop::new().build(),
        Op::Read { from, at } => read(from, at.unwrap_or(STREAM), entry.memory()),
        Op::Write { to, at } => write(to, at.unwrap_or(STREAM), entry.memory()),
        Op::Open(how) => {
            let flags = how.flags().bits() as i32;
            opcode::OpenAt::new(CWD, path(entry)).flags(flags).mode(how.mode).build()
        }
        Op::Sync { of, data_only } => {
            let flags = if data_only { FsyncFlags::DATASYNC } else { FsyncFlags::empty() };
            opcode::Fsync::new(Fd(of)).flags(flags).build()
        }
        Op::SetLen { of, len } => opcode::Ftruncate::new(Fd(of), len).build(),
        Op::Allocate { of, at, len } => opcode::Fallocate::new(Fd(of), len).offset(at).build(),
        Op::Stat { of } => stat(of, entry.memory()),
        Op::Rename => {
            let to = entry.second_path().map_or(ptr::null(), std::ffi::CStr::as_ptr);
            opcode::RenameAt::new(CWD, path(entry), CWD, to).build()
        }
        Op::Unlink { directory } => {
            let flags = if directory { At::REMOVEDIR } else { At::empty() };
            let flags = flags.bits() as i32;
            opcode::UnlinkAt::new(CWD, path(entry)).flags(flags).build()
        }
        Op::CreateDir { mode } => opcode::MkDirAt::new(CWD, path(entry)).mode(mode).build(),
        Op::Poll { of, interest } => opcode::PollAdd::new(Fd(of), events(interest)).build(),
    }
}

fn read(from: Raw, at: u64, memory: Memory) -> squeue::Entry {
    match memory {
        Memory::FillMany(first, count) => {
            opcode::Readv::new(Fd(from), iovec(first), pieces(count)).offset(at).build()
        }
        Memory::Fill(piece) => {
            opcode::Read::new(Fd(from), piece.start, length(piece.len)).offset(at).build()
        }
        _ => opcode::Read::new(Fd(from), ptr::null_mut(), 0).offset(at).build(),
    }
}

fn write(to: Raw, at: u64, memory: Memory) -> squeue::Entry {
    match memory {
        Memory::DrainMany(first, count) => {
            opcode::Writev::new(Fd(to), iovec(first), pieces(count)).offset(at).build()
        }
        Memory::Drain(piece) => {
            opcode::Write::new(Fd(to), piece.start, length(piece.len)).offset(at).build()
        }
        _ => opcode::Write::new(Fd(to), ptr::null(), 0).offset(at).build(),
    }
}

fn stat(of: Option<Raw>, memory: Memory) -> squeue::Entry {
    let (path, out) = match memory {
        Memory::StatPath(path, out) => (path, out),
        Memory::Stat(out) => (c"".as_ptr(), out),
        _ => (c"".as_ptr(), ptr::null_mut()),
    };
    let (fd, flags) = match of {
        Some(raw) => (Fd(raw), At::EMPTY_PATH),
        None => (CWD, At::empty()),
    };
    // The status is the first field of the scratch.
    opcode::Statx::new(fd, path, out.cast())
        .flags(flags.bits() as i32)
        .mask(super::stat::MASK)
        .build()
}

fn path(entry: &Entry) -> *const std::ffi::c_char {
    entry.path().map_or(ptr::null(), std::ffi::CStr::as_ptr)
}

fn iovec(first: *mut Piece) -> *const libc::iovec {
    first.cast()
}

/// The kernel takes `IOV_MAX` pieces; what is more moves in several steps, as any short transfer.
fn pieces(count: usize) -> u32 {
    count.min(1024) as u32
}

/// The kernel takes 32 bits; what is longer moves in several steps, as any short transfer does.
fn length(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

fn events(interest: Interest) -> u32 {
    let flags = match interest {
        Interest::Readable => libc::POLLIN,
        Interest::Writable => libc::POLLOUT,
    };
    flags as u32
}
