//! The shared port from a plain thread that blocks.

use std::{collections::VecDeque, time::Duration};

use overlapped::{Pending, Port, fs::File, pipe, request};

use crate::{
    Job, Lacks, Lane, Meter, Page, Work,
    files::{self, Files},
    job::{RANGES, lacks},
    page::SIZE,
};

pub(super) fn run(job: &Job, meter: &mut Meter) -> Result<(), Lacks> {
    let port = Port::builder().build().expect("the machine that is measured has io_uring");
    match job.work {
        Work::Nop(_) => return lacks(),
        Work::Null(depth) => null(&port, depth, meter, |write| write),
        Work::Deadline(depth) => {
            null(&port, depth, meter, |write| write.deadline(Duration::from_secs(10)));
        }
        Work::Cached(depth) => read(&cached(&port, &job.files), depth, meter),
        Work::Direct(depth) => read(&direct(&port, &job.files), depth, meter),
        Work::Write(depth) => write(&direct(&port, &job.files), depth, meter),
        Work::Ranges(depth) => ranges(&direct(&port, &job.files), depth, meter)?,
        Work::CachedRanges(depth) => ranges(&cached(&port, &job.files), depth, meter)?,
        Work::Cancel(n) => cancel(&port, n, meter)?,
        Work::Flying(n) => flying(&port, n, meter),
    }
    Ok(())
}

pub(super) fn cached(port: &Port, files: &Files) -> File {
    File::from_owned(port, files.open_cached())
}

pub(super) fn direct(port: &Port, files: &Files) -> File {
    File::from_owned(port, files.open_direct())
}

pub(super) fn sink(port: &Port) -> File {
    File::from_owned(port, files::null())
}

/// Keeps `depth` operations in flight: waits for the oldest, starts the next with its buffer.
fn drive<P, B>(
    bufs: &mut Vec<B>,
    ops: usize,
    mut start: impl FnMut(B, u64) -> P,
    mut wait: impl FnMut(P) -> B,
) {
    let mut lane = Lane::new(0, ops);
    let mut flying = VecDeque::with_capacity(bufs.len());
    for buf in bufs.drain(..) {
        match lane.next() {
            Some(at) => flying.push_back(start(buf, at)),
            None => break,
        }
    }
    while let Some(oldest) = flying.pop_front() {
        let buf = wait(oldest);
        match lane.next() {
            Some(at) => flying.push_back(start(buf, at)),
            None => bufs.push(buf),
        }
    }
}

type Write = Pending<'static, request::Write<Vec<u8>>>;

fn null(port: &Port, depth: usize, meter: &mut Meter, with: impl Fn(Write) -> Write) {
    let file = sink(port);
    let mut bufs: Vec<_> = (0..depth).map(|_| vec![0; 8]).collect();
    meter.measure(|ops| {
        let start = |buf, at| with(file.write_at(buf, at));
        drive(&mut bufs, ops, start, |write| write.wait().expect("the null device takes all").buf);
    });
}

fn read(file: &File, depth: usize, meter: &mut Meter) {
    let mut bufs: Vec<_> = (0..depth).map(|_| Page::default()).collect();
    meter.measure(|ops| {
        let start = |buf, at| file.read_at(buf, at);
        drive(&mut bufs, ops, start, |read| read.wait().expect("the file is that long").buf);
    });
}

fn write(file: &File, depth: usize, meter: &mut Meter) {
    let mut bufs: Vec<_> = (0..depth).map(|_| Page::default()).collect();
    meter.measure(|ops| {
        let start = |buf, at| file.write_at(buf, at);
        drive(&mut bufs, ops, start, |write| write.wait().expect("the file is that long").buf);
    });
}

pub(super) fn some_ranges() -> Vec<(u64, usize)> {
    Lane::new(0, RANGES).map(|at| (at, SIZE)).collect()
}

fn ranges(file: &File, depth: usize, meter: &mut Meter) -> Result<(), Lacks> {
    let ranges = some_ranges();
    if let Some(Err(failed)) = file.read_ranges(&ranges[..1], 1).wait().pop() {
        return Err(Lacks(format!("fails: {failed}")));
    }
    meter.measure_by(RANGES, |ops| {
        for _ in 0..ops / RANGES {
            let outcomes = file.read_ranges(&ranges, depth).wait();
            assert!(outcomes.iter().all(Result::is_ok), "every range is in the file");
        }
    });
    Ok(())
}

fn cancel(port: &Port, n: usize, meter: &mut Meter) -> Result<(), Lacks> {
    let (readers, _writer) = files::idle_pipe(n).map_err(|e| Lacks(e.to_string()))?;
    let reader = |fd| pipe::Reader::from_owned(port, fd);
    let readers: Vec<_> = readers.into_iter().map(reader).collect();
    let reads: Vec<_> = readers.iter().map(|reader| reader.read(vec![0; 8])).collect();
    meter.once(n, || {
        reads.iter().for_each(Pending::cancel);
        for read in reads {
            let failed = read.wait().expect_err("nobody writes to the pipe");
            assert!(failed.error.is_cancelled(), "{failed}");
        }
    });
    Ok(())
}

fn flying(port: &Port, n: usize, meter: &mut Meter) {
    let idle = files::idle().into_iter().map(|fd| File::from_owned(port, fd));
    let idle: Vec<File> = idle.collect();
    let reads = meter.heap(n, 8, || {
        let start = |i: usize| idle[i % idle.len()].read_at(vec![0; 8], 0);
        (0..n).map(start).collect::<Vec<_>>()
    });
    assert_eq!(port.stats().in_flight, n, "nobody signals the eventfds");
    null(port, 32, meter, |write| write);
    // The process ends with these in flight.
    std::mem::forget((idle, reads));
}
