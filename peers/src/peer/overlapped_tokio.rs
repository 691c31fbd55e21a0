//! The shared port under tokio's multi-thread runtime.

use std::future::Future;

use overlapped::Port;

use super::{
    overlapped_async::{self, Tasks},
    tokio_fs::Pool,
};
use crate::{Job, Lacks, Lane, Meter};

pub(super) fn run(job: &Job, meter: &mut Meter) -> Result<(), Lacks> {
    let port = Port::builder().build().expect("the machine that is measured has io_uring");
    let pool = Pool::new();
    let done = overlapped_async::run(job, meter, &port, &pool);
    // The process may end with tasks that are not over.
    std::mem::forget(pool);
    done
}

impl Tasks for Pool {
    fn lanes<F>(&self, depth: usize, ops: usize, task: impl FnMut(Lane) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.run(depth, ops, task);
    }

    fn spawn_all<F>(&self, tasks: impl Iterator<Item = F>)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        tasks.for_each(|task| drop(self.spawn(task)));
    }
}
