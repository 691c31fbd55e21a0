//! Thousands at once: more than a ring's queue holds.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use overlapped::{
    Port,
    pipe::{Reader, Writer},
};
#[cfg(unix)]
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::telling::Telling;
use overlapped_sim::conformance::{
    Env, Verdict, table,
    tools::{LONG, bytes, cancelled, eventually, must, poll_once},
};

table! {
    System "C5" a_burst_of_cancels_is_never_lost;
    System "C9" a_port_dropped_with_a_crowd_in_flight;
    System "C14" a_crowd_that_is_dropped_leaves_its_bytes;
}

/// More than the 256 entries of a ring's queue, many times.
#[cfg(unix)]
const CROWD: usize = 3000;
/// More than the 128 packets that are dequeued at a time, several times.
#[cfg(windows)]
const CROWD: usize = 1000;

/// One crowd at a time: descriptors are not for nothing.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes sure that the process may have so many descriptors.
#[cfg(unix)]
fn room_for(count: u64) -> Result<(), Verdict> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= count) {
        return Ok(());
    }
    let raised = Rlimit { current: Some(count.min(maximum.unwrap_or(count))), maximum };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) if maximum.is_none_or(|maximum| maximum >= count) => Ok(()),
        _ => Err(Verdict::Skip(format!("needs {count} descriptors; raise `ulimit -n`"))),
    }
}

/// Many readers of idle pipes, and who writes to the last of them.
type Crowd = (Vec<Reader>, Vec<Writer>);

/// They read from one pipe.
#[cfg(unix)]
fn crowd(env: &Env, port: &Port) -> Result<Crowd, Verdict> {
    room_for(CROWD as u64 + 500)?;
    let (reader, writer) = env.pipe(port);
    let handle = reader.into_parts().wait().handle.into_os().expect("the OS's own");
    let another = |_| Reader::from_owned(port, handle.try_clone().expect("a descriptor"));
    Ok(((0..CROWD).map(another).collect(), vec![writer]))
}

/// Each reads from a pipe of its own: what is bound to a port is bound once.
#[cfg(windows)]
fn crowd(env: &Env, port: &Port) -> Result<Crowd, Verdict> {
    Ok((0..CROWD).map(|_| env.pipe(port)).unzip())
}

/// So soon each buffer is back that was dropped in flight, though nothing else happens.
#[cfg(unix)]
const SOON: Duration = Duration::from_secs(1);
/// Wine needs a while for so many.
#[cfg(windows)]
const SOON: Duration = LONG;

fn last<T>(crowd: &[T]) -> &T {
    crowd.last().expect("it is not empty")
}

fn a_burst_of_cancels_is_never_lost(env: &Env) -> Verdict {
    let _alone = alone();
    let port = env.port();
    let (readers, writers) = match crowd(env, &port) {
        Ok(crowd) => crowd,
        Err(skip) => return skip,
    };
    let mut reads: Vec<_> = readers.iter().map(|reader| reader.read(vec![9; 8])).collect();
    // Half of them are watched from the background.
    for read in reads.iter_mut().step_by(2) {
        assert!(poll_once(read).is_pending());
    }
    for read in &reads {
        read.cancel();
    }
    for read in reads {
        assert_eq!(cancelled(must(read)), [9; 8]);
    }
    assert!(port.in_flight().is_empty());
    must(last(&writers).write_all(b"all there".to_vec())).expect("a write");
    assert_eq!(bytes(must(last(&readers).read(vec![0; 16]))), b"all there");
    Verdict::Pass
}

fn a_port_dropped_with_a_crowd_in_flight(env: &Env) -> Verdict {
    let _alone = alone();
    let port = env.port();
    let (readers, writers) = match crowd(env, &port) {
        Ok(crowd) => crowd,
        Err(skip) => return skip,
    };
    let (buffers, flags): (Vec<_>, Vec<_>) = (0..CROWD).map(|_| Telling::new(64)).unzip();
    let reads: Vec<_> = readers.iter().zip(buffers).map(|(reader, buf)| reader.read(buf)).collect();
    let ends: Vec<_> = writers.into_iter().map(|it| it.into_parts().wait().handle).collect();
    drop(readers);
    drop(port);
    // A third of them is dropped, a third is waited for, a third is left to the end.
    for (i, read) in reads.into_iter().enumerate() {
        if i % 3 == 1 {
            let failed = read.wait_timeout(LONG).expect("it is cancelled");
            assert!(failed.expect_err("nothing to read").error.is_cancelled());
        }
    }
    let is_dropped = |flag: &std::sync::Arc<std::sync::atomic::AtomicBool>| {
        flag.load(std::sync::atomic::Ordering::SeqCst)
    };
    eventually("every buffer is free", || flags.iter().all(is_dropped));
    drop(ends);
    Verdict::Pass
}

fn a_crowd_that_is_dropped_leaves_its_bytes(env: &Env) -> Verdict {
    let _alone = alone();
    let port = env.port();
    let (readers, writers) = match crowd(env, &port) {
        Ok(crowd) => crowd,
        Err(skip) => return skip,
    };
    let (buffers, flags): (Vec<_>, Vec<_>) = (0..CROWD).map(|_| Telling::new(64)).unzip();
    for (reader, buffer) in readers.iter().zip(buffers) {
        drop(reader.read(buffer));
    }
    let is_dropped = |flag: &std::sync::Arc<std::sync::atomic::AtomicBool>| {
        flag.load(std::sync::atomic::Ordering::SeqCst)
    };
    // Every buffer comes back, though no byte has come and no reader has gone.
    let start = std::time::Instant::now();
    eventually("every buffer is free", || flags.iter().all(is_dropped));
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    assert_eq!(port.stats().in_flight, 0);
    must(last(&writers).write_all(b"all there".to_vec())).expect("a write");
    let read = must(last(&readers).read_exact(vec![0; 9]));
    assert_eq!(bytes(read), b"all there");
    Verdict::Pass
}
