//! Backends that do not keep their word: what never ends is leaked and counted, what finds no room
//! waits, what is dropped is told.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use overlapped::{
    Cause, Port, Report,
    backend::{Backend, Completion, Entry, Features, Id, Kind, RealClock, Reap, Submit, Value},
    fs::File,
};

use crate::{LONG, watch};

/// What the backend does with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// It keeps them, and never answers until told to.
    Deaf,
    /// It takes so many at a time and answers each at the next wait.
    Narrow(usize),
    /// It drops them.
    Careless,
}

#[derive(Default)]
struct Shared {
    inner: Mutex<Inner>,
    changed: Condvar,
}

#[derive(Default)]
struct Inner {
    kept: VecDeque<Entry>,
    woken: bool,
    answering: bool,
    most: usize,
    cancels: usize,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no test panics with the lock held")
    }

    /// The deaf backend answers from now on.
    fn answer(&self) {
        self.lock().answering = true;
        self.changed.notify_all();
    }
}

struct In(Arc<Shared>, Manner);

impl Submit for In {
    fn submit(&mut self, entry: Entry) -> Result<(), Entry> {
        let mut inner = self.0.lock();
        match self.1 {
            Manner::Narrow(room) if inner.kept.len() >= room => return Err(entry),
            Manner::Careless => {
                drop(inner);
                drop(entry);
                return Ok(());
            }
            _ => {}
        }
        inner.kept.push_back(entry);
        inner.most = inner.most.max(inner.kept.len());
        self.0.changed.notify_all();
        Ok(())
    }

    fn cancel(&mut self, _id: Id) {
        self.0.lock().cancels += 1;
    }

    fn wake(&mut self) {
        self.0.lock().woken = true;
        self.0.changed.notify_all();
    }
}

struct Out(Arc<Shared>);

impl Reap for Out {
    fn wait(&mut self, until: Option<Instant>, out: &mut Vec<Completion>) -> io::Result<()> {
        let until = until.unwrap_or_else(|| Instant::now() + LONG);
        let mut inner = self.0.lock();
        while !inner.woken && (!inner.answering || inner.kept.is_empty()) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            inner = self.0.changed.wait_timeout(inner, left).expect("as above").0;
        }
        inner.woken = false;
        if inner.answering {
            let answered = inner.kept.drain(..).map(|entry| {
                let answer = Ok(Value::Count(entry.len()));
                Completion { entry, answer }
            });
            out.extend(answered);
        }
        Ok(())
    }
}

fn port(manner: Manner) -> (Port, Arc<Shared>) {
    let shared = Arc::new(Shared::default());
    shared.lock().answering = manner != Manner::Deaf;
    let backend = Backend {
        features: Features::all_native(Kind::Custom("scripted")),
        submit: Box::new(In(Arc::clone(&shared), manner)),
        reap: Box::new(Out(Arc::clone(&shared))),
        clock: Box::new(RealClock::default()),
        cheap: None,
        simulator: None,
        bell: None,
    };
    (Port::with_backend(backend), shared)
}

/// A handle to give to a backend that never uses it.
fn file(port: &Port) -> File {
    File::from_owned(port, std::fs::File::open("Cargo.toml").expect("a file"))
}

// [C9] what the OS does not finish in time is leaked, and the report says so.
#[test]
fn what_never_ends_is_leaked_and_counted() {
    let _watch = watch("what_never_ends_is_leaked_and_counted");
    let (port, shared) = port(Manner::Deaf);
    let file = file(&port);
    let memory: Arc<[u8]> = vec![7; 100].into();
    let kept = file.write_at(Arc::clone(&memory), 0);
    drop(file.write_at(Arc::clone(&memory), 100));
    let nap = port.sleep(LONG * 100);
    let bound = Duration::from_millis(50);
    let start = Instant::now();
    assert_eq!(port.shutdown(bound), Report { drained: 1, leaked: 2 });
    assert!(start.elapsed() >= bound && start.elapsed() < LONG, "it is bounded");
    assert!(nap.wait().expect_err("cancelled").is_cancelled(), "that one was drained");
    assert_eq!(shared.lock().cancels, 2, "both were asked");
    assert_eq!(Arc::strong_count(&memory), 3, "the memory is still lent");

    // The OS comes round: outcomes are told, and a later shutdown goes on.
    shared.answer();
    let outcome = kept.wait_timeout(LONG).expect("it is over now");
    assert_eq!(outcome.expect("a write").n, 100, "a cancel does not change what was decided");
    assert_eq!(port.shutdown(LONG).leaked, 0);
    assert_eq!(Arc::strong_count(&memory), 1, "the memory came back");
}

// [C9] a port that is dropped does not wait either, and frees nothing early.
#[test]
fn a_dropped_port_frees_nothing_that_flies() {
    let _watch = watch("a_dropped_port_frees_nothing_that_flies");
    let (port, shared) = port(Manner::Deaf);
    let file = file(&port);
    let memory: Arc<[u8]> = vec![7; 100].into();
    let write = file.write_at(Arc::clone(&memory), 0);
    drop(file.write_at(Arc::clone(&memory), 100));
    drop((file, port));
    let write = write.wait_timeout(Duration::from_millis(50)).expect_err("it flies");
    assert_eq!(Arc::strong_count(&memory), 3);
    shared.answer();
    write.wait_timeout(LONG).expect("it is over now").expect("a write");
    let start = Instant::now();
    while Arc::strong_count(&memory) > 1 {
        assert!(start.elapsed() < LONG, "the orphan's memory is freed at its landing");
        std::thread::yield_now();
    }
}

// [C14] what finds no room in the backend waits, in order, and is not lost.
#[test]
fn what_finds_no_room_waits_its_turn() {
    let _watch = watch("what_finds_no_room_waits_its_turn");
    let (port, shared) = port(Manner::Narrow(3));
    let file = file(&port);
    let writes: Vec<_> = (1..=100).map(|len| file.write_at(vec![7; len], 0)).collect();
    let stats = port.stats();
    assert_eq!((stats.in_flight, stats.backlog), (100, 97));
    for (len, write) in (1..).zip(writes) {
        let outcome = write.wait_timeout(LONG).expect("its turn comes");
        assert_eq!(outcome.expect("a write").n, len);
    }
    assert_eq!(shared.lock().most, 3, "never more than it has room for");
    assert_eq!(port.stats().backlog, 0);
}

// [C5] a cancel finds what waits for room, and does not wait for room itself.
#[test]
fn a_cancel_finds_what_waits_for_room() {
    let _watch = watch("a_cancel_finds_what_waits_for_room");
    let (port, shared) = port(Manner::Narrow(1));
    shared.lock().answering = false;
    let file = file(&port);
    let writes = [1, 2, 3].map(|len| file.write_at(vec![7; len], 0));
    let [first, second, third] = writes;
    second.cancel();
    let failed = second.wait_timeout(LONG).expect("it never reached the backend");
    let failed = failed.expect_err("cancelled");
    assert!(failed.error.is_cancelled());
    assert_eq!(failed.buf, [7; 2]);
    assert_eq!(shared.lock().cancels, 0, "so the backend was not asked");
    shared.answer();
    for (len, write) in [(1, first), (3, third)] {
        let outcome = write.wait_timeout(LONG).expect("the others go on");
        assert_eq!(outcome.expect("a write").n, len);
    }
}

// [C3] an operation that a backend drops has an outcome too, and its buffer comes back.
#[test]
fn what_a_backend_drops_is_told() {
    let _watch = watch("what_a_backend_drops_is_told");
    let (port, _shared) = port(Manner::Careless);
    let file = file(&port);
    let failed = file.write_at(vec![7; 9], 0).wait_timeout(LONG).expect("an outcome");
    let failed = failed.expect_err("it was dropped");
    assert_eq!((failed.error.cause(), failed.buf), (Cause::Abandoned, vec![7; 9]));
}

// [C15] what a backend lacks it says beforehand, and the port's threads do it instead.
#[cfg(unix)]
#[test]
fn what_a_backend_lacks_the_port_does() {
    let _watch = watch("what_a_backend_lacks_the_port_does");
    use overlapped::backend::Op;

    let shared = Arc::new(Shared::default());
    let mut features = Features::all_native(Kind::Custom("scripted"));
    features.missing = vec!["metadata"];
    assert!(!features.has(&Op::Stat { of: None }) && features.has(&Op::Nop));
    let port = Port::with_backend(Backend {
        features,
        submit: Box::new(In(Arc::clone(&shared), Manner::Deaf)),
        reap: Box::new(Out(Arc::clone(&shared))),
        clock: Box::new(RealClock::default()),
        cheap: None,
        simulator: None,
        bell: None,
    });
    let metadata = file(&port).metadata().wait_timeout(LONG).expect("somebody does it");
    assert!(metadata.expect("metadata").len > 0);
    assert!(shared.lock().kept.is_empty(), "the backend was not asked");
}
