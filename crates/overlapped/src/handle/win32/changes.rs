//! What has changed in a directory, as the OS writes it: [FILE_NOTIFY_INFORMATION], one after the
//! other.
//!
//! [FILE_NOTIFY_INFORMATION]: https://learn.microsoft.com/en-us/windows/win32/api/winnt/ns-winnt-file_notify_information

use std::{ffi::OsString, os::windows::ffi::OsStringExt, path::PathBuf};

use windows_sys::Win32::Storage::FileSystem::{
    FILE_ACTION_ADDED, FILE_ACTION_MODIFIED, FILE_ACTION_REMOVED, FILE_ACTION_RENAMED_NEW_NAME,
    FILE_ACTION_RENAMED_OLD_NAME,
};

/// What a watcher has to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changes {
    /// What has changed, in the order in which it did.
    Told(Vec<Change>),
    /// More has changed than there was room for, and none of it is told: look at the directory
    /// itself.
    Lost,
}

/// A change in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// What has happened.
    pub action: Action,
    /// To whom: a path from the directory that is watched. It may be a short name.
    pub path: PathBuf,
}

/// What has happened to a file or a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// It is new there.
    Added,
    /// It is gone from there.
    Removed,
    /// Its content, or something else of it, has changed.
    Modified,
    /// It was renamed; this was its name, and its [`NewName`](Self::NewName) is the next change.
    OldName,
    /// It was renamed; this is its name.
    NewName,
    /// Something else, by the OS's number.
    Other(u32),
}

impl Changes {
    /// From what the OS has written. Nothing at all says that there was more than room.
    pub(crate) fn read(written: &[u8]) -> Self {
        let mut records = written;
        let mut told = Vec::new();
        while let Some((change, next)) = read_record(records) {
            told.push(change);
            match next {
                0 => return Self::Told(told),
                next => records = records.get(next..).unwrap_or_default(),
            }
        }
        Self::Lost
    }
}

/// A record, and where the next one begins; 0 if it is the last. `None` if it is none.
fn read_record(records: &[u8]) -> Option<(Change, usize)> {
    let (next, rest) = records.split_first_chunk()?;
    let (action, rest) = rest.split_first_chunk()?;
    let (len, rest) = rest.split_first_chunk()?;
    let name = rest.get(..number(*len) as usize)?;
    let units: Vec<u16> =
        name.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
    let action = match number(*action) {
        FILE_ACTION_ADDED => Action::Added,
        FILE_ACTION_REMOVED => Action::Removed,
        FILE_ACTION_MODIFIED => Action::Modified,
        FILE_ACTION_RENAMED_OLD_NAME => Action::OldName,
        FILE_ACTION_RENAMED_NEW_NAME => Action::NewName,
        other => Action::Other(other),
    };
    Some((Change { action, path: OsString::from_wide(&units).into() }, number(*next) as usize))
}

fn number(bytes: [u8; 4]) -> u32 {
    u32::from_le_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(next: u32, action: u32, name: &str) -> Vec<u8> {
        let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let head = [next, action, name.len() as u32].into_iter().flat_map(u32::to_le_bytes);
        let mut record: Vec<u8> = head.chain(name).collect();
        record.resize(record.len().max(next as usize), 0xee);
        record
    }

    fn change(action: Action, path: &str) -> Change {
        Change { action, path: path.into() }
    }

    #[test]
    fn records_follow_one_another() {
        let mut written = record(20, 4, "old");
        written.extend(record(32, 5, r"dir\näme"));
        written.extend(record(0, 77, ""));
        // What comes behind the last one is nothing.
        written.extend([9; 40]);
        let told = vec![
            change(Action::OldName, "old"),
            change(Action::NewName, r"dir\näme"),
            change(Action::Other(77), ""),
        ];
        assert_eq!(Changes::read(&written), Changes::Told(told));
    }

    #[test]
    fn nothing_is_told_as_lost_and_so_is_what_is_cut_off() {
        assert_eq!(Changes::read(&[]), Changes::Lost);
        let whole = record(0, 1, "name");
        assert!(matches!(Changes::read(&whole), Changes::Told(_)));
        assert_eq!(Changes::read(&whole[..whole.len() - 1]), Changes::Lost);
        assert_eq!(Changes::read(&record(1000, 1, "name")[..20]), Changes::Lost);
    }
}
