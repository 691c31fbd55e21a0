//! Messages, on a kernel that has them: it gives one to each read in flight, or the part that the
//! read has room for, and heeds no cancel.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard},
    time::Instant,
};

use overlapped::{
    Message, Port,
    backend::{
        Backend, Completion, Entry, Features, Id, Kind, Owned, Raw, RealClock, Reap, Simulated,
        Submit, Value,
    },
    pipe::Reader,
};

use crate::{LONG, watch};

#[derive(Default)]
struct Kernel {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    reads: VecDeque<Entry>,
    messages: VecDeque<Vec<u8>>,
    woken: bool,
}

impl Kernel {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics with the lock held")
    }

    fn send(&self, message: &[u8]) {
        self.lock().messages.push_back(message.to_vec());
        self.changed.notify_all();
    }
}

impl State {
    /// The next read gets the next message, or a part of it.
    fn deliver(&mut self) -> Option<Completion> {
        let first = self.messages.front_mut().filter(|_| !self.reads.is_empty())?;
        let mut entry = self.reads.pop_front()?;
        let room = entry.slices_mut().next().expect("a read has a buffer");
        let n = room.len().min(first.len());
        room[..n].copy_from_slice(&first[..n]);
        first.drain(..n);
        let more = !first.is_empty();
        if !more {
            self.messages.pop_front();
        }
        Some(Completion { entry, answer: Ok(if more { Value::Part(n) } else { Value::Count(n) }) })
    }
}

struct In(Arc<Kernel>);

impl Submit for In {
    fn submit(&mut self, entry: Entry) -> Result<(), Entry> {
        self.0.lock().reads.push_back(entry);
        self.0.changed.notify_all();
        Ok(())
    }

    fn cancel(&mut self, _id: Id) {}

    fn wake(&mut self) {
        self.0.lock().woken = true;
        self.0.changed.notify_all();
    }
}

struct Out(Arc<Kernel>);

impl Reap for Out {
    fn wait(&mut self, until: Option<Instant>, out: &mut Vec<Completion>) -> io::Result<()> {
        let until = until.unwrap_or_else(|| Instant::now() + LONG);
        let mut state = self.0.lock();
        loop {
            out.extend(std::iter::from_fn(|| state.deliver()));
            let left = until.saturating_duration_since(Instant::now());
            if std::mem::take(&mut state.woken) || !out.is_empty() || left.is_zero() {
                return Ok(());
            }
            state = self.0.changed.wait_timeout(state, left).expect("as above").0;
        }
    }
}

#[derive(Debug)]
struct Pipe;

impl Simulated for Pipe {
    fn raw(&self) -> Raw {
        -7
    }

    fn has_offsets(&self) -> bool {
        false
    }

    fn has_messages(&self) -> bool {
        true
    }

    fn direct_alignment(&self) -> Option<usize> {
        None
    }
}

fn pipe() -> (Reader, Arc<Kernel>) {
    let kernel = Arc::new(Kernel::default());
    let port = Port::with_backend(Backend {
        features: Features::all_native(Kind::Custom("messages")),
        submit: Box::new(In(Arc::clone(&kernel))),
        reap: Box::new(Out(Arc::clone(&kernel))),
        clock: Box::new(RealClock::default()),
        cheap: None,
        simulator: None,
        bell: None,
    });
    (Reader::from_owned(&port, Owned::simulated(Box::new(Pipe))), kernel)
}

/// A message, and whether there is more of it.
fn next(reader: &Reader, len: usize) -> (Vec<u8>, bool) {
    let read = reader.read_message(vec![0; len]).wait_timeout(LONG).expect("it is there");
    let Message { n, more, mut buf, .. } = read.expect("a message");
    buf.truncate(n);
    (buf, more)
}

fn whole(message: &str) -> (Vec<u8>, bool) {
    (message.into(), false)
}

fn part(message: &str) -> (Vec<u8>, bool) {
    (message.into(), true)
}

// [C3] a part is a success with bytes, and that there is more is told.
#[test]
fn a_message_comes_whole_or_in_parts() {
    let _watch = watch("a_message_comes_whole_or_in_parts");
    let (reader, kernel) = pipe();
    ["message", "", "another"].iter().for_each(|it| kernel.send(it.as_bytes()));
    assert_eq!(next(&reader, 5), part("messa"));
    assert_eq!(next(&reader, 5), whole("ge"));
    assert_eq!(next(&reader, 5), whole(""));
    assert_eq!(reader.read(vec![0; 5]).wait().expect("a part is a count").n, 5);
    let mut room = [0; 1];
    let more = reader.port().scope(|scope| {
        let read = scope.read_message(&reader, &mut room);
        read.wait().expect("a part").more
    });
    assert_eq!((more, &room), (true, b"e"));
    assert_eq!(next(&reader, 5), whole("r"));
}

// [C7] what abandoned reads took is served message by message, in order.
#[test]
fn abandoned_reads_lose_no_boundary() {
    let _watch = watch("abandoned_reads_lose_no_boundary");
    let (reader, kernel) = pipe();
    let reads = [(); 4].map(|()| reader.read_message(vec![0; 8]));
    ["one", "", "message three", "four"].iter().for_each(|it| kernel.send(it.as_bytes()));
    assert!(reads.iter().all(overlapped::Pending::is_over));
    // These have landed; one more is given up in flight, and takes what comes next.
    drop(reader.read_message(vec![0; 8]));
    drop(reads);
    assert_eq!(next(&reader, 100), whole("one"));
    assert_eq!(next(&reader, 100), whole(""));
    assert_eq!(next(&reader, 3), part("mes"));
    assert_eq!(next(&reader, 100), part("sage "));
    assert_eq!(next(&reader, 100), whole("three"));
    kernel.send(b"five");
    assert_eq!(next(&reader, 100), whole("four"));
    assert_eq!(next(&reader, 100), whole("five"));
}

// [C7] a read that was served and given up again gives back what it was served, where it was.
#[test]
fn what_was_served_comes_back_where_it_was() {
    let _watch = watch("what_was_served_comes_back_where_it_was");
    let (reader, kernel) = pipe();
    ["message", "next"].iter().for_each(|it| kernel.send(it.as_bytes()));
    // Landed, and given up in the order that is the worse.
    let reads = [(); 2].map(|()| reader.read_message(vec![0; 100]));
    assert!(reads.iter().all(overlapped::Pending::is_over));
    let [first, second] = reads;
    drop(second);
    drop(first);
    let served = reader.read_message(vec![0; 3]);
    assert!(served.is_over());
    drop(served);
    assert_eq!(next(&reader, 100), part("mes"));
    assert_eq!(next(&reader, 100), whole("sage"));
    assert_eq!(next(&reader, 100), whole("next"));
}

#[test]
fn who_wants_the_buffer_full_reads_on_over_boundaries() {
    let _watch = watch("who_wants_the_buffer_full_reads_on_over_boundaries");
    let (reader, kernel) = pipe();
    ["one", "two"].iter().for_each(|it| kernel.send(it.as_bytes()));
    let reads = [(); 2].map(|()| reader.read_message(vec![0; 100]));
    assert!(reads.iter().all(overlapped::Pending::is_over));
    drop(reads);
    kernel.send(b"three");
    let read = reader.read_exact(vec![0; 8]).wait_timeout(LONG).expect("it is there");
    assert_eq!(read.expect("eight bytes").buf, b"onetwoth");
    assert_eq!(next(&reader, 100), whole("ree"));
}
