//! Ten thousand reads on idle pipes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use overlapped::{
    Port,
    backend::Kind,
    pipe::{Reader, Writer},
};

use crate::{eventually, port, scaled, system, telling::Telling};

const CROWD: u64 = 10_000;

/// Readers of idle pipes, and who could write to them.
fn crowd(port: &Port) -> (Vec<Reader>, Vec<Writer>) {
    let (readers, writers) = system::crowd(port, scaled(CROWD));
    if (readers.len() as u64) < CROWD {
        eprintln!("only {} readers: raise `ulimit -n`, or OVERLAPPED_STRESS", readers.len());
    }
    (readers, writers)
}

pub(crate) fn cancelled(kind: Kind) {
    let Some(port) = port(kind) else { return };
    let (readers, writers) = crowd(&port);
    for round in 0..3 {
        let reads: Vec<_> = readers.iter().map(|reader| reader.read(vec![0; 8])).collect();
        reads.iter().for_each(overlapped::Pending::cancel);
        for read in reads {
            let outcome = read.wait_timeout(Duration::from_secs(60)).expect("no cancel is lost");
            let failed = outcome.expect_err("nothing to read");
            assert!(failed.error.is_cancelled(), "{failed}, in round {round}");
        }
    }
    assert!(port.in_flight().is_empty());
    writers[0].write_all(b"whole".to_vec()).wait().expect("a write");
    let done = readers[0].read(vec![0; 8]).wait().expect("a read");
    assert_eq!(done.buf[..done.n], *b"whole");
}

pub(crate) fn port_dropped(kind: Kind) {
    let Some(port) = port(kind) else { return };
    let (readers, writers) = crowd(&port);
    let mut flags = Vec::new();
    let mut reads = Vec::new();
    for reader in &readers {
        let (buf, dropped) = Telling::new(64);
        flags.push(dropped);
        reads.push(reader.read(buf));
    }
    let ends: Vec<_> = writers.into_iter().map(|it| it.into_parts().wait().handle).collect();
    let start = Instant::now();
    drop(readers);
    drop(port);
    let took = start.elapsed();
    // Half of them have a handle left, whose outcome is told.
    reads.truncate(flags.len() / 2);
    for read in reads {
        let outcome = read.wait_timeout(Duration::from_secs(60)).expect("its outcome comes");
        assert!(outcome.expect_err("nothing to read").error.is_cancelled());
    }
    let is_dropped = |flag: &Arc<AtomicBool>| flag.load(Ordering::SeqCst);
    eventually("every buffer is free", || flags.iter().all(is_dropped));
    eprintln!(
        "{kind}: {} in flight: dropped in {took:?}, free after {:?}",
        flags.len(),
        start.elapsed()
    );
    drop(ends);
}
