//! The local port under its runtime.

use std::{future::Future, io};

use overlapped::{Pending, Port, Runtime, fs::File, pipe};

use super::overlapped_async::{self, Tasks};
use crate::{Job, Lacks, Lane, Meter, Work, files, lane};

pub(super) fn run(job: &Job, meter: &mut Meter) -> Result<(), Lacks> {
    run_on(Runtime::new(), job, meter)
}

pub(super) fn run_on(
    runtime: io::Result<Runtime>,
    job: &Job,
    meter: &mut Meter,
) -> Result<(), Lacks> {
    let runtime = runtime.expect("the machine that is measured has io_uring");
    let port = runtime.port().clone();
    let done = match job.work {
        Work::Nop(depth) => {
            nop(&runtime, &port, depth, meter);
            Ok(())
        }
        Work::Cancel(n) => cancel(&runtime, &port, n, meter),
        Work::Flying(n) => {
            flying(&runtime, &port, n, meter);
            Ok(())
        }
        _ => overlapped_async::run(job, meter, &port, &runtime),
    };
    // The process may end with operations that are not over.
    std::mem::forget(runtime);
    done
}

impl Tasks for Runtime {
    fn lanes<F>(&self, depth: usize, ops: usize, task: impl FnMut(Lane) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let tasks: Vec<_> = lane::lanes(depth, ops).map(task).map(|it| self.spawn(it)).collect();
        self.block_on(async {
            for task in tasks {
                task.await;
            }
        });
    }

    fn spawn_all<F>(&self, tasks: impl Iterator<Item = F>)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        tasks.for_each(|task| self.spawn(task).detach());
    }
}

fn nop(runtime: &Runtime, port: &Port, depth: usize, meter: &mut Meter) {
    meter.measure(|ops| {
        runtime.lanes(depth, ops, |lane| {
            let port = port.clone();
            async move {
                for _ in lane {
                    port.nop().await.expect("nothing can go wrong with it");
                }
            }
        });
    });
}

fn cancel(runtime: &Runtime, port: &Port, n: usize, meter: &mut Meter) -> Result<(), Lacks> {
    let (readers, _writer) = files::idle_pipe(n).map_err(|e| Lacks(e.to_string()))?;
    let reader = |fd| pipe::Reader::from_owned(port, fd);
    let readers: Vec<_> = readers.into_iter().map(reader).collect();
    let reads: Vec<_> = readers.iter().map(|reader| reader.read(vec![0; 8])).collect();
    port.submit();
    meter.once(n, || {
        reads.iter().for_each(Pending::cancel);
        runtime.block_on(async {
            for read in reads {
                let failed = read.await.expect_err("nobody writes to the pipe");
                assert!(failed.error.is_cancelled(), "{failed}");
            }
        });
    });
    Ok(())
}

/// Nothing asks for a task to start a read, so there is none.
fn flying(runtime: &Runtime, port: &Port, n: usize, meter: &mut Meter) {
    let idle: Vec<_> = files::idle().into_iter().map(|fd| File::from_owned(port, fd)).collect();
    let reads = meter.heap(n, 8, || {
        let start = |i: usize| idle[i % idle.len()].read_at(vec![0; 8], 0);
        let reads = (0..n).map(start).collect::<Vec<_>>();
        port.submit();
        reads
    });
    assert_eq!(port.stats().in_flight, n, "nobody signals the eventfds");
    overlapped_async::null(runtime, port, 32, meter, |write| write);
    std::mem::forget((idle, reads));
}
