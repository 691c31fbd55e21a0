//! The real kernel shows nothing that the simulated one does not: each scenario is run some
//! thousand times on what this machine has, and every outcome must be in the set that the
//! simulator finds when it tries everything. An outcome outside is a hole in the model.
#![cfg(any(target_os = "linux", windows))]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use overlapped::{Port, backend::Kind, fs::File, fs::OpenOptions, pipe};
use overlapped_sim::{Check, Sim};

/// How often a scenario is run on each real kernel.
#[cfg(not(windows))]
const RUNS: usize = 10_000;
/// Under Wine each takes ten times as long.
#[cfg(windows)]
const RUNS: usize = 1000;

/// Where a scenario runs: it finds a file `/data` of 64 KiB there, each byte 1.
enum Place<'a> {
    Simulated(&'a Sim),
    Real(&'a Port, &'a Path),
}

impl Place<'_> {
    fn port(&self) -> &Port {
        match self {
            Place::Simulated(sim) => sim.port(),
            Place::Real(port, _) => port,
        }
    }

    fn data(&self) -> PathBuf {
        match self {
            Place::Simulated(_) => "/data".into(),
            Place::Real(_, dir) => dir.join("data"),
        }
    }

    fn open(&self) -> File {
        let open = OpenOptions::new().read(true).write(true).open(self.port(), self.data());
        open.wait().expect("the file")
    }
}

type Scenario = fn(&Place<'_>) -> String;

/// A read that is cancelled at once.
fn cancelled_read(place: &Place<'_>) -> String {
    let read = place.open().read_at(vec![9; 65536], 0);
    read.cancel();
    match read.wait() {
        Ok(done) => format!("{} bytes", done.n),
        Err(failed) => format!("{:?}", failed.error.raw_os_error()),
    }
}

/// A read of a pipe that is cancelled while somebody writes: no byte is lost or doubled.
fn cancelled_pipe(place: &Place<'_>) -> String {
    let (reader, writer) = pipe::pair(place.port()).expect("a pipe");
    let read = reader.read(vec![0; 4]);
    let write = writer.write_all(b"abcdef".to_vec());
    read.cancel();
    let first = match read.wait() {
        Ok(done) => done.buf[..done.n].to_vec(),
        Err(failed) => {
            assert!(failed.error.is_cancelled());
            Vec::new()
        }
    };
    write.wait().expect("there is room");
    let rest = reader.read(vec![0; 6]).wait().expect("the rest");
    let (first, rest) = (String::from_utf8_lossy(&first), &rest.buf[..rest.n]);
    format!("{first:?} and {:?}", String::from_utf8_lossy(rest))
}

/// Two reads in flight, the first abandoned.
fn abandoned_pipe(place: &Place<'_>) -> String {
    let (reader, writer) = pipe::pair(place.port()).expect("a pipe");
    let (first, second) = (reader.read(vec![0; 2]), reader.read(vec![0; 4]));
    writer.write_all(b"abcdef".to_vec()).wait().expect("there is room");
    drop(first);
    let second = second.wait().expect("bytes are there");
    String::from_utf8_lossy(&second.buf[..second.n]).into_owned()
}

/// A write and a read of the same bytes at the same time.
fn overlapped_write(place: &Place<'_>) -> String {
    let file = place.open();
    let write = file.write_at(vec![2; 65536], 0);
    let read = file.read_at(vec![0; 65536], 0);
    let read = read.wait().expect("a read");
    assert_eq!(write.wait().expect("a write").n, 65536);
    file.write_all_at(vec![1; 65536], 0).wait().expect("as it was");
    let half = |bytes: &[u8]| match (bytes.contains(&1), bytes.contains(&2)) {
        (true, false) => "old",
        (false, true) => "new",
        _ => "both",
    };
    format!("{} {}", half(&read.buf[..32768]), half(&read.buf[32768..]))
}

/// A read with no time at all.
fn hurried_read(place: &Place<'_>) -> String {
    match place.open().read_at(vec![9; 4096], 0).wait_timeout(Duration::ZERO) {
        Ok(done) => format!("at once: {}", done.expect("a read").n),
        Err(late) => format!("later: {}", late.wait().expect("a read").n),
    }
}

/// A read that nobody writes for, with a deadline.
fn deadline_on_silence(place: &Place<'_>) -> String {
    let (reader, _writer) = pipe::pair(place.port()).expect("a pipe");
    let read = reader.read(vec![0; 4]).deadline(Duration::from_micros(50));
    read.wait().map_or_else(|failed| failed.error.is_cancelled().to_string(), |_| "bytes".into())
}

/// An open whose `Pending` is dropped.
fn abandoned_open(place: &Place<'_>) -> String {
    drop(File::open(place.port(), place.data()));
    let metadata = place.open().metadata().wait().expect("metadata");
    format!("{} bytes", metadata.len)
}

const SCENARIOS: &[(&str, Scenario)] = &[
    ("a cancelled read", cancelled_read),
    ("a cancelled read of a pipe", cancelled_pipe),
    ("an abandoned read of a pipe", abandoned_pipe),
    ("a write and a read at once", overlapped_write),
    ("a hurried read", hurried_read),
    ("a deadline on silence", deadline_on_silence),
    ("an abandoned open", abandoned_open),
];

/// Everything that can happen.
fn simulated(scenario: Scenario) -> BTreeSet<String> {
    let report = Check::new().run(|sim| {
        sim.file("/data", vec![1; 65536]);
        sim.tears();
        scenario(&Place::Simulated(sim))
    });
    if let Some(failure) = report.failure() {
        panic!("{failure}");
    }
    assert!(report.is_complete());
    report.outcomes().cloned().collect()
}

fn real(scenario: Scenario, kind: Kind, dir: &Path) -> Option<BTreeSet<String>> {
    let port = Port::builder().backend(kind).build().ok()?;
    fs::write(dir.join("data"), vec![1; 65536]).expect("a file");
    let place = Place::Real(&port, dir);
    Some((0..RUNS).map(|_| scenario(&place)).collect())
}

// [C15] the simulated kernel does what the real ones do.
#[test]
fn what_the_real_kernel_shows_the_simulated_one_shows_too() {
    let dir = std::env::temp_dir().join(format!("overlapped-containment-{}", std::process::id()));
    fs::create_dir_all(&dir).expect("a directory");
    for (name, scenario) in SCENARIOS {
        let possible = simulated(*scenario);
        for kind in [Kind::Uring, Kind::Iocp, Kind::Threads] {
            let Some(seen) = real(*scenario, kind, &dir) else {
                eprintln!("{kind} does not work here");
                continue;
            };
            println!("{name}: {kind} showed {seen:?} of {possible:?}");
            let outside: Vec<_> = seen.difference(&possible).collect();
            assert!(outside.is_empty(), "{name}: {kind} showed {outside:?}, not {possible:?}");
        }
    }
    fs::remove_dir_all(dir).expect("it is ours");
}
