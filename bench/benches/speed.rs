//! How long things take here and now, for people: `cargo bench -p bench`. No check reads it.
//! `cargo bench -p bench -- null` runs the groups with such names.

use std::{thread, time::Duration};

use bench::{awaited, blocking, cached_read, lent, null_port, pread};
use criterion::{Criterion, Throughput};
use overlapped::{Port, backend::Kind};

fn main() {
    let mut c = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    null(&mut c);
    cached(&mut c);
    for kind in [Kind::Uring, Kind::Iocp] {
        kernel(&mut c, kind);
    }
    c.final_summary();
}

/// The library alone: nothing moves.
fn null(c: &mut Criterion) {
    let port = null_port();
    group(c, "null backend, blocking", 1, blocking(&port, 1));
    group(c, "null backend, blocking", 32, blocking(&port, 32));
    group(c, "null backend, awaited", 1, awaited(&port, 1, thread::park));
    group(c, "null backend, awaited", 32, awaited(&port, 32, thread::park));
    group(c, "null backend, scope", 32, lent(&port));
}

/// A read that the page cache answers, beside the plain system call.
fn cached(c: &mut Criterion) {
    match cached_read() {
        Ok(round) => group(c, "cached read of 4 KiB", 1, round),
        Err(error) => eprintln!("cached read of 4 KiB: skipped: {error}"),
    }
    group(c, "cached read of 4 KiB by std", 1, pread().expect("a program can read itself"));
}

/// The way to the kernel and back.
fn kernel(c: &mut Criterion, kind: Kind) {
    match Port::builder().backend(kind).build() {
        Ok(port) => {
            group(c, &format!("{kind}, blocking"), 1, blocking(&port, 1));
            group(c, &format!("{kind}, blocking"), 32, blocking(&port, 32));
            group(c, &format!("{kind}, awaited"), 32, awaited(&port, 32, thread::park));
            group(c, &format!("{kind}, scope"), 32, lent(&port));
        }
        Err(error) => eprintln!("{kind}: skipped: {error}"),
    }
}

fn group(c: &mut Criterion, name: &str, depth: usize, mut round: impl FnMut()) {
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Elements(depth as u64));
    group.bench_function(format!("depth {depth}"), |bencher| bencher.iter(&mut round));
    group.finish();
}
