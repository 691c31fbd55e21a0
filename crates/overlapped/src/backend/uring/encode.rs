//! An entry as an SQE: one long match, in the order of [`Op`].

use std::{num::NonZeroU16, ptr};

use io_uring::{
    opcode, squeue,
    types::{Fd, FsyncFlags},
};
use rustix::fs::AtFlags as At;

use crate::{
    backend::{Entry, Interest, Op},
    buf::lent::{Fixed, Memory, Piece},
    handle::Raw,
};

const CWD: Fd = Fd(libc::AT_FDCWD);

/// An offset that means "where the stream stands".
const STREAM: u64 = u64::MAX;

/// Whose places in tables count, and where the operation's own file stands there.
#[derive(Clone, Copy)]
struct Places {
    table: Option<NonZeroU16>,
    file: Option<u16>,
}

/// Encodes what is to be done now, and puts it where `put` says. `table`: the number of the ring's
/// own tables. A place in any other says nothing here.
///
/// The frequent operations are put field by field: an SQE that is put together elsewhere is read
/// back in other pieces than it was written, and the processor waits for that.
#[inline]
pub(super) fn encode<R>(
    entry: &Entry,
    table: Option<NonZeroU16>,
    put: impl FnOnce(squeue::Entry) -> R,
) -> R {
    let op = entry.op();
    let takes_places = !matches!(op, Op::Stat { .. });
    let file = entry.fixed().filter(|_| takes_places).and_then(|fixed| fixed.index_in(table));
    let places = Places { table, file };
    match (op, entry.memory()) {
        (Op::Nop, _) => put(opcode::Nop::new().build()),
        (Op::Read { from, at }, Memory::Fill(piece, None)) => {
            let (from, len) = (places.file(from), length(piece.len));
            let read = opcode::Read::new(from, piece.start, len).offset(at.unwrap_or(STREAM));
            put(read.build().flags(places.flags()))
        }
        (Op::Write { to, at }, Memory::Drain(piece, None)) => {
            let (to, len) = (places.file(to), length(piece.len));
            let write = opcode::Write::new(to, piece.start, len).offset(at.unwrap_or(STREAM));
            put(write.build().flags(places.flags()))
        }
        (op, memory) => put(encode_any(entry, op, memory, places).flags(places.flags())),
    }
}

fn encode_any(entry: &Entry, op: Op, memory: Memory, places: Places) -> squeue::Entry {
    match op {
        // The port keeps timers itself; one that comes here anyway is over at once. What only
        // Windows has is refused when it comes back.
        Op::Nop
        | Op::Timer { .. }
        | Op::ConnectPipe { .. }
        | Op::Control { .. }
        | Op::Watch { .. } => opcode::Nop::new().build(),
        Op::Read { from, at } => read(places.file(from), at.unwrap_or(STREAM), memory, places),
        Op::Write { to, at } => write(places.file(to), at.unwrap_or(STREAM), memory, places),
        Op::Open(how) => {
            let flags = how.flags().bits() as i32;
            opcode::OpenAt::new(CWD, path(entry)).flags(flags).mode(how.mode).build()
        }
        Op::Sync { of, data_only } => {
            let flags = if data_only { FsyncFlags::DATASYNC } else { FsyncFlags::empty() };
            opcode::Fsync::new(places.file(of)).flags(flags).build()
        }
        Op::SetLen { of, len } => opcode::Ftruncate::new(places.file(of), len).build(),
        Op::Allocate { of, at, len } => {
            opcode::Fallocate::new(places.file(of), len).offset(at).build()
        }
        Op::Stat { of } => stat(of, memory),
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
        Op::Poll { of, interest } => {
            opcode::PollAdd::new(places.file(of), events(interest)).build()
        }
    }
}

impl Places {
    /// What the SQE says the file is: its place, if it has one (the flag says so), or its number.
    fn file(self, raw: Raw) -> Fd {
        self.file.map_or(Fd(raw), |index| Fd(i32::from(index)))
    }

    /// The flags that say so.
    fn flags(self) -> squeue::Flags {
        if self.file.is_some() { squeue::Flags::FIXED_FILE } else { squeue::Flags::empty() }
    }

    /// The place of memory that is lent, as those opcodes take it. They look into no empty range.
    fn buffer(self, piece: Piece, fixed: Option<Fixed>) -> Option<u16> {
        fixed.filter(|_| piece.len > 0)?.index_in(self.table)
    }
}

fn read(from: Fd, at: u64, memory: Memory, places: Places) -> squeue::Entry {
    match memory {
        Memory::FillMany(first, count) => {
            opcode::Readv::new(from, iovec(first), pieces(count)).offset(at).build()
        }
        Memory::Fill(piece, fixed) => {
            let (start, len) = (piece.start, length(piece.len));
            match places.buffer(piece, fixed) {
                Some(index) => opcode::ReadFixed::new(from, start, len, index).offset(at).build(),
                None => opcode::Read::new(from, start, len).offset(at).build(),
            }
        }
        _ => opcode::Read::new(from, ptr::null_mut(), 0).offset(at).build(),
    }
}

fn write(to: Fd, at: u64, memory: Memory, places: Places) -> squeue::Entry {
    match memory {
        Memory::DrainMany(first, count) => {
            opcode::Writev::new(to, iovec(first), pieces(count)).offset(at).build()
        }
        Memory::Drain(piece, fixed) => {
            let (start, len) = (piece.start, length(piece.len));
            match places.buffer(piece, fixed) {
                Some(index) => opcode::WriteFixed::new(to, start, len, index).offset(at).build(),
                None => opcode::Write::new(to, start, len).offset(at).build(),
            }
        }
        _ => opcode::Write::new(to, ptr::null(), 0).offset(at).build(),
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

#[cfg(test)]
mod tests {
    use super::*;

    const READ: u32 = opcode::Read::CODE as u32;
    const READ_FIXED: u32 = opcode::ReadFixed::CODE as u32;
    const WRITE: u32 = opcode::Write::CODE as u32;
    const WRITE_FIXED: u32 = opcode::WriteFixed::CODE as u32;

    fn opcodes(table: u16, fixed: Option<(u16, u16)>, len: usize) -> (u32, u32) {
        let places = Places { table: NonZeroU16::new(table), file: None };
        let fixed =
            fixed.and_then(|(table, index)| Some(Fixed { table: NonZeroU16::new(table)?, index }));
        let piece = Piece { start: ptr::null_mut(), len };
        let read = read(Fd(3), 0, Memory::Fill(piece, fixed), places);
        let write = write(Fd(3), 0, Memory::Drain(piece, fixed), places);
        (read.get_opcode(), write.get_opcode())
    }

    #[test]
    fn memory_with_a_place_of_this_ring_goes_by_it() {
        assert_eq!(opcodes(1, Some((1, 0)), 9), (READ_FIXED, WRITE_FIXED));
    }

    // [C15] what another port's table says means nothing here.
    #[test]
    fn any_other_memory_goes_by_its_address() {
        assert_eq!(opcodes(1, Some((2, 0)), 9), (READ, WRITE));
        assert_eq!(opcodes(0, Some((2, 0)), 9), (READ, WRITE));
        assert_eq!(opcodes(1, None, 9), (READ, WRITE));
        assert_eq!(opcodes(1, Some((1, 0)), 0), (READ, WRITE));
    }

    #[test]
    fn a_file_with_a_place_goes_by_it() {
        let with = Places { table: None, file: Some(7) };
        assert_eq!((with.file(3).0, Places { file: None, ..with }.file(3).0), (7, 3));
    }
}
