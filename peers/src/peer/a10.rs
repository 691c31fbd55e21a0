//! a10: a ring that the program polls, here beside the futures of one thread.

use std::{
    future::Future,
    os::fd::OwnedFd,
    pin::pin,
    task::{Context, Poll, Waker},
};

use a10::{AsyncFd, Extract, Ring, SubmissionQueue};
use futures_util::{Stream, stream::FuturesUnordered};

use crate::{Job, Lacks, Meter, Page, Work, files, job::lacks, lane};

pub(super) fn run(job: &Job, meter: &mut Meter) -> Result<(), Lacks> {
    let ring = Ring::config().single_issuer().defer_task_run().with_submission_queue_size(256);
    let mut ring = ring.build().expect("the machine that is measured has io_uring");
    let sq = ring.sq();
    match job.work {
        Work::Null(depth) => null(&mut ring, &sq, depth, meter),
        Work::Cached(depth) => read(&mut ring, sq, job.files.open_cached(), depth, meter),
        Work::Direct(depth) => read(&mut ring, sq, job.files.open_direct(), depth, meter),
        Work::Write(depth) => {
            let file = AsyncFd::new(job.files.open_direct().into(), sq);
            meter.measure(|ops| {
                let task = async |lane| {
                    let mut buf = Page::default();
                    for at in lane {
                        let write = file.write(buf).at(at).extract();
                        buf = write.await.expect("the file is that long").0;
                    }
                };
                drive(&mut ring, lane::lanes(depth, ops).map(task));
            });
        }
        Work::Flying(n) => {
            let idle = files::idle().into_iter().map(|fd| AsyncFd::new(fd, sq.clone()));
            let idle: Vec<_> = idle.collect();
            let reads = meter.heap(n, 8, || {
                let task =
                    async |i: usize| drop(idle[i % idle.len()].read(Vec::with_capacity(8)).await);
                let mut reads: FuturesUnordered<_> = (0..n).map(task).collect();
                // What finds the queue full is polled again when there is room.
                for _ in 0..=n / 128 {
                    assert!(turn(&mut reads).is_pending(), "nobody signals the eventfds");
                    ring.poll(Some(std::time::Duration::ZERO)).expect("the ring works");
                }
                reads
            });
            null(&mut ring, &sq, 32, meter);
            std::mem::forget((reads, ring));
        }
        _ => return lacks(),
    }
    Ok(())
}

/// Runs all futures to their end.
fn drive<F: Future<Output = ()>>(ring: &mut Ring, tasks: impl Iterator<Item = F>) {
    let mut tasks: FuturesUnordered<F> = tasks.collect();
    while !tasks.is_empty() {
        if turn(&mut tasks).is_pending() {
            ring.poll(None).expect("the ring works");
        }
    }
}

fn turn<F: Future<Output = ()>>(tasks: &mut FuturesUnordered<F>) -> Poll<Option<()>> {
    pin!(tasks).poll_next(&mut Context::from_waker(Waker::noop()))
}

fn null(ring: &mut Ring, sq: &SubmissionQueue, depth: usize, meter: &mut Meter) {
    let file = AsyncFd::new(OwnedFd::from(files::null()), sq.clone());
    meter.measure(|ops| {
        let task = async |lane| {
            let mut buf = vec![0; 8];
            for at in lane {
                let write = file.write(buf).at(at).extract();
                buf = write.await.expect("the null device takes all").0;
            }
        };
        drive(ring, lane::lanes(depth, ops).map(task));
    });
}

fn read(
    ring: &mut Ring,
    sq: SubmissionQueue,
    file: std::fs::File,
    depth: usize,
    meter: &mut Meter,
) {
    let file = AsyncFd::new(file.into(), sq);
    meter.measure(|ops| {
        let task = async |lane| {
            let mut buf = Page::default();
            for at in lane {
                buf = file.read(buf).from(at).await.expect("the file is that long");
            }
        };
        drive(ring, lane::lanes(depth, ops).map(task));
    });
}
