//! Cancels, timeouts and deadlines: C5, C6, C13.

use overlapped::pipe;
use overlapped_sim::Check;

use crate::{SECOND, all, file, slow};

// [C5] a cancel is a request: what comes after it is the true outcome, and it comes.
#[test]
fn a_cancel_is_a_request_and_the_outcome_is_told() {
    let report = all(&Check::new(), |sim| {
        slow(sim);
        let file = file(sim);
        let read = file.read_at(vec![255; 50], 0);
        read.cancel();
        match read.wait() {
            Ok(done) => format!("{} bytes", done.n),
            Err(failed) => {
                assert!(failed.error.is_cancelled() && failed.buf.len() == 50);
                "cancelled".to_owned()
            }
        }
    });
    let outcomes: Vec<_> = report.outcomes().collect();
    assert_eq!(outcomes, ["25 bytes", "50 bytes", "cancelled"]);
    assert!(report.is_complete());
}

// [C5] [C14] neither is a cancel lost when the kernel is full, nor what waits for room.
#[test]
fn a_cancel_is_not_lost_when_the_kernel_is_full() {
    let report = all(&Check::new(), |sim| {
        sim.depth(1);
        let (reader, writer) = pipe::pair(sim).expect("a pipe");
        let (other, _kept) = pipe::pair(sim).expect("a pipe");
        let first = reader.read(vec![0; 4]);
        let second = other.read(vec![0; 4]);
        // The first is with the kernel, the second waits for room.
        let order = [[&first, &second], [&second, &first]][sim.choose(2)];
        order.iter().for_each(|read| read.cancel());
        assert!(second.wait().expect_err("nothing was there").error.is_cancelled());
        assert!(first.wait().expect_err("nothing was there").error.is_cancelled());
        let write = writer.write(b"late".to_vec());
        let read = reader.read(vec![0; 4]);
        assert_eq!(write.wait().expect("there is room").n, 4);
        assert_eq!(read.wait().expect("it is there").buf, b"late");
    });
    assert!(report.is_complete());
}

// [C6] a wait that times out leaves everything as it was.
#[test]
fn a_timeout_leaves_the_operation_as_it_was() {
    let report = all(&Check::new(), |sim| {
        slow(sim);
        let file = file(sim);
        match file.read_at(vec![0; 50], 0).wait_timeout(SECOND) {
            Ok(done) => format!("in time: {}", done.expect("a read").n),
            Err(read) => format!("late: {}", read.wait().expect("nobody cancelled it").n),
        }
    });
    assert!(report.outcomes().eq(["in time: 50", "late: 50"]));
}

// [C6] a deadline cancels, waits, and tells the truth.
#[test]
fn a_deadline_tells_the_truth() {
    let report = all(&Check::new(), |sim| {
        slow(sim);
        let file = file(sim);
        let start = sim.now();
        let read = file.read_at(vec![0; 50], 0).deadline(SECOND);
        sim.sleep(SECOND / 100).wait().expect("a look at the timers");
        let outcome = read.wait();
        let late = sim.now() - start >= SECOND;
        match outcome {
            Ok(done) => format!("{} bytes", done.n),
            Err(failed) => {
                assert!(late && failed.error.is_cancelled(), "cancelled, and not before its time");
                "cancelled".to_owned()
            }
        }
    });
    assert!(report.outcomes().eq(["25 bytes", "50 bytes", "cancelled"]));
}

// [C13] a cancel that comes too late does not hit what came after, though it has its place.
#[test]
fn a_late_cancel_hits_nobody_else() {
    all(&Check::new().random(1).runs(5000), |sim| {
        sim.forgets();
        let file = file(sim);
        let (reader, _writer) = pipe::pair(sim).expect("a pipe");
        let port = sim.port().clone();
        let other = sim.thread("other", move || {
            port.nop().wait().expect("a look at the port");
            let read = reader.read(vec![0; 3]);
            // If somebody else's cancel was taken for this one's, this one is not heard.
            read.cancel();
            assert!(read.wait().expect_err("nothing is there").error.is_cancelled());
        });
        let mut stack = [0; 20];
        let (head, tail) = stack.split_at_mut(10);
        sim.scope(|scope| {
            // At its end the scope asks both to stop, one after the other.
            std::mem::forget(scope.read_at(&file, head, 0));
            std::mem::forget(scope.read_at(&file, tail, 10));
        });
        other.join();
    });
}

// [C13] nor does a deadline that was not needed.
#[test]
fn a_late_deadline_hits_nobody_else() {
    let report = all(&Check::new(), |sim| {
        let (file, (reader, writer)) = (file(sim), pipe::pair(sim).expect("a pipe"));
        let read = file.read_at(vec![0; 10], 0).deadline(SECOND);
        assert_eq!(read.wait().expect("it has a second").n, 10);
        // What comes now has its place in the book, and maybe its block.
        let next = reader.read(vec![0; 3]);
        let next = next.wait_timeout(10 * SECOND).expect_err("nothing is there");
        writer.write_all(b"abc".to_vec()).wait().expect("a write");
        assert_eq!(next.wait().expect("nobody cancelled it").n, 3);
    });
    assert!(report.is_complete());
}
