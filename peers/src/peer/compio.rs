//! compio: a runtime per thread.

use std::{
    future::Future,
    os::fd::{FromRawFd, IntoRawFd, OwnedFd},
    time::Duration,
};

use compio::{
    buf::BufResult,
    driver::{OpCode, OpEntry, ProactorBuilder},
    fs::File,
    io::{AsyncReadAt, AsyncWriteAt},
    runtime::{Runtime, RuntimeBuilder, submit},
    time::timeout,
};
use io_uring::opcode;

use crate::{Job, Lacks, Lane, Meter, Page, Work, files, job::lacks, lane};

pub(super) fn run(job: &Job, meter: &mut Meter) -> Result<(), Lacks> {
    let local = Local::new();
    match job.work {
        Work::Nop(depth) => meter.measure(|ops| {
            local.lanes(depth, ops, |lane| async {
                for _ in lane {
                    submit(Nop).await.0.expect("nothing can be done");
                }
            });
        }),
        Work::Null(depth) => null(&local, depth, meter),
        Work::Deadline(depth) => {
            let file = local.file(files::null().into());
            meter.measure(|ops| {
                local.lanes(depth, ops, |lane| {
                    let file = file.clone();
                    async move {
                        let mut buf = vec![0; 8];
                        for at in lane {
                            let mut file = &file;
                            let write = timeout(Duration::from_secs(10), file.write_at(buf, at));
                            buf = write.await.expect("the deadline is far away").1;
                        }
                    }
                });
            });
        }
        Work::Cached(depth) => read(&local, job.files.open_cached(), depth, meter),
        Work::Direct(depth) => read(&local, job.files.open_direct(), depth, meter),
        Work::Write(depth) => {
            let file = local.file(job.files.open_direct().into());
            meter.measure(|ops| {
                local.lanes(depth, ops, |lane| {
                    let file = file.clone();
                    async move {
                        let mut buf = Page::default();
                        for at in lane {
                            let BufResult(result, page) = (&file).write_at(buf, at).await;
                            result.expect("the file is that long");
                            buf = page;
                        }
                    }
                });
            });
        }
        Work::Cancel(_) => {
            // `with_cancel` finds its token by comparing the addresses of functions, which an
            // optimised build has more than once.
            return Err(Lacks("a cancel token has no effect in an optimised build".to_owned()));
        }
        Work::Flying(n) => {
            let idle: Vec<_> = files::idle().into_iter().map(|fd| local.file(fd)).collect();
            meter.heap(n, 8, || {
                local.0.block_on(async {
                    for i in 0..n {
                        let file = idle[i % idle.len()].clone();
                        let read = async move { drop(file.read_at(vec![0; 8], 0).await) };
                        compio::runtime::spawn(read).detach();
                    }
                    // It comes after those in the queue.
                    let nop = compio::runtime::spawn(async { submit(Nop).await.0 });
                    nop.await.expect("no task panics").expect("nothing can be done");
                });
            });
            null(&local, 32, meter);
            std::mem::forget((local, idle));
        }
        _ => return lacks(),
    }
    Ok(())
}

/// compio has no such operation; its interface lets one be added.
struct Nop;

// SAFETY: it lends nothing.
unsafe impl OpCode for Nop {
    type Control = ();

    fn create_entry(&mut self, (): &mut ()) -> OpEntry {
        opcode::Nop::new().build().into()
    }
}

struct Local(Runtime);

impl Local {
    fn new() -> Self {
        let mut ring = ProactorBuilder::new();
        ring.capacity(256).single_issuer(true).defer_taskrun(true);
        let runtime = RuntimeBuilder::new().with_proactor(ring).build();
        Self(runtime.expect("the machine that is measured has io_uring"))
    }

    fn file(&self, file: OwnedFd) -> File {
        // SAFETY: the descriptor is open and given away.
        self.0.enter(|| unsafe { File::from_raw_fd(file.into_raw_fd()) })
    }

    fn lanes<F>(&self, depth: usize, ops: usize, mut task: impl FnMut(Lane) -> F)
    where
        F: Future<Output = ()> + 'static,
    {
        self.0.block_on(async {
            let tasks = lane::lanes(depth, ops).map(|lane| compio::runtime::spawn(task(lane)));
            for task in tasks.collect::<Vec<_>>() {
                task.await.expect("no task panics");
            }
        });
    }
}

fn null(local: &Local, depth: usize, meter: &mut Meter) {
    let file = local.file(files::null().into());
    meter.measure(|ops| {
        local.lanes(depth, ops, |lane| {
            let file = file.clone();
            async move {
                let mut buf = vec![0; 8];
                for at in lane {
                    let BufResult(result, bytes) = (&file).write_at(buf, at).await;
                    result.expect("the null device takes all");
                    buf = bytes;
                }
            }
        });
    });
}

fn read(local: &Local, file: std::fs::File, depth: usize, meter: &mut Meter) {
    let file = local.file(file.into());
    meter.measure(|ops| {
        local.lanes(depth, ops, |lane| {
            let file = file.clone();
            async move {
                let mut buf = Page::default();
                for at in lane {
                    let BufResult(result, page) = file.read_at(buf, at).await;
                    result.expect("the file is that long");
                    buf = page;
                }
            }
        });
    });
}
