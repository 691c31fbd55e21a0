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
    pipe::{self, Reader, Writer},
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{buffers::Telling, eventually, port, scaled};

const CROWD: u64 = 10_000;

/// As many readers of one pipe as asked for, or as the process may have descriptors.
fn crowd(port: &Port) -> (Vec<Reader>, Writer) {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    let _ = setrlimit(Resource::Nofile, raised);
    let room = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX).saturating_sub(200);
    let count = scaled(CROWD).min(room);
    if count < CROWD {
        eprintln!("only {count} readers: raise `ulimit -n`, or OVERLAPPED_STRESS");
    }
    let (reader, writer) = pipe::pair(port).expect("a pipe");
    let handle = reader.into_parts().wait().handle.into_os().expect("the OS's own");
    let another = |_| Reader::from_owned(port, handle.try_clone().expect("a descriptor"));
    ((0..count).map(another).collect(), writer)
}

pub(crate) fn cancelled(kind: Kind) {
    let Some(port) = port(kind) else { return };
    let (readers, writer) = crowd(&port);
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
    writer.write_all(b"whole".to_vec()).wait().expect("a write");
    let done = readers[0].read(vec![0; 8]).wait().expect("a read");
    assert_eq!(done.buf[..done.n], *b"whole");
}

pub(crate) fn port_dropped(kind: Kind) {
    let Some(port) = port(kind) else { return };
    let (readers, writer) = crowd(&port);
    let mut flags = Vec::new();
    let mut reads = Vec::new();
    for reader in &readers {
        let (buf, dropped) = Telling::new(64);
        flags.push(dropped);
        reads.push(reader.read(buf));
    }
    let pipe = writer.into_parts().wait().handle.into_os().expect("the OS's own");
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
    drop(pipe);
}
