//! What a worker does: calls that block, as the standard library makes them where it has them.
#![allow(unsafe_code, reason = "an operation names its handle by number, and its path by bytes")]

use std::{
    ffi::{CStr, OsStr},
    fs, io,
    mem::ManuallyDrop,
    os::windows::{fs::OpenOptionsExt, io::FromRawHandle},
    path::Path,
};

use windows_sys::Win32::{
    Foundation::{ERROR_DIRECTORY, ERROR_INVALID_PARAMETER},
    Storage::FileSystem::{
        FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_NO_BUFFERING, FILE_FLAG_OVERLAPPED,
        FILE_LIST_DIRECTORY, SECURITY_IDENTIFICATION,
    },
};

use super::{
    NO_PLACE,
    calls::{self, Target},
    flights,
    interrupt::Interrupt,
    os, reserve, stat,
};
use crate::{
    backend::{Cause, Entry, Op, OpenHow, Value},
    error::{ECANCELED, NtStatus},
    handle::{Metadata, Raw, win32},
};

/// Performs the step that `entry` stands before.
pub(super) fn perform(entry: &mut Entry, interrupt: &Interrupt) -> Result<Value, Cause> {
    entry.set_status(NtStatus::NONE);
    let answer = step(entry, interrupt);
    if let Err(Cause::Os(code)) = answer {
        // Winsock's code is made of none; then it stands in the OVERLAPPED, if it was filled.
        match calls::status_of(code as u32) {
            NtStatus::NONE => {}
            status => entry.set_status(status),
        }
    }
    answer
}

fn step(entry: &mut Entry, interrupt: &Interrupt) -> Result<Value, Cause> {
    match entry.op() {
        Op::Nop | Op::Timer { .. } | Op::Poll { .. } => Ok(Value::Count(0)),
        Op::Read { from: raw, .. }
        | Op::Write { to: raw, .. }
        | Op::ConnectPipe { of: raw }
        | Op::Control { of: raw, .. }
        | Op::Watch { of: raw, .. } => transfer(entry, raw, interrupt),
        Op::Open(how) => open(path(entry)?, how),
        Op::Sync { of, data_only: false } => plain(file(of).sync_all()),
        Op::Sync { of, data_only: true } => plain(file(of).sync_data()),
        Op::SetLen { of, len } => plain(file(of).set_len(len)),
        Op::Allocate { of, at, len } => plain(reserve::reserve(&file(of), at, len)),
        Op::Stat { of: Some(of) } => {
            let metadata = stat::of_handle(of);
            told(entry, metadata)
        }
        Op::Stat { of: None } => {
            let metadata = stat::of_path(path(entry)?);
            told(entry, metadata)
        }
        Op::Rename => {
            let to = entry.second_path().ok_or(NO_PATH)?;
            plain(fs::rename(path(entry)?, as_path(to)))
        }
        Op::Unlink { directory: false } => plain(fs::remove_file(path(entry)?)),
        Op::Unlink { directory: true } => plain(fs::remove_dir(path(entry)?)),
        Op::CreateDir { .. } => plain(fs::create_dir(path(entry)?)),
    }
}

/// Moves one buffer after the other, as long as that need not wait for more than the first.
fn transfer(entry: &mut Entry, raw: Raw, interrupt: &Interrupt) -> Result<Value, Cause> {
    let op = entry.op();
    let has_no_offset = matches!(op, Op::Read { at: None, .. } | Op::Write { at: None, .. });
    let moves_on = has_no_offset && win32::is_disk(raw);
    let is_overlapped = win32::is_overlapped(raw);
    if moves_on && is_overlapped {
        return Err(NO_PLACE);
    }
    let target = Target::of(raw);
    let moves_on = moves_on || target.is_socket() && !is_overlapped;
    let (mut moved, all) = (0, entry.len());
    loop {
        let result = match moves_on {
            _ if interrupt.is_asked() => Err(ECANCELED as u32),
            true => calls::move_on(target, entry, moved),
            false => calls::transfer(target, entry, moved, interrupt),
        };
        match result {
            Ok(part) => {
                moved += part.n as usize;
                let on = moved < all && flights::goes_on(&op);
                if !on || !ends_a_buffer(entry, moved) {
                    return Ok(flights::value(moved, part.more));
                }
            }
            Err(code) => return flights::answer(&op, moved, code),
        }
    }
}

/// Whether so many bytes fill the first buffers and no part of another.
fn ends_a_buffer(entry: &mut Entry, moved: usize) -> bool {
    let mut end = 0;
    let is_write = matches!(entry.op(), Op::Write { .. });
    let mut ends = |len: usize| {
        end += len;
        end == moved
    };
    match is_write {
        true => entry.slices().any(|piece| ends(piece.len())),
        false => entry.slices_mut().any(|piece| ends(piece.len())),
    }
}

/// The new handle is owned from the moment it exists (C7).
fn open(path: &Path, how: OpenHow) -> Result<Value, Cause> {
    let mut options = fs::OpenOptions::new();
    options.read(how.read).write(how.write).append(how.append).truncate(how.truncate);
    options.create(how.create).create_new(how.create_new);
    let past_the_cache = if how.direct { FILE_FLAG_NO_BUFFERING } else { 0 };
    let mut flags = FILE_FLAG_OVERLAPPED | past_the_cache;
    if how.directory {
        options.access_mode(FILE_LIST_DIRECTORY);
        flags |= FILE_FLAG_BACKUP_SEMANTICS;
    }
    options.custom_flags(flags);
    if is_pipe(path) {
        // Otherwise whoever serves the name could act in the name of who opens it.
        options.security_qos_flags(SECURITY_IDENTIFICATION);
    }
    let file = options.open(path).map_err(|error| cause(&error))?;
    if how.directory && file.metadata().is_ok_and(|told| !told.is_dir()) {
        return Err(os(ERROR_DIRECTORY));
    }
    Ok(Value::handle(file))
}

/// Whether it is a pipe's name, as in `\\.\pipe\name`.
fn is_pipe(path: &Path) -> bool {
    let mut names = path.as_os_str().as_encoded_bytes().split(|byte| b"\\/".contains(byte));
    let is_share = names.next() == Some(b"") && names.next() == Some(b"");
    is_share && names.nth(1).is_some_and(|name| name.eq_ignore_ascii_case(b"pipe"))
}

fn told(entry: &mut Entry, metadata: io::Result<Metadata>) -> Result<Value, Cause> {
    entry.set_metadata(metadata.map_err(|error| cause(&error))?);
    Ok(Value::Count(0))
}

const NO_PATH: Cause = Cause::Invalid("the operation needs a path");

fn path(entry: &Entry) -> Result<&Path, Cause> {
    entry.path().map(as_path).ok_or(NO_PATH)
}

fn as_path(text: &CStr) -> &Path {
    // SAFETY: `op::c_path` made every path of an operation from the bytes of an `OsStr`, whole or
    // up to a NUL.
    Path::new(unsafe { OsStr::from_encoded_bytes_unchecked(text.to_bytes()) })
}

/// The file that an operation works on, borrowed.
fn file(of: Raw) -> ManuallyDrop<fs::File> {
    // SAFETY: who starts an operation keeps its handle open until the operation has landed, and it
    // is not dropped here.
    ManuallyDrop::new(unsafe { fs::File::from_raw_handle(win32::handle(of)) })
}

fn plain(result: io::Result<()>) -> Result<Value, Cause> {
    result.map(|()| Value::Count(0)).map_err(|error| cause(&error))
}

/// The OS's own word; the standard library refuses some requests itself.
fn cause(error: &io::Error) -> Cause {
    Cause::Os(error.raw_os_error().unwrap_or(ERROR_INVALID_PARAMETER as i32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_is_known_by_its_name() {
        let pipes = [r"\\.\pipe\a", r"\\server\PIPE\a\b", "//./pipe/a"];
        assert!(pipes.iter().all(|name| is_pipe(Path::new(name))));
        let others = [r"C:\pipe\a", r"\\.\COM1", r"\\server\share\pipe", r"\.\pipe\a", "pipe", ""];
        assert!(!others.iter().any(|name| is_pipe(Path::new(name))));
    }
}
