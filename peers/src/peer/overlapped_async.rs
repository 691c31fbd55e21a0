//! What the faces that await have in common: the same tasks, under different runtimes.

use std::{fmt::Debug, future::Future, sync::Arc, thread, time::Duration};

use overlapped::{IoBuf, IoBufMut, Pending, Port, fs::File, request};

use super::overlapped_shared::{cached, direct, sink, some_ranges};
use crate::{
    Job, Lacks, Lane, Meter, Page, Work, files,
    job::{RANGES, lacks},
};

/// A runtime with tasks.
pub(super) trait Tasks {
    /// Runs a task for each of `depth` lanes, to their end.
    fn lanes<F>(&self, depth: usize, ops: usize, task: impl FnMut(Lane) -> F)
    where
        F: Future<Output = ()> + Send + 'static;

    /// Starts tasks that are never over.
    fn spawn_all<F>(&self, tasks: impl Iterator<Item = F>)
    where
        F: Future<Output = ()> + Send + 'static;
}

/// Runs a workload with tasks of `tasks` on `port`.
pub(super) fn run(
    job: &Job,
    meter: &mut Meter,
    port: &Port,
    tasks: &impl Tasks,
) -> Result<(), Lacks> {
    match job.work {
        Work::Null(depth) => null(tasks, port, depth, meter, |write| write),
        Work::Deadline(depth) => {
            let deadline = |write: Write| write.deadline(Duration::from_secs(10));
            null(tasks, port, depth, meter, deadline);
        }
        Work::Cached(depth) => read(tasks, cached(port, &job.files), depth, meter, Page::default),
        Work::Direct(depth) => read(tasks, direct(port, &job.files), depth, meter, Page::default),
        Work::Write(depth) => write(tasks, direct(port, &job.files), depth, meter, Page::default),
        Work::Ranges(depth) => ranges(tasks, direct(port, &job.files), depth, meter)?,
        Work::CachedRanges(depth) => ranges(tasks, cached(port, &job.files), depth, meter)?,
        Work::Flying(n) => {
            let idle = files::idle().into_iter();
            let idle: Vec<_> = idle.map(|fd| Arc::new(File::from_owned(port, fd))).collect();
            meter.heap(n, 8, || {
                tasks.spawn_all((0..n).map(|i| {
                    let file = Arc::clone(&idle[i % idle.len()]);
                    async move { drop(file.read_at(vec![0; 8], 0).await) }
                }));
                while port.stats().in_flight < n {
                    thread::yield_now();
                }
            });
            null(tasks, port, 32, meter, |write| write);
            std::mem::forget(idle);
        }
        Work::Nop(_) | Work::Cancel(_) => return lacks(),
    }
    Ok(())
}

type Write = Pending<'static, request::Write<Vec<u8>>>;

pub(super) fn null(
    tasks: &impl Tasks,
    port: &Port,
    depth: usize,
    meter: &mut Meter,
    with: impl Fn(Write) -> Write + Copy + Send + 'static,
) {
    let file = Arc::new(sink(port));
    meter.measure(|ops| {
        tasks.lanes(depth, ops, |lane| {
            let file = Arc::clone(&file);
            async move {
                let mut buf = vec![0; 8];
                for at in lane {
                    let write = with(file.write_at(buf, at));
                    buf = write.await.expect("the null device takes all").buf;
                }
            }
        });
    });
}

pub(super) fn read<B: IoBufMut + Debug + 'static>(
    tasks: &impl Tasks,
    file: File,
    depth: usize,
    meter: &mut Meter,
    buffer: impl Fn() -> B + Clone + Send + 'static,
) {
    let file = Arc::new(file);
    meter.measure(|ops| {
        tasks.lanes(depth, ops, |lane| {
            let (file, buffer) = (Arc::clone(&file), buffer.clone());
            async move {
                let mut buf = buffer();
                for at in lane {
                    buf = file.read_at(buf, at).await.expect("the file is that long").buf;
                }
            }
        });
    });
}

pub(super) fn write<B: IoBuf + Debug + 'static>(
    tasks: &impl Tasks,
    file: File,
    depth: usize,
    meter: &mut Meter,
    buffer: impl Fn() -> B + Clone + Send + 'static,
) {
    let file = Arc::new(file);
    meter.measure(|ops| {
        tasks.lanes(depth, ops, |lane| {
            let (file, buffer) = (Arc::clone(&file), buffer.clone());
            async move {
                let mut buf = buffer();
                for at in lane {
                    buf = file.write_at(buf, at).await.expect("the file is that long").buf;
                }
            }
        });
    });
}

fn ranges(tasks: &impl Tasks, file: File, depth: usize, meter: &mut Meter) -> Result<(), Lacks> {
    let (file, ranges) = (Arc::new(file), Arc::new(some_ranges()));
    if let Some(Err(failed)) = file.read_ranges(&ranges[..1], 1).wait().pop() {
        return Err(Lacks(format!("fails: {failed}")));
    }
    meter.measure_by(RANGES, |ops| {
        tasks.lanes(1, ops / RANGES, |lane| {
            let (file, ranges) = (Arc::clone(&file), Arc::clone(&ranges));
            async move {
                for _ in lane {
                    let outcomes = file.read_ranges(&ranges, depth).await;
                    assert!(outcomes.iter().all(Result::is_ok), "every range is in the file");
                }
            }
        });
    });
    Ok(())
}
