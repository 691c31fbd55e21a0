//! User code that panics harms nobody but itself.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Wake, Waker},
};

use super::{
    Env, cases,
    tools::{block_on, bytes, eventually, must, numbered, poll_once, waits},
};
use crate::{
    buffers::Telling,
    hostile::{Bomb, Shy},
};

cases! {
    Bytes "C11" a_waker_that_panics_harms_no_other;
    Bytes "C11" a_waker_that_panics_at_a_close_harms_no_other;
    Bytes "C11" a_buffer_whose_destructor_panics_harms_no_other;
    Bytes "C11" a_buffer_that_panics_when_it_is_lent_starts_nothing;
    Bytes "C11" a_destructor_may_use_the_port;
    Bytes "C4" a_buffer_is_dropped_once_its_operation_is_over;
}

/// A waker that panics when it is called.
fn panicking() -> Waker {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            resume_unwind(Box::new("planned: a waker panics"));
        }
    }
    Waker::from(Arc::new(Panics))
}

fn a_waker_that_panics_harms_no_other(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let (other_reader, other_writer) = env.pipe(&port);
    let mut bad = reader.read(vec![0; 5]);
    let mut good = other_reader.read(vec![0; 5]);
    assert!(Pin::new(&mut bad).poll(&mut Context::from_waker(&panicking())).is_pending());
    assert!(poll_once(&mut good).is_pending());
    must(writer.write_all(numbered(0, 5))).expect("a write");
    eventually("the waker has panicked", || port.stats().panics == 1);
    must(other_writer.write_all(numbered(5, 5))).expect("a write");
    // Whoever landed the first lives and lands the second.
    assert_eq!(bytes(block_on(good)), numbered(5, 5));
    assert_eq!(bytes(must(bad)), numbered(0, 5), "its outcome is there");
    assert_eq!(port.stats().panics, 1);
}

fn a_waker_that_panics_at_a_close_harms_no_other(env: &Env) {
    const LEN: usize = 200_000;
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let write = writer.write_all(numbered(0, LEN));
    let mut closing = writer.close();
    let waker = panicking();
    assert!(Pin::new(&mut closing).poll(&mut Context::from_waker(&waker)).is_pending());
    // Whoever lands the write calls that waker.
    assert_eq!(bytes(must(reader.read_exact(vec![0; LEN]))), numbered(0, LEN));
    assert_eq!(must(write).expect("a write").n, LEN);
    block_on(closing).expect("nothing is owed");
    block_on(port.sleep(super::tools::MOMENT)).expect("the background thread lives");
    assert_eq!(port.shutdown(super::tools::LONG).leaked, 0, "nothing is counted as in flight");
}

fn a_buffer_whose_destructor_panics_harms_no_other(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 100);
    let (reader, writer) = env.pipe(&port);
    for i in 0..20 {
        // Where the landing comes before the drop, the destructor panics here, as any would.
        let drop_it = || drop(file.read_at(Bomb(vec![0; 100]), i));
        let _ = catch_unwind(AssertUnwindSafe(drop_it));
    }
    // Here it panics where the bytes are landed, which are kept all the same.
    drop(reader.read(Bomb(vec![0; 5])));
    must(writer.write_all(numbered(0, 5))).expect("a write");
    must(writer.write_all(numbered(5, 5))).expect("a write");
    assert_eq!(bytes(block_on(reader.read_exact(vec![0; 10]))), numbered(0, 10));
    eventually("nothing is in flight", || port.in_flight().is_empty());
    block_on(port.sleep(super::tools::MOMENT)).expect("the background thread lives");
    block_on(file.close()).expect("nothing is owed");
    assert_eq!(port.shutdown(super::tools::LONG).leaked, 0);
}

fn a_buffer_that_panics_when_it_is_lent_starts_nothing(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 100);
    let (reader, writer) = env.pipe(&port);
    let before = port.stats().started;
    let starts: [&dyn Fn(); 4] = [
        &|| drop(file.read_at(Shy, 0)),
        &|| drop(file.write_at(Shy, 0)),
        &|| drop(reader.read(Shy)),
        &|| drop(writer.write_all(Shy)),
    ];
    for start in starts {
        catch_unwind(AssertUnwindSafe(start)).expect_err("the panic is the caller's");
    }
    assert_eq!(port.stats().started, before);
    must(writer.write_all(numbered(0, 5))).expect("a write");
    assert_eq!(bytes(must(reader.read(vec![0; 5]))), numbered(0, 5));
    // Nothing is in flight, so closing does not wait.
    block_on(file.close()).expect("nothing is owed");
    block_on(reader.close()).expect("nothing is owed");
    block_on(writer.close()).expect("nothing is owed");
}

fn a_destructor_may_use_the_port(env: &Env) {
    /// A waker that starts and awaits nothing less than another operation.
    struct Starts(overlapped::Port, std::sync::mpsc::Sender<usize>);
    impl Wake for Starts {
        fn wake(self: Arc<Self>) {
            must(self.0.sleep(std::time::Duration::ZERO)).expect("a sleep in a waker");
            let _ = self.1.send(self.0.in_flight().len());
        }
    }
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let (tell, told) = std::sync::mpsc::channel();
    let waker = Waker::from(Arc::new(Starts(port.clone(), tell)));
    let mut read = reader.read(vec![0; 5]);
    assert!(Pin::new(&mut read).poll(&mut Context::from_waker(&waker)).is_pending());
    must(writer.write_all(numbered(0, 5))).expect("a write");
    // It ran with no lock held, or it would still wait.
    told.recv_timeout(super::tools::LONG).expect("the waker has used the port");
    assert_eq!(bytes(must(read)), numbered(0, 5));
}

fn a_buffer_is_dropped_once_its_operation_is_over(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let (buf, dropped) = Telling::new(8);
    let is_dropped = || dropped.load(std::sync::atomic::Ordering::SeqCst);
    let read = waits(reader.read(buf));
    assert!(!is_dropped(), "it is in flight, and belongs to the system");
    drop(read);
    drop(reader);
    eventually("it is over, and its buffer gone", is_dropped);

    // One that was written from: it goes on without its handle, and keeps its bytes.
    let (reader, other) = env.pipe(&port);
    let (buf, dropped) = Telling::new(200_000);
    let is_dropped = || dropped.load(std::sync::atomic::Ordering::SeqCst);
    drop(other.write_all(buf));
    must(port.sleep(super::tools::MOMENT)).expect("a sleep");
    assert!(!is_dropped(), "the pipe does not hold it all");
    assert_eq!(bytes(must(reader.read_exact(vec![9; 200_000]))), vec![0; 200_000]);
    eventually("it is over, and its buffer gone", is_dropped);
    drop(writer);
}
