//! What nobody waits for any more: C7, C8.

use std::{sync::Arc, time::Duration};

use overlapped::{Event, fs::File, pipe};
use overlapped_sim::Check;

use crate::{SECOND, all, writable};

// [C7] what an abandoned read of a stream took is served to the next one, in order.
#[test]
fn no_byte_of_a_stream_is_lost_or_doubled() {
    let report = all(&Check::new(), |sim| {
        let (reader, writer) = pipe::pair(sim).expect("a pipe");
        let abandoned = reader.read(vec![0; 3]);
        let write = writer.write_all(b"abcdef".to_vec());
        drop(abandoned);
        let mut got: Vec<u8> = Vec::new();
        while got.len() < 6 {
            let read = reader.read(vec![0; 4]).wait().expect("more is there");
            got.extend(&read.buf[..read.n]);
        }
        assert_eq!(got, b"abcdef");
        assert_eq!(write.wait().expect("a write").n, 6);
    });
    assert!(report.is_complete());
}

// [C7] a handle that an abandoned open brought is closed: the simulator looks at the end.
#[test]
fn an_abandoned_open_leaks_nothing() {
    let report = all(&Check::new(), |sim| {
        sim.file("/data", "x");
        let open = File::open(sim, "/data");
        match open.wait_timeout(Duration::from_millis(5)) {
            Ok(file) => drop(file.expect("it is there")),
            Err(open) => drop(open),
        }
    });
    assert!(report.is_complete());
}

// [C7] why an abandoned write failed is told by the next write, sync or close, once.
#[test]
fn an_abandoned_write_that_failed_is_told_of_once() {
    let report = all(&Check::new(), |sim| {
        let file = writable(sim);
        sim.capacity(0);
        drop(file.write_at(vec![1; 10], 0));
        if sim.choose(2) == 1 {
            sim.sleep(SECOND).wait().expect("it has failed by then");
        }
        let sync = file.sync_all().wait();
        let close = file.close().wait();
        let told = usize::from(sync.is_err()) + usize::from(close.is_err());
        assert_eq!(told, 1, "{sync:?} {close:?}");
        sync.is_err()
    });
    assert!(report.outcomes().eq(&[false, true]) && report.is_complete());
}

// [C8] what nobody waits for is landed all the same, though nobody blocks for its port.
#[test]
fn what_was_abandoned_is_landed_though_nobody_waits() {
    let report = all(&Check::new(), |sim| {
        let file = writable(sim);
        let memory: Arc<[u8]> = vec![7; 64].into();
        drop(file.write_at(Arc::clone(&memory), 0));
        assert!(!Event::manual().wait_timeout(SECOND), "nobody sets it");
        assert_eq!(Arc::strong_count(&memory), 1);
    });
    assert!(report.is_complete());
}

// [C8] dropping never blocks: if it did, nobody could go on.
#[test]
fn dropping_never_blocks() {
    let report = all(&Check::new(), |sim| {
        let (reader, writer) = pipe::pair(sim).expect("a pipe");
        let read = reader.read(vec![0; 4]);
        let write = writer.write_all(vec![0; 100_000]);
        drop((read, write));
        drop((reader, writer));
    });
    assert!(report.is_complete());
}
