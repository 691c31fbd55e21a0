//! Streams and waits for readiness, with and without the kernel's word for "do not wait".

use std::{
    fs,
    io::{Read as _, Write as _},
    os::{
        fd::AsRawFd,
        unix::{fs::OpenOptionsExt, net::UnixStream},
    },
    sync::mpsc,
    thread,
    time::Duration,
};

use rustix::{fs::OFlags, io::Errno};

use super::{Dir, LIMIT, Manner, NOWHERE, Rig, code, fill, open_fifo, pipe};
use crate::{
    backend::{Interest, Op},
    buf::{DrainMany, Fill, FillMany, NoMemory},
    op::{Nap, Read, ReadMany, WriteMany},
};

fn each_manner(test: impl Fn(Rig)) {
    test(Rig::new());
    test(Rig::with(Manner::PLAIN, 4));
}

#[test]
fn a_read_waits_for_bytes() {
    each_manner(|mut rig| {
        let (reader, writer) = pipe();
        let read = rig.read(&reader, None, 8);
        rig.assert_waits(&read);
        rustix::io::write(&writer, b"abc").expect("room");
        assert_eq!(rig.bytes(read), Ok(b"abc".to_vec()));
        rustix::io::write(&writer, b"defg").expect("room");
        let read = rig.read(&reader, None, 2);
        assert_eq!(rig.bytes(read), Ok(b"de".to_vec()));
    });
}

#[test]
fn a_write_waits_for_room() {
    each_manner(|mut rig| {
        let (reader, writer) = pipe();
        let capacity = fill(&writer);
        let write = rig.write(&writer, None, b"late");
        rig.assert_waits(&write);
        let mut drained = vec![0; capacity];
        let n = rustix::io::read(&reader, &mut drained[..]).expect("bytes");
        assert_eq!(n, capacity);
        assert_eq!(rig.count(write), Ok(4));
        let read = rig.read(&reader, None, 8);
        assert_eq!(rig.bytes(read), Ok(b"late".to_vec()));
    });
}

#[test]
fn several_buffers_of_a_stream() {
    each_manner(|mut rig| {
        let (reader, writer) = pipe();
        let bufs = FillMany::new(vec![vec![0; 2], vec![0; 9]]);
        let op = Op::Read { from: reader.as_raw_fd(), at: None };
        let read = rig.start(op, ReadMany { bufs });
        rig.assert_waits(&read);
        let mut left = b"abcde".to_vec();
        while !left.is_empty() {
            let (first, rest) = left.split_at(left.len() / 2);
            let bufs = DrainMany::new(vec![Vec::new(), first.to_vec(), rest.to_vec()]);
            let op = Op::Write { to: writer.as_raw_fd(), at: None };
            let write = rig.start(op, WriteMany { bufs });
            let n = rig.count(write).expect("room");
            left.drain(..n);
        }
        let (read, answer) = rig.finish(read);
        let n = super::count(answer).expect("bytes");
        let all = [&read.bufs.bufs[0][..], &read.bufs.bufs[1][..]].concat();
        assert!(n >= 2 && all[..n] == b"abcde"[..n]);
    });
}

// [C3] a hang-up is the end of a stream, and a broken pipe is an error.
#[test]
fn when_the_other_end_goes() {
    each_manner(|mut rig| {
        let (reader, writer) = pipe();
        let read = rig.read(&reader, None, 8);
        rig.assert_waits(&read);
        drop(writer);
        assert_eq!(rig.bytes(read), Ok(Vec::new()));
        let (reader, writer) = pipe();
        fill(&writer);
        let write = rig.write(&writer, None, b"x");
        rig.assert_waits(&write);
        drop(reader);
        assert_eq!(rig.count(write), Err(code(Errno::PIPE)));
    });
}

#[test]
fn both_directions_of_one_handle() {
    each_manner(|mut rig| {
        let (mut here, there) = UnixStream::pair().expect("sockets");
        let mut sent = 0;
        let write = loop {
            let write = rig.write(&there, None, &[7; 3000]);
            rig.land(super::MOMENT);
            if !write.is_landed() {
                break write;
            }
            sent += rig.count(write).expect("room");
        };
        let read = rig.read(&there, None, 8);
        rig.assert_waits(&read);
        here.write_all(b"ping").expect("room");
        assert_eq!(rig.bytes(read), Ok(b"ping".to_vec()));
        rig.assert_waits(&write);
        here.read_exact(&mut vec![0; sent]).expect("bytes");
        assert!(rig.count(write).expect("room") > 0);
    });
}

#[test]
fn a_fifo_that_nobody_writes_yet() {
    each_manner(|mut rig| {
        let dir = Dir::new();
        let path = dir.fifo();
        let mut how = fs::OpenOptions::new();
        let nonblocking = OFlags::NONBLOCK.bits().cast_signed();
        let fifo = open_fifo(&path, how.read(true).custom_flags(nonblocking));
        let read = rig.read(&fifo, None, 8);
        rig.assert_waits(&read);
        let mut writer = open_fifo(&path, fs::OpenOptions::new().write(true));
        rig.assert_waits(&read);
        writer.write_all(b"now").expect("room");
        assert_eq!(rig.bytes(read), Ok(b"now".to_vec()));
    });
}

#[test]
fn devices_and_files_as_streams() {
    each_manner(|mut rig| {
        let zero = fs::File::open("/dev/zero").expect("a device");
        // Too much for the poller; and what a busy kernel gives may be less.
        let read = rig.read(&zero, None, 3 << 20);
        assert!(rig.bytes(read).is_ok_and(|bytes| !bytes.is_empty() && is_all(&bytes, 0)));
        let null = fs::OpenOptions::new().read(true).write(true).open("/dev/null");
        let null = null.expect("a device");
        let read = rig.read(&null, None, 8);
        assert_eq!(rig.bytes(read), Ok(Vec::new()));
        let write = rig.write(&null, None, b"gone");
        assert_eq!(rig.count(write), Ok(4));
        let dir = Dir::new();
        let file = fs::File::create_new(dir.join("file")).expect("a file");
        let write = rig.write(&file, None, &[1; 100_000]);
        assert_eq!(rig.count(write), Ok(100_000));
        let file = fs::File::open(dir.join("file")).expect("a file");
        let read = rig.read(&file, None, 100_001);
        assert!(rig.bytes(read).is_ok_and(|bytes| bytes.len() == 100_000 && is_all(&bytes, 1)));
        let read = rig.read(&file, None, 1);
        assert_eq!(rig.bytes(read), Ok(Vec::new()));
    });
}

fn is_all(bytes: &[u8], value: u8) -> bool {
    bytes.iter().all(|byte| *byte == value)
}

#[test]
fn nothing_to_move_is_nothing_to_wait_for() {
    each_manner(|mut rig| {
        let (reader, writer) = pipe();
        let read = rig.read(&reader, None, 0);
        assert_eq!(rig.bytes(read), Ok(Vec::new()));
        fill(&writer);
        let write = rig.write(&writer, None, b"");
        assert_eq!(rig.count(write), Ok(0));
    });
}

#[test]
fn waits_for_readiness() {
    let mut rig = Rig::new();
    let (reader, writer) = pipe();
    let mut poll = |of, interest| rig.start(Op::Poll { of, interest }, Nap(NoMemory));
    let readable = poll(reader.as_raw_fd(), Interest::Readable);
    let also = poll(reader.as_raw_fd(), Interest::Readable);
    let writable = poll(writer.as_raw_fd(), Interest::Writable);
    let nowhere = poll(NOWHERE, Interest::Readable);
    assert_eq!(rig.count(writable), Ok(0));
    assert_eq!(rig.count(nowhere), Err(code(Errno::BADF)));
    rig.assert_waits(&readable);
    let id = also.id();
    rig.cancel(id);
    assert_eq!(rig.count(also), Err(code(Errno::CANCELED)));
    rig.assert_waits(&readable);
    rustix::io::write(&writer, b"x").expect("room");
    assert_eq!(rig.count(readable), Ok(0));
    let read = rig.read(&reader, None, 8);
    assert_eq!(rig.bytes(read), Ok(b"x".to_vec()));
}

// What was announced to two is taken by one; the other goes on waiting and loses nothing.
#[test]
fn two_pollers_of_one_pipe() {
    let (reader, writer) = pipe();
    rustix::fs::fcntl_setfl(&reader, OFlags::NONBLOCK).expect("flags");
    let (tell, told) = mpsc::channel();
    let readers = [Manner::BEST, Manner::PLAIN].map(|manner| {
        let (reader, tell) = (reader.try_clone().expect("a handle"), tell.clone());
        thread::spawn(move || {
            let mut rig = Rig::with(manner, 2);
            loop {
                let read = rig.read(&reader, None, 1);
                match rig.bytes(read).expect("bytes").first() {
                    Some(&byte) => tell.send(byte).expect("a listener"),
                    None => return,
                }
            }
        })
    });
    for byte in 0..200 {
        rustix::io::write(&writer, &[byte]).expect("room");
        assert_eq!(told.recv_timeout(LIMIT), Ok(byte));
        thread::sleep(Duration::from_micros(50));
    }
    drop(writer);
    for reader in readers {
        reader.join().expect("a reader");
    }
    drop(tell);
    assert_eq!(told.recv().ok(), None);
}

// [C14] it rests between two attempts, and a cancel finds it wherever it is.
#[test]
#[cfg(target_os = "linux")]
fn a_device_whose_poll_is_too_optimistic() {
    use rustix::event::{EventfdFlags, eventfd};
    each_manner(|mut rig| {
        let counter = eventfd(1, EventfdFlags::NONBLOCK).expect("a counter");
        let overflow = (u64::MAX - 1).to_ne_bytes();
        let write = rig.write(&counter, None, &overflow);
        rig.assert_waits(&write);
        let id = write.id();
        rig.cancel(id);
        assert_eq!(rig.count(write), Err(code(Errno::CANCELED)));
        let write = rig.write(&counter, None, &overflow);
        rig.assert_waits(&write);
        let read = rig.read(&counter, None, 8);
        assert_eq!(rig.bytes(read), Ok(1u64.to_ne_bytes().to_vec()));
        assert_eq!(rig.count(write), Ok(8));
    });
}

// [C14] nobody waits for these longer than for the others, and nobody polls in a circle.
#[test]
fn more_waits_than_the_process_may_have_handles() {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let many = limit.current.map_or(5000, |n| n.min(50_000)) + 1;
    let mut rig = Rig::new();
    let (reader, writer) = pipe();
    let request = || Nap(NoMemory);
    let op = Op::Poll { of: reader.as_raw_fd(), interest: Interest::Readable };
    let waits: Vec<_> = (0..many).map(|_| rig.start(op, request())).collect();
    rig.assert_waits(&waits[0]);
    rustix::io::write(&writer, b"x").expect("room");
    for wait in waits {
        assert_eq!(rig.count(wait), Ok(0));
    }
    let from = reader.as_raw_fd();
    let read = rig.start(Op::Read { from, at: None }, Read { buf: Fill(vec![0]) });
    assert_eq!(rig.bytes(read), Ok(b"x".to_vec()));
}
