//! The thread that waits for all streams at once.

use std::sync::Arc;

use rustix::io::Errno;

use super::{
    Shared, cancelled, os,
    set::{Ready, Set},
    stream,
    work::{Job, News},
};
use crate::backend::{Cause, Completion, Op, Value};

/// Room for so many arrivals and cancels is kept when they are gone.
const KEPT: usize = 1024;

pub(super) fn run(shared: &Arc<Shared>) {
    let mut poller = Poller { shared, set: Set::default(), over: Vec::new() };
    let mut news = News::default();
    let mut ready = Vec::new();
    loop {
        shared.work().take_news(&mut news);
        if news.closing {
            return;
        }
        poller.take_in(&mut news);
        poller.set.wait(&shared.wake, &mut ready);
        for stream in ready.drain(..) {
            poller.serve(&stream);
        }
        poller.tell();
    }
}

struct Poller<'a> {
    shared: &'a Arc<Shared>,
    set: Set,
    /// What is over and not told yet.
    over: Vec<Completion>,
}

impl Poller<'_> {
    /// Arrivals first: a cancel may be for one of them.
    fn take_in(&mut self, news: &mut News) {
        for arrival in news.arrivals.drain(..) {
            if let Err(job) = self.set.add(arrival) {
                self.over.push(Completion { entry: job.entry, answer: Err(os(Errno::BADF)) });
            }
        }
        for id in news.cancels.drain() {
            if let Some(job) = self.set.remove(id) {
                self.over.push(Completion { entry: job.entry, answer: cancelled() });
            }
        }
        if news.arrivals.capacity().max(news.cancels.capacity()) > KEPT {
            *news = News::default();
        }
        self.tell();
    }

    fn tell(&mut self) {
        if !self.over.is_empty() {
            self.shared.done.extend(self.over.drain(..));
            self.over.shrink_to(KEPT);
        }
    }

    fn serve(&mut self, ready: &Ready) {
        match self.attempt(ready) {
            Some(answer) => {
                let Job { entry, .. } = self.set.remove_at(ready.place);
                self.over.push(Completion { entry, answer });
            }
            None => {
                let job = self.set.remove_at(ready.place);
                self.hand_over(job);
            }
        }
    }

    /// The answer, unless it is a worker's to find it.
    fn attempt(&mut self, ready: &Ready) -> Option<Result<Value, Cause>> {
        if ready.invalid {
            return Some(Err(os(Errno::BADF)));
        }
        let manner = self.shared.manner;
        let entry = self.set.entry_mut(ready.place);
        let moved = match entry.op() {
            Op::Read { .. } => stream::read_on_poller(entry, manner)?,
            Op::Write { .. } => stream::write_on_poller(entry, manner)?,
            _ => Ok(0),
        };
        Some(moved.map(Value::Count).map_err(os))
    }

    /// A stream that is ready, but might make this thread wait.
    fn hand_over(&mut self, job: Job) {
        let mut work = self.shared.work();
        if work.take_cancel(job.id) {
            drop(work);
            self.over.push(Completion { entry: job.entry, answer: cancelled() });
        } else if work.is_closing() {
            drop(work);
            drop(job);
        } else {
            let tell = work.enqueue(job, self.shared.workers);
            drop(work);
            self.shared.tell(tell);
        }
    }
}
