//! A port of one thread on the late kernel: what its runtime does, and what other threads do with
//! its operations.

use std::{rc::Rc, sync::mpsc, thread, time::Duration};

use overlapped::{Port, Runtime};

use crate::{
    file,
    late::{self, Late, Script},
    reader, scripts,
};

fn runtime(script: Script) -> Runtime {
    Runtime::with_backend(Late::backend(script))
}

/// Runs `body` on another thread, which is served meanwhile.
fn beside<R: Send + 'static>(
    runtime: &Runtime,
    body: impl FnOnce(Port) -> R + Send + 'static,
) -> R {
    let (port, (tell, told)) = (runtime.port().clone(), mpsc::channel());
    let thread = thread::spawn(move || drop(tell.send(body(port))));
    let told = runtime.block_on(async {
        loop {
            match told.try_recv() {
                Err(mpsc::TryRecvError::Empty) => {
                    runtime.port().sleep(Duration::from_millis(1)).await.unwrap();
                }
                told => return told,
            }
        }
    });
    thread.join().unwrap();
    told.unwrap()
}

// [C4] tasks side by side, each with its own bytes.
#[test]
fn c04_tasks_of_a_runtime() {
    for script in scripts() {
        let runtime = runtime(script);
        let file = Rc::new(file(runtime.port()));
        let tasks: Vec<_> = (0..3)
            .map(|at| {
                let file = Rc::clone(&file);
                runtime.spawn(async move { file.read_exact_at(vec![0; 8], at * 8).await })
            })
            .collect();
        for (at, task) in (0..3).zip(tasks) {
            assert_eq!(runtime.block_on(task).unwrap().buf, late::pattern(at * 8, 8));
        }
    }
}

// [C1] [C8] [C12] started here; dropped, cancelled, polled, awaited and taken there.
#[test]
fn c01_halves_on_another_thread() {
    for script in scripts() {
        let runtime = runtime(script);
        let file = file(runtime.port());
        let reads: Vec<_> = (0..4).map(|at| file.read_exact_at(vec![0; 8], at * 8)).collect();
        let mut half_way = file.read_exact_at(vec![0; 8], 40);
        // It leaves a waker here first.
        let over = late::poll_once(&mut half_way);
        beside(&runtime, move |_| {
            let [dropped, mut polled, awaited, blocked] = reads.try_into().unwrap();
            drop(dropped);
            if late::poll_once(&mut polled).is_none() {
                drop(polled);
            }
            assert_eq!(late::block_on(awaited).unwrap().buf, late::pattern(16, 8));
            assert_eq!(blocked.wait().unwrap().buf, late::pattern(24, 8));
            let outcome = over.unwrap_or_else(|| late::block_on(half_way));
            assert_eq!(outcome.unwrap().buf, late::pattern(40, 8));
        });
        assert_eq!(runtime.shutdown(Duration::from_secs(20)).leaked, 0);
    }
}

// [C4] [C5] started there, and given back here.
#[test]
fn c05_started_on_another_thread() {
    for script in scripts() {
        let runtime = runtime(script);
        let (read, cancelled) = beside(&runtime, |port| {
            let file = file(&port);
            drop(file.read_at(vec![0; 64], 0));
            let cancelled = file.read_at(vec![0; 16], 0);
            cancelled.cancel();
            (file.read_exact_at(vec![0; 8], 8), cancelled)
        });
        assert_eq!(runtime.block_on(read).unwrap().buf, late::pattern(8, 8));
        match cancelled.wait() {
            Ok(done) => assert_eq!(done.buf[..done.n], late::pattern(0, done.n)),
            Err(failed) => assert!(failed.error.is_cancelled()),
        }
    }
}

// [C7] [C10] lent on another thread, and dropped there while it lands here: what it took is kept,
// and read before the scope gives the memory back.
#[test]
fn c10_a_scope_on_another_thread() {
    for script in scripts() {
        let runtime = runtime(script);
        let (got, port) = beside(&runtime, |port| {
            let reader = reader(&port);
            let mut got = Vec::new();
            for round in 0..6 {
                let mut buf = Box::new([0u8; 4]);
                port.scope(|scope| {
                    let read = scope.read(&reader, &mut *buf);
                    match round % 2 {
                        0 => drop(read),
                        _ => {
                            if let Ok(outcome) = read.wait_timeout(Duration::from_micros(50)) {
                                let done = outcome.unwrap();
                                got.extend(&done.buf[..done.n]);
                            }
                        }
                    }
                });
                drop(buf);
            }
            got.extend(reader.into_parts().wait().unread);
            (got, port)
        });
        assert_eq!(got, late::pattern(0, got.len()));
        assert_eq!(got.len() as u64, late::taken(&port), "a byte was taken and is nowhere");
    }
}

// [C9] dropped with things in flight, here and there; their outcomes are still told.
#[test]
fn c09_a_runtime_goes_first() {
    for script in scripts() {
        let runtime = runtime(script);
        let file = file(runtime.port());
        let (here, there) = (file.read_at(vec![0; 32], 0), file.read_at(vec![0; 32], 0));
        let port = runtime.port().clone();
        let held = file.read_at(vec![0; 8], 0);
        runtime.spawn(async move { drop(held.await) }).detach();
        let thread = thread::spawn(move || {
            drop(file.read_at(vec![0; 8], 0));
            let started = file.read_at(vec![0; 8], 0).wait();
            let outcome = there.wait();
            drop((file, port));
            (outcome.map(|done| done.n), started.map(|done| done.n))
        });
        if script.seed() % 2 == 0 {
            runtime.block_on(runtime.port().nop()).unwrap();
        }
        drop(runtime);
        drop(here.wait());
        let _any = thread.join().unwrap();
    }
}

// [C12] woken by another thread, again and again, until the last wake-up comes too late.
#[test]
fn c12_wakers_on_another_thread() {
    let runtime = runtime(Script::seeded(1));
    let (tell, told) = mpsc::channel::<std::task::Waker>();
    let thread = thread::spawn(move || told.iter().for_each(std::task::Waker::wake));
    let mut left = 10;
    let task = runtime.spawn(std::future::poll_fn(move |cx| {
        tell.send(cx.waker().clone()).unwrap();
        left -= 1;
        if left == 0 { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    }));
    runtime.block_on(task);
    drop(runtime);
    thread.join().unwrap();
}
