//! Memory that is lent to the OS for the length of one operation.
//!
//! An operation's payload says what it lends through [`Lend`]; the block keeps the resulting
//! [`Memory`] beside the payload, and only the kernel's half turns it into slices or addresses.

use std::{ffi::CString, num::NonZeroU16, ptr};

use super::{IoBuf, IoBufMut};
use crate::handle::Metadata;

/// One piece of memory, laid out as `struct iovec`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    pub(crate) start: *mut u8,
    pub(crate) len: usize,
}

// SAFETY: a piece is an address and a length; who may dereference it is decided by the block.
unsafe impl Send for Piece {}

/// A place in a table of handles or buffers that a backend keeps. It says nothing to any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// Whose table it is.
    pub(crate) table: NonZeroU16,
    pub(crate) index: u16,
}

impl Fixed {
    /// Its index in the table of that number, if it is a place in that one.
    #[inline]
    #[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "io_uring's tables"))]
    pub(crate) fn index_in(self, table: Option<NonZeroU16>) -> Option<u16> {
        (Some(self.table) == table).then_some(self.index)
    }

    /// As a number that is not zero.
    pub(crate) fn to_bits(self) -> u32 {
        u32::from(self.table.get()) << 16 | u32::from(self.index)
    }

    /// What [`Fixed::to_bits`] came from; `None` for zero.
    #[inline]
    pub(crate) fn from_bits(bits: u32) -> Option<Self> {
        let table = NonZeroU16::new((bits >> 16) as u16)?;
        Some(Self { table, index: bits as u16 })
    }
}

/// What an operation lends, as addresses.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "io_uring's tables"))]
pub(crate) enum Memory {
    None,
    /// The OS writes it.
    Fill(Piece, Option<Fixed>),
    /// The OS reads it.
    Drain(Piece, Option<Fixed>),
    FillMany(*mut Piece, usize),
    DrainMany(*mut Piece, usize),
    /// The OS reads the first, and writes the second.
    Exchange(*mut [Piece; 2]),
    Path(*const libc_char),
    Paths(*const libc_char, *const libc_char),
    Stat(*mut StatScratch),
    StatPath(*const libc_char, *mut StatScratch),
}

#[expect(non_camel_case_types, reason = "C's own name")]
pub(crate) type libc_char = std::ffi::c_char;

impl Memory {
    /// How many bytes are lent and not yet moved; of an exchange, how many the OS may write.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        match *self {
            Self::Fill(piece, _) | Self::Drain(piece, _) => piece.len,
            Self::FillMany(first, count) | Self::DrainMany(first, count) => {
                // SAFETY: `FillMany`/`DrainMany` point at `count` pieces of a living payload.
                let pieces = unsafe { std::slice::from_raw_parts(first, count) };
                pieces.iter().map(|piece| piece.len).sum()
            }
            Self::Exchange(pieces) => {
                // SAFETY: `Exchange` points at the pieces of a living payload.
                let [_, output] = unsafe { *pieces };
                output.len
            }
            _ => 0,
        }
    }

    /// Leaves out the first `n` bytes: they have moved.
    pub(crate) fn advance(&mut self, n: usize) {
        match self {
            Self::Fill(piece, _) | Self::Drain(piece, _) => *piece = piece.after(n),
            Self::FillMany(first, count) | Self::DrainMany(first, count) => {
                // SAFETY: as in `len`; the pieces belong to the operation alone.
                let pieces = unsafe { std::slice::from_raw_parts_mut(*first, *count) };
                let mut left = n;
                // An OS takes only so many pieces at a time: those that are done are left out.
                let mut done = 0;
                for piece in pieces {
                    let here = left.min(piece.len);
                    *piece = piece.after(here);
                    left -= here;
                    if piece.len > 0 {
                        break;
                    }
                    done += 1;
                }
                *first = first.wrapping_add(done);
                *count -= done;
            }
            _ => {}
        }
    }
}

impl Piece {
    fn after(self, n: usize) -> Self {
        assert!(n <= self.len, "the OS moved {n} bytes of {}", self.len);
        Self { start: self.start.wrapping_add(n), len: self.len - n }
    }
}

/// Something that an operation can lend to the OS.
///
/// # Safety
///
/// The memory that `memory` returns must be owned or exclusively borrowed by `self` (shared
/// and immutable is enough for what the OS only reads), and must stay valid and in place until
/// `self` is next accessed, even if `self` is moved in between.
pub unsafe trait Lend: Send {
    /// The addresses to lend. Called once, when the value has reached its place in the block.
    #[doc(hidden)]
    fn memory(&mut self) -> LentMemory;
}

/// Addresses, opaque to the world outside.
#[derive(Debug)]
pub struct LentMemory(pub(crate) Memory);

/// No memory at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoMemory;

// SAFETY: nothing is lent.
unsafe impl Lend for NoMemory {
    fn memory(&mut self) -> LentMemory {
        LentMemory(Memory::None)
    }
}

/// A buffer that the OS fills.
#[derive(Debug)]
pub struct Fill<B>(pub(crate) B);

// SAFETY: `IoBufMut` promises that the bytes stay in place and belong to the buffer alone.
unsafe impl<B: IoBufMut> Lend for Fill<B> {
    fn memory(&mut self) -> LentMemory {
        let fixed = self.0.fixed();
        let bytes = self.0.as_mut_slice();
        LentMemory(Memory::Fill(Piece { len: bytes.len(), start: bytes.as_mut_ptr() }, fixed))
    }
}

/// A buffer that the OS reads.
#[derive(Debug)]
pub struct Drain<B>(pub(crate) B);

// SAFETY: `IoBuf` promises that the bytes stay in place and are not written; the OS only reads.
unsafe impl<B: IoBuf> Lend for Drain<B> {
    fn memory(&mut self) -> LentMemory {
        let bytes = self.0.as_slice();
        let piece = Piece { len: bytes.len(), start: bytes.as_ptr().cast_mut() };
        LentMemory(Memory::Drain(piece, self.0.fixed()))
    }
}

/// Several buffers that the OS fills, one after the other.
#[derive(Debug)]
pub struct FillMany<B> {
    pub(crate) bufs: Vec<B>,
    pieces: Box<[Piece]>,
}

impl<B: IoBufMut> FillMany<B> {
    pub(crate) fn new(mut bufs: Vec<B>) -> Self {
        let piece = |buf: &mut B| {
            let bytes = buf.as_mut_slice();
            Piece { len: bytes.len(), start: bytes.as_mut_ptr() }
        };
        let pieces = bufs.iter_mut().map(piece).collect();
        Self { bufs, pieces }
    }
}

// SAFETY: each buffer as in `Fill`; the pieces are on the heap and belong to `self`.
unsafe impl<B: IoBufMut> Lend for FillMany<B> {
    fn memory(&mut self) -> LentMemory {
        LentMemory(Memory::FillMany(self.pieces.as_mut_ptr(), self.pieces.len()))
    }
}

/// Several buffers that the OS reads, one after the other.
#[derive(Debug)]
pub struct DrainMany<B> {
    pub(crate) bufs: Vec<B>,
    pieces: Box<[Piece]>,
}

impl<B: IoBuf> DrainMany<B> {
    pub(crate) fn new(bufs: Vec<B>) -> Self {
        let piece = |buf: &B| {
            let bytes = buf.as_slice();
            Piece { len: bytes.len(), start: bytes.as_ptr().cast_mut() }
        };
        let pieces = bufs.iter().map(piece).collect();
        Self { bufs, pieces }
    }
}

// SAFETY: each buffer as in `Drain`; the pieces are on the heap and belong to `self`.
unsafe impl<B: IoBuf> Lend for DrainMany<B> {
    fn memory(&mut self) -> LentMemory {
        LentMemory(Memory::DrainMany(self.pieces.as_mut_ptr(), self.pieces.len()))
    }
}

/// A buffer that the OS reads, and one that it fills with its answer.
#[derive(Debug)]
pub struct Exchange<I, O> {
    pub(crate) input: I,
    pub(crate) output: O,
    pieces: Box<[Piece; 2]>,
}

impl<I: IoBuf, O: IoBufMut> Exchange<I, O> {
    #[cfg_attr(not(windows), allow(dead_code, reason = "the devices of Windows"))]
    pub(crate) fn new(input: I, mut output: O) -> Self {
        let bytes = input.as_slice();
        let reads = Piece { len: bytes.len(), start: bytes.as_ptr().cast_mut() };
        let bytes = output.as_mut_slice();
        let writes = Piece { len: bytes.len(), start: bytes.as_mut_ptr() };
        Self { input, output, pieces: Box::new([reads, writes]) }
    }
}

// SAFETY: one buffer as in `Drain`, one as in `Fill`; the pieces are on the heap and belong to
// `self`.
unsafe impl<I: IoBuf, O: IoBufMut> Lend for Exchange<I, O> {
    fn memory(&mut self) -> LentMemory {
        LentMemory(Memory::Exchange(&raw mut *self.pieces))
    }
}

/// A path, as the OS wants it.
#[derive(Debug)]
pub struct PathText(pub(crate) CString);

// SAFETY: a C string's bytes are on the heap and the OS only reads them.
unsafe impl Lend for PathText {
    fn memory(&mut self) -> LentMemory {
        LentMemory(Memory::Path(self.0.as_ptr()))
    }
}

/// Two paths, as `rename` wants them.
#[derive(Debug)]
pub struct PathPair(pub(crate) CString, pub(crate) CString);

// SAFETY: as for one path.
unsafe impl Lend for PathPair {
    fn memory(&mut self) -> LentMemory {
        LentMemory(Memory::Paths(self.0.as_ptr(), self.1.as_ptr()))
    }
}

/// Room for what the OS says about a file, and the path if it is asked by path.
#[derive(Debug)]
pub struct StatOut {
    pub(crate) path: Option<CString>,
    pub(crate) scratch: Box<StatScratch>,
}

impl StatOut {
    pub(crate) fn new(path: Option<CString>) -> Self {
        Self { path, scratch: Box::new(StatScratch { raw: [0; 32], answer: None }) }
    }
}

// SAFETY: path and scratch are on the heap and belong to `self` alone.
unsafe impl Lend for StatOut {
    fn memory(&mut self) -> LentMemory {
        let out = ptr::from_mut(&mut *self.scratch);
        LentMemory(match &self.path {
            None => Memory::Stat(out),
            Some(path) => Memory::StatPath(path.as_ptr(), out),
        })
    }
}

/// Where the OS writes a file's status, and what it came to.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct StatScratch {
    /// `struct statx` of a kernel backend: 256 bytes by its ABI.
    pub(crate) raw: [u64; 32],
    pub(crate) answer: Option<Metadata>,
}
