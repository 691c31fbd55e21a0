//! The futures in executors that know nothing of them: tokio's with several threads, smol's, and
//! the smallest there is.

use std::{future::Future, sync::Arc, thread, time::Duration};

use async_executor::Executor;
use futures_lite::future;
use overlapped::{
    Port,
    fs::File,
    pipe::{self, Reader},
};
use tokio::time::timeout;

use crate::{LONG, numbered, ports, scratch::Scratch, watch};

const TASKS: usize = 32;
const ROUNDS: usize = 50;

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(3).enable_time().build().expect("a runtime")
}

/// Reads of a file, through a pipe and back, with a sleep in between.
async fn task(port: Port, file: Arc<File>, number: usize) {
    let (reader, writer) = pipe::pair(&port).expect("a pipe");
    for round in 0..ROUNDS {
        let from = (number * 997 + round * 61) % 9000;
        let through = reader.read_exact(vec![0; 500]);
        let done = file.read_exact_at(vec![0; 500], from as u64).await.expect("a read");
        writer.write_all(done.buf).await.expect("a write");
        port.sleep(Duration::from_micros(50)).await.expect("a sleep");
        assert_eq!(through.await.expect("a read").buf, numbered(from, 500));
    }
}

fn file(scratch: &Scratch, port: &Port) -> Arc<File> {
    let path = scratch.path().join("file");
    std::fs::write(&path, numbered(0, 10_000)).expect("a file");
    Arc::new(File::open(port, path).wait().expect("a file"))
}

// [C12] on any executor.
#[test]
fn many_tasks_on_tokio() {
    let _watch = watch("many_tasks_on_tokio");
    let scratch = Scratch::new();
    let runtime = runtime();
    for port in ports() {
        let file = file(&scratch, &port);
        let spawn = |number| runtime.spawn(task(port.clone(), Arc::clone(&file), number));
        let tasks: Vec<_> = (0..TASKS).map(spawn).collect();
        for task in tasks {
            runtime.block_on(task).expect("a task that does not panic");
        }
        assert!(port.in_flight().is_empty());
    }
}

// [C12] on any executor.
#[test]
fn many_tasks_on_smol() {
    let _watch = watch("many_tasks_on_smol");
    let scratch = Scratch::new();
    for port in ports() {
        let file = file(&scratch, &port);
        let executor = Arc::new(Executor::new());
        let run = || {
            let spawn = |n| executor.spawn(task(port.clone(), Arc::clone(&file), n));
            let (executor, tasks) = (Arc::clone(&executor), (0..TASKS).map(spawn));
            let all = tasks.collect::<Vec<_>>();
            let done = async {
                for task in all {
                    task.await;
                }
            };
            thread::spawn(move || future::block_on(executor.run(done)))
        };
        // Two threads drive one executor, so tasks go from one to the other.
        let threads = [run(), run()];
        for thread in threads {
            thread.join().expect("a thread that does not panic");
        }
        assert!(port.in_flight().is_empty());
    }
}

/// Writes `total` numbered bytes bit by bit.
fn trickle(writer: pipe::Writer, total: usize) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        for from in (0..total).step_by(10) {
            writer.write_all(numbered(from, 10)).wait().expect("a write");
            thread::sleep(Duration::from_micros(200));
        }
    })
}

/// Reads them all, with reads that are abandoned again and again.
async fn gather<F: Future<Output = Option<Vec<u8>>>>(
    total: usize,
    mut read: impl FnMut(u64) -> F,
) -> Vec<u8> {
    let mut got = Vec::new();
    for round in 0.. {
        if got.len() == total {
            break;
        }
        got.extend(read(round).await.unwrap_or_default());
    }
    got
}

async fn bytes(read: overlapped::Pending<'static, overlapped::request::Read<Vec<u8>>>) -> Vec<u8> {
    let mut done = read.await.expect("a read");
    done.buf.truncate(done.n);
    done.buf
}

// [C7] a read that a `select` abandons loses no byte.
#[test]
fn a_timeout_of_tokio_loses_nothing() {
    let _watch = watch("a_timeout_of_tokio_loses_nothing");
    let runtime = runtime();
    for port in ports() {
        let (reader, writer) = pipe::pair(&port).expect("a pipe");
        let writing = trickle(writer, 2000);
        let reader: &Reader = &reader;
        let got = runtime.block_on(gather(2000, |round| async move {
            let bound = Duration::from_micros(37 * (round % 11));
            timeout(bound, bytes(reader.read(vec![0; 7]))).await.ok()
        }));
        assert_eq!(got, numbered(0, 2000), "on {}", port.backend());
        writing.join().expect("the writer");
    }
}

// [C7] the same in a race of smol's.
#[test]
fn a_race_of_smol_loses_nothing() {
    let _watch = watch("a_race_of_smol_loses_nothing");
    for port in ports() {
        let (reader, writer) = pipe::pair(&port).expect("a pipe");
        let writing = trickle(writer, 2000);
        let (reader, clock): (&Reader, &Port) = (&reader, &port);
        let got = future::block_on(gather(2000, |round| async move {
            let tick = async move {
                let _ = clock.sleep(Duration::from_micros(37 * (round % 11))).await;
                None
            };
            future::or(async { Some(bytes(reader.read(vec![0; 7])).await) }, tick).await
        }));
        assert_eq!(got, numbered(0, 2000), "on {}", port.backend());
        writing.join().expect("the writer");
    }
}

// [C6] a timeout around a borrowed operation leaves it as it was.
#[test]
fn a_timeout_around_a_reference_leaves_the_operation() {
    let _watch = watch("a_timeout_around_a_reference");
    let runtime = runtime();
    for port in ports() {
        let (reader, writer) = pipe::pair(&port).expect("a pipe");
        runtime.block_on(async {
            let mut read = reader.read(vec![0; 7]);
            for _ in 0..5 {
                let waited = timeout(Duration::from_millis(2), &mut read).await;
                waited.expect_err("nothing to read");
            }
            writer.write_all(numbered(0, 7)).await.expect("a write");
            let waited = timeout(LONG, &mut read).await.expect("the bytes are there");
            assert_eq!(waited.expect("a read").buf, numbered(0, 7));
        });
    }
}

// [C12] woken by the waker alone: it may be begun in one executor and ended in another.
#[test]
fn begun_in_one_executor_and_ended_in_another() {
    let _watch = watch("begun_in_one_executor_and_ended_in_another");
    let runtime = runtime();
    for port in ports() {
        let (reader, writer) = pipe::pair(&port).expect("a pipe");
        let mut read = reader.read(vec![0; 7]);
        runtime.block_on(async {
            timeout(Duration::from_millis(5), &mut read).await.expect_err("nothing to read");
        });
        // On another thread, which has never heard of tokio.
        let ending = thread::spawn(move || future::block_on(read));
        thread::sleep(Duration::from_millis(20));
        writer.write_all(numbered(0, 7)).wait().expect("a write");
        let done = ending.join().expect("the thread").expect("a read");
        assert_eq!(done.buf, numbered(0, 7));
    }
}

// [C8] a runtime that is dropped in the middle drops its operations, and nothing waits.
#[test]
fn a_runtime_dropped_in_the_middle() {
    let _watch = watch("a_runtime_dropped_in_the_middle");
    for port in ports() {
        let runtime = runtime();
        let (reader, writer) = pipe::pair(&port).expect("a pipe");
        let reader = Arc::new(reader);
        for _ in 0..10 {
            let reader = Arc::clone(&reader);
            runtime.spawn(async move { reader.read(vec![0; 7]).await });
        }
        thread::sleep(Duration::from_millis(20));
        drop(runtime);
        writer.write_all(numbered(0, 100)).wait().expect("a write");
        let read = reader.read_exact(vec![0; 100]).wait_timeout(LONG);
        assert_eq!(read.expect("no byte is lost").expect("a read").buf, numbered(0, 100));
    }
}
