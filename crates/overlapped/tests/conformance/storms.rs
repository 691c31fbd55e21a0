//! Direct reads into probes, abandoned in the middle: does the kernel write too late?

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use overlapped::{
    AlignedBuf, Pending, Port,
    fs::{File, OpenOptions},
    request::Read,
};

use crate::probe::{Probe, Remains};

/// What the file holds; neither what a fresh probe holds nor what a released one does.
const CONTENT: u8 = 7;

/// The latest write that was ever seen came 64 ms after the ring was closed.
pub(crate) const AFTERMATH: Duration = Duration::from_millis(200);

const LONG: Duration = Duration::from_secs(40);

/// Writes `len` bytes to a new file at `path`. Why it cannot be read directly, if it cannot.
pub(crate) fn prepare(port: &Port, path: &Path, len: usize) -> Result<(), String> {
    let file = File::create(port, path).wait().expect("a file");
    file.write_all_sync_at(vec![CONTENT; len], 0, false).wait().expect("a write");
    let direct = open(port, path).map_err(|error| format!("no direct I/O here: {error}"))?;
    let alignment = direct.alignment().expect("what direct I/O asks for");
    let probe = AlignedBuf::new(4096.max(alignment.offset), 4096.max(alignment.memory));
    let read = direct.read_at(probe, 0).wait();
    read.map(drop).map_err(|failed| format!("no direct I/O here: {failed}"))
}

pub(crate) fn open(port: &Port, path: &Path) -> Result<File, overlapped::Error> {
    OpenOptions::new().read(true).direct(true).open(port, path).wait()
}

/// Reads in flight, and what will be left of their buffers.
pub(crate) struct Storm {
    pub(crate) reads: Vec<Pending<'static, Read<Probe>>>,
    pub(crate) remains: Vec<Remains>,
}

/// Starts `count` reads of `len` bytes.
pub(crate) fn start(file: &File, count: usize, len: usize) -> Storm {
    let mut storm = Storm { reads: Vec::new(), remains: Vec::new() };
    for i in 0..count {
        let (probe, remains) = Probe::new(len);
        storm.reads.push(file.read_at(probe, (i * len) as u64));
        storm.remains.push(remains);
    }
    storm
}

impl Storm {
    /// Drops every second read in flight and takes the outcomes of the others.
    pub(crate) fn abandon(&mut self) {
        let reads = self.reads.drain(..).enumerate();
        let (dropped, kept): (Vec<_>, Vec<_>) = reads.partition(|(i, _)| i % 2 == 0);
        drop(dropped);
        for (i, read) in kept {
            let outcome = read.wait_timeout(LONG).expect("its outcome comes, port or not");
            match outcome {
                Ok(done) => {
                    let got = overlapped::IoBuf::as_slice(&done.buf);
                    let whole = got[..done.n].iter().all(|&byte| byte == CONTENT);
                    assert!(whole && done.n > 0, "read {i} has brought the file's bytes");
                }
                Err(failed) => assert!(failed.error.is_cancelled(), "{failed}"),
            }
        }
    }

    /// Waits until all buffers are released, looking at each when it is; how many bytes were
    /// written late by then.
    pub(crate) fn drained(&self) -> usize {
        let start = Instant::now();
        let mut late = 0;
        let mut waiting: Vec<_> = self.remains.iter().collect();
        while !waiting.is_empty() {
            assert!(start.elapsed() < LONG, "{} buffers are never released", waiting.len());
            thread::sleep(Duration::from_millis(1));
            let (over, rest): (Vec<_>, Vec<_>) =
                waiting.into_iter().partition(|remains| remains.is_released());
            late += over.into_iter().map(Remains::written_late).sum::<usize>();
            waiting = rest;
        }
        late + self.written_late()
    }

    /// How many bytes were written after the release.
    pub(crate) fn written_late(&self) -> usize {
        self.remains.iter().map(Remains::written_late).sum()
    }
}
