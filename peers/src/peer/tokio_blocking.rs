//! What tokio's documentation advises for files: a blocking call on its pool.

use std::{os::unix::fs::FileExt, sync::Arc};

use tokio::task::spawn_blocking;

use super::tokio_fs::Pool;
use crate::{Job, Lacks, Meter, Page, Work, files, job::lacks};

pub(super) fn run(job: &Job, meter: &mut Meter) -> Result<(), Lacks> {
    let pool = Pool::new();
    match job.work {
        Work::Null(depth) => {
            let file = Arc::new(files::null());
            meter.measure(|ops| {
                pool.run(depth, ops, |lane| {
                    let file = Arc::clone(&file);
                    async move {
                        for at in lane {
                            let file = Arc::clone(&file);
                            let write = spawn_blocking(move || file.write_at(&[0; 8], at));
                            let done = write.await.expect("no task panics");
                            done.expect("the null device takes all");
                        }
                    }
                });
            });
        }
        Work::Cached(depth) | Work::Direct(depth) | Work::Write(depth) => {
            let cached = matches!(job.work, Work::Cached(_));
            let writes = matches!(job.work, Work::Write(_));
            let file = if cached { job.files.open_cached() } else { job.files.open_direct() };
            let file = Arc::new(file);
            meter.measure(|ops| {
                pool.run(depth, ops, |lane| {
                    let file = Arc::clone(&file);
                    async move {
                        let mut buf = Page::default();
                        for at in lane {
                            let file = Arc::clone(&file);
                            let call = spawn_blocking(move || {
                                match writes {
                                    true => file.write_all_at(&buf, at),
                                    false => file.read_exact_at(&mut buf, at),
                                }
                                .expect("the file is that long");
                                buf
                            });
                            buf = call.await.expect("no task panics");
                        }
                    }
                });
            });
        }
        _ => return lacks(),
    }
    Ok(())
}
