//! A runtime's thread that waits otherwise than by `block_on`: it serves its port all the same.

use std::{cell::Cell, rc::Rc, sync::mpsc, thread, time::Duration};

use futures_lite::future;
use overlapped::{Event, Port, Runtime, alertable, backend::Kind, pipe, wait_all, wait_any};

use crate::{LONG, on_each};

// [C6] [C11] whatever the thread of a port waits with, it serves that port meanwhile.
#[test]
fn its_thread_waits_for_the_first_or_for_all() {
    on_each("its_thread_waits_for_the_first", |runtime| {
        let port = runtime.port();
        let (reader, writer) = pipe::pair(port).expect("a pipe");
        let (mut never, mut nap) = (reader.read(vec![0; 1]), port.sleep(Duration::from_millis(1)));
        assert_eq!(wait_any(&mut [&mut never, &mut nap], Some(LONG)), Some(1));
        let mut write = writer.write_all(vec![1]);
        assert!(wait_all(&mut [&mut never, &mut write, &mut nap], Some(LONG)));
        assert_eq!(never.wait().expect("a read").buf, [1]);
    });
}

// [C11]
#[test]
fn its_thread_waits_alertably() {
    on_each("its_thread_waits_alertably", |runtime| {
        let ran = Rc::new(Cell::new(false));
        let told = Rc::clone(&ran);
        runtime.port().sleep(Duration::from_millis(1)).then(move |_| told.set(true));
        assert_eq!(alertable::wait(Some(LONG)), 1);
        assert!(ran.get());
    });
}

#[test]
fn its_thread_waits_for_an_event_that_another_sets_through_it() {
    on_each("its_thread_waits_for_an_event", |runtime| {
        let (port, event) = (runtime.port().clone(), Event::automatic());
        let theirs = event.clone();
        let thread = thread::spawn(move || {
            port.sleep(Duration::from_millis(1)).wait().expect("a sleep");
            theirs.set();
        });
        assert!(event.wait_timeout(LONG));
        thread.join().expect("no panic");
    });
}

// Each waits for what the other's thread must do.
#[test]
fn two_threads_wait_for_each_others_ports() {
    let thread = |give: mpsc::Sender<Port>, take: mpsc::Receiver<Port>| {
        thread::spawn(move || {
            let runtime = Runtime::new().expect("a runtime");
            give.send(runtime.port().clone()).expect("the other listens");
            let others = take.recv().expect("the other tells");
            for _ in 0..100 {
                others.nop().wait().expect("nothing");
            }
            // It serves the other until that one is through, too.
            give.send(runtime.port().clone()).expect("the other listens");
            runtime.block_on(async {
                while take.try_recv().is_err() {
                    runtime.port().sleep(Duration::from_millis(1)).await.expect("a sleep");
                }
            });
        })
    };
    let _watch = crate::Watchdog::set("two_threads_wait_for_each_other", LONG);
    let ((to_a, at_a), (to_b, at_b)) = (mpsc::channel(), mpsc::channel());
    let threads = [thread(to_b, at_a), thread(to_a, at_b)];
    for thread in threads {
        thread.join().expect("no panic");
    }
}

#[test]
fn two_runtimes_on_one_thread_are_both_served() {
    on_each("two_runtimes_on_one_thread", |first| {
        let second = Runtime::new().expect("a runtime");
        let (mut a, mut b) = (
            first.port().sleep(Duration::from_millis(3)),
            second.port().sleep(Duration::from_millis(2)),
        );
        assert!(wait_all(&mut [&mut a, &mut b], Some(LONG)));
        // The tasks of one are woken in the loop of the other, and go on in their own.
        let told = Rc::new(Cell::new(0));
        let theirs = Rc::clone(&told);
        let port = first.port().clone();
        let task = first.spawn(async move {
            port.nop().await.expect("nothing");
            theirs.set(theirs.get() + 1);
        });
        second.block_on(second.port().nop()).expect("nothing");
        first.block_on(task);
        assert_eq!(told.get(), 1);
    });
}

// [C10] a scope of the thread's own port and of a shared one.
#[test]
fn a_scope_lends_to_both_kinds_of_port() {
    on_each("a_scope_lends_to_both", |runtime| {
        let kind = if cfg!(windows) { Kind::Iocp } else { Kind::Threads };
        let shared = Port::builder().backend(kind).build().expect("a shared port");
        let (one, _keep_one) = pipe::pair(&shared).expect("a pipe");
        let (two, _keep_two) = pipe::pair(runtime.port()).expect("a pipe");
        let (mut a, mut b) = ([0; 4], [0; 4]);
        shared.scope(|s| {
            let reads = (s.read(&one, &mut a), s.read(&two, &mut b));
            std::mem::forget(reads);
        });
        assert_eq!((a, b), ([0; 4], [0; 4]));
    });
}

// [C12] a `block_on` inside a task takes nothing that the one around it waits for.
#[test]
fn a_block_on_inside_a_task() {
    on_each("a_block_on_inside_a_task", |runtime| {
        let runtime = Rc::new(runtime);
        let (reader, writer) = pipe::pair(runtime.port()).expect("a pipe");
        let inner = Rc::clone(&runtime);
        let task = runtime.spawn(async move {
            let port = inner.port().clone();
            // Woken while the loop further down looks for others.
            let mut first = port.sleep(Duration::from_millis(1));
            assert!(future::poll_once(&mut first).await.is_none());
            inner.block_on(port.sleep(Duration::from_millis(5))).expect("a sleep");
            // Waits for the wake-up that came meanwhile, and for nothing else.
            let mut asked = false;
            future::poll_fn(|_| {
                let again = std::mem::replace(&mut asked, true);
                if again { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
            })
            .await;
            first.await.expect("a sleep");
            // What the one around waits for comes in the one inside.
            let write = writer.write_all(vec![7]);
            inner.block_on(port.sleep(Duration::from_millis(5))).expect("a sleep");
            write.await.expect("a write");
        });
        let read = runtime.block_on(reader.read(vec![0; 1]));
        assert_eq!(read.expect("a read").buf, [7]);
        runtime.block_on(task);
    });
}
