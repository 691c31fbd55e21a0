//! Memory and outcomes: C1 to C4.

use std::{
    future::Future,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use overlapped::fs::File;
use overlapped_sim::{Check, Faults};

use crate::{SECOND, all, file, writable};

// [C1] [C2] what is lent is lent until the device has said its last word, whoever has let go.
#[test]
fn memory_is_lent_until_the_device_has_said_its_last_word() {
    let report = all(&Check::new(), |sim| {
        let file = writable(sim);
        let memory: Arc<[u8]> = vec![7; 64].into();
        let write = file.write_at(Arc::clone(&memory), 0);
        let started = sim.stats().in_flight;
        drop(write);
        sim.yield_now();
        let (flying, lent) = (sim.stats().in_flight, Arc::strong_count(&memory));
        assert_eq!(flying > 0, lent == 2, "{flying} in flight, {lent} owners");
        assert!(file.close().wait().is_ok());
        assert_eq!(Arc::strong_count(&memory), 1, "it is given back");
        assert_eq!(sim.contents("/out").expect("the file"), [7; 64]);
        (started, flying)
    });
    assert!(report.is_complete() && report.outcomes().count() > 1);
}

// [C3] [C4] one outcome, which is the OS's own, with the buffer.
#[test]
fn an_outcome_is_the_device_s_own_word_and_brings_the_buffer() {
    let faults = Faults::none().budget(1).short(true).errors(true);
    let report = all(&Check::new().faults(faults), |sim| {
        sim.file("/data", (0..100).collect::<Vec<u8>>());
        let Ok(file) = File::open(sim, "/data").wait() else {
            return "no file".to_owned();
        };
        match file.read_at(vec![255; 40], 80).wait() {
            Ok(done) => {
                let expected: Vec<u8> = (80..80 + done.n as u8).collect();
                assert_eq!((&done.buf[..done.n], done.buf.len()), (&expected[..], 40));
                assert!(done.buf[done.n..].iter().all(|byte| *byte == 255), "not one byte more");
                format!("{} bytes", done.n)
            }
            Err(failed) => {
                assert_eq!(failed.buf.len(), 40, "the buffer comes with failure, too");
                format!("error {:?}", failed.error.raw_os_error())
            }
        }
    });
    let outcomes: Vec<_> = report.outcomes().collect();
    assert_eq!(outcomes, [&["1 bytes", "20 bytes"][..], &ERRORS, &["no file"]].concat());
}

/// EAGAIN, ENODEV and EIO; what was interrupted is tried again.
#[cfg(not(windows))]
const ERRORS: [&str; 3] = ["error Some(11)", "error Some(19)", "error Some(5)"];
/// EAGAIN, EIO and ENODEV, by the numbers of this system.
#[cfg(windows)]
const ERRORS: [&str; 3] = ["error Some(-2)", "error Some(1117)", "error Some(55)"];

// [C3] a short transfer is not an error, and a whole one goes on after it.
#[test]
fn a_whole_transfer_survives_short_ones() {
    let faults = Faults::none().budget(2).short(true);
    all(&Check::new().faults(faults), |sim| {
        let file = writable(sim);
        let bytes: Vec<u8> = (0..40).collect();
        let write = file.write_all_sync_at(bytes.clone(), 10, true).wait().expect("a write");
        let read = file.read_exact_at(vec![0; 40], 10).wait().expect("a read");
        assert_eq!((write.n, read.n, read.buf), (40, 40, bytes));
    });
}

#[test]
fn a_poll_of_what_is_over_gives_the_outcome_at_once() {
    all(&Check::new(), |sim| {
        let file = file(sim);
        let mut read = file.read_at(vec![0; 10], 0);
        sim.sleep(SECOND).wait().expect("a sleep");
        let mut cx = Context::from_waker(Waker::noop());
        assert!(matches!(std::pin::Pin::new(&mut read).poll(&mut cx), Poll::Ready(Ok(_))));
    });
}
