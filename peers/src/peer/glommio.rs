//! glommio: an executor per thread, files opened by path.

use std::{future::Future, os::fd::AsRawFd, rc::Rc, time::Duration};

use glommio::{
    LocalExecutor, LocalExecutorBuilder, Placement,
    io::{BufferedFile, DmaFile, OpenOptions},
    nop::NopSubmitter,
    timer::timeout,
};

use crate::{Job, Lacks, Lane, Meter, Work, files, job::lacks, lane, page::SIZE};

pub(super) fn run(job: &Job, meter: &mut Meter) -> Result<(), Lacks> {
    let local = Local::new();
    match job.work {
        Work::Nop(depth) => {
            let nop = local.0.run(async { Rc::new(NopSubmitter::new()) });
            meter.measure(|ops| {
                local.lanes(depth, ops, |lane| {
                    let nop = Rc::clone(&nop);
                    async move {
                        for _ in lane {
                            nop.run_nop().await.expect("nothing can be done");
                        }
                    }
                });
            });
        }
        Work::Null(depth) => null(&local, depth, meter),
        Work::Deadline(depth) => {
            let file = local.null();
            meter.measure(|ops| {
                local.lanes(depth, ops, |lane| {
                    let file = Rc::clone(&file);
                    async move {
                        for at in lane {
                            let write = file.write_at(vec![0; 8], at);
                            let write = timeout(Duration::from_secs(10), write);
                            write.await.expect("the deadline is far away");
                        }
                    }
                });
            });
        }
        Work::Cached(depth) => {
            let file = local.0.run(BufferedFile::open(job.files.cached()));
            let file = Rc::new(file.expect("the file was made"));
            meter.measure(|ops| {
                local.lanes(depth, ops, |lane| {
                    let file = Rc::clone(&file);
                    async move {
                        for at in lane {
                            file.read_at(at, SIZE).await.expect("the file is that long");
                        }
                    }
                });
            });
        }
        Work::Direct(depth) => {
            let file = local.direct(job);
            meter.measure(|ops| {
                local.lanes(depth, ops, |lane| {
                    let file = Rc::clone(&file);
                    async move {
                        for at in lane {
                            let read = file.read_at_aligned(at, SIZE);
                            read.await.expect("the file is that long");
                        }
                    }
                });
            });
        }
        Work::Write(depth) => {
            let file = local.direct(job);
            meter.measure(|ops| {
                local.lanes(depth, ops, |lane| {
                    let file = Rc::clone(&file);
                    async move {
                        let buf = Rc::new(file.alloc_dma_buffer(SIZE));
                        for at in lane {
                            let write = file.write_rc_at(Rc::clone(&buf), at);
                            write.await.expect("the file is that long");
                        }
                    }
                });
            });
        }
        Work::Flying(n) => flying(&local, n, meter),
        _ => return lacks(),
    }
    Ok(())
}

struct Local(LocalExecutor);

impl Local {
    fn new() -> Self {
        let builder = LocalExecutorBuilder::new(Placement::Unbound).ring_depth(512);
        Self(builder.make().expect("the machine that is measured has io_uring"))
    }

    fn null(&self) -> Rc<BufferedFile> {
        let mut options = OpenOptions::new();
        let file = self.0.run(options.write(true).buffered_open("/dev/null"));
        Rc::new(file.expect("the null device can be written"))
    }

    fn direct(&self, job: &Job) -> Rc<DmaFile> {
        let mut options = OpenOptions::new();
        let file = self.0.run(options.read(true).write(true).dma_open(job.files.direct()));
        Rc::new(file.expect("the file was made"))
    }

    fn lanes<F>(&self, depth: usize, ops: usize, mut task: impl FnMut(Lane) -> F)
    where
        F: Future<Output = ()> + 'static,
    {
        self.0.run(async {
            let tasks = lane::lanes(depth, ops).map(|lane| glommio::spawn_local(task(lane)));
            for task in tasks.collect::<Vec<_>>() {
                task.await;
            }
        });
    }
}

fn null(local: &Local, depth: usize, meter: &mut Meter) {
    let file = local.null();
    meter.measure(|ops| {
        local.lanes(depth, ops, |lane| {
            let file = Rc::clone(&file);
            async move {
                for at in lane {
                    file.write_at(vec![0; 8], at).await.expect("the null device takes all");
                }
            }
        });
    });
}

/// Its files are opened by path, and an eventfd has none; so these are pipes, opened anew.
fn flying(local: &Local, n: usize, meter: &mut Meter) {
    let pipes = files::idle_pipes();
    let open = |(reader, _): &(std::os::fd::OwnedFd, _)| {
        let path = format!("/proc/self/fd/{}", reader.as_raw_fd());
        Rc::new(local.0.run(BufferedFile::open(path)).expect("a pipe can be opened anew"))
    };
    let idle: Vec<_> = pipes.iter().map(open).collect();
    meter.heap(n, 8, || {
        local.0.run(async {
            for i in 0..n {
                let file = Rc::clone(&idle[i % idle.len()]);
                let read = async move { drop(file.read_at(0, 8).await) };
                glommio::spawn_local(read).detach();
            }
            // It comes after those in the queue.
            let nop = NopSubmitter::new();
            nop.run_nop().await.expect("nothing can be done");
        });
    });
    null(local, 32, meter);
    std::mem::forget((pipes, idle));
}
