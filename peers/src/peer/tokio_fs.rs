//! tokio's files: each call goes to a thread of its pool.

use std::{future::Future, io::SeekFrom};

use tokio::{
    io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt},
    runtime::Runtime,
    task::JoinHandle,
};

use crate::{Job, Lacks, Lane, Meter, Page, Work, files, job::lacks, lane};

/// tokio's multi-thread runtime, a worker for each processor.
pub(super) struct Pool(Runtime);

impl Pool {
    pub(super) fn new() -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        Self(builder.enable_time().build().expect("threads can be started"))
    }

    /// Runs a task for each of `depth` lanes, to their end.
    pub(super) fn run<F>(&self, depth: usize, ops: usize, task: impl FnMut(Lane) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let tasks = lane::lanes(depth, ops).map(task).map(|task| self.spawn(task));
        let tasks: Vec<_> = tasks.collect();
        self.0.block_on(async {
            for task in tasks {
                task.await.expect("no task panics");
            }
        });
    }

    pub(super) fn spawn<F>(&self, task: F) -> JoinHandle<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.0.spawn(task)
    }
}

pub(super) fn run(job: &Job, meter: &mut Meter) -> Result<(), Lacks> {
    let pool = Pool::new();
    match job.work {
        Work::Null(depth) => meter.measure(|ops| {
            pool.run(depth, ops, |lane| async {
                let mut file = tokio::fs::File::from_std(files::null());
                for _ in lane {
                    file.write_all(&[0; 8]).await.expect("the null device takes all");
                    file.flush().await.expect("the null device takes all");
                }
            });
        }),
        Work::Cached(depth) => meter.measure(|ops| {
            pool.run(depth, ops, |lane| {
                let file = job.files.open_cached();
                async move {
                    let mut file = tokio::fs::File::from_std(file);
                    let mut buf = Page::default();
                    for at in lane {
                        file.seek(SeekFrom::Start(at)).await.expect("a file can seek");
                        file.read_exact(&mut buf).await.expect("the file is that long");
                    }
                }
            });
        }),
        // Its own buffer is not aligned as direct I/O asks.
        _ => return lacks(),
    }
    Ok(())
}
