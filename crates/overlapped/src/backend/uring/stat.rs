//! `struct statx`, as the kernel writes it into the scratch of a `Stat`.
#![allow(unsafe_code, reason = "the kernel wrote a struct into plain words")]

use crate::{
    backend::{Entry, Op},
    buf::lent::Memory,
    handle::{Alignment, Kind, Metadata, system_time},
};

/// `STATX_BASIC_STATS | STATX_DIOALIGN`.
pub(super) const MASK: u32 = 0x7ff | DIOALIGN;
const DIOALIGN: u32 = 0x2000;

/// As in [statx(2)](https://man7.org/linux/man-pages/man2/statx.2.html).
#[repr(C)]
#[derive(Clone, Copy)]
struct Statx {
    mask: u32,
    blksize: u32,
    attributes: u64,
    nlink: u32,
    uid: u32,
    gid: u32,
    mode: u16,
    spare0: u16,
    ino: u64,
    size: u64,
    blocks: u64,
    attributes_mask: u64,
    atime: Timestamp,
    btime: Timestamp,
    ctime: Timestamp,
    mtime: Timestamp,
    rdev: [u32; 2],
    dev: [u32; 2],
    mnt_id: u64,
    dio_mem_align: u32,
    dio_offset_align: u32,
    rest: [u64; 12],
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Timestamp {
    sec: i64,
    nsec: u32,
    spare: i32,
}

const _: () = assert!(size_of::<Statx>() == 256, "the kernel writes 256 bytes");

/// Turns what the kernel wrote for a `Stat` into metadata.
pub(super) fn decode(entry: &mut Entry) {
    let (Op::Stat { .. }, Memory::Stat(out) | Memory::StatPath(_, out)) =
        (entry.op(), entry.memory())
    else {
        return;
    };
    // SAFETY: the scratch is the payload's own, which the entry owns, and the kernel is done.
    let scratch = unsafe { &*out };
    let words: [u64; 32] = scratch.raw;
    // SAFETY: both types are 256 bytes of plain integers, for which every pattern is a value.
    let statx: Statx = unsafe { std::mem::transmute(words) };
    entry.set_metadata(statx.metadata());
}

impl Statx {
    fn metadata(&self) -> Metadata {
        let mode = u32::from(self.mode);
        let aligned = self.mask & DIOALIGN != 0 && self.dio_offset_align != 0;
        let mut metadata = Metadata::new(Kind::from_mode(mode), self.size);
        metadata.mode = mode & 0o7777;
        metadata.block_size = self.blksize;
        metadata.blocks = self.blocks;
        metadata.inode = self.ino;
        metadata.links = self.nlink;
        metadata.modified = system_time(self.mtime.sec, self.mtime.nsec);
        metadata.direct = aligned.then_some(Alignment {
            memory: self.dio_mem_align as usize,
            offset: self.dio_offset_align as usize,
        });
        metadata
    }
}
