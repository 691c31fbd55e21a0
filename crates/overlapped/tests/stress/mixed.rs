//! Several threads start, await, cancel, drop, leave and bound reads and writes of pipes and files.
//! In the end every byte that went into a pipe came out of it once, every write that counts is in
//! the file, and nothing is left: no descriptor, no thread, no operation.

use std::{
    collections::VecDeque,
    path::Path,
    sync::mpsc::{self, Sender},
    task::{Context, Poll, Waker},
    thread,
    time::Duration,
};

use overlapped::{
    Done, Failed, Pending, Port,
    backend::Kind,
    fs::File,
    pipe::{self, Reader, Writer},
    request::{Read, Write},
};
use overlapped_sim::conformance::words::is_end;

use crate::{dice::Dice, eventually, port, scaled, scratch::Scratch};

const THREADS: u64 = 4;
const SLOT: usize = 512;
const CONTENT: usize = 1 << 16;

type Reading = Pending<'static, Read<Vec<u8>>>;
type Writing = Pending<'static, Write<Vec<u8>>>;

/// What a thread leaves to another: dropping what it has started.
type Chore = Box<dyn FnOnce() + Send>;

pub(crate) fn storm(kind: Kind) {
    let scratch = Scratch::new();
    let Some(port) = port(kind) else { return };
    let content = scratch.path().join("content");
    std::fs::write(&content, (0..CONTENT).map(byte).collect::<Vec<_>>()).expect("a file");
    let steps = scaled(100_000);
    let (give, given) = mpsc::channel::<Chore>();
    thread::scope(|threads| {
        threads.spawn(move || given.into_iter().for_each(|chore| chore()));
        for number in 0..THREADS {
            let (port, content, give) = (&port, &content, give.clone());
            let own = scratch.path().join(format!("own-{number}"));
            threads.spawn(move || Sailor::new(port, number, give).sail(steps, content, &own));
        }
        drop(give);
    });
    eventually("nothing is in flight", || port.in_flight().is_empty());
    let stats = port.stats();
    assert_eq!((stats.started, stats.panics), (stats.landed, 0));
    eprintln!("{kind}: {stats:?}");
}

fn byte(place: usize) -> u8 {
    (place.wrapping_mul(167) >> 3) as u8
}

/// What one thread has at sea.
struct Sailor {
    port: Port,
    dice: Dice,
    give: Sender<Chore>,
    reader: Reader,
    writer: Writer,
    reads: VecDeque<Reading>,
    writes: VecDeque<Writing>,
    /// How often each byte went into the pipe, less how often it came out.
    sum: [i64; 256],
    /// Bytes that went in or will, and bytes that came out for certain.
    sent: usize,
    received: usize,
    slots: Vec<Slot>,
    /// What nobody looks at before the end.
    unwatched: Vec<Reading>,
}

/// A place in the thread's own file, written once.
struct Slot {
    write: Option<Writing>,
}

impl Sailor {
    fn new(port: &Port, number: u64, give: Sender<Chore>) -> Self {
        let (reader, writer) = pipe::pair(port).expect("a pipe");
        Self {
            port: port.clone(),
            dice: Dice::new(number),
            give,
            reader,
            writer,
            reads: VecDeque::new(),
            writes: VecDeque::new(),
            sum: [0; 256],
            sent: 0,
            received: 0,
            slots: Vec::new(),
            unwatched: Vec::new(),
        }
    }

    fn sail(mut self, steps: u64, content: &Path, own_path: &Path) {
        let file = File::open(&self.port, content).wait().expect("a file");
        let own = File::create(&self.port, own_path).wait().expect("a file");
        for _ in 0..steps {
            match self.dice.roll(16) {
                0..=2 => self.start_read(),
                3..=5 => self.start_write(),
                6 => self.wait_for_a_read(),
                7 => self.cancel_a_read(),
                8 => self.leave_a_read(),
                9 => self.poll_a_read(),
                10 => self.finish_a_write(),
                11 | 12 => self.use_file(&file),
                13 | 14 => self.write_slot(&own),
                _ => self.nap(),
            }
        }
        file.close().wait().expect("nothing is owed");
        // Waits for the writes that were dropped.
        own.close().wait().expect("nothing is owed");
        self.check_slots(&std::fs::read(own_path).expect("the file"));
        self.check_pipe();
    }

    fn start_read(&mut self) {
        if self.reads.len() < 20 {
            let len = 1 + self.dice.roll(64) as usize;
            let read = self.reader.read(vec![0; len]);
            let read = match self.dice.roll(4) {
                0 => read.deadline(Duration::from_micros(self.dice.roll(500))),
                _ => read,
            };
            self.reads.push_back(read);
        }
    }

    fn start_write(&mut self) {
        // Less than a pipe holds, so that no write waits for a reader that waits for it.
        if self.sent - self.received < 30_000 {
            let len = 1 + self.dice.roll(200) as usize;
            let chunk: Vec<_> = (self.sent..self.sent + len).map(byte).collect();
            chunk.iter().for_each(|&byte| self.sum[usize::from(byte)] += 1);
            self.sent += len;
            let write = self.writer.write_all(chunk);
            // One that is dropped goes out all the same.
            if self.dice.roll(3) > 0 {
                self.writes.push_back(write);
            }
        }
    }

    fn wait_for_a_read(&mut self) {
        if let Some(read) = self.pick() {
            let timeout = Duration::from_micros(self.dice.roll(300));
            match read.wait_timeout(timeout) {
                Ok(outcome) => self.receive(outcome),
                Err(late) => self.reads.push_front(late),
            }
        }
    }

    fn cancel_a_read(&mut self) {
        if let Some(read) = self.pick() {
            read.cancel();
            match self.dice.roll(3) {
                0 => self.receive(read.wait()),
                1 => self.reads.push_front(read),
                _ => drop(read),
            }
        }
    }

    fn leave_a_read(&mut self) {
        match (self.pick(), self.dice.roll(2)) {
            (Some(read), 0) => drop(read),
            (Some(read), _) => self.leave(move || drop(read)),
            (None, _) => {}
        }
    }

    fn leave(&self, chore: impl FnOnce() + Send + 'static) {
        self.give.send(Box::new(chore)).expect("somebody does what is left");
    }

    fn poll_a_read(&mut self) {
        if let Some(mut read) = self.pick() {
            let mut cx = Context::from_waker(Waker::noop());
            match std::pin::Pin::new(&mut read).poll(&mut cx) {
                Poll::Ready(outcome) => self.receive(outcome),
                Poll::Pending => self.reads.push_front(read),
            }
        }
    }

    fn finish_a_write(&mut self) {
        if let Some(write) = self.writes.pop_front() {
            write.wait().expect("a pipe takes what it has room for");
        }
    }

    fn use_file(&mut self, file: &File) {
        let (from, len) = (self.dice.roll(CONTENT as u64), 1 + self.dice.roll(5000));
        let read = file.read_at(vec![0; len as usize], from);
        match self.dice.roll(6) {
            0 => drop(read),
            1 => self.unwatched.push(read),
            2 => {
                read.cancel();
                check_content(read.wait(), from as usize);
            }
            3 => check_content(read.deadline(Duration::from_micros(50)).wait(), from as usize),
            _ => check_content(read.wait(), from as usize),
        }
    }

    fn write_slot(&mut self, own: &File) {
        let number = self.slots.len();
        let chunk = (number * SLOT..(number + 1) * SLOT).map(byte).collect();
        let write = own.write_all_at(chunk, (number * SLOT) as u64);
        let kept = self.dice.roll(2) == 0;
        if kept && self.dice.roll(3) == 0 {
            write.cancel();
        }
        self.slots.push(Slot { write: kept.then_some(write) });
    }

    fn nap(&mut self) {
        let nap = self.port.sleep(Duration::from_micros(self.dice.roll(100)));
        match self.dice.roll(3) {
            0 => drop(nap),
            _ => nap.wait().expect("nobody cancels it"),
        }
    }

    fn pick(&mut self) -> Option<Reading> {
        let place = self.dice.roll(self.reads.len().max(1) as u64) as usize;
        self.reads.remove(place)
    }

    fn receive(&mut self, outcome: Result<Done<Vec<u8>>, Failed<Vec<u8>>>) {
        match outcome {
            Ok(done) => self.took(&done.buf[..done.n]),
            Err(failed) => assert!(failed.error.is_cancelled(), "{failed}"),
        }
    }

    fn took(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.sum[usize::from(byte)] -= 1);
        self.received += bytes.len();
    }

    /// Whatever was done to the reads: what went in came out, once.
    fn check_pipe(mut self) {
        for read in std::mem::take(&mut self.reads) {
            read.cancel();
            self.receive(read.wait());
        }
        // What was left to another is dropped by now.
        let (tell, told) = mpsc::channel::<()>();
        self.leave(move || drop(tell));
        told.recv().expect_err("nobody tells anything");
        let rest = self.take_apart();
        self.took(&rest);
        for write in std::mem::take(&mut self.writes) {
            write.wait().expect("it was written before the writer was closed");
        }
        assert_eq!(self.received, self.sent, "as many bytes as went in");
        assert!(self.sum.iter().all(|&balance| balance == 0), "and the same ones");
    }

    /// Closes the writer and reads what is left in the pipe.
    fn take_apart(&mut self) -> Vec<u8> {
        let (reader, writer) = pipe::pair(&self.port).expect("a pipe");
        let (reader, writer) = (
            std::mem::replace(&mut self.reader, reader),
            std::mem::replace(&mut self.writer, writer),
        );
        writer.close().wait().expect("no write has failed");
        let mut rest = Vec::new();
        loop {
            let outcome = reader.read(vec![0; 4096]).wait();
            if is_end(&outcome) {
                return rest;
            }
            let done = outcome.expect("what is left");
            rest.extend(&done.buf[..done.n]);
        }
    }

    /// A write that succeeded or was dropped is in the file, one that was cancelled is not, or in
    /// part.
    fn check_slots(&mut self, there: &[u8]) {
        for (number, slot) in std::mem::take(&mut self.slots).into_iter().enumerate() {
            let place = number * SLOT..(number + 1) * SLOT;
            let is_whole = there
                .get(place.clone())
                .is_some_and(|there| there.iter().copied().eq(place.map(byte)));
            match slot.write.map(Pending::wait) {
                None | Some(Ok(_)) => assert!(is_whole, "slot {number} is written"),
                Some(Err(failed)) => assert!(failed.error.is_cancelled(), "{failed}"),
            }
        }
    }
}

fn check_content(outcome: Result<Done<Vec<u8>>, Failed<Vec<u8>>>, from: usize) {
    match outcome {
        Ok(done) => {
            let right = |(i, &got): (usize, &u8)| got == byte(from + i);
            assert!(done.buf[..done.n].iter().enumerate().all(right), "the file's bytes");
        }
        Err(failed) => assert!(failed.error.is_cancelled(), "{failed}"),
    }
}
