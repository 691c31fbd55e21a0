//! Bounds: a full queue gives back what it cannot take, and loses nothing.

use std::fs;

use rustix::{fd::AsFd, io::Errno};

use super::{
    super::{
        QUEUE,
        work::{Job, Tell, Work},
    },
    Dir, Manner, Rig, code, no_path, open_fifo, path_of, pipe,
};
use crate::{
    backend::{Op, OpenHow, Value},
    iocb::{asked, split},
    op::{Goal, Open, Plan},
};

fn sync(of: impl AsFd) -> Op {
    Op::Sync { of: std::os::fd::AsRawFd::as_raw_fd(&of.as_fd()), data_only: true }
}

// [C14] back-pressure; [C5] a cancel finds what waits, and lets go what runs.
#[test]
fn a_worker_that_is_stuck_and_a_queue_that_is_full() {
    let (mut rig, dir) = (Rig::with(Manner::BEST, 1), Dir::new());
    let file = fs::File::create_new(dir.join("file")).expect("a file");
    let path = dir.fifo();
    let how = OpenHow { read: true, ..OpenHow::default() };
    let request = Open { path: path_of(&path), make: Box::new(|handle| handle) };
    let stuck = rig.start(Op::Open(how), request);
    rig.assert_waits(&stuck);

    let queued: Vec<_> = (0..QUEUE).map(|_| rig.start(sync(&file), no_path())).collect();
    let (over, refused) = rig.try_start(sync(&file), no_path());
    let entry = refused.expect_err("the queue is full");
    // What waits for others finds room still.
    let (reader, writer) = pipe();
    rustix::io::write(&writer, b"x").expect("room");
    let read = rig.read(&reader, None, 8);
    assert_eq!(rig.bytes(read), Ok(b"x".to_vec()));

    for half in &queued[..QUEUE / 2] {
        rig.cancel(half.id());
    }
    rig.cancel(stuck.id());
    rig.backend.submit.submit(entry).expect("room again");
    let mut queued = queued.into_iter();
    for half in queued.by_ref().take(QUEUE / 2) {
        assert_eq!(rig.count(half), Err(code(Errno::CANCELED)));
    }
    rig.assert_waits(&stuck);
    let _writer = open_fifo(&path, fs::OpenOptions::new().write(true));
    assert!(matches!(rig.finish(stuck).1, Ok(Value::Handle(_))));
    for half in queued {
        assert_eq!(rig.count(half), Ok(0));
    }
    assert_eq!(rig.count(over), Ok(0));
}

#[test]
fn a_stream_finds_room_behind_a_full_queue() {
    let (mut rig, dir) = (Rig::with(Manner::PLAIN, 1), Dir::new());
    let file = fs::File::create_new(dir.join("file")).expect("a file");
    let path = dir.fifo();
    let how = OpenHow { read: true, ..OpenHow::default() };
    let request = Open { path: path_of(&path), make: Box::new(|handle| handle) };
    let stuck = rig.start(Op::Open(how), request);
    rig.assert_waits(&stuck);
    let queued: Vec<_> = (0..QUEUE).map(|_| rig.start(sync(&file), no_path())).collect();
    let (reader, writer) = pipe();
    rustix::io::write(&writer, b"xy").expect("room");
    let read = rig.read(&reader, None, 1);
    let lost = rig.read(&reader, None, 1);
    // Both have been handed to the worker, which is stuck: one of them is cancelled on its way.
    rig.assert_waits(&read);
    rig.cancel(lost.id());
    assert_eq!(rig.bytes(lost), Err(code(Errno::CANCELED)));
    let _writer = open_fifo(&path, fs::OpenOptions::new().write(true));
    assert!(matches!(rig.finish(stuck).1, Ok(Value::Handle(_))));
    assert_eq!(rig.bytes(read), Ok(b"x".to_vec()));
    for half in queued {
        assert_eq!(rig.count(half), Ok(0));
    }
}

// [C14] the last worker that cannot be had gives back what nobody will come for.
#[test]
fn a_worker_that_cannot_be_started() {
    let job = || {
        let split = split(asked(&Op::Nop, Plan::new(Goal::Once), None), no_path());
        Job::new(split.entry)
    };
    let mut work = Work::default();
    assert_eq!(work.enqueue(job(), 2), Tell::Hire(1));
    assert_eq!(work.enqueue(job(), 2), Tell::Hire(2));
    assert_eq!(work.enqueue(job(), 2), Tell::Nobody);
    assert!(work.not_hired().is_empty(), "another one will come");
    let unserved = work.not_hired();
    assert_eq!(unserved.len(), 3);
    assert!(work.take().is_none());
}
