//! The threads of a case: each does what it is told, call by call, and is known to the routines
//! that run in it.

use super::FOREVER;
use std::{
    cell::RefCell,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

type Job = Box<dyn FnOnce() + Send>;

/// A routine has run: for the OVERLAPPED at this address, with an error and a count.
pub(super) type Entry = (Option<usize>, u32, u32);

type Log = Arc<Mutex<Vec<Entry>>>;

thread_local! {
    /// What has run in this thread.
    static RAN: RefCell<Log> = RefCell::default();
}

/// A routine runs, in the thread that it is queued to.
pub(super) fn note(entry: Entry) {
    RAN.with_borrow(|log| log.lock().expect("nobody panics with the lock").push(entry));
}

struct Worker {
    jobs: Sender<Job>,
    thread: JoinHandle<()>,
    ran: Log,
}

impl Worker {
    fn new() -> Worker {
        let (jobs, todo) = channel::<Job>();
        let ran = Log::default();
        let log = Arc::clone(&ran);
        let thread = thread::spawn(move || {
            RAN.set(log);
            todo.into_iter().for_each(|job| job());
        });
        Worker { jobs, thread, ran }
    }
}

/// Threads by number, each from its first call on.
#[derive(Default)]
pub(super) struct Workers {
    threads: Vec<Option<Worker>>,
    /// What ran in threads that are gone.
    gone: Vec<(usize, Log)>,
}

impl Workers {
    fn worker(&mut self, thread: usize) -> &Worker {
        while self.threads.len() <= thread {
            self.threads.push(None);
        }
        self.threads[thread].get_or_insert_with(Worker::new)
    }

    /// Thread `thread` makes a call; what came of it will be known.
    pub(super) fn begin<R: Send + 'static>(
        &mut self,
        thread: usize,
        call: impl FnOnce() -> R + Send + 'static,
    ) -> Receiver<R> {
        let (tell, told) = channel();
        let job: Job = Box::new(move || drop(tell.send(call())));
        self.worker(thread).jobs.send(job).expect("the thread takes calls until it exits");
        told
    }

    /// The same, and its end is waited for.
    pub(super) fn run<R: Send + 'static>(
        &mut self,
        thread: usize,
        call: impl FnOnce() -> R + Send + 'static,
    ) -> R {
        let told = self.begin(thread, call);
        let patience = Duration::from_millis((2 * FOREVER).into());
        told.recv_timeout(patience).expect("a call hangs")
    }

    /// The thread exits, and is gone.
    pub(super) fn exit(&mut self, thread: usize) {
        if let Some(Worker { jobs, thread: joined, ran }) = self.threads[thread].take() {
            drop(jobs);
            joined.join().expect("the thread exits");
            self.gone.push((thread, ran));
        }
    }

    pub(super) fn handle(&mut self, thread: usize) -> &JoinHandle<()> {
        &self.worker(thread).thread
    }

    /// What has run since it was last asked, thread by thread.
    pub(super) fn take_ran(&mut self) -> Vec<(usize, Entry)> {
        let living = self.threads.iter().enumerate();
        let living = living.filter_map(|(n, worker)| Some((n, Arc::clone(&worker.as_ref()?.ran))));
        let gone = self.gone.iter().map(|(n, log)| (*n, Arc::clone(log)));
        let take = |log: Log| std::mem::take(&mut *log.lock().expect("nobody panics with it"));
        living.chain(gone).flat_map(|(n, log)| take(log).into_iter().map(move |e| (n, e))).collect()
    }
}
