use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::mpsc,
    task::{Poll, Waker},
    thread,
    time::{Duration, Instant},
};

use overlapped::{Runtime, Task, backend, fs::File, pipe};

use crate::{LONG, numbered, on_each, scratch::Scratch};

#[test]
fn tasks_run_side_by_side_and_give_what_they_come_to() {
    on_each("tasks_run_side_by_side", |runtime| {
        let scratch = Scratch::new();
        let path = scratch.path().join("file");
        std::fs::write(&path, numbered(0, 10_000)).expect("a file");
        let file = Rc::new(File::open(runtime.port(), &path).wait().expect("a file"));
        let tasks: Vec<Task<usize>> = (0..50)
            .map(|number: usize| {
                let (file, port) = (Rc::clone(&file), runtime.port().clone());
                runtime.spawn(async move {
                    let (reader, writer) = pipe::pair(&port).expect("a pipe");
                    let from = number * 97;
                    let through = reader.read_exact(vec![0; 300]);
                    let read = file.read_exact_at(vec![0; 300], from as u64).await;
                    writer.write_all(read.expect("a read").buf).await.expect("a write");
                    port.sleep(Duration::from_micros(100)).await.expect("a sleep");
                    assert_eq!(through.await.expect("a read").buf, numbered(from, 300));
                    number
                })
            })
            .collect();
        let sum = runtime.block_on(async {
            let mut sum = 0;
            for task in tasks {
                sum += task.await;
            }
            sum
        });
        assert_eq!(sum, (0..50).sum());
        assert_eq!(runtime.port().stats().in_flight, 0);
    });
}

#[test]
fn a_task_starts_others_and_goes_on_in_the_next_block_on() {
    on_each("a_task_starts_others", |runtime| {
        let log = Rc::new(RefCell::new(Vec::new()));
        let (spawner, mine, port) = (runtime.spawner(), Rc::clone(&log), runtime.port().clone());
        let outer = runtime.spawn(async move {
            let theirs = Rc::clone(&mine);
            let inner = spawner.spawn(async move { theirs.borrow_mut().push("inner") });
            mine.borrow_mut().push("outer");
            port.sleep(Duration::from_millis(20)).await.expect("a sleep");
            inner.await;
            mine.borrow_mut().push("both");
        });
        let nap = runtime.port().sleep(Duration::from_millis(1));
        runtime.block_on(nap).expect("a sleep");
        assert_eq!(*log.borrow(), ["outer", "inner"]);
        runtime.block_on(outer);
        assert_eq!(*log.borrow(), ["outer", "inner", "both"]);
    });
}

// [C8] a task's panic is its own.
#[test]
fn a_task_that_panics_takes_no_other_along() {
    on_each("a_task_that_panics", |runtime| {
        let wrong: Task<()> = runtime.spawn(async { panic!("planted") });
        let port = runtime.port().clone();
        let right = runtime.spawn(async move { port.nop().await.expect("nothing") });
        runtime.block_on(right);
        let told = runtime.spawn(wrong);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            runtime.block_on(told);
        }));
        let payload = panicked.expect_err("who awaits it is told");
        assert_eq!(payload.downcast_ref(), Some(&"planted"));
    });
}

// [C12] woken from outside, while it sleeps in the kernel and while it does not.
#[test]
fn another_thread_wakes_a_task() {
    on_each("another_thread_wakes_a_task", |runtime| {
        for pause in [0, 0, 0, 1, 5] {
            let (tell, told) = mpsc::channel::<Waker>();
            let set = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
            let theirs = std::sync::Arc::clone(&set);
            let waker = thread::spawn(move || {
                let waker = told.recv().expect("a waker");
                thread::sleep(Duration::from_millis(pause));
                theirs.store(true, std::sync::atomic::Ordering::SeqCst);
                waker.wake();
            });
            let mut sent = false;
            let wait = std::future::poll_fn(move |cx| {
                if set.load(std::sync::atomic::Ordering::SeqCst) {
                    return Poll::Ready(());
                }
                if !std::mem::replace(&mut sent, true) {
                    tell.send(cx.waker().clone()).expect("a listener");
                }
                Poll::Pending
            });
            let task = runtime.spawn(wait);
            runtime.block_on(task);
            waker.join().expect("a waker that does not panic");
        }
    });
}

#[test]
fn a_waker_outlives_its_runtime() {
    let waker = Cell::new(None);
    let runtime = Runtime::with_backend(backend::null());
    runtime.block_on(std::future::poll_fn(|cx| {
        waker.set(Some(cx.waker().clone()));
        Poll::Ready(())
    }));
    let waker = waker.take().expect("a waker");
    assert!(waker.will_wake(&waker.clone()));
    drop(runtime);
    waker.wake_by_ref();
    thread::spawn(move || waker.wake()).join().expect("it wakes nobody");
}

// [C9] bounded, and told.
#[test]
fn a_runtime_that_ends_stops_what_flies_and_says_so() {
    on_each("a_runtime_that_ends", |runtime| {
        let pipes: Vec<_> = (0..20).map(|_| pipe::pair(runtime.port()).expect("a pipe")).collect();
        let reads: Vec<_> = pipes.iter().map(|(reader, _)| reader.read(vec![0; 8])).collect();
        let port = runtime.port().clone();
        let task = runtime.spawn(async move { port.sleep(LONG).await });
        let nap = runtime.port().sleep(Duration::from_millis(1));
        runtime.block_on(nap).expect("a sleep");
        let report = runtime.shutdown(LONG);
        // The sleep that was waited for may still be counted: its last wake-up is under way.
        assert!(report.drained >= 21 && report.leaked == 0, "{report:?}");
        for read in reads {
            let failed = read.wait().expect_err("it was stopped");
            assert!(failed.error.is_cancelled(), "{failed}");
            assert_eq!(failed.buf.len(), 8);
        }
        drop((task, pipes));
    });
}

// [C14] a runtime's own thread that starts without end is not left alone with it.
#[test]
fn tasks_that_are_always_ready_leave_time_for_completions() {
    on_each("tasks_that_are_always_ready", |runtime| {
        let over = Rc::new(Cell::new(false));
        for _ in 0..3 {
            let over = Rc::clone(&over);
            let busy = std::future::poll_fn(move |cx| {
                cx.waker().wake_by_ref();
                if over.get() { Poll::Ready(()) } else { Poll::Pending }
            });
            runtime.spawn(busy).detach();
        }
        let start = Instant::now();
        let nap = runtime.port().sleep(Duration::from_millis(5));
        runtime.block_on(nap).expect("a sleep");
        assert!(start.elapsed() < LONG);
        over.set(true);
    });
}

// [C11] routines run on the runtime's loop.
#[test]
fn routines_run_while_the_runtime_waits() {
    on_each("routines_run", |runtime| {
        let ran = Rc::new(Cell::new(0));
        for _ in 0..10 {
            let ran = Rc::clone(&ran);
            runtime.port().nop().then(move |outcome| {
                outcome.expect("nothing");
                ran.set(ran.get() + 1);
            });
        }
        let nap = runtime.port().sleep(Duration::from_millis(20));
        runtime.block_on(nap).expect("a sleep");
        assert_eq!(ran.get(), 10);
    });
}

#[test]
fn one_for_each_processor() {
    let places = Runtime::per_core(|place, runtime| {
        let nap = runtime.port().sleep(Duration::from_millis(1));
        runtime.block_on(nap).expect("a sleep");
        place
    });
    let places = places.expect("threads");
    assert_eq!(places, (0..places.len()).collect::<Vec<_>>());
    assert_eq!(places.len(), thread::available_parallelism().expect("a number").get());
}

// [C15] which of the ring's settings are in use can be asked for.
#[cfg(target_os = "linux")]
#[test]
fn the_ring_says_how_it_is_set_up() {
    use overlapped::{Port, backend::Kind};

    for deferred in [false, true] {
        let settings = Port::builder().backend(Kind::Uring).deferred(deferred);
        let Ok(runtime) = Runtime::with(settings) else {
            return;
        };
        let flags = &runtime.port().features().flags;
        assert!(deferred || !flags.contains(&"DEFER_TASKRUN"), "{flags:?}");
        assert!(!flags.contains(&"DEFER_TASKRUN") || flags.contains(&"SINGLE_ISSUER"), "{flags:?}");
        let nap = runtime.port().sleep(Duration::from_millis(1));
        runtime.block_on(nap).expect("a sleep");
    }
}
