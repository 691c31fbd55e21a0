//! Why a run went wrong: the two steps whose order decided it, or what a device did, found by
//! running it again with that turned round.

use std::{sync::Arc, time::Duration};

use overlapped::{
    fs::{File, OpenOptions},
    pipe,
};
use overlapped_sim::{Check, Failure, Faults, Sim, Why};

fn failure(check: &Check, body: impl Fn(&Sim)) -> Failure {
    check.run(body).failure().expect("it goes wrong").clone()
}

/// A record is written, and read by a task that does not wait for the write.
fn reads_too_early(sim: &Sim) {
    sim.file("/log", "old");
    let file = OpenOptions::new().read(true).write(true).open(sim, "/log").wait().expect("the log");
    sim.block_on(async {
        let write = file.write_all_at(b"new".to_vec(), 0);
        let read = file.read_at(vec![0; 3], 0).await.expect("a read");
        write.await.expect("a write");
        assert_eq!(read.buf, b"new", "what was written is read");
    });
}

#[test]
fn the_read_that_came_before_the_write_is_named() {
    let failure = failure(&Check::new(), reads_too_early);
    println!("{failure}");
    let Why::Order { earlier, later, fine } = failure.why() else {
        panic!("{failure}");
    };
    assert!(earlier.contains("#3") && later.contains("#2"), "{failure}");
    assert_eq!(fine.0, fine.1, "{failure}");
    assert!(failure.to_string().contains(&format!("why       {}", failure.why())[..60]));
}

/// The example of the guide: a cancelled read is expected to fail.
#[test]
fn a_cancel_that_is_not_heeded_is_named() {
    let failure = failure(&Check::new(), |sim| {
        sim.file("/data", "overlapped");
        sim.latency(Duration::ZERO, Duration::from_secs(2));
        let file = File::open(sim, "/data").wait().expect("it is there");
        if let Err(late) = file.read_at(vec![0; 8], 0).wait_timeout(Duration::from_secs(1)) {
            late.cancel();
            let _failed = late.wait().expect_err("it was cancelled");
        }
    });
    println!("{failure}");
    assert!(failure.to_string().contains("a cancel was not heeded"), "{failure}");
}

#[test]
fn a_fault_that_a_program_does_not_survive_is_named() {
    let check = Check::new().faults(Faults::none().short(true).budget(1));
    let failure = failure(&check, |sim| {
        sim.file("/data", "overlapped");
        let file = File::open(sim, "/data").wait().expect("it is there");
        assert_eq!(file.read_at(vec![0; 8], 0).wait().expect("a read").n, 8);
    });
    println!("{failure}");
    assert!(failure.to_string().contains("a fault was injected"), "{failure}");
}

#[test]
fn what_goes_wrong_in_every_order_is_no_race() {
    let failure = failure(&Check::new(), |sim| {
        let (reader, _writer) = pipe::pair(sim).expect("a pipe");
        let _never = reader.read(vec![0; 16]).wait();
    });
    assert!(failure.is_hang());
    assert_eq!(*failure.why(), Why::NoRace, "{failure}");
}

/// Two threads that share a file: one looks whether the other is done, and does not wait for it.
#[test]
fn a_thread_that_overtakes_another_is_named() {
    let failure = failure(&Check::new(), |sim| {
        sim.file("/flag", "0");
        let file = OpenOptions::new().read(true).write(true).open(sim, "/flag").wait().expect("it");
        let file = Arc::new(file);
        let other = Arc::clone(&file);
        let thread = sim.thread("other", move || {
            other.write_all_at(b"1".to_vec(), 0).wait().expect("a write");
        });
        let seen = file.read_at(vec![0; 1], 0).wait().expect("a read").buf;
        thread.join();
        assert_eq!(seen, b"1");
    });
    println!("{failure}");
    let Why::Order { earlier, later, .. } = failure.why() else {
        panic!("{failure}");
    };
    assert!(earlier.contains("#2") && later.contains("#3"), "{failure}");
}
