//! What has landed is told, whatever the thread of the port does next.

use std::{
    cell::Cell,
    future::{Future, poll_fn},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
        mpsc,
    },
    task::{Context, Poll, Wake, Waker},
    thread,
    time::{Duration, Instant},
};

use overlapped::{
    Port, Runtime, alertable,
    backend::{self, Completion, Reap},
};

use crate::{LONG, elsewhere::beside};

/// A waker that notes that it was called.
#[derive(Default)]
struct Told(AtomicBool);

impl Wake for Told {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

impl Told {
    fn is_set(&self) -> bool {
        self.0.load(SeqCst)
    }

    /// Whether it is called, in a while that is long for that.
    fn comes(&self) -> bool {
        let start = Instant::now();
        while !self.is_set() && start.elapsed() < LONG {
            thread::sleep(Duration::from_millis(1));
        }
        self.is_set()
    }
}

/// In the first wait that finds it armed, when something has completed and is not yet told, another
/// thread is let go, and waited for.
struct Between {
    reap: Box<dyn Reap>,
    armed: Arc<AtomicBool>,
    go: mpsc::Sender<()>,
    gone: mpsc::Receiver<()>,
}

impl Reap for Between {
    fn wait(&mut self, until: Option<Instant>, out: &mut Vec<Completion>) -> io::Result<()> {
        self.reap.wait(until, out)?;
        if self.armed.swap(false, SeqCst) {
            self.go.send(()).expect("the other thread is there");
            self.gone.recv().expect("the other thread is there");
        }
        Ok(())
    }
}

/// Another thread leaves a waker for an operation in the moment in which it is about to land; then
/// the future of `block_on` does this.
fn after_a_late_waker(then: impl Fn(&Told)) -> Arc<Told> {
    let ((go, is_going), (leave, gone)) = (mpsc::channel(), mpsc::channel());
    let armed = Arc::new(AtomicBool::new(false));
    let mut backend = backend::null();
    backend.reap = Box::new(Between { reap: backend.reap, armed: Arc::clone(&armed), go, gone });
    let runtime = Runtime::with_backend(backend);
    let mut nop = runtime.port().nop();
    let told = Arc::<Told>::default();
    let waker = Waker::from(Arc::clone(&told));
    let other = thread::spawn(move || {
        is_going.recv().expect("the runtime turns");
        let polled = Pin::new(&mut nop).poll(&mut Context::from_waker(&waker));
        leave.send(()).expect("the runtime waits");
        assert!(polled.is_pending(), "it lands later");
        nop
    });
    armed.store(true, SeqCst);
    let mut is_first = true;
    let _panic = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(poll_fn(|cx| {
            if std::mem::take(&mut is_first) {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            then(&told);
            Poll::Ready(())
        }));
    }));
    let _landed = other.join().expect("no panic");
    told
}

// [C3] [C12] the thread leaves the runtime.
#[test]
fn it_returns() {
    assert!(after_a_late_waker(|_| {}).is_set());
}

// [C3] [C12] it leaves it by a panic.
#[test]
fn it_panics() {
    assert!(after_a_late_waker(|_| std::panic::resume_unwind(Box::new(()))).is_set());
}

// [C3] [C12] it waits for the other thread by means that serve no port.
#[test]
fn it_blocks_elsewhere() {
    after_a_late_waker(|told| assert!(told.comes()));
}

// [C3] [C11] the thread that gives the routine finds the operation over, and the port's thread
// finds the waker that it has just left: the routine runs once all the same.
#[test]
fn a_routine_runs_once_though_its_waker_is_called_twice() {
    let runtime = Runtime::with_backend(backend::null());
    beside(&runtime, |port| {
        for round in 0..20_000 {
            let ran = Rc::new(Cell::new(0));
            let note = Rc::clone(&ran);
            let nop = port.nop();
            // It may land before, in between, or after.
            (0..round % 300 * 10).for_each(|_| std::hint::spin_loop());
            nop.then(move |_| note.set(note.get() + 1));
            assert_eq!(alertable::wait(Some(LONG)), 1);
            assert_eq!((ran.get(), alertable::queued()), (1, 0));
        }
    });
}

// [C3] [C12] it waits on a port that all threads share, which it could drive.
#[test]
fn it_waits_on_a_shared_port() {
    let runtime = Runtime::with_backend(backend::null());
    let mut sleep = runtime.port().sleep(Duration::from_millis(10));
    let told = Arc::<Told>::default();
    let waker = Waker::from(Arc::clone(&told));
    let (tell, heard) = mpsc::channel();
    let other = thread::spawn(move || {
        let polled = Pin::new(&mut sleep).poll(&mut Context::from_waker(&waker));
        // Told while the runtime's thread waits, or over before it was asked.
        let over = polled.is_ready() || told.comes();
        tell.send(()).expect("somebody waits");
        over
    });
    let shared = Port::with_backend(backend::null());
    while heard.try_recv().is_err() && !other.is_finished() {
        shared.sleep(Duration::from_millis(50)).wait().expect("a sleep");
    }
    assert!(other.join().expect("no panic"), "a wait of this library serves the thread's own port");
}
