//! tokio-uring: a ring beside tokio's single-thread runtime.

use std::{future::Future, rc::Rc, time::Duration};

use tokio::time::timeout;
use tokio_uring::{Runtime, fs::File};

use crate::{Job, Lacks, Lane, Meter, Page, Work, files, job::lacks, lane};

pub(super) fn run(job: &Job, meter: &mut Meter) -> Result<(), Lacks> {
    let local = Local::new();
    match job.work {
        Work::Nop(depth) => meter.measure(|ops| {
            local.lanes(depth, ops, |lane| async {
                for _ in lane {
                    tokio_uring::no_op().await.expect("nothing can be done");
                }
            });
        }),
        Work::Null(depth) => null(&local, depth, meter),
        Work::Deadline(depth) => {
            let file = local.file(files::null());
            meter.measure(|ops| {
                local.lanes(depth, ops, |lane| {
                    let file = Rc::clone(&file);
                    async move {
                        let mut buf = vec![0; 8];
                        for at in lane {
                            let write = file.write_at(buf, at).submit();
                            let write = timeout(Duration::from_secs(10), write).await;
                            buf = write.expect("the deadline is far away").1;
                        }
                    }
                });
            });
        }
        Work::Cached(depth) => read(&local, job.files.open_cached(), depth, meter),
        Work::Direct(depth) => read(&local, job.files.open_direct(), depth, meter),
        Work::Write(depth) => {
            let file = local.file(job.files.open_direct());
            meter.measure(|ops| {
                local.lanes(depth, ops, |lane| {
                    let file = Rc::clone(&file);
                    async move {
                        let mut buf = Page::default();
                        for at in lane {
                            let (result, page) = file.write_at(buf, at).submit().await;
                            result.expect("the file is that long");
                            buf = page;
                        }
                    }
                });
            });
        }
        Work::Flying(n) => {
            let idle: Vec<_> = files::idle().into_iter().map(|fd| local.file(fd.into())).collect();
            meter.heap(n, 8, || {
                local.0.block_on(async {
                    for i in 0..n {
                        let file = Rc::clone(&idle[i % idle.len()]);
                        tokio_uring::spawn(async move { drop(file.read_at(vec![0; 8], 0).await) });
                    }
                    tokio::task::yield_now().await;
                });
                local.lanes(1, 1, |_| async { tokio_uring::no_op().await.expect("it can") });
            });
            null(&local, 32, meter);
            std::mem::forget((local, idle));
        }
        _ => return lacks(),
    }
    Ok(())
}

struct Local(Runtime);

impl Local {
    fn new() -> Self {
        let mut ring = tokio_uring::uring_builder();
        ring.setup_single_issuer().setup_coop_taskrun().setup_submit_all();
        let mut builder = tokio_uring::builder();
        builder.entries(256).uring_builder(&ring);
        Self(Runtime::new(&builder).expect("the machine that is measured has io_uring"))
    }

    fn file(&self, file: std::fs::File) -> Rc<File> {
        self.0.block_on(async { Rc::new(File::from_std(file)) })
    }

    fn lanes<F>(&self, depth: usize, ops: usize, mut task: impl FnMut(Lane) -> F)
    where
        F: Future<Output = ()> + 'static,
    {
        self.0.block_on(async {
            let tasks = lane::lanes(depth, ops).map(|lane| tokio_uring::spawn(task(lane)));
            for task in tasks.collect::<Vec<_>>() {
                task.await.expect("no task panics");
            }
        });
    }
}

fn null(local: &Local, depth: usize, meter: &mut Meter) {
    let file = local.file(files::null());
    meter.measure(|ops| {
        local.lanes(depth, ops, |lane| {
            let file = Rc::clone(&file);
            async move {
                let mut buf = vec![0; 8];
                for at in lane {
                    let (result, bytes) = file.write_at(buf, at).submit().await;
                    result.expect("the null device takes all");
                    buf = bytes;
                }
            }
        });
    });
}

fn read(local: &Local, file: std::fs::File, depth: usize, meter: &mut Meter) {
    let file = local.file(file);
    meter.measure(|ops| {
        local.lanes(depth, ops, |lane| {
            let file = Rc::clone(&file);
            async move {
                let mut buf = Page::default();
                for at in lane {
                    let (result, page) = file.read_at(buf, at).await;
                    result.expect("the file is that long");
                    buf = page;
                }
            }
        });
    });
}
