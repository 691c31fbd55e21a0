//! Direct reads, of which the port or the handles are dropped: the disk goes on for a while.

use std::{thread, time::Instant};

use overlapped::{Port, backend::Kind, fs::File};

use crate::{
    port, scaled,
    scratch::Scratch,
    storms::{self, AFTERMATH, Storm},
};

const COUNT: usize = 64;
const LEN: usize = 1 << 20;

/// How much the reads cover.
pub(crate) const SIZE: usize = COUNT * LEN;

/// All of them.
pub(crate) fn start(file: &File) -> Storm {
    storms::start(file, COUNT, LEN)
}

/// What was released and may only be judged some time later.
#[derive(Default)]
pub(crate) struct Aftermaths(Vec<(Instant, Storm)>);

impl Aftermaths {
    pub(crate) fn add(&mut self, storm: Storm) {
        self.0.push((Instant::now(), storm));
    }

    /// Judges those whose time has come, or waits for all.
    pub(crate) fn judge(&mut self, all: bool) {
        self.0.retain(|(released, storm)| {
            if all {
                thread::sleep(AFTERMATH.saturating_sub(released.elapsed()));
            }
            if released.elapsed() < AFTERMATH {
                return true;
            }
            assert_eq!(storm.written_late(), 0, "bytes written late, after {AFTERMATH:?}");
            false
        });
    }
}

pub(crate) fn port_dropped(kind: Kind) {
    storm(kind, scaled(50), drop);
}

pub(crate) fn reads_dropped(kind: Kind) {
    storm(kind, scaled(10), |port| {
        // It lives on for a while, and is dropped when nothing flies any more.
        thread::spawn(move || {
            thread::sleep(AFTERMATH);
            drop(port);
        });
    });
}

fn storm(kind: Kind, runs: u64, end: impl Fn(Port)) {
    let scratch = Scratch::new();
    let path = scratch.path().join("direct");
    let Some(first) = port(kind) else { return };
    if let Err(reason) = storms::prepare(&first, &path, SIZE) {
        eprintln!("skipped: {reason}");
        return;
    }
    let mut aftermaths = Aftermaths::default();
    let begun = Instant::now();
    for run in 0..runs {
        let port = port(kind).expect("there was one before");
        let file = storms::open(&port, &path).expect("it was opened before");
        let mut storm = start(&file);
        drop(file);
        end(port);
        storm.abandon();
        assert_eq!(storm.drained(), 0, "bytes written late, at the drain of run {run}");
        aftermaths.add(storm);
        aftermaths.judge(false);
    }
    aftermaths.judge(true);
    eprintln!("{kind}: {runs} runs, no byte written late, {:?}", begun.elapsed());
}
