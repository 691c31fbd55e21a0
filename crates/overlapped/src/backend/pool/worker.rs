//! The bounded pool: each thread performs one step after the other and leaves when there has been
//! nothing to do for a while.

use std::{
    io,
    sync::{Arc, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use super::{
    Shared, perform,
    perform::Step,
    work::{Arrival, Job, Work},
};
use crate::backend::Completion;

/// How long a worker waits for something to do before it leaves.
const PATIENCE: Duration = Duration::from_secs(10);

/// Starts a worker, which is counted already.
pub(super) fn hire(shared: &Arc<Shared>, serial: u64) -> io::Result<()> {
    let shared = Arc::clone(shared);
    let thread = thread::Builder::new().name(format!("overlapped-worker-{serial}"));
    thread.spawn(move || run(&shared)).map(drop)
}

fn run(shared: &Arc<Shared>) {
    let mut work = shared.work();
    loop {
        if let Some(job) = work.take() {
            drop(work);
            work = serve(shared, job);
        } else if work.is_quiet() {
            let (rested, bored) = rest(shared, work);
            work = rested;
            if bored && work.is_quiet() {
                break;
            }
        } else {
            break;
        }
    }
    work.dismiss();
}

/// Performs one step, and comes back with the lock held.
fn serve(shared: &Arc<Shared>, mut job: Job) -> MutexGuard<'_, Work> {
    match perform::step(&mut job.entry, shared.manner) {
        Step::Over(answer) => {
            shared.done.push(Completion { entry: job.entry, answer });
            let mut work = shared.work();
            // A cancel that came meanwhile came too late: the outcome was decided.
            let _too_late = work.put(job.id);
            work
        }
        Step::NotReady => {
            wait_again(shared, job);
            shared.work()
        }
    }
}

/// A stream goes back to the poller, unless a cancel has met it here.
fn wait_again(shared: &Arc<Shared>, job: Job) {
    let mut work = shared.work();
    if work.put(job.id) {
        drop(work);
        shared.answer_cancelled(job.entry);
    } else if work.is_closing() {
        drop(work);
        drop(job);
    } else {
        let tell = work.arrive(Arrival { job, tired: true });
        drop(work);
        shared.tell(tell);
    }
}

/// Waits for something to do; whether it was in vain.
fn rest<'a>(shared: &'a Shared, mut work: MutexGuard<'a, Work>) -> (MutexGuard<'a, Work>, bool) {
    work.sleeps();
    let waited = shared.hired.wait_timeout_while(work, PATIENCE, |work| work.is_quiet());
    let (mut work, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
    work.awakes();
    (work, timeout.timed_out())
}
