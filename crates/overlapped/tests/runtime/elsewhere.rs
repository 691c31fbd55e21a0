//! Files and operations of a local port on other threads: they work through its inbox.

use std::{thread, time::Duration};

use futures_lite::future;
use overlapped::{Cause, Port, Runtime, backend::Kind, fs::File, pipe};

use crate::{numbered, on_each, scratch::Scratch};

/// Runs `body` on a thread of its own while the runtime serves it.
pub(crate) fn beside<R: Send + 'static>(
    runtime: &Runtime,
    body: impl FnOnce(Port) -> R + Send + 'static,
) -> R {
    let port = runtime.port().clone();
    let thread = thread::spawn(move || body(port));
    // It serves the thread to its end, the outcome of its last operation included.
    runtime.block_on(async {
        while !thread.is_finished() {
            runtime.port().sleep(Duration::from_millis(1)).await.expect("a sleep");
        }
    });
    thread.join().expect("a thread that does not panic")
}

#[test]
fn a_file_is_used_from_another_thread() {
    on_each("a_file_is_used_from_another_thread", |runtime| {
        let scratch = Scratch::new();
        let path = scratch.path().join("file");
        let read = beside(&runtime, move |port| {
            let file = File::create(&port, path).wait().expect("a file");
            let write = file.write_all_sync_at(numbered(0, 5000), 0, true).wait();
            assert_eq!(write.expect("a write").n, 5000);
            let read = future::block_on(file.read_exact_at(vec![0; 5000], 0));
            file.close().wait().expect("nothing is owed");
            read.expect("a read").buf
        });
        assert_eq!(read, numbered(0, 5000));
    });
}

// [C5] [C6] asked to stop, and given a deadline, from where it does not live.
#[test]
fn another_thread_cancels_and_sets_deadlines() {
    on_each("another_thread_cancels", |runtime| {
        let (reader, writer) = pipe::pair(runtime.port()).expect("a pipe");
        let started_here = reader.read(vec![0; 8]);
        beside(&runtime, move |_| {
            started_here.cancel();
            let failed = started_here.wait().expect_err("nobody writes");
            assert!(failed.error.is_cancelled(), "{failed}");
            let there = reader.read(vec![0; 8]);
            there.cancel();
            let failed = future::block_on(there).expect_err("nobody writes");
            assert!(failed.error.is_cancelled(), "{failed}");
            let late = reader.read(vec![0; 8]).deadline(Duration::from_millis(5));
            assert!(late.wait().expect_err("nobody writes").error.is_cancelled());
            let waits = reader.read(vec![0; 8]).wait_timeout(Duration::from_millis(10));
            let waits = waits.expect_err("nobody writes");
            waits.cancel();
            assert!(waits.wait().expect_err("nobody writes").error.is_cancelled());
        });
        drop(writer);
    });
}

// [C7] what was let go of before may still have something to tell the handle.
#[test]
fn closed_on_another_thread_a_handle_waits_for_what_was_left_before() {
    on_each("closed_on_another_thread", |runtime| {
        // Threads of a Unix serve each other's ports: there nobody waits for the owner.
        if cfg!(unix) && runtime.port().backend() == Kind::Threads {
            return;
        }
        let (reader, writer) = pipe::pair(runtime.port()).expect("a pipe");
        let closing = thread::spawn(move || {
            let mut close = writer.close();
            let over = future::block_on(future::poll_once(&mut close));
            assert!(over.is_none(), "the port's thread has not looked yet");
            close
        });
        let close = closing.join().expect("no panic");
        runtime.block_on(close).expect("nothing is owed");
        drop(reader);
    });
}

// [C7] an error is told by closing, whenever the write fails.
#[test]
fn a_write_that_failed_and_was_dropped_on_another_thread_is_told_by_closing() {
    on_each("a_write_that_failed", |runtime| {
        let told = beside(&runtime, |port| {
            let fails = |_| {
                let (reader, writer) = pipe::pair(&port).expect("a pipe");
                reader.close().wait().expect("nothing is owed");
                drop(writer.write(vec![1]));
                writer.close().wait().is_err()
            };
            (0..500).map(fails).filter(|told| *told).count()
        });
        assert_eq!(told, 500);
    });
}

// [C7] what an operation took that was dropped elsewhere is served to the next.
#[test]
fn dropped_on_another_thread_it_loses_nothing() {
    on_each("dropped_on_another_thread", |runtime| {
        let (reader, writer) = pipe::pair(runtime.port()).expect("a pipe");
        let rounds = 200;
        let got = beside(&runtime, move |_| {
            let mut got = Vec::new();
            for round in 0..rounds {
                let read = reader.read(vec![0; 3]);
                let write = writer.write_all(numbered(round * 3, 3));
                if round % 3 == 0 {
                    write.wait().expect("a write");
                    drop(read);
                } else {
                    drop(read);
                    write.wait().expect("a write");
                }
                let exact = reader.read_exact(vec![0; 3]).wait().expect("a read");
                got.extend(exact.buf);
            }
            got
        });
        assert_eq!(got, numbered(0, rounds * 3));
    });
}

// [C12] a waker that is left elsewhere is the one that is called.
#[test]
fn polled_here_and_awaited_there() {
    on_each("polled_here_and_awaited_there", |runtime| {
        for _ in 0..20 {
            let (reader, writer) = pipe::pair(runtime.port()).expect("a pipe");
            let mut read = reader.read(vec![0; 4]);
            // It leaves a waker of the runtime, and is not over.
            let polled = runtime.block_on(future::poll_once(&mut read));
            assert!(polled.is_none());
            let got = beside(&runtime, move |_| {
                let write = writer.write_all(b"four".to_vec());
                let got = future::block_on(read).expect("a read").buf;
                write.wait().expect("a write");
                got
            });
            assert_eq!(got, b"four");
        }
    });
}

#[test]
fn started_there_and_awaited_here() {
    on_each("started_there_and_awaited_here", |runtime| {
        let naps = beside(&runtime, |port| {
            (0..20).map(|n| port.sleep(Duration::from_micros(n * 50))).collect::<Vec<_>>()
        });
        runtime.block_on(async {
            for nap in naps {
                nap.await.expect("a sleep");
            }
        });
    });
}

// [C4] [C9] when its thread has ended the runtime, a port refuses, and gives the buffer back.
#[test]
fn after_the_runtime_a_port_refuses() {
    on_each("after_the_runtime", |runtime| {
        let (reader, writer) = pipe::pair(runtime.port()).expect("a pipe");
        let port = runtime.port().clone();
        let flying = reader.read(vec![0; 8]);
        drop(runtime);
        let thread = thread::spawn(move || {
            assert!(flying.wait().expect_err("it was stopped").error.is_cancelled());
            let failed = reader.read(vec![7; 8]).wait().expect_err("nobody serves it");
            assert_eq!((failed.error.cause(), failed.buf), (Cause::Closed, vec![7; 8]));
            let failed = future::block_on(port.nop()).expect_err("nobody serves it");
            assert_eq!(failed.cause(), Cause::Closed);
            drop((reader, writer, port));
        });
        thread.join().expect("a thread that does not panic");
    });
}

// [C10] a scope on another thread lends to a local port, and joins.
#[test]
fn a_scope_on_another_thread() {
    on_each("a_scope_on_another_thread", |runtime| {
        beside(&runtime, |port| {
            let (reader, writer) = pipe::pair(&port).expect("a pipe");
            let mut room = [0; 5];
            port.scope(|s| {
                let read = s.read(&reader, &mut room);
                let write = s.write(&writer, b"hello");
                assert_eq!(write.wait().expect("a write").n, 5);
                assert_eq!(read.wait().expect("a read").n, 5);
            });
            assert_eq!(&room, b"hello");
            let mut never = [0; 5];
            port.scope(|s| {
                let read = s.read(&reader, &mut never);
                std::mem::forget(read);
            });
            assert_eq!(never, [0; 5]);
        });
    });
}

// What is in flight is told to other threads, too, as long as the port's own thread turns.
#[test]
fn another_thread_asks_what_flies() {
    on_each("another_thread_asks", |runtime| {
        let (reader, writer) = pipe::pair(runtime.port()).expect("a pipe");
        let read = reader.read(vec![0; 77]);
        let flying = beside(&runtime, |port| (port.in_flight(), port.stats()));
        assert!(flying.0.iter().any(|op| op.operation == "read" && op.len == 77), "{flying:?}");
        assert!(flying.1.in_flight >= 1);
        drop((read, writer));
    });
}

// [C5] [C14] however much was left while its thread was busy, it is done one after the other.
#[test]
fn a_crowd_of_cancels_and_drops_from_another_thread() {
    on_each("a_crowd_of_cancels_and_drops", |runtime| {
        let (reader, writer) = pipe::pair(runtime.port()).expect("a pipe");
        let port = runtime.port().clone();
        let thread = thread::spawn(move || {
            let (mut kept, mut naps) = (Vec::new(), Vec::new());
            for round in 0..20_000 {
                let read = reader.read(vec![0; 1]);
                let nap = port.sleep(Duration::from_secs(60));
                if round % 2 == 0 {
                    nap.cancel();
                    naps.push(nap);
                } else {
                    drop(nap);
                }
                if round % 100 == 0 {
                    kept.push(read);
                } else {
                    drop(read);
                }
            }
            (kept, naps)
        });
        let (kept, naps) = thread.join().expect("no panic");
        runtime.block_on(async {
            for nap in naps {
                assert!(nap.await.expect_err("it was cancelled").is_cancelled());
            }
            let write = writer.write_all(numbered(0, kept.len()));
            let mut got = Vec::new();
            for read in kept {
                got.extend(read.await.expect("a read").buf);
            }
            write.await.expect("a write");
            assert_eq!(got, numbered(0, got.len()));
        });
    });
}
