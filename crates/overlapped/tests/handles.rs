//! No handle and no thread is left when a port is gone. They are counted for the whole process, so
//! there is one test here, and nothing beside it.
#![cfg(windows)]

#[path = "support/census.rs"]
mod census;
#[path = "support/intruder.rs"]
mod intruder;
#[path = "support/scratch.rs"]
mod scratch;
#[path = "support/watchdog.rs"]
mod watchdog;

use std::{
    fs, mem,
    os::windows::{fs::OpenOptionsExt, io::AsRawHandle},
    process, thread,
    time::{Duration, Instant},
};

use overlapped::{
    Port, Report, Runtime,
    backend::Kind,
    device::Device,
    fs::{File, Watcher, metadata},
    pipe::{self, Reader, Server, Writer},
};
use scratch::Scratch;
use watchdog::Watchdog;

const LONG: Duration = Duration::from_secs(60);
const READS: usize = 1000;

/// `FILE_FLAG_OVERLAPPED`
const OVERLAPPED: u32 = 0x4000_0000;

type Case = (&'static str, fn(Kind));

const CASES: &[Case] = &[
    ("a port is shut down with a thousand reads in flight", is_shut_down),
    ("a port is dropped with a thousand reads in flight", is_dropped),
    ("all goes but the port, with a thousand reads in flight", is_left_alone),
    ("what is opened for nobody", opens_for_nobody),
    ("files and what workers do", uses_workers),
    ("reads and writes by workers", reads_synchronous_handles),
    ("streams are taken apart", takes_apart),
    ("servers and clients that meet nobody", meets_nobody),
    ("a handle is closed by somebody else", is_closed_by_somebody),
    ("clients that come and go, devices, watchers", waits_for_others),
    ("runtimes", has_runtimes),
    ("fifty ports", comes_and_goes),
];

/// What there is without a shared port.
const OF_A_THREAD: &[Case] = &[("runtimes", has_runtimes)];

// [C7] [C9] what was opened is closed, and every thread ends, however the port goes.
#[test]
fn nothing_is_left_open() {
    for (kind, cases) in [(Kind::Iocp, CASES), (Kind::Threads, CASES), (Kind::Apc, OF_A_THREAD)] {
        for (name, case) in cases {
            let _watch = Watchdog::set(&format!("{name} on {kind}"), LONG);
            // What the system makes at first use stays.
            case(kind);
            let before = at_rest();
            case(kind);
            assert_eq!(at_rest(), before, "handles: {name} on {kind}");
        }
    }
}

/// How many handles there are, once no thread of the library is left: neither with its name nor
/// before it has one, or after. Then their number does not change.
fn at_rest() -> usize {
    const ROUNDS: usize = 10;
    let start = Instant::now();
    let (mut known, mut same) = (0, 0);
    while same < ROUNDS {
        assert!(start.elapsed() < LONG, "{} threads are left", census::threads());
        thread::sleep(Duration::from_millis(2));
        let (threads, count) = (census::threads(), census::descriptors());
        same = if threads == 0 && count == known { same + 1 } else { 0 };
        known = count;
    }
    known
}

fn port(kind: Kind) -> Port {
    Port::builder().backend(kind).build().unwrap()
}

fn pipes(port: &Port) -> Vec<(Reader, Writer)> {
    (0..READS).map(|_| pipe::pair(port).unwrap()).collect()
}

fn is_shut_down(kind: Kind) {
    let port = port(kind);
    let pipes = pipes(&port);
    let reads: Vec<_> = pipes.iter().map(|(reader, _)| reader.read(vec![0; 64])).collect();
    assert_eq!(port.shutdown(LONG), Report { drained: READS, leaked: 0 });
    for read in reads {
        assert!(read.wait().unwrap_err().error.is_cancelled());
    }
}

fn is_dropped(kind: Kind) {
    let port = port(kind);
    let pipes = pipes(&port);
    let mut reads: Vec<_> = pipes.iter().map(|(reader, _)| reader.read(vec![0; 64])).collect();
    drop(reads.split_off(READS / 2));
    drop((port, pipes));
    drop(reads);
}

fn is_left_alone(kind: Kind) {
    let port = port(kind);
    for (reader, _writer) in pipes(&port) {
        drop(reader.read(vec![0; 64]));
    }
    at_peace(&port);
}

fn opens_for_nobody(kind: Kind) {
    let (port, scratch) = (port(kind), Scratch::new());
    let path = scratch.path().join("file");
    fs::write(&path, b"something").unwrap();
    for _ in 0..200 {
        drop(File::open(&port, &path));
        drop(File::create(&port, scratch.path().join("another")));
        drop(File::open(&port, scratch.path().join("nothing")));
    }
    let late = File::open(&port, &path);
    drop(port);
    drop(late);
    // What is still being opened holds its directory.
    at_rest();
}

fn uses_workers(kind: Kind) {
    let (port, scratch) = (port(kind), Scratch::new());
    let path = scratch.path().join("file");
    let file = File::create(&port, &path).wait().unwrap();
    let writes: Vec<_> = (0..100).map(|i| file.write_all_at(vec![1; 4096], i * 4096)).collect();
    drop(file.sync_all());
    drop(file.set_len(5000));
    for write in writes {
        write.wait().unwrap();
    }
    let told: Vec<_> = (0..50).map(|_| metadata(&port, &path)).collect();
    for told in told {
        told.wait().unwrap();
    }
    drop(file.read_at(vec![0; 100], 0));
    let parts = file.into_parts().wait();
    drop((port, parts));
    at_rest();
}

fn reads_synchronous_handles(kind: Kind) {
    let (port, scratch) = (port(kind), Scratch::new());
    let path = scratch.path().join("file");
    fs::write(&path, vec![7; 10_000]).unwrap();
    let file = File::from_owned(&port, fs::File::open(&path).unwrap());
    let reads: Vec<_> = (0..100).map(|i| file.read_at(vec![0; 100], i * 100)).collect();
    for read in reads {
        assert_eq!(read.wait().unwrap().n, 100);
    }
    drop((file, port));
    at_rest();
}

fn takes_apart(kind: Kind) {
    let port = port(kind);
    let other = self::port(kind);
    for _ in 0..20 {
        let (reader, writer) = pipe::pair(&port).unwrap();
        let read = reader.read(vec![0; 4]);
        let parts = reader.into_parts().wait();
        assert!(read.wait().unwrap_err().error.is_cancelled());
        writer.write_all(vec![5; 4]).wait().unwrap();
        // Bound to a port for life, it is read by workers here.
        let reader = Reader::from_owned(&other, parts.handle);
        assert_eq!(reader.read_exact(vec![0; 4]).wait().unwrap().buf, [5; 4]);
        drop(reader.read(vec![0; 4]));
    }
}

fn meets_nobody(kind: Kind) {
    let port = port(kind);
    let name = format!(r"\\.\pipe\overlapped-handles-{}", process::id());
    for round in 0..20 {
        let server = Server::create(&port, &name).unwrap();
        let coming = server.connect();
        let client = pipe::connect(&port, &name);
        match round % 4 {
            0 => drop((coming, client)),
            1 => drop((client.wait().unwrap(), coming)),
            2 => drop((server.reader().read(vec![0; 4]), client.wait(), coming)),
            _ => drop((server.close(), client, coming)),
        }
        // Its name is free only when all of it is closed.
        at_peace(&port);
    }
}

/// Until nothing is in flight, without anybody waiting for it.
fn at_peace(port: &Port) {
    let start = Instant::now();
    while port.stats().in_flight > 0 {
        assert!(start.elapsed() < LONG, "{:?}", port.in_flight());
        thread::sleep(Duration::from_millis(1));
    }
}

// [C3] what is in flight has an outcome all the same, and so has what comes after it.
fn is_closed_by_somebody(kind: Kind) {
    let port = port(kind);
    let name = format!(r"\\.\pipe\overlapped-intruder-{}", process::id());
    let server = Server::create(&port, &name).unwrap();
    let client = fs::OpenOptions::new().read(true).custom_flags(OVERLAPPED).open(&name).unwrap();
    let number = client.as_raw_handle();
    let reader = Reader::from_owned(&port, client);
    let reads = [(); 2].map(|()| reader.read(vec![0; 4]));
    intruder::close(number);
    drop(server);
    for read in reads {
        assert!(read.wait_timeout(LONG).unwrap().is_err());
    }
    assert!(reader.read(vec![0; 4]).wait_timeout(LONG).unwrap().is_err());
    // What is closed is not closed again: its number may be another thing's by now.
    mem::forget(reader.into_parts().wait().handle);
}

fn waits_for_others(kind: Kind) {
    let (port, scratch) = (port(kind), Scratch::new());
    let name = format!(r"\\.\pipe\overlapped-others-{}", process::id());
    for _ in 0..20 {
        let server = Server::create(&port, &name).unwrap();
        drop(server.connect());
        let come = server.connect();
        let client = loop {
            // A worker is on its way to wait for it.
            match pipe::connect(&port, &name).wait() {
                Err(error) if error.raw_os_error() == Some(231) => thread::yield_now(),
                client => break client.unwrap(),
            }
        };
        come.wait().unwrap();
        drop(client.reader().read(vec![0; 4]));
        drop(server.writer().write_all(vec![0; 4]));
        drop(server.writer().flush());
        server.disconnect().wait().unwrap();
        drop(pipe::connect(&port, &name));
        drop(Device::from_owned(&port, server.into_parts().wait().handle));
        let watcher = Watcher::open(&port, scratch.path()).wait().unwrap();
        drop(watcher.next());
        drop(Watcher::open(&port, scratch.path()));
    }
    drop(port);
    at_rest();
}

fn has_runtimes(kind: Kind) {
    for round in 0..10 {
        let Ok(runtime) = Runtime::with(Port::builder().backend(kind)) else { return };
        let (reader, writer) = pipe::pair(runtime.port()).unwrap();
        let (read, write) = (reader.read(vec![0; 8]), writer.write_all(vec![1; 8]));
        runtime.block_on(async { (read.await.unwrap(), write.await.unwrap()) });
        let idle = reader.read(vec![0; 8]);
        match round % 3 {
            0 => drop(runtime),
            1 => assert_eq!(runtime.shutdown(LONG), Report { drained: 1, leaked: 0 }),
            _ => thread::scope(|scope| {
                scope.spawn(|| drop(idle));
                runtime.block_on(runtime.port().sleep(Duration::from_millis(1))).unwrap();
            }),
        }
    }
}

fn comes_and_goes(kind: Kind) {
    for round in 0..50 {
        let port = port(kind);
        let (reader, writer) = pipe::pair(&port).unwrap();
        let read = reader.read(vec![0; 64]);
        match round % 4 {
            0 => drop((reader, port)),
            1 => drop((port, reader)),
            2 => assert_eq!(port.shutdown(LONG), Report { drained: 1, leaked: 0 }),
            _ => {}
        }
        drop(read);
        drop(writer);
    }
}
