//! The shared port with buffers that are lent from the stack.

use std::{io, time::Duration};

use overlapped::{Pending, Port, fs::File};

use super::overlapped_shared::{cached, direct, sink};
use crate::{Job, Lacks, Lane, Meter, Page, Work, job::lacks};

pub(super) fn run(job: &Job, meter: &mut Meter) -> Result<(), Lacks> {
    let port = Port::builder().build().expect("the machine that is measured has io_uring");
    match job.work {
        Work::Null(depth) => null(&port, depth, None, meter),
        Work::Deadline(depth) => null(&port, depth, Some(Duration::from_secs(10)), meter),
        Work::Cached(depth) => read(&port, &cached(&port, &job.files), depth, meter),
        Work::Direct(depth) => read(&port, &direct(&port, &job.files), depth, meter),
        Work::Write(depth) => write(&port, &direct(&port, &job.files), depth, meter),
        _ => return lacks(),
    }
    Ok(())
}

/// Starts one operation with each buffer, and waits for all; the vector is for their handles.
fn null(port: &Port, depth: usize, deadline: Option<Duration>, meter: &mut Meter) {
    let file = sink(port);
    let buf = [0; 8];
    meter.measure(|ops| {
        let mut lane = Lane::new(0, ops);
        for _ in 0..ops.div_ceil(depth) {
            let batch = lane.by_ref().take(depth);
            let done: io::Result<()> = port.scope(|s| {
                let start = |at| {
                    let write = s.write_at(&file, &buf, at);
                    deadline.into_iter().fold(write, Pending::deadline)
                };
                let mut writes: Vec<_> = batch.map(start).collect();
                writes.drain(..).try_for_each(|write| Ok(write.wait().map(drop)?))
            });
            done.expect("the null device takes all");
        }
    });
}

fn read(port: &Port, file: &File, depth: usize, meter: &mut Meter) {
    let mut pages: Vec<_> = (0..depth).map(|_| Page::default()).collect();
    meter.measure(|ops| {
        let mut lane = Lane::new(0, ops);
        for _ in 0..ops.div_ceil(depth) {
            let batch = pages.iter_mut().zip(lane.by_ref());
            let done: io::Result<()> = port.scope(|s| {
                let mut reads: Vec<_> = batch.map(|(page, at)| s.read_at(file, page, at)).collect();
                reads.drain(..).try_for_each(|read| Ok(read.wait().map(drop)?))
            });
            done.expect("the file is that long");
        }
    });
}

fn write(port: &Port, file: &File, depth: usize, meter: &mut Meter) {
    let pages: Vec<_> = (0..depth).map(|_| Page::default()).collect();
    meter.measure(|ops| {
        let mut lane = Lane::new(0, ops);
        for _ in 0..ops.div_ceil(depth) {
            let batch = pages.iter().zip(lane.by_ref());
            let done: io::Result<()> = port.scope(|s| {
                let mut writes: Vec<_> =
                    batch.map(|(page, at)| s.write_at(file, page, at)).collect();
                writes.drain(..).try_for_each(|write| Ok(write.wait().map(drop)?))
            });
            done.expect("the file is that long");
        }
    });
}
