//! Ports of one thread for cases that know nothing of runtimes.

use std::{
    cell::RefCell,
    future::poll_fn,
    io,
    rc::Rc,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::SeqCst},
        mpsc,
    },
    task::{Poll, Waker},
    thread::{self, JoinHandle},
    time::Duration,
};

use overlapped::{Builder, Port, Runtime};

/// Makes ports each of which has a runtime on a thread of its own, which turns until this is gone.
#[derive(Default)]
pub(crate) struct Elsewhere(RefCell<Vec<(Arc<Stop>, JoinHandle<()>)>>);

/// Asks a runtime's thread to end.
#[derive(Default)]
struct Stop {
    asked: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Stop {
    fn ask(&self) {
        self.asked.store(true, SeqCst);
        let waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    async fn asked(&self) {
        poll_fn(|cx| {
            *self.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
            if self.asked.load(SeqCst) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

impl Elsewhere {
    pub(crate) fn port(&self, settings: Builder) -> io::Result<Port> {
        let stop = Arc::<Stop>::default();
        let (theirs, (tell, told)) = (Arc::clone(&stop), mpsc::channel());
        let thread = thread::Builder::new().name("local".to_owned()).spawn(move || {
            let runtime = Runtime::with(settings);
            let Ok(runtime) = runtime.map_err(|error| drop(tell.send(Err(error)))) else {
                return;
            };
            tell.send(Ok(runtime.port().clone())).expect("somebody asked");
            runtime.block_on(theirs.asked());
        })?;
        self.0.borrow_mut().push((stop, thread));
        told.recv().unwrap_or_else(|_| Err(io::Error::other("the runtime's thread has gone")))
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        let threads = self.0.take();
        threads.iter().for_each(|(stop, _)| stop.ask());
        for (_, thread) in threads {
            let ended = thread.join();
            assert!(ended.is_ok() || thread::panicking(), "a runtime's thread panicked");
        }
    }
}

/// Makes ports of the calling thread, which has their runtimes until this is gone.
#[derive(Clone, Default)]
pub(crate) struct Here(Rc<RefCell<Vec<Runtime>>>);

impl Here {
    pub(crate) fn port(&self, settings: Builder) -> io::Result<Port> {
        let runtime = Runtime::with(settings)?;
        let port = runtime.port().clone();
        self.0.borrow_mut().push(runtime);
        Ok(port)
    }

    /// Has the ports served for so long.
    pub(crate) fn serve(&self, long: Duration) {
        for runtime in &*self.0.borrow() {
            // A port that was shut down has no sleep, nor anything else.
            if runtime.block_on(runtime.port().sleep(long)).is_err() {
                thread::sleep(long);
            }
        }
    }
}
