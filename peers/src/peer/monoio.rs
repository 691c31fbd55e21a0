//! monoio: a runtime per thread.

use std::{cell::RefCell, future::Future, os::unix, rc::Rc, time::Duration};

use monoio::{
    IoUringDriver, Runtime, RuntimeBuilder,
    fs::File,
    io::{CancelableAsyncReadRent, Canceller},
    net::UnixStream,
    time::{TimeDriver, timeout},
};

use crate::{Job, Lacks, Lane, Meter, Page, Work, files, job::lacks, lane};

pub(super) fn run(job: &Job, meter: &mut Meter) -> Result<(), Lacks> {
    let local = Local::new();
    match job.work {
        Work::Null(depth) => null(&local, depth, meter),
        Work::Deadline(depth) => {
            let file = local.file(files::null());
            meter.measure(|ops| {
                local.lanes(depth, ops, |lane| {
                    let file = Rc::clone(&file);
                    async move {
                        let mut buf = vec![0; 8];
                        for at in lane {
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
            let file = local.file(job.files.open_direct());
            meter.measure(|ops| {
                local.lanes(depth, ops, |lane| {
                    let file = Rc::clone(&file);
                    async move {
                        let mut buf = Page::default();
                        for at in lane {
                            let (result, page) = file.write_at(buf, at).await;
                            result.expect("the file is that long");
                            buf = page;
                        }
                    }
                });
            });
        }
        Work::Cancel(n) => cancel(&local, n, meter)?,
        Work::Flying(n) => {
            let idle: Vec<_> = files::idle().into_iter().map(|fd| local.file(fd.into())).collect();
            let file = local.file(files::null());
            meter.heap(n, 8, || {
                for i in 0..n {
                    let file = Rc::clone(&idle[i % idle.len()]);
                    let read = async move { drop(file.read_at(vec![0; 8], 0).await) };
                    local.block_on(async { drop(monoio::spawn(read)) });
                }
                // It comes after those in the queue.
                local.lanes(1, 1, |_| {
                    let file = Rc::clone(&file);
                    async move { drop(file.write_at(vec![0; 8], 0).await) }
                });
            });
            null(&local, 32, meter);
            std::mem::forget((local, idle));
        }
        _ => return lacks(),
    }
    Ok(())
}

struct Local(RefCell<Runtime<TimeDriver<IoUringDriver>>>);

impl Local {
    fn new() -> Self {
        let mut ring = io_uring_06::IoUring::builder();
        ring.setup_single_issuer().setup_coop_taskrun().setup_submit_all();
        let builder = RuntimeBuilder::<IoUringDriver>::new().with_entries(256).uring_builder(ring);
        let runtime = builder.enable_timer().build();
        Self(RefCell::new(runtime.expect("the machine that is measured has io_uring")))
    }

    fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.0.borrow_mut().block_on(future)
    }

    fn file(&self, file: std::fs::File) -> Rc<File> {
        let file = self.block_on(async { File::from_std(file) });
        Rc::new(file.expect("a file can be taken over"))
    }

    fn lanes<F>(&self, depth: usize, ops: usize, mut task: impl FnMut(Lane) -> F)
    where
        F: Future<Output = ()> + 'static,
    {
        self.block_on(async {
            let tasks = lane::lanes(depth, ops).map(|lane| monoio::spawn(task(lane)));
            for task in tasks.collect::<Vec<_>>() {
                task.await;
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
                    let (result, bytes) = file.write_at(buf, at).await;
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

/// Its pipes have no reads that can be cancelled, so these are of a socket; one canceller for all.
fn cancel(local: &Local, n: usize, meter: &mut Meter) -> Result<(), Lacks> {
    let (reader, _writer) = unix::net::UnixStream::pair().map_err(|e| Lacks(e.to_string()))?;
    let canceller = Canceller::new();
    let tasks: Vec<_> = local.block_on(async {
        let mut tasks = Vec::new();
        for _ in 0..n {
            let reader = reader.try_clone().expect("the limit of descriptors is high enough");
            let handle = canceller.handle();
            tasks.push(monoio::spawn(async move {
                let mut reader = UnixStream::from_std(reader).expect("a socket can be taken over");
                let (result, _) = reader.cancelable_read(vec![0; 8], handle).await;
                let error = result.expect_err("nobody writes to the socket");
                assert_eq!(error.raw_os_error(), Some(libc::ECANCELED));
            }));
        }
        tasks
    });
    let file = local.file(files::null());
    local.block_on(async { drop(file.write_at(vec![0; 8], 0).await) });
    meter.once(n, || {
        local.block_on(async {
            canceller.cancel();
            for task in tasks {
                task.await;
            }
        });
    });
    Ok(())
}
