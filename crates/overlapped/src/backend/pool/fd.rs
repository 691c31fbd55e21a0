//! The one place where a handle's number becomes a handle.
#![allow(unsafe_code, reason = "an operation names its handle by number")]

use rustix::{fd::BorrowedFd, io::Errno};

use crate::{backend::Entry, handle::Raw};

/// The handle that `entry`'s operation works on.
pub(super) fn of(entry: &Entry) -> Result<BorrowedFd<'_>, Errno> {
    let raw = number(entry)?;
    // SAFETY: it is not -1. Who starts an operation keeps its handle open until the operation has
    // landed, and landing consumes the entry, which the result borrows.
    Ok(unsafe { BorrowedFd::borrow_raw(raw) })
}

/// The handle that `entry`'s operation works on, and the memory to fill from it.
pub(super) fn and_slices_mut(
    entry: &mut Entry,
) -> Result<(BorrowedFd<'_>, impl Iterator<Item = &mut [u8]>), Errno> {
    let raw = number(entry)?;
    // SAFETY: as in `of`; the result borrows the entry exclusively.
    let fd = unsafe { BorrowedFd::borrow_raw(raw) };
    Ok((fd, entry.slices_mut()))
}

fn number(entry: &Entry) -> Result<Raw, Errno> {
    entry.op().handle().filter(|raw| *raw >= 0).ok_or(Errno::BADF)
}
