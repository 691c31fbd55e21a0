//! What the OS says about a file.

use std::ffi::CStr;

use rustix::{
    fd::BorrowedFd,
    fs::{Stat, fstat},
    io::Errno,
};

use crate::handle::{Kind, Metadata, system_time};

#[cfg(target_os = "linux")]
pub(super) use extended::{of_handle, of_path};

#[cfg(not(target_os = "linux"))]
pub(super) fn of_handle(of: BorrowedFd<'_>) -> Result<Metadata, Errno> {
    fstat(of).map(|stat| metadata(&stat))
}

#[cfg(not(target_os = "linux"))]
pub(super) fn of_path(path: &CStr) -> Result<Metadata, Errno> {
    rustix::fs::stat(path).map(|stat| metadata(&stat))
}

/// Whether a handle is a file, whose reads and writes end by themselves.
pub(super) fn ends_by_itself(of: BorrowedFd<'_>) -> bool {
    let kind = fstat(of).map(|stat| metadata(&stat).kind);
    matches!(kind, Ok(Kind::File | Kind::Directory | Kind::BlockDevice))
}

#[allow(clippy::unnecessary_cast, reason = "each system has its own integers here")]
pub(super) fn metadata(stat: &Stat) -> Metadata {
    let mode = stat.st_mode as u32;
    let mut metadata = Metadata::new(Kind::from_mode(mode), stat.st_size as u64);
    metadata.mode = mode & 0o7777;
    metadata.block_size = stat.st_blksize as u32;
    metadata.blocks = stat.st_blocks as u64;
    metadata.inode = stat.st_ino as u64;
    metadata.links = stat.st_nlink as u32;
    metadata.modified = system_time(stat.st_mtime as i64, stat.st_mtime_nsec as u32);
    metadata
}

/// [statx(2)](https://man7.org/linux/man-pages/man2/statx.2.html), which also knows what direct
/// I/O asks for. Where it is forbidden or missing its older kin answer.
#[cfg(target_os = "linux")]
mod extended {
    use rustix::fs::{AtFlags, CWD, Statx, StatxFlags, statx};

    use super::{BorrowedFd, CStr, Errno, Kind, Metadata, fstat};
    use crate::handle::{Alignment, system_time};

    pub(in super::super) fn of_handle(of: BorrowedFd<'_>) -> Result<Metadata, Errno> {
        match statx(of, c"", AtFlags::EMPTY_PATH, wanted()) {
            Ok(statx) => Ok(metadata(&statx)),
            Err(Errno::NOSYS) => fstat(of).map(|stat| super::metadata(&stat)),
            Err(errno) => Err(errno),
        }
    }

    pub(in super::super) fn of_path(path: &CStr) -> Result<Metadata, Errno> {
        match statx(CWD, path, AtFlags::empty(), wanted()) {
            Ok(statx) => Ok(metadata(&statx)),
            Err(Errno::NOSYS) => rustix::fs::stat(path).map(|stat| super::metadata(&stat)),
            Err(errno) => Err(errno),
        }
    }

    fn wanted() -> StatxFlags {
        StatxFlags::BASIC_STATS | StatxFlags::DIOALIGN
    }

    fn metadata(statx: &Statx) -> Metadata {
        let mode = u32::from(statx.stx_mode);
        let told = StatxFlags::from_bits_retain(statx.stx_mask).contains(StatxFlags::DIOALIGN);
        let mut metadata = Metadata::new(Kind::from_mode(mode), statx.stx_size);
        metadata.mode = mode & 0o7777;
        metadata.block_size = statx.stx_blksize;
        metadata.blocks = statx.stx_blocks;
        metadata.inode = statx.stx_ino;
        metadata.links = statx.stx_nlink;
        metadata.modified = system_time(statx.stx_mtime.tv_sec, statx.stx_mtime.tv_nsec);
        metadata.direct = (told && statx.stx_dio_offset_align != 0).then_some(Alignment {
            memory: statx.stx_dio_mem_align as usize,
            offset: statx.stx_dio_offset_align as usize,
        });
        metadata
    }
}
