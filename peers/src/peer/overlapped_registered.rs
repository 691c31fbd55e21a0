//! The local port under its runtime, with a pool of buffers and a file that the ring knows.

use overlapped::{BufPool, Runtime, fs::File};

use super::{
    overlapped_async::{read, write},
    overlapped_shared::{cached, direct},
};
use crate::{Job, Lacks, Meter, Work, job::lacks, page::SIZE};

pub(super) fn run(job: &Job, meter: &mut Meter) -> Result<(), Lacks> {
    let runtime = Runtime::new().expect("the machine that is measured has io_uring");
    let port = runtime.port();
    let (file, depth, writes) = match job.work {
        Work::Cached(depth) => (cached(port, &job.files), depth, false),
        Work::Direct(depth) => (direct(port, &job.files), depth, false),
        Work::Write(depth) => (direct(port, &job.files), depth, true),
        _ => return lacks(),
    };
    let pool = registered(&file, depth)?;
    let buffer = move || pool.get().expect("as many buffers as chains");
    if writes {
        write(&runtime, file, depth, meter, buffer);
    } else {
        read(&runtime, file, depth, meter, buffer);
    }
    // The process may end with operations that are not over.
    std::mem::forget(runtime);
    Ok(())
}

fn registered(file: &File, depth: usize) -> Result<BufPool, Lacks> {
    file.register().map_err(|error| Lacks(error.to_string()))?;
    let pool = BufPool::new(file.port(), depth, SIZE).map_err(|error| Lacks(error.to_string()))?;
    match pool.fallback() {
        None => Ok(pool),
        Some(reason) => Err(Lacks(reason.to_string())),
    }
}
