//! Wakers that panic harm nobody but themselves, and wakers may use the port.

use std::{
    panic::resume_unwind,
    pin::Pin,
    sync::Arc,
    task::{Context, Wake, Waker},
};

use super::{
    Env, table,
    tools::{LONG, MOMENT, block_on, bytes, eventually, must, numbered, poll_once},
    world,
};

table! {
    Bytes "C11" a_waker_that_panics_harms_no_other;
    Bytes "C11" a_waker_that_panics_at_a_close_harms_no_other;
    Bytes "C11" a_destructor_may_use_the_port;
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
    let len = world::len(200_000);
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let write = writer.write_all(numbered(0, len));
    let mut closing = writer.close();
    let waker = panicking();
    assert!(Pin::new(&mut closing).poll(&mut Context::from_waker(&waker)).is_pending());
    // Whoever lands the write calls that waker.
    assert_eq!(bytes(must(reader.read_exact(vec![0; len]))), numbered(0, len));
    assert_eq!(must(write).expect("a write").n, len);
    block_on(closing).expect("nothing is owed");
    block_on(port.sleep(MOMENT)).expect("the background thread lives");
    assert_eq!(port.shutdown(LONG).leaked, 0, "nothing is counted as in flight");
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
    eventually("the waker has used the port", || told.try_recv().is_ok());
    assert_eq!(bytes(must(read)), numbered(0, 5));
}
