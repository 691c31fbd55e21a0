//! The half where operations go in: to the queue of the workers, or to the poller.

use std::{io, sync::Arc, thread};

use super::{
    Shared, cancelled, poller,
    work::{Arrival, Job, Met, Tell},
    worker,
};
use crate::backend::{Cause, Completion, Entry, Id, Op, Submit, Value};

pub(super) struct PoolSubmit {
    shared: Arc<Shared>,
    /// Whether the poller has been started.
    polls: bool,
}

impl PoolSubmit {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, polls: false }
    }

    fn queue(&self, entry: Entry) -> Result<(), Entry> {
        let mut work = self.shared.work();
        if !work.has_room() {
            return Err(entry);
        }
        let tell = work.enqueue(Job::new(entry), self.shared.workers);
        drop(work);
        self.shared.tell(tell);
        Ok(())
    }

    fn poll(&mut self, entry: Entry) {
        if let Err(error) = self.start_poller() {
            self.shared.done.push(Completion { entry, answer: Err(no_thread(&error)) });
            return;
        }
        let arrival = Arrival { job: Job::new(entry), tired: false };
        let tell = self.shared.work().arrive(arrival);
        self.shared.tell(tell);
    }

    fn start_poller(&mut self) -> io::Result<()> {
        if !self.polls {
            let shared = Arc::clone(&self.shared);
            let thread = thread::Builder::new().name("overlapped-poll".to_owned());
            thread.spawn(move || poller::run(&shared))?;
            self.polls = true;
        }
        Ok(())
    }
}

impl Submit for PoolSubmit {
    fn submit(&mut self, entry: Entry) -> Result<(), Entry> {
        match entry.op() {
            // The port keeps timers itself; one that comes here anyway is over at once.
            Op::Nop | Op::Timer { .. } => {
                self.shared.done.push(Completion { entry, answer: Ok(Value::Count(0)) });
            }
            Op::Poll { .. } => self.poll(entry),
            // Nothing to move is nothing to wait for, as `read` and `write` have it.
            Op::Read { at: None, .. } | Op::Write { at: None, .. } if !entry.is_empty() => {
                self.poll(entry);
            }
            _ => return self.queue(entry),
        }
        Ok(())
    }

    fn cancel(&mut self, id: Id) {
        let mut work = self.shared.work();
        match work.cancel(id) {
            Met::InQueue(job) => {
                drop(work);
                self.shared.done.push(Completion { entry: job.entry, answer: cancelled() });
            }
            Met::Nowhere if self.polls => {
                let tell = work.cancel_later(id);
                drop(work);
                self.shared.tell(tell);
            }
            Met::AtWorker | Met::Nowhere => {}
        }
    }

    fn wake(&mut self) {
        self.shared.done.wake();
    }
}

impl Drop for PoolSubmit {
    fn drop(&mut self) {
        self.shared.leave();
    }
}

impl Shared {
    /// Tells whoever is to act. To be called with no lock held.
    pub(super) fn tell(self: &Arc<Self>, tell: Tell) {
        match tell {
            Tell::Nobody => {}
            Tell::Worker => self.hired.notify_one(),
            Tell::Poller => self.wake.signal(),
            Tell::Hire(serial) => {
                if let Err(error) = worker::hire(self, serial) {
                    let unserved = self.work().not_hired();
                    let answer =
                        |job: Job| Completion { entry: job.entry, answer: Err(no_thread(&error)) };
                    self.done.extend(unserved.into_iter().map(answer));
                }
            }
        }
    }
}

/// Why there is no thread to serve an operation, in the OS's own word.
fn no_thread(error: &io::Error) -> Cause {
    Cause::Os(error.raw_os_error().unwrap_or(rustix::io::Errno::AGAIN.raw_os_error()))
}
