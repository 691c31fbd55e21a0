//! When both halves are gone the threads end, and what still waited is answered.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use super::{Dir, LIMIT, MOMENT, Manner, Rig, Shared, open_fifo, path_of, pipe};
use crate::{
    backend::{Cause, Op, OpenHow},
    op::Open,
};

fn assert_gone(shared: &std::sync::Weak<Shared>) {
    let start = Instant::now();
    while shared.strong_count() > 0 {
        assert!(start.elapsed() < LIMIT, "the threads must end");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn threads_that_have_nothing_to_do() {
    let mut rig = Rig::new();
    let (reader, writer) = pipe();
    rustix::io::write(&writer, b"x").expect("room");
    let read = rig.read(&reader, None, 8);
    assert_eq!(rig.bytes(read), Ok(b"x".to_vec()));
    let nothing = rig.read(&reader, None, 0);
    assert_eq!(rig.bytes(nothing), Ok(Vec::new()));
    let shared = rig.shared.clone();
    drop(rig);
    assert_gone(&shared);
}

// [C2] what a worker performs stays with it; what only waits is let go.
#[test]
fn what_still_waits_and_what_still_runs() {
    let (mut rig, dir) = (Rig::with(Manner::BEST, 1), Dir::new());
    let path = dir.fifo();
    let how = OpenHow { read: true, ..OpenHow::default() };
    let request = || Open { path: path_of(&path), make: Box::new(|handle| handle) };
    let runs = rig.start(Op::Open(how), request());
    rig.assert_waits(&runs);
    let queued = rig.start(Op::Open(how), request());
    let (reader, _writer) = pipe();
    let waits = rig.read(&reader, None, 8);
    rig.assert_waits(&waits);
    let shared = rig.shared.clone();
    drop(rig);
    let start = Instant::now();
    while !(queued.is_landed() && waits.is_landed()) {
        assert!(start.elapsed() < LIMIT, "what waits must be answered");
        thread::sleep(Duration::from_millis(1));
    }
    assert!(matches!(waits.take("threads", |_, outcome| outcome.answer), Err(Cause::Abandoned)));
    assert!(matches!(queued.take("threads", |_, outcome| outcome.answer), Err(Cause::Abandoned)));
    thread::sleep(MOMENT);
    assert!(!runs.is_landed(), "nobody may touch what still runs");
    let _writer = open_fifo(&path, fs::OpenOptions::new().write(true));
    assert_gone(&shared);
    assert!(runs.is_landed());
}

#[test]
fn a_wait_is_woken_and_times_out() {
    let mut rig = Rig::new();
    let start = Instant::now();
    assert_eq!(rig.land(MOMENT), 0);
    assert!(start.elapsed() >= MOMENT);
    // Before there is a wait: the next one returns.
    rig.backend.submit.wake();
    let start = Instant::now();
    assert_eq!(rig.land(LIMIT), 0);
    assert!(start.elapsed() < LIMIT);
    let Rig { mut backend, .. } = rig;
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(MOMENT);
            backend.submit.wake();
        });
        let mut out = Vec::new();
        backend.reap.wait(None, &mut out).expect("a wait");
        assert!(out.is_empty());
    });
}
