//! How runtimes end, what is left of them, and what harms them not.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread,
    time::Duration,
};

use overlapped::{
    Event, Port, Runtime, Task,
    backend::{self, Kind},
    pipe,
};

use crate::{KINDS, LONG, Watchdog, on_each};

/// Panics when it is dropped.
struct Mine;

impl Drop for Mine {
    fn drop(&mut self) {
        panic!("planted");
    }
}

/// Runs a function when it is dropped.
struct Then<F: FnMut()>(F);

impl<F: FnMut()> Drop for Then<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

// [C8] [C9] a task whose destructor panics harms no other, nor the end of the runtime.
#[test]
fn a_task_that_panics_when_it_is_dropped() {
    on_each("a_task_that_panics_when_dropped", |runtime| {
        let port = runtime.port().clone();
        let held = Rc::new(Cell::new(false));
        for round in 0..3 {
            let (port, held) = (port.clone(), Rc::clone(&held));
            let task = runtime.spawn(async move {
                let _mine = (round == 1).then(|| Mine);
                let _told = Then(move || held.set(true));
                port.sleep(LONG).await.expect("a sleep");
            });
            task.detach();
        }
        let wrong: Task<()> = runtime.spawn(async {
            let _mine = Mine;
        });
        let told = catch_unwind(AssertUnwindSafe(|| runtime.block_on(wrong)));
        told.expect_err("who awaits it is told");
        let report = runtime.shutdown(LONG);
        assert_eq!((report.drained, report.leaked), (3, 0));
        assert!(held.get(), "the others are dropped");
        assert!(port.sleep(LONG).wait().is_err(), "it has ended");
    });
}

#[test]
fn what_is_spawned_at_the_end_is_dropped() {
    on_each("what_is_spawned_at_the_end", |runtime| {
        let (spawner, dropped) = (runtime.spawner(), Rc::new(Cell::new(0)));
        let theirs = Rc::clone(&dropped);
        let spawn = move || {
            let (again, dropped) = (spawner.clone(), Rc::clone(&theirs));
            let count = Then(move || dropped.set(dropped.get() + 1));
            spawner
                .spawn(async move {
                    let _held = (again, count);
                    std::future::pending::<()>().await;
                })
                .detach();
        };
        let task = runtime.spawn(async move {
            let _spawns = Then(spawn);
            std::future::pending::<()>().await;
        });
        runtime.block_on(runtime.port().nop()).expect("nothing");
        drop(runtime);
        assert_eq!(dropped.get(), 1);
        // Whoever awaits a task that was dropped is told.
        let other = Runtime::with_backend(backend::null());
        catch_unwind(AssertUnwindSafe(|| other.block_on(task))).expect_err("it was dropped");
    });
}

thread_local! {
    static KEPT: RefCell<Option<Runtime>> = const { RefCell::new(None) };
}

// [C9] a runtime that goes with its thread's locals is drained as any other.
#[test]
fn a_runtime_in_a_thread_local_ends_with_its_thread() {
    for kind in KINDS {
        let _watch = Watchdog::set(&format!("a runtime in a thread-local on {kind}"), LONG);
        let runtime = move || Runtime::with(Port::builder().backend(kind)).ok();
        let thread = thread::spawn(move || {
            // Known before any other local of the thread, and so destroyed after them.
            KEPT.set(None);
            let runtime = runtime()?;
            let (reader, writer) = pipe::pair(runtime.port()).expect("a pipe");
            let read = reader.read(vec![0; 4]);
            runtime.block_on(runtime.port().nop()).expect("nothing");
            KEPT.set(Some(runtime));
            Some((read, writer))
        });
        if let Some((read, _writer)) = thread.join().expect("no panic") {
            assert!(read.wait().expect_err("it was stopped").error.is_cancelled());
        }
    }
}

thread_local! {
    static HELD: RefCell<Vec<Box<dyn Any>>> = const { RefCell::new(Vec::new()) };
}

// [C8] what a thread keeps of a port is dropped with its locals, routines included; in which order
// they go does not matter.
#[test]
fn what_a_thread_local_keeps_of_a_port() {
    for (kind, late) in KINDS.into_iter().flat_map(|kind| [(kind, false), (kind, true)]) {
        let _watch = Watchdog::set(&format!("a thread-local keeps on {kind}"), LONG);
        let Ok(port) = Port::builder().backend(kind).build() else { continue };
        let theirs = port.clone();
        let thread = thread::spawn(move || {
            if !late {
                HELD.set(Vec::new());
            }
            let (reader, writer) = pipe::pair(&theirs).expect("a pipe");
            reader.read(vec![0; 4]).then(|_| unreachable!("nobody waits alertably"));
            let mut polled = reader.read(vec![0; 4]);
            let waker = Waker::noop();
            assert!(Pin::new(&mut polled).poll(&mut Context::from_waker(waker)).is_pending());
            let sleep = theirs.sleep(LONG).deadline(LONG);
            let event = Event::manual();
            let lot: [Box<dyn Any>; 6] = [
                Box::new(polled),
                Box::new(sleep),
                Box::new(event),
                Box::new(writer),
                Box::new(reader),
                Box::new(theirs),
            ];
            HELD.set(lot.into());
        });
        thread.join().expect("no panic");
        let report = port.shutdown(LONG);
        assert_eq!(report.leaked, 0, "{kind}");
    }
}

struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("planted");
    }
}

// [C11] a waker of another thread that panics harms neither the runtime nor other operations.
#[test]
fn a_waker_elsewhere_panics() {
    on_each("a_waker_elsewhere_panics", |runtime| {
        let (reader, writer) = pipe::pair(runtime.port()).expect("a pipe");
        let read = reader.read(vec![0; 1]);
        let thread = thread::spawn(move || {
            let mut read = read;
            for _ in 0..3 {
                let waker = Waker::from(Arc::new(Panics));
                let polled = Pin::new(&mut read).poll(&mut Context::from_waker(&waker));
                assert!(matches!(polled, Poll::Pending));
            }
            read
        });
        let read = thread.join().expect("no panic");
        runtime.block_on(runtime.port().sleep(Duration::from_millis(2))).expect("a sleep");
        runtime.block_on(writer.write_all(vec![3])).expect("a write");
        assert_eq!(runtime.block_on(read).expect("a read").buf, [3]);
        // Where a waker is left for the runtime's thread, the one before it is called.
        let uring = runtime.port().backend() == Kind::Uring;
        assert!(!uring || runtime.port().stats().panics > 0);
    });
}

// [C14] a thread's table of rings has few places, and a runtime that ends gives its place back,
// whoever still has a handle of its port.
#[cfg(target_os = "linux")]
#[test]
fn one_runtime_after_the_other_on_one_thread() {
    let uring = || Runtime::with(overlapped::Port::builder().backend(Kind::Uring));
    let Ok(first) = uring() else { return };
    let flags = first.port().features().flags.clone();
    drop(first);
    let ports: Vec<_> = (0..40)
        .map(|_| {
            let runtime = uring().expect("there was one before");
            runtime.block_on(runtime.port().nop()).expect("nothing");
            assert_eq!(runtime.port().features().flags, flags);
            runtime.port().clone()
        })
        .collect();
    for port in ports {
        assert!(port.nop().wait().is_err());
        port.submit();
        assert_eq!(port.stats().in_flight, 0);
    }
}

// More at once than a thread's table holds.
#[cfg(target_os = "linux")]
#[test]
fn many_runtimes_on_one_thread() {
    let runtimes: Vec<_> = (0..20).map(|_| Runtime::new().expect("a runtime")).collect();
    for runtime in &runtimes {
        let (reader, writer) = pipe::pair(runtime.port()).expect("a pipe");
        let write = writer.write_all(vec![9]);
        assert_eq!(runtime.block_on(reader.read(vec![0; 1])).expect("a read").buf, [9]);
        runtime.block_on(write).expect("a write");
    }
}

// What is queued is handed over, though completions are found at once.
#[cfg(unix)]
#[test]
fn submit_hands_over_whatever_else_is_there() {
    on_each("submit_hands_over", |runtime| {
        let (mut ours, theirs) = std::os::unix::net::UnixStream::pair().expect("sockets");
        let writer = pipe::Writer::from_owned(runtime.port(), theirs);
        // More than a queue holds: the first of them are over before it is handed over again.
        let nops: Vec<_> = (0..300).map(|_| runtime.port().nop()).collect();
        let write = writer.write_all(vec![1, 2, 3]);
        runtime.port().submit();
        ours.set_read_timeout(Some(Duration::from_millis(500))).expect("a socket");
        let mut got = [0; 3];
        std::io::Read::read_exact(&mut ours, &mut got).expect("it was handed over");
        for nop in nops {
            nop.wait().expect("nothing");
        }
        write.wait().expect("a write");
    });
}

// [C9] what its backend lacks is done by threads, and ends with the runtime, too.
#[cfg(unix)]
#[test]
fn what_threads_do_for_it_ends_with_it() {
    use overlapped::backend::{Backend, Features};

    let mut features = Features::all_native(Kind::Null);
    features.missing = vec!["nop"];
    let runtime = Runtime::with_backend(Backend { features, ..backend::null() });
    let (reader, _writer) = pipe::pair(runtime.port()).expect("a pipe");
    let read = reader.read(vec![0; 4]);
    runtime.block_on(runtime.port().sleep(Duration::from_millis(1))).expect("a sleep");
    let report = runtime.shutdown(LONG);
    assert_eq!((report.drained, report.leaked), (1, 0));
    assert!(read.wait().expect_err("it was stopped").error.is_cancelled());
}
