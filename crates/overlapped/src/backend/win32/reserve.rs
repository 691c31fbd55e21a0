//! Room for a file, reserved beforehand.
#![allow(unsafe_code, reason = "a call of Win32")]

use std::{fs, io, os::windows::io::AsRawHandle};

use windows_sys::Win32::{
    Foundation::ERROR_INVALID_PARAMETER,
    Storage::FileSystem::{FILE_ALLOCATION_INFO, FileAllocationInfo, SetFileInformationByHandle},
};

/// Reserves room up to the end of the range, and has the file grow to there. What the file has
/// already has its room.
pub(super) fn reserve(file: &fs::File, at: u64, len: u64) -> io::Result<()> {
    let end = at.checked_add(len).filter(|end| len > 0 && i64::try_from(*end).is_ok());
    let no_range = || io::Error::from_raw_os_error(ERROR_INVALID_PARAMETER as i32);
    let end = end.ok_or_else(no_range)?;
    if end <= file.metadata()?.len() {
        // Less room than it has would cut it.
        return Ok(());
    }
    allocate(file, end)?;
    file.set_len(end)
}

fn allocate(file: &fs::File, len: u64) -> io::Result<()> {
    let room = FILE_ALLOCATION_INFO { AllocationSize: len as i64 };
    let (place, size) = ((&raw const room).cast(), size_of::<FILE_ALLOCATION_INFO>() as u32);
    let (file, class) = (file.as_raw_handle(), FileAllocationInfo);
    // SAFETY: the information is there, and of this size; the call is over when it returns.
    let good = unsafe { SetFileInformationByHandle(file, class, place, size) };
    if good == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
