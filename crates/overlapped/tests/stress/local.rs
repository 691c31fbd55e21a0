//! Storms on the port of one thread, from that thread and from others.

use std::{
    hint,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
        mpsc,
    },
    task::{Context, Waker},
    thread,
    time::{Duration, Instant},
};

use overlapped::{Pending, Port, Runtime, backend::Kind, fs::File, pipe, request::Read};
use overlapped_sim::conformance::races::{Chase, Races, race};

use crate::{direct::Aftermaths, scaled, scratch::Scratch, storms, system};

fn runtime(kind: Kind) -> Option<Runtime> {
    let built = Runtime::with(Port::builder().backend(kind));
    built.inspect_err(|error| eprintln!("skipped: {error}")).ok()
}

/// Serves other threads until `over`.
fn serve(runtime: &Runtime, over: impl Fn() -> bool) {
    runtime.block_on(async {
        while !over() {
            runtime.port().sleep(Duration::from_millis(1)).await.expect("a sleep");
        }
    });
}

/// Another thread reads and cancels.
pub(crate) fn chases_elsewhere(kind: Kind) {
    let Some(runtime) = runtime(kind) else { return };
    for (chase, rounds) in
        [(Chase::Cancel, 20_000), (Chase::Deadline, 3_000), (Chase::Drop, 10_000)]
    {
        let port = runtime.port().clone();
        let thread = thread::spawn(move || race(&port, chase, scaled(rounds)));
        serve(&runtime, || thread.is_finished());
        let races: Races = thread.join().expect("no panic");
        eprintln!("{rounds} rounds elsewhere against {chase:?}: {races:?}");
        assert_eq!(races.done + races.lost, scaled(rounds));
    }
    let stats = runtime.port().stats();
    assert_eq!((stats.in_flight, stats.started), (0, stats.landed));
}

/// The port's own thread reads and cancels; the bytes come from elsewhere.
pub(crate) fn chases_here(kind: Kind) {
    let Some(runtime) = runtime(kind) else { return };
    let (reader, mut feed) = system::fed_from_elsewhere(runtime.port());
    let (wanted, rounds) = (Arc::new(AtomicU64::new(0)), scaled(50_000));
    let told = Arc::clone(&wanted);
    let writer = thread::spawn(move || {
        for record in 0..rounds {
            while told.load(SeqCst) <= record {
                thread::yield_now();
            }
            feed(&record.to_le_bytes());
        }
    });
    let (mut done, mut lost) = (0, 0);
    for record in 0..rounds {
        let read = reader.read(vec![0; 8]);
        runtime.port().submit();
        wanted.store(record + 1, SeqCst);
        (0..record % 512).for_each(|_| hint::spin_loop());
        let first = match record % 3 {
            0 => {
                drop(read);
                None
            }
            1 => read.deadline(Duration::from_micros(record % 20)).wait().ok(),
            _ => {
                read.cancel();
                read.wait().ok()
            }
        };
        if first.is_some() {
            done += 1;
        } else {
            lost += 1;
        }
        let got = first.map_or_else(
            || reader.read_exact(vec![0; 8]).wait().expect("a record").buf,
            |done| done.buf,
        );
        assert_eq!(got, record.to_le_bytes());
    }
    eprintln!("{rounds} rounds here: {done} done, {lost} lost");
    writer.join().expect("no panic");
}

type Half = Pending<'static, Read<Vec<u8>>>;

fn byte(at: u64) -> u8 {
    (at * 7 % 251) as u8
}

/// What a thread does with a half before it hands it on; `None` if it is gone.
fn handle(mut half: Half, at: u64, dice: u64) -> Option<Half> {
    match dice % 7 {
        0 => half.cancel(),
        1 => {
            drop(half);
            return None;
        }
        2 => {
            let outcome = half.wait();
            if let Ok(done) = outcome {
                check(&done.buf[..done.n], at);
            }
            return None;
        }
        3 => half = half.deadline(Duration::from_micros(dice % 50)),
        4 => {
            let polled = Pin::new(&mut half).poll(&mut Context::from_waker(Waker::noop()));
            if let std::task::Poll::Ready(outcome) = polled {
                if let Ok(done) = outcome {
                    check(&done.buf[..done.n], at);
                }
                return None;
            }
        }
        _ => {}
    }
    Some(half)
}

fn check(bytes: &[u8], at: u64) {
    assert!((at..).zip(bytes).all(|(at, &is)| is == byte(at)), "another read's bytes");
}

/// Halves go round three threads, one of which is the port's, while they land.
pub(crate) fn halves_go_round(kind: Kind) {
    let Some(runtime) = runtime(kind) else { return };
    let scratch = Scratch::new();
    let path = scratch.path().join("file");
    std::fs::write(&path, (0..1 << 16).map(byte).collect::<Vec<_>>()).expect("a file");
    let file = File::open(runtime.port(), &path).wait().expect("a file");
    let (idle, _writer) = pipe::pair(runtime.port()).expect("a pipe");
    let pass = |from: mpsc::Receiver<(Half, u64)>, to: mpsc::Sender<(Half, u64)>, salt: u64| {
        thread::spawn(move || {
            for (step, (half, at)) in (0_u64..).zip(from) {
                let dice = (step * 31 + salt) ^ (at >> 3);
                if let Some(half) = handle(half, at, if at == 1 << 20 { dice % 2 } else { dice }) {
                    let _owner_is_gone = to.send((half, at));
                }
            }
        })
    };
    let (to_first, first) = mpsc::channel();
    let (to_second, second) = mpsc::channel();
    let (to_owner, owner) = mpsc::channel::<(Half, u64)>();
    let threads = [pass(first, to_second, 1), pass(second, to_owner, 5)];
    for round in 0..scaled(300_000) {
        let at = round * 97 % 60_000;
        // Some fly until they are asked to stop.
        let (half, at) = match round % 5 {
            0 => (idle.read(vec![0; 8]), 1 << 20),
            _ => (file.read_at(vec![0; 64], at), at),
        };
        to_first.send((half, at)).expect("a thread");
        if round % 16 == 0 {
            runtime.block_on(runtime.port().nop()).expect("nothing");
        }
        for (half, at) in owner.try_iter() {
            if at < 1 << 20 {
                if let Ok(done) = half.wait() {
                    check(&done.buf[..done.n], at);
                }
            }
        }
    }
    drop(to_first);
    serve(&runtime, || threads.iter().all(thread::JoinHandle::is_finished));
    drop(owner);
    serve(&runtime, || runtime.port().stats().in_flight == 0);
    for thread in threads {
        thread.join().expect("no panic");
    }
}

/// More reads than any queue of the ring holds, all of them dropped, here and elsewhere.
pub(crate) fn a_crowd_is_dropped(kind: Kind) {
    let Some(runtime) = runtime(kind) else { return };
    let pipes: Vec<_> = (0..100).map(|_| pipe::pair(runtime.port()).expect("a pipe")).collect();
    let count = scaled(10_000) as usize;
    for _ in 0..3 {
        let start = || (0..count).map(|i| pipes[i % 100].0.read(vec![0; 16])).collect::<Vec<_>>();
        drop(start());
        let (reads, nops) = (start(), (0..count).map(|_| runtime.port().nop()).collect::<Vec<_>>());
        runtime.port().submit();
        let thread = thread::spawn(move || drop((reads, nops)));
        serve(&runtime, || thread.is_finished() && runtime.port().stats().in_flight == 0);
    }
}

/// The runtime ends with direct reads in flight, some of which other threads have.
pub(crate) fn direct_reads(kind: Kind) {
    let scratch = Scratch::new();
    let path = scratch.path().join("direct");
    let Some(first) = runtime(kind) else { return };
    if let Err(reason) = storms::prepare(first.port(), &path, crate::direct::SIZE) {
        eprintln!("skipped: {reason}");
        return;
    }
    drop(first);
    let mut aftermaths = Aftermaths::default();
    let (begun, runs) = (Instant::now(), scaled(30));
    for run in 0..runs {
        let runtime = runtime(kind).expect("there was one before");
        let file = storms::open(runtime.port(), &path).expect("it was opened before");
        let mut storm = crate::direct::start(&file);
        drop(file);
        runtime.port().submit();
        if run % 2 == 0 {
            drop(runtime);
            storm.abandon();
        } else {
            let thread = thread::spawn(move || {
                storm.abandon();
                storm
            });
            drop(runtime);
            storm = thread.join().expect("no panic");
        }
        assert_eq!(storm.drained(), 0, "bytes written late, at the drain of run {run}");
        aftermaths.add(storm);
        aftermaths.judge(false);
    }
    aftermaths.judge(true);
    eprintln!("local: {runs} runs, no byte written late, {:?}", begun.elapsed());
}
