//! A cancel is a request: it is never lost, and it never costs a byte.

use std::{fs, hint::spin_loop, os::fd::AsFd, sync::mpsc, thread, time::Duration};

use rustix::io::Errno;

use super::{Dir, Manner, Rig, fill, open_fifo, pipe};

const CANCELED: i32 = Errno::CANCELED.raw_os_error();

// [C5] [C7] what was cancelled has consumed nothing.
#[test]
fn a_cancelled_read_leaves_the_bytes() {
    for manner in [Manner::BEST, Manner::PLAIN] {
        let mut rig = Rig::with(manner, 2);
        let (reader, writer) = pipe();
        let read = rig.read(&reader, None, 8);
        rig.assert_waits(&read);
        let id = read.id();
        rig.cancel(id);
        assert_eq!(rig.bytes(read), Err(CANCELED));
        rig.cancel(id);
        rustix::io::write(&writer, b"whole").expect("room");
        let read = rig.read(&reader, None, 8);
        assert_eq!(rig.bytes(read), Ok(b"whole".to_vec()));
    }
}

#[test]
fn a_cancelled_write_leaves_nothing() {
    let mut rig = Rig::new();
    let (reader, writer) = pipe();
    let brim = fill(&writer);
    let write = rig.write(&writer, None, &[2; 10]);
    rig.assert_waits(&write);
    let id = write.id();
    rig.cancel(id);
    assert_eq!(rig.count(write), Err(CANCELED));
    drop(writer);
    let read = rig.read(&reader, None, 2 * brim);
    assert_eq!(rig.count(read), Ok(brim));
}

// [C5] a cancel names one operation, and finds it the moment it was submitted.
#[test]
fn a_cancel_at_once() {
    let mut rig = Rig::new();
    let (reader, _writer) = pipe();
    for _ in 0..1000 {
        let read = rig.read(&reader, None, 8);
        let id = read.id();
        rig.cancel(id);
        assert_eq!(rig.bytes(read), Err(CANCELED));
    }
}

/// Reads one byte a round, cancels it while another thread writes it, and reads it again if the
/// cancel came first; how many cancels came first.
fn race(rig: &mut Rig, reader: impl AsFd, writer: impl AsFd + Send, rounds: u32) -> u32 {
    let (go, gone) = mpsc::channel();
    let mut cancelled = 0;
    thread::scope(|scope| {
        scope.spawn(move || {
            for (byte, pause) in gone {
                (0..pause).for_each(|_| spin_loop());
                rustix::io::write(&writer, &[byte]).expect("room");
            }
        });
        for round in 0..rounds {
            let byte = round.to_le_bytes()[0];
            let read = rig.read(&reader, None, 8);
            go.send((byte, (round * 7) % 1000)).expect("a writer");
            (0..(round * 131) % 3000).for_each(|_| spin_loop());
            let id = read.id();
            rig.cancel(id);
            let bytes = match rig.bytes(read) {
                Err(code) => {
                    assert_eq!(code, CANCELED);
                    cancelled += 1;
                    let again = rig.read(&reader, None, 8);
                    rig.bytes(again)
                }
                bytes => bytes,
            };
            assert_eq!(bytes, Ok(vec![byte]), "round {round}");
        }
        drop(go);
    });
    cancelled
}

// [C5] [C7] every byte exactly once, whoever wins.
#[test]
fn races_of_cancel_and_bytes() {
    for manner in [Manner::BEST, Manner::PLAIN] {
        let mut rig = Rig::with(manner, 2);
        let (reader, writer) = pipe();
        let cancelled = race(&mut rig, reader, writer, 5000);
        println!("{manner:?}: {cancelled} of 5000 were cancelled");
    }
}

#[test]
fn races_of_cancel_and_bytes_on_a_fifo() {
    let (mut rig, dir) = (Rig::new(), Dir::new());
    let path = dir.fifo();
    let both = open_fifo(&path, fs::OpenOptions::new().read(true).write(true));
    let writer = open_fifo(&path, fs::OpenOptions::new().write(true));
    race(&mut rig, both, writer, 2000);
}

// [C5] a thousand cancels cost the poller a few rounds, and no byte.
#[test]
fn a_crowd_of_idle_reads_is_cancelled() {
    let mut rig = Rig::new();
    let pipes: Vec<_> = (0..1000).map(|_| pipe()).collect();
    let reads: Vec<_> = pipes.iter().map(|(reader, _)| rig.read(reader, None, 8)).collect();
    rig.assert_waits(&reads[999]);
    for read in &reads {
        rig.cancel(read.id());
    }
    for read in reads {
        assert_eq!(rig.bytes(read), Err(CANCELED));
    }
    for (reader, writer) in &pipes {
        rustix::io::write(writer, b"x").expect("room");
        let read = rig.read(reader, None, 8);
        assert_eq!(rig.bytes(read), Ok(b"x".to_vec()));
    }
}

#[test]
fn a_busy_stream_among_idle_ones() {
    let mut rig = Rig::new();
    let pipes: Vec<_> = (0..200).map(|_| pipe()).collect();
    let idle: Vec<_> = pipes.iter().map(|(reader, _)| rig.read(reader, None, 8)).collect();
    let (reader, writer) = pipe();
    for byte in 0..100 {
        let read = rig.read(&reader, None, 8);
        rustix::io::write(&writer, &[byte]).expect("room");
        assert_eq!(rig.bytes(read), Ok(vec![byte]));
    }
    for ((_, writer), read) in pipes.iter().zip(idle).rev() {
        rustix::io::write(writer, b"y").expect("room");
        assert_eq!(rig.bytes(read), Ok(b"y".to_vec()));
    }
    assert_eq!(rig.land(Duration::ZERO), 0);
}
