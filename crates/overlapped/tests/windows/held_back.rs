//! A slow device: a completion is held back, whatever the program does meanwhile. What was lent
//! stays where it is until then, and nothing is written to it afterwards.
//!
//! Of streams and devices: what Wine does with a file is over when the call returns.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    net::{TcpListener, TcpStream},
    os::windows::io::OwnedHandle,
    sync::mpsc,
    thread::{self, JoinHandle},
    time::Duration,
};

use overlapped::{Done, Failed, Pending, Port, Report, alertable, device, pipe, request::Read};

use super::{
    port,
    probe::{Probe, Remains},
    servers::fresh_name,
    slow,
    watchdog::Watchdog,
    win32,
};

/// How long a completion is held back after the program has done its worst, and how long after the
/// end memory is looked at again.
const HELD: Duration = Duration::from_millis(200);
/// Nothing lasts so long.
const LONG: Duration = Duration::from_secs(30);

const RUNS: usize = 100;
/// So many of them at a time.
const CROWD: usize = 25;
const LEN: usize = 4096;

/// `FSCTL_PIPE_TRANSCEIVE`
const TRANSCEIVE: u32 = 0x11_c017;

/// `ERROR_OPERATION_ABORTED`
const ABORTED: Option<i32> = Some(995);

type Reading<B> = Pending<'static, Read<B>>;
type Job = Box<dyn FnOnce() + Send>;

/// A thread that does what it is told. The completions of what it starts are held back.
struct Device {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Device {
    fn new() -> Self {
        let (jobs, asked) = mpsc::channel::<Job>();
        let thread = thread::spawn(move || {
            slow::hold(true);
            asked.iter().for_each(|job| job());
        });
        Self { jobs: Some(jobs), thread: Some(thread) }
    }

    /// Has the thread do something; until it is let go, nothing that waits for the system.
    fn run<R: Send + 'static>(&self, job: impl FnOnce() -> R + Send + 'static) -> R {
        let (tell, told) = mpsc::channel();
        let job = Box::new(move || tell.send(job()).expect("somebody waits"));
        self.jobs.as_ref().expect("they end last").send(job).expect("it is there");
        told.recv().expect("no panic")
    }

    /// Nothing is held back any more.
    fn let_go(&self) {
        self.run(|| slow::hold(false));
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        drop(self.jobs.take());
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(thread::panicking() || !matches!(ended, Some(Err(_))), "its thread panicked");
    }
}

fn can_be_slow() -> bool {
    if !slow::on_wine() {
        eprintln!("skipped: only under Wine a completion can be held back");
    }
    slow::on_wine()
}

/// Something to read from, and what writes to it.
struct Source {
    read: Box<dyn Fn(Probe) -> Box<dyn Send> + Send>,
    write: Box<dyn FnMut(Vec<u8>)>,
}

fn stream(port: &Port) -> Source {
    let (reader, writer) = pipe::pair(port).unwrap();
    Source {
        read: Box::new(move |probe| Box::new(reader.read(probe))),
        write: Box::new(move |bytes| drop(writer.write_all(bytes).wait().unwrap())),
    }
}

/// Of messages: its packets come even of what succeeds at once.
fn messages(port: &Port) -> Source {
    let (server, mut client) = message_ends();
    let reader = pipe::Reader::from_owned(port, server);
    Source {
        read: Box::new(move |probe| Box::new(reader.read(probe))),
        write: Box::new(move |bytes| client.write_all(&bytes).unwrap()),
    }
}

/// Read by Winsock's calls.
fn socket(port: &Port) -> Source {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let reader = pipe::Reader::from_owned(port, listener.accept().unwrap().0);
    Source {
        read: Box::new(move |probe| Box::new(reader.read(probe))),
        write: Box::new(move |bytes| client.write_all(&bytes).unwrap()),
    }
}

/// A question that is sent, and the answer to it.
fn answers(port: &Port) -> Source {
    let (server, mut client) = message_ends();
    let device = device::Device::from_owned(port, server);
    let ask = move |probe| win32::control(&device, TRANSCEIVE, b"question".to_vec(), probe);
    Source {
        read: Box::new(move |probe| Box::new(ask(probe))),
        write: Box::new(move |bytes| client.write_all(&bytes).unwrap()),
    }
}

/// A pipe of messages, of which the second end is synchronous.
fn message_ends() -> (OwnedHandle, File) {
    let name = fresh_name();
    let server = win32::message_pipe(&name).unwrap();
    (server, OpenOptions::new().read(true).write(true).open(&name).unwrap())
}

/// How an operation is abandoned.
#[derive(Clone, Copy, Debug)]
struct Way {
    /// By the thread that started it, or by another.
    by_itself: bool,
    /// The bytes came before the cancel; so they are what is written late.
    has_bytes: bool,
    /// The port is shut down, or dropped.
    is_shut_down: bool,
}

impl Way {
    fn nth(n: usize) -> Self {
        let bit = |place: usize| n >> place & 1 == 1;
        Self { by_itself: bit(0), has_bytes: bit(1), is_shut_down: bit(2) }
    }

    /// Abandons a read and everything around it. None of that waits: the device is let go last.
    fn walk(self, source: fn(&Port) -> Source) -> Remains {
        let (port, device) = (port(), Device::new());
        let (probe, remains) = Probe::new(LEN);
        let Source { read, mut write } = source(&port);
        let (pending, read) = device.run(move || (read(probe), read));
        if self.has_bytes {
            write(vec![7; LEN]);
        }
        if self.by_itself {
            device.run(move || drop(pending));
        } else {
            drop(pending);
        }
        drop((read, write));
        let end = move || if self.is_shut_down { port.shutdown(LONG) } else { Report::default() };
        let end = thread::spawn(end);
        thread::sleep(HELD);
        assert!(!remains.is_released(), "{self:?}: the device is not done");
        device.let_go();
        let drained = usize::from(self.is_shut_down);
        assert_eq!(end.join().unwrap(), Report { drained, leaked: 0 }, "{self:?}");
        let _watch = Watchdog::set("the end of a drain", LONG);
        while !remains.is_released() {
            thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(remains.written_late(), 0, "{self:?}: at its end");
        remains
    }
}

fn nothing_is_written_late(source: fn(&Port) -> Source) {
    if !can_be_slow() {
        return;
    }
    let _watch = Watchdog::set("a slow device", LONG);
    let mut remains = Vec::new();
    while remains.len() < RUNS {
        thread::scope(|scope| {
            let runs = remains.len()..remains.len() + CROWD;
            let run = |n| scope.spawn(move || Way::nth(n).walk(source));
            let runs: Vec<_> = runs.map(run).collect();
            remains.extend(runs.into_iter().map(|run| run.join().unwrap()));
        });
    }
    thread::sleep(HELD);
    let intact = remains.iter().filter(|remains| remains.written_late() == 0).count();
    assert_eq!((intact, remains.len()), (RUNS, RUNS));
}

// [C1] [C2] [C8] no drop waits for the device, and nothing is freed before it is done.
#[test]
fn an_abandoned_read_of_a_stream_is_not_written_late() {
    nothing_is_written_late(stream);
}

// [C1] [C2] [C8]
#[test]
fn an_abandoned_read_of_messages_is_not_written_late() {
    nothing_is_written_late(messages);
}

// [C1] [C2] [C8]
#[test]
fn an_abandoned_read_of_a_socket_is_not_written_late() {
    nothing_is_written_late(socket);
}

// [C1] [C2] [C8]
#[test]
fn an_abandoned_answer_of_a_device_is_not_written_late() {
    nothing_is_written_late(answers);
}

// [C1] the OS reads what is to be written for as long as it likes.
#[test]
fn an_abandoned_write_keeps_its_memory() {
    const LEN: usize = 300_000;
    if !can_be_slow() {
        return;
    }
    let (port, device) = (port(), Device::new());
    let (reader, writer) = pipe::pair(&port).unwrap();
    let (probe, remains) = Probe::new(LEN);
    let writer = device.run(move || {
        drop(writer.write_all(probe));
        writer
    });
    let read = reader.read_exact(vec![1; LEN]).wait().unwrap();
    assert!(read.buf.iter().all(|&byte| byte == 0));
    let close = thread::spawn(move || writer.close().wait());
    thread::sleep(HELD);
    assert!(!remains.is_released(), "the device is not done");
    device.let_go();
    close.join().unwrap().unwrap();
    assert!(remains.is_released());
}

// [C9] the bound passes: leaked, and said. The device ends it later.
#[test]
fn a_device_that_is_slower_than_the_bound() {
    if !can_be_slow() {
        return;
    }
    let (port, device) = (port(), Device::new());
    let (probe, remains) = Probe::new(LEN);
    let Source { read, mut write } = stream(&port);
    let pending = device.run(move || read(probe));
    write(vec![7; LEN]);
    drop((pending, write));
    assert_eq!(port.shutdown(HELD), Report { drained: 0, leaked: 1 });
    assert!(!remains.is_released(), "the device is not done");
    device.let_go();
    assert_eq!(port.shutdown(LONG), Report { drained: 1, leaked: 0 });
    assert_eq!(remains.written_late(), 0);
}

/// A read of 8 bytes that is held back.
fn slow_read() -> (Device, pipe::Reader, pipe::Writer, Reading<Vec<u8>>) {
    let (port, device) = (port(), Device::new());
    let (reader, writer) = pipe::pair(&port).unwrap();
    let (read, reader) = device.run(move || (reader.read(vec![9; 8]), reader));
    (device, reader, writer, read)
}

/// It goes on for a while.
fn waits(read: Reading<Vec<u8>>) -> Reading<Vec<u8>> {
    read.wait_timeout(HELD).expect_err("the device is not done")
}

/// It ends.
fn outcome(read: Reading<Vec<u8>>) -> Result<Done<Vec<u8>>, Failed<Vec<u8>>> {
    read.wait_timeout(LONG).expect("the device is done")
}

// [C2] [C5] [C6] neither a wait's end nor a cancel ends it; and what it did not take is there.
#[test]
fn a_cancel_that_the_device_heeds_late() {
    if !can_be_slow() {
        return;
    }
    let (device, reader, writer, read) = slow_read();
    let read = waits(read);
    thread::scope(|scope| drop(scope.spawn(|| read.cancel())));
    writer.write_all(b"too late".to_vec()).wait().unwrap();
    let read = waits(read);
    device.let_go();
    let failed = outcome(read).unwrap_err();
    assert_eq!((failed.error.raw_os_error(), failed.buf), (ABORTED, vec![9; 8]));
    assert_eq!(outcome(reader.read_exact(vec![0; 8])).unwrap().buf, b"too late");
}

// [C5] the bytes were first: the cancel changes nothing.
#[test]
fn a_cancel_that_comes_when_the_bytes_are_on_their_way() {
    if !can_be_slow() {
        return;
    }
    let (device, _reader, writer, read) = slow_read();
    writer.write_all(b"in time".to_vec()).wait().unwrap();
    read.cancel();
    let read = waits(read);
    device.let_go();
    let done = outcome(read).unwrap();
    assert_eq!(&done.buf[..done.n], b"in time");
}

// [C6] a deadline cancels, and then the truth is waited for.
#[test]
fn a_deadline_that_the_device_heeds_late() {
    if !can_be_slow() {
        return;
    }
    for has_bytes in [true, false] {
        let (device, reader, writer, read) = slow_read();
        let read = read.deadline(HELD / 4);
        let bytes = || writer.write_all(b"in time".to_vec()).wait().unwrap();
        if has_bytes {
            bytes();
        }
        let read = waits(read);
        assert!(reader.port().in_flight().iter().all(|flying| flying.cancel_requested));
        device.let_go();
        match outcome(read) {
            Ok(done) => assert_eq!((has_bytes, &done.buf[..done.n]), (true, &b"in time"[..])),
            Err(failed) => assert_eq!((has_bytes, failed.error.raw_os_error()), (false, ABORTED)),
        }
    }
}

// [C7] what an abandoned read takes late is served to the next.
#[test]
fn bytes_that_come_late_to_an_abandoned_read_are_the_next_ones() {
    if !can_be_slow() {
        return;
    }
    let (device, reader, writer, read) = slow_read();
    writer.write_all(b"in time".to_vec()).wait().unwrap();
    drop(read);
    let next = waits(reader.read_exact(vec![0; 7]));
    device.let_go();
    assert_eq!(outcome(next).unwrap().buf, b"in time");
}

// [C11] a routine runs when the device is done, on the thread that gave it.
#[test]
fn a_routine_waits_for_the_device() {
    if !can_be_slow() {
        return;
    }
    let (device, _reader, writer, read) = slow_read();
    let (tell, told) = mpsc::channel();
    device.run(move || {
        read.then(move |done| tell.send((thread::current().id(), done.unwrap().n)).unwrap());
    });
    writer.write_all(b"in time".to_vec()).wait().unwrap();
    assert_eq!(told.recv_timeout(HELD), Err(mpsc::RecvTimeoutError::Timeout));
    device.let_go();
    let (thread, ran) = device.run(|| (thread::current().id(), alertable::wait(Some(LONG))));
    assert_eq!(ran, 1);
    assert_eq!(told.iter().collect::<Vec<_>>(), [(thread, 7)]);
}

// [C2] what a thread that is gone has begun is done for it by another.
#[test]
fn a_thread_exits_with_completions_held_back() {
    if !can_be_slow() {
        return;
    }
    for round in 0..50 {
        let _watch = Watchdog::set("a thread exits", LONG);
        let (device, reader, writer, read) = slow_read();
        if round % 2 == 0 {
            writer.write_all(b"in time".to_vec()).wait().unwrap();
        }
        if round % 3 == 0 {
            read.cancel();
        }
        drop(device);
        if round % 2 != 0 {
            writer.write_all(b"in time".to_vec()).wait().unwrap();
        }
        match outcome(read) {
            Ok(done) => assert_eq!(&done.buf[..done.n], b"in time", "{round}"),
            Err(failed) => {
                assert_eq!(failed.error.raw_os_error(), ABORTED, "{round}: {}", failed.error);
                let next = outcome(reader.read_exact(vec![0; 7])).unwrap();
                assert_eq!(next.buf, b"in time", "{round}");
            }
        }
    }
}
