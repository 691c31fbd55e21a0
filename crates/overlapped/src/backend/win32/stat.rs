//! What Windows says about a file, in the words of [`Metadata`].
#![allow(unsafe_code, reason = "a call of Win32")]

use std::{
    fs, io,
    os::windows::{fs::OpenOptionsExt, io::AsRawHandle},
    path::Path,
    time::{Duration, SystemTime},
};

use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_ATTRIBUTE_DIRECTORY, FILE_ATTRIBUTE_READONLY,
    FILE_FLAG_BACKUP_SEMANTICS, FILE_TYPE_CHAR, FILE_TYPE_PIPE, GetFileInformationByHandle,
};

use crate::handle::{Kind, Metadata, Raw, win32};

pub(super) fn of_path(path: &Path) -> io::Result<Metadata> {
    // Without any right to its content; with this flag a directory can be opened, too.
    let mut options = fs::OpenOptions::new();
    let file = options.access_mode(0).custom_flags(FILE_FLAG_BACKUP_SEMANTICS).open(path)?;
    of_handle(file.as_raw_handle().addr() as Raw)
}

pub(super) fn of_handle(raw: Raw) -> io::Result<Metadata> {
    match win32::file_type(raw) {
        FILE_TYPE_PIPE if win32::is_socket(raw) => Ok(Metadata::new(Kind::Socket, 0)),
        FILE_TYPE_PIPE => Ok(Metadata::new(Kind::Pipe, 0)),
        FILE_TYPE_CHAR => Ok(Metadata::new(Kind::CharDevice, 0)),
        _ => {
            let info = information(raw)?;
            Ok(Metadata { direct: win32::alignment(raw), ..decode(&info) })
        }
    }
}

fn information(raw: Raw) -> io::Result<BY_HANDLE_FILE_INFORMATION> {
    let mut info = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: there is room for the answer, and the call is over when it returns.
    let good = unsafe { GetFileInformationByHandle(win32::handle(raw), &raw mut info) };
    if good == 0 { Err(io::Error::last_os_error()) } else { Ok(info) }
}

fn decode(info: &BY_HANDLE_FILE_INFORMATION) -> Metadata {
    let has = |attribute| info.dwFileAttributes & attribute != 0;
    let is_directory = has(FILE_ATTRIBUTE_DIRECTORY);
    let kind = if is_directory { Kind::Directory } else { Kind::File };
    let writes = if has(FILE_ATTRIBUTE_READONLY) { 0 } else { 0o222 };
    let len = if is_directory { 0 } else { wide(info.nFileSizeHigh, info.nFileSizeLow) };
    let modified = info.ftLastWriteTime;
    Metadata {
        mode: if is_directory { 0o555 | writes } else { 0o444 | writes },
        inode: wide(info.nFileIndexHigh, info.nFileIndexLow),
        links: info.nNumberOfLinks,
        modified: time(wide(modified.dwHighDateTime, modified.dwLowDateTime)),
        ..Metadata::new(kind, len)
    }
}

fn wide(high: u32, low: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

/// From 1601 to 1970.
const EPOCH: Duration = Duration::from_secs(11_644_473_600);

/// From units of 100 ns since 1601.
fn time(ticks: u64) -> Option<SystemTime> {
    let since_1601 = Duration::new(ticks / 10_000_000, (ticks % 10_000_000) as u32 * 100);
    match since_1601.checked_sub(EPOCH) {
        Some(after) => SystemTime::UNIX_EPOCH.checked_add(after),
        None => SystemTime::UNIX_EPOCH.checked_sub(EPOCH - since_1601),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_begins_in_1601() {
        assert_eq!(time(116_444_736_000_000_000), Some(SystemTime::UNIX_EPOCH));
        let before = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(time(116_444_735_990_000_000), Some(before));
    }
}
