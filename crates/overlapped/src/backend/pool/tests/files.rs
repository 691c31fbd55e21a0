//! Files and paths.

use std::{fs, os::fd::AsRawFd};

use rustix::io::Errno;

use super::{Dir, NOWHERE, Rig, at_path, code, no_path, path_of};
use crate::{
    backend::{Op, OpenHow, Value},
    buf::{DrainMany, Fill, FillMany, PathPair, StatOut},
    handle::Kind,
    op::{MakePath, Open, Read, ReadMany, Stat, WriteMany},
};

fn file(dir: &Dir) -> fs::File {
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create_new(true).open(dir.join("file")).expect("a file")
}

// [C3] the count is the OS's own, a short one included.
#[test]
fn bytes_at_offsets() {
    let (mut rig, dir) = (Rig::new(), Dir::new());
    let file = file(&dir);
    let written = rig.write(&file, Some(3), b"hello");
    assert_eq!(rig.count(written), Ok(5));
    let read = rig.read(&file, Some(4), 16);
    assert_eq!(rig.bytes(read), Ok(b"ello".to_vec()));
    let end = rig.read(&file, Some(8), 16);
    assert_eq!(rig.bytes(end), Ok(Vec::new()));
}

#[test]
fn several_buffers_at_an_offset() {
    let (mut rig, dir) = (Rig::new(), Dir::new());
    let file = file(&dir);
    let raw = file.as_raw_fd();
    let bufs = DrainMany::new(vec![b"ab".to_vec(), Vec::new(), b"cde".to_vec()]);
    let op = Op::Write { to: raw, at: Some(1) };
    let written = rig.start(op, WriteMany { bufs });
    assert_eq!(rig.count(written), Ok(5));
    let bufs = FillMany::new(vec![vec![0; 3], vec![0; 9]]);
    let read = rig.start(Op::Read { from: raw, at: Some(0) }, ReadMany { bufs });
    let (read, answer) = rig.finish(read);
    assert!(matches!(answer, Ok(Value::Count(6))));
    assert_eq!(read.bufs.bufs[0], b"\0ab");
    assert_eq!(read.bufs.bufs[1][..3], *b"cde");
}

// [C7] a new handle arrives typed, the moment it is reaped.
#[test]
fn a_path_becomes_a_handle() {
    let (mut rig, dir) = (Rig::new(), Dir::new());
    let how = OpenHow { write: true, create_new: true, mode: 0o640, ..OpenHow::default() };
    let path = path_of(&dir.join("new"));
    let made = rig.start(Op::Open(how), Open { path, make: Box::new(|handle| handle) });
    let Ok(Value::Handle(handle)) = rig.finish(made).1 else {
        panic!("a handle");
    };
    let written = rig.write(handle.os().expect("the OS's own"), Some(0), b"x");
    assert_eq!(rig.count(written), Ok(1));
    let path = path_of(&dir.join("new"));
    let again = rig.start(Op::Open(how), Open { path, make: Box::new(|handle| handle) });
    assert_eq!(rig.count(again), Err(code(Errno::EXIST)));
    let path = path_of(&dir.join("absent"));
    let how = OpenHow { read: true, ..OpenHow::default() };
    let absent = rig.start(Op::Open(how), Open { path, make: Box::new(|handle| handle) });
    assert_eq!(rig.count(absent), Err(code(Errno::NOENT)));
}

#[test]
fn length_room_and_sync() {
    let (mut rig, dir) = (Rig::new(), Dir::new());
    let file = file(&dir);
    let of = file.as_raw_fd();
    let mut run = |op| {
        let half = rig.start(op, no_path());
        rig.count(half)
    };
    assert_eq!(run(Op::SetLen { of, len: 100 }), Ok(0));
    assert_eq!(run(Op::Allocate { of, at: 0, len: 8192 }), Ok(0));
    assert_eq!(run(Op::Sync { of, data_only: false }), Ok(0));
    assert_eq!(run(Op::Sync { of, data_only: true }), Ok(0));
    assert_eq!(run(Op::SetLen { of, len: u64::MAX }), Err(code(Errno::INVAL)));
    assert_eq!(run(Op::Nop), Ok(0));
    assert_eq!(file.metadata().expect("metadata").len(), 8192);
}

#[test]
fn metadata_by_handle_and_by_path() {
    let (mut rig, dir) = (Rig::new(), Dir::new());
    let file = file(&dir);
    file.set_len(77).expect("a length");
    let by_handle = Stat { out: StatOut::new(None) };
    let by_handle = rig.start(Op::Stat { of: Some(file.as_raw_fd()) }, by_handle);
    let by_path = Stat { out: StatOut::new(Some(path_of(&dir.join("file")).0)) };
    let by_path = rig.start(Op::Stat { of: None }, by_path);
    let answers = [by_handle, by_path].map(|half| rig.finish(half).0.out.scratch.answer);
    assert_eq!(answers[0], answers[1]);
    let metadata = answers[0].clone().expect("metadata");
    assert_eq!((metadata.kind, metadata.len, metadata.links), (Kind::File, 77, 1));
    assert_eq!(metadata.modified, file.metadata().and_then(|std| std.modified()).ok());
    let absent = Stat { out: StatOut::new(Some(path_of(&dir.join("absent")).0)) };
    let absent = rig.start(Op::Stat { of: None }, absent);
    assert_eq!(rig.count(absent), Err(code(Errno::NOENT)));
}

#[test]
fn the_older_status_calls_say_the_same() {
    let dir = Dir::new();
    let file = file(&dir);
    file.set_len(5000).expect("a length");
    let old = rustix::fs::fstat(&file).expect("a status");
    let new = super::super::stat::of_handle(rustix::fd::AsFd::as_fd(&file)).expect("a status");
    let old = super::super::stat::metadata(&old);
    assert_eq!(crate::handle::Metadata { direct: None, ..new }, old);
}

#[test]
fn directories_and_names() {
    let (mut rig, dir) = (Rig::new(), Dir::new());
    let (one, two) = (dir.join("one"), dir.join("two"));
    let made = rig.start(Op::CreateDir { mode: 0o700 }, at_path(&one));
    assert_eq!(rig.count(made), Ok(0));
    let paths = PathPair(path_of(&one).0, path_of(&two).0);
    let renamed = rig.start(Op::Rename, MakePath { paths });
    assert_eq!(rig.count(renamed), Ok(0));
    fs::write(two.join("file"), b"").expect("a file");
    let full = rig.start(Op::Unlink { directory: true }, at_path(&two));
    assert_eq!(rig.count(full), Err(code(Errno::NOTEMPTY)));
    let removed = rig.start(Op::Unlink { directory: false }, at_path(&two.join("file")));
    assert_eq!(rig.count(removed), Ok(0));
    let removed = rig.start(Op::Unlink { directory: true }, at_path(&two));
    assert_eq!(rig.count(removed), Ok(0));
    assert!(!two.exists());
}

#[test]
fn a_handle_that_is_none() {
    let mut rig = Rig::new();
    for from in [NOWHERE, -1, i32::MIN] {
        for at in [Some(0), None] {
            let request = Read { buf: Fill(vec![0; 8]) };
            let read = rig.start(Op::Read { from, at }, request);
            assert_eq!(rig.count(read), Err(code(Errno::BADF)), "{from} {at:?}");
        }
    }
}
