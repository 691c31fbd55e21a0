//! The end of a port: everything is cancelled and drained, and what cannot be is counted.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, mpsc},
    task::{Context, Wake, Waker},
    thread,
    time::Duration,
};

use overlapped::{Cause, Port, Report, fs, fs::File};

use super::{
    Env, table,
    tools::{
        LONG, MOMENT, block_on, bytes, cancelled, eventually, land, must, numbered, poll_once,
        waits,
    },
    world,
};

table! {
    Bytes "C9" a_shutdown_cancels_drains_and_reports;
    Bytes "C9" a_shutdown_of_an_idle_port_has_nothing_to_report;
    Bytes "C9" what_is_started_after_a_shutdown_is_refused;
    Bytes "C9" a_shutdown_lets_file_operations_end;
    Bytes "C9" outcomes_stay_with_their_handles;
    Bytes "C8" dropping_a_port_does_not_wait;
    Bytes "C9" a_port_is_dropped_while_an_operation_is_waited_for;
    Bytes "C9" a_port_is_dropped_while_an_operation_is_awaited;
    Bytes "C9" a_bound_that_passes_loses_no_outcome;
    Time "C9" sleeps_are_cancelled_too;
    Time "C9" clones_are_the_same_port;
    Time "C9" the_last_handle_may_be_dropped_by_a_waker;
    Time "C9" several_threads_may_shut_a_port_down;
    Bytes "C10" a_scope_on_a_port_that_is_shut_down;
}

fn a_shutdown_cancels_drains_and_reports(env: &Env) {
    let port = env.port();
    let pipes: Vec<_> = (0..8).map(|_| env.pipe(&port)).collect();
    let reads: Vec<_> = pipes.iter().map(|(reader, _)| reader.read(vec![9; 8])).collect();
    // Two more that wait for their turn.
    let queued = [pipes[0].0.read(vec![9; 8]), pipes[0].0.read(vec![9; 8])];
    let nap = port.sleep(LONG * 100);
    let report = port.shutdown(LONG);
    assert_eq!((report.drained, report.leaked), (11, 0));
    assert!(port.in_flight().is_empty());
    for read in reads.into_iter().chain(queued) {
        assert!(read.is_over());
        assert_eq!(cancelled(read.wait()), [9; 8]);
    }
    assert!(nap.wait().expect_err("it would be long").is_cancelled());
}

fn a_shutdown_of_an_idle_port_has_nothing_to_report(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 100);
    must(file.read_at(vec![0; 10], 0)).expect("a read");
    assert_eq!(port.shutdown(LONG), Report::default());
    assert_eq!(port.shutdown(Duration::ZERO), Report::default(), "again");
}

fn what_is_started_after_a_shutdown_is_refused(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 100);
    let (reader, writer) = env.pipe(&port);
    assert_eq!(port.shutdown(LONG).leaked, 0);
    let (buf, text) = (vec![7; 10], "stays");
    let address = buf.as_ptr();
    let refused = [
        must(file.read_at(buf, 0)).expect_err("refused"),
        must(reader.read(vec![7; 10])).expect_err("refused"),
    ];
    assert_eq!(refused[0].buf.as_ptr(), address, "the very buffer comes back");
    for failed in refused {
        assert_eq!((failed.error.cause(), failed.buf), (Cause::Closed, vec![7; 10]));
        assert!(failed.error.to_string().contains("another port"), "says what to do");
    }
    for failed in [must(file.write_at(text, 0)), must(writer.write_all(text))] {
        let failed = failed.expect_err("refused");
        assert_eq!((failed.error.cause(), failed.buf), (Cause::Closed, text));
    }
    assert_eq!(must(port.sleep(LONG)).expect_err("refused").cause(), Cause::Closed);
    let error = must(File::open(&port, env.path("file"))).expect_err("refused");
    assert_eq!(error.cause(), Cause::Closed);
    let error = must(fs::remove_file(&port, env.path("file"))).expect_err("refused");
    assert_eq!(error.cause(), Cause::Closed);
    assert!(env.exists("file"));
    // What was refused was not in flight, so closing does not wait for it.
    file.close().wait().expect("nothing is owed");
    reader.close().wait().expect("nothing is owed");
    writer.close().wait().expect("nothing is owed");
}

fn a_shutdown_lets_file_operations_end(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 0);
    let len = world::len(100_000);
    let writes: Vec<_> =
        (0..20).map(|i| file.write_all_at(numbered(len * i, len), (len * i) as u64)).collect();
    let report = port.shutdown(LONG);
    assert_eq!((report.drained, report.leaked), (20, 0));
    let other = env.port();
    let file = must(File::open(&other, env.path("file"))).expect("the file");
    let there = must(file.read_at(vec![0; 20 * len], 0)).expect("a read").buf;
    for (i, write) in writes.into_iter().enumerate() {
        let place = len * i..len * (i + 1);
        match write.wait() {
            Ok(_) => assert!(there[place] == numbered(len * i, len), "it is written"),
            // Over in part, or not begun.
            Err(failed) => assert!(failed.error.is_cancelled(), "{failed}"),
        }
    }
}

fn outcomes_stay_with_their_handles(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let read = reader.read(vec![0; 8]);
    must(writer.write_all(numbered(0, 8))).expect("a write");
    land(&port, &read);
    assert_eq!(port.shutdown(LONG), Report::default(), "it is over, and not in flight");
    assert_eq!(bytes(read.wait()), numbered(0, 8));
}

fn dropping_a_port_does_not_wait(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let len = world::len(1 << 20);
    let (read, write) = (reader.read(vec![9; 8]), writer.write_all(vec![0; len]));
    let start = world::now();
    drop((reader, writer));
    drop(port);
    assert!(world::now() - start < LONG / 2, "nobody reads that pipe");
    // The write still holds the other end, so the read may have taken some of it.
    match must(read) {
        Ok(done) => assert!(done.n > 0),
        Err(failed) => assert!(failed.error.is_cancelled(), "{failed}"),
    }
    let failed = must(write).expect_err("the pipe does not hold that much");
    assert_eq!(failed.buf.len(), len);
}

/// An operation that nothing but the end of its port will end, and the port.
fn idle(env: &Env) -> (overlapped::Pending<'static, overlapped::request::Read<Vec<u8>>>, Port) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let read = waits(reader.read(vec![9; 8]));
    // So that the pipe does not end when both sides are dropped.
    world::forgets();
    std::mem::forget(writer);
    drop(reader);
    (read, port)
}

fn a_port_is_dropped_while_an_operation_is_waited_for(env: &Env) {
    let port = env.port();
    let nap = port.sleep(LONG * 100);
    drop(port);
    assert!(must(nap).expect_err("it would be long").is_cancelled());

    let port = env.port();
    let nap = port.sleep(LONG * 100);
    let waiting = world::spawn(move || must(nap));
    // It sleeps in the kernel for the port by now, or comes too late; both must end.
    world::sleep(MOMENT);
    drop(port);
    let outcome = waiting.join();
    assert!(outcome.expect_err("it would be long").is_cancelled());

    let (read, port) = idle(env);
    assert_eq!(port.shutdown(LONG).leaked, 0);
    assert_eq!(cancelled(must(read)), [9; 8]);
}

fn a_port_is_dropped_while_an_operation_is_awaited(env: &Env) {
    let port = env.port();
    let mut nap = port.sleep(LONG * 100);
    assert!(poll_once(&mut nap).is_pending());
    drop(port);
    assert!(block_on(nap).expect_err("it would be long").is_cancelled());
}

fn a_bound_that_passes_loses_no_outcome(env: &Env) {
    let port = env.port();
    let len = world::len(1 << 20);
    let file = env.file(&port, len);
    let many = world::crowd(50);
    let read = |i: usize| file.read_at(vec![0; len / 2], 10 * i as u64);
    let reads: Vec<_> = (0..many).map(read).collect();
    let report = port.shutdown(Duration::ZERO);
    assert!(report.drained + report.leaked <= many, "{report:?}");
    // What was still in flight is over some time, and told like any other.
    for (i, read) in reads.into_iter().enumerate() {
        match must(read) {
            Ok(done) => assert!(done.buf[..done.n] == numbered(10 * i, done.n)),
            Err(failed) => assert!(failed.error.is_cancelled(), "{failed}"),
        }
    }
    assert_eq!(port.shutdown(LONG).leaked, 0, "a later shutdown goes on");
}

fn sleeps_are_cancelled_too(env: &Env) {
    let port = env.port();
    let naps: Vec<_> = (0..world::crowd(100)).map(|_| port.sleep(LONG * 100)).collect();
    let report = port.shutdown(LONG);
    assert_eq!((report.drained, report.leaked), (naps.len(), 0));
    for nap in naps {
        assert!(nap.is_over());
        assert!(nap.wait().expect_err("it would be long").is_cancelled());
    }
}

fn clones_are_the_same_port(env: &Env) {
    let port = env.port();
    let nap = port.clone().sleep(Duration::from_millis(5));
    // The clone is dropped, the port is not.
    must(nap).expect("a sleep");
    let nap = port.sleep(LONG * 100);
    let _ = port.clone().shutdown(LONG);
    assert!(must(nap).expect_err("it would be long").is_cancelled());
    assert_eq!(must(port.sleep(LONG)).expect_err("refused").cause(), Cause::Closed);
}

fn the_last_handle_may_be_dropped_by_a_waker(env: &Env) {
    /// Tells which thread has dropped the port.
    struct Holds(Mutex<Option<Port>>, mpsc::Sender<Option<String>>);
    impl Wake for Holds {
        fn wake(self: Arc<Self>) {
            let port = self.0.lock().expect("nobody panics").take();
            drop(port);
            let _ = self.1.send(thread::current().name().map(str::to_owned));
        }
    }
    let port = env.port();
    let (tell, told) = mpsc::channel();
    let mut nap = port.sleep(MOMENT);
    let other = port.sleep(LONG * 100);
    let waker = Waker::from(Arc::new(Holds(Mutex::new(Some(port)), tell)));
    let poll = Pin::new(&mut nap).poll(&mut Context::from_waker(&waker));
    assert!(poll.is_pending());
    // It was the port's own thread that came here, and now it ends with the port.
    let mut name = None;
    eventually("the waker was called", || {
        told.try_recv().is_ok_and(|on| {
            name = on;
            true
        })
    });
    let own = name.is_some_and(|name| name.starts_with("overlapped"));
    assert!(own || world::is_simulated(), "a simulated port has no thread");
    must(nap).expect("a sleep");
    assert!(must(other).expect_err("it would be long").is_cancelled());
}

fn several_threads_may_shut_a_port_down(env: &Env) {
    let port = env.port();
    let naps: Vec<_> = (0..world::rounds(100)).map(|_| port.sleep(LONG * 100)).collect();
    world::scope(|threads| {
        let end = |_| threads.spawn("another", || port.shutdown(LONG));
        let ends: Vec<_> = (0..world::rounds(4)).map(end).collect();
        for end in ends {
            assert_eq!(end.join().leaked, 0);
        }
    });
    assert!(naps.iter().all(overlapped::Pending::is_over));
}

fn a_scope_on_a_port_that_is_shut_down(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 100);
    assert_eq!(port.shutdown(LONG).leaked, 0);
    let mut room = [9; 8];
    let cause = port.scope(|s| must(s.read_at(&file, &mut room, 0)).unwrap_err().error.cause());
    assert_eq!((cause, room), (Cause::Closed, [9; 8]));
}
