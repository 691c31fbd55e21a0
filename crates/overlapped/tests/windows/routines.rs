//! The mechanism on completion routines: one thread, and handles that nobody has bound to anything.

use std::{
    cell::Cell,
    env, fs,
    io::{Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::windows::io::OwnedHandle,
    process,
    rc::Rc,
    sync::atomic::{
        AtomicU32,
        Ordering::{Relaxed, SeqCst},
    },
    thread,
    time::Duration,
};

use overlapped::{
    Port, Runtime, alertable,
    backend::Kind,
    fs::File,
    pipe::{self, Reader, Writer},
};

use super::{
    probe::Probe,
    win32::{self, GUESTS, Guest, OWN_READS},
};

fn runtime() -> Runtime {
    Runtime::with(Port::builder().backend(Kind::Apc)).unwrap()
}

/// A handle of the program's own, and who writes to it without this library.
fn handle() -> (OwnedHandle, fs::File) {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name =
        format!(r"\\.\pipe\overlapped-routines-{}-{}", process::id(), NEXT.fetch_add(1, Relaxed));
    let server = win32::byte_pipe(&name).unwrap();
    (server, fs::OpenOptions::new().write(true).open(&name).unwrap())
}

fn reader(runtime: &Runtime) -> (Reader, fs::File) {
    let (server, writer) = handle();
    (Reader::from_owned(runtime.port(), server), writer)
}

/// Where a test has its file.
fn path(name: &str) -> std::path::PathBuf {
    env::temp_dir().join(format!("overlapped-{}-{name}", process::id()))
}

// [C15] it says what it is, and who cannot have it is told what to do.
#[test]
fn only_a_runtime_has_it() {
    let runtime = runtime();
    assert_eq!((runtime.port().backend(), Kind::Apc.name()), (Kind::Apc, "APC"));
    assert_eq!(runtime.port().features().fallback, None);
    let refused = Port::builder().backend(Kind::Apc).build().unwrap_err();
    assert!(refused.to_string().contains("Runtime::with"), "{refused}");
}

#[test]
fn files_and_pipes_are_served_and_no_handle_is_bound() {
    let (runtime, path) = (runtime(), path("served"));
    let port = runtime.port().clone();
    let file = File::create(&port, &path).wait().unwrap();
    let bufs = vec![vec![1; 3000], Vec::new(), vec![2; 70]];
    assert_eq!(file.write_vectored_at(bufs.clone(), 5).wait().unwrap().n, 3070);
    let room = vec![vec![0; 3000], Vec::new(), vec![0; 100]];
    let read = file.read_vectored_at(room, 5).wait().unwrap();
    assert_eq!((read.n, &read.buf[0], &read.buf[2][..70]), (3070, &bufs[0], &bufs[2][..]));
    assert_eq!(file.read_at(vec![0; 10], 3075).wait().unwrap().n, 0);
    file.sync_all().wait().unwrap();
    let handle = file.into_parts().wait().handle;
    assert!(win32::can_be_bound(handle.os().unwrap()));
    let (reader, writer) = pipe::pair(&port).unwrap();
    let (read, write) = (reader.read_exact(vec![0; 4]), writer.write_all(b"both".to_vec()));
    runtime.block_on(async { assert_eq!(read.await.unwrap().buf, b"both") });
    assert_eq!(write.wait().unwrap().n, 4);
    fs::remove_file(&path).unwrap();
}

// [C11] the OS's routine may run in any wait of the program's; the program's own never does there.
#[test]
fn a_wait_of_the_program_s_own_does_no_harm() {
    let runtime = runtime();
    let (reader, mut writer) = reader(&runtime);
    let got = Rc::new(Cell::new(None));
    for round in 0..100_u8 {
        let (read, told) = (reader.read(vec![0; 8]), Rc::clone(&got));
        runtime.port().submit();
        read.then(move |outcome| told.set(Some(outcome.unwrap().buf[0])));
        writer.write_all(&[round]).unwrap();
        assert!(win32::sleep_alertably(10_000), "the OS's routine has run");
        assert_eq!(got.take(), None);
        assert_eq!(alertable::wait(None), 1);
        assert_eq!(got.take(), Some(round));
    }
}

// [C2] somebody else's routine ends a wait and proves nothing.
#[test]
fn a_foreign_routine_proves_nothing() {
    let runtime = runtime();
    let (reader, mut writer) = reader(&runtime);
    let guest = Guest::of_this_thread();
    let before = GUESTS.load(SeqCst);
    let read = reader.read(vec![7; 4]);
    guest.queue();
    let read = read.wait_timeout(Duration::from_millis(20)).unwrap_err();
    assert_eq!(GUESTS.load(SeqCst), before + 1);
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..50 {
                guest.queue();
                thread::yield_now();
            }
            writer.write_all(b"done").unwrap();
        });
        assert_eq!(read.wait().unwrap().buf, b"done");
    });
    win32::sleep_alertably(0);
    assert_eq!(GUESTS.load(SeqCst), before + 51);
}

// [C11] no lock of ours is held where a routine of the program's may run.
#[test]
fn a_routine_of_the_program_s_own_starts_operations() {
    let runtime = runtime();
    let (reader, mut writer) = reader(&runtime);
    let (reader, started) = (Rc::new(reader), Rc::new(Cell::new(None)));
    for round in 0..20_u8 {
        let (theirs, slot) = (Rc::clone(&reader), Rc::clone(&started));
        win32::queue_here(move || slot.set(Some(theirs.read_exact(vec![0; 4]))));
        if round % 2 == 0 {
            runtime.block_on(runtime.port().sleep(Duration::from_millis(1))).unwrap();
        } else {
            win32::sleep_alertably(0);
        }
        writer.write_all(&[round; 4]).unwrap();
        let read = started.take().expect("it has run");
        assert_eq!(read.wait().unwrap().buf, [round; 4]);
    }
}

// A wait on one runs the routines of both, and takes note for each.
#[test]
fn two_runtimes_of_a_thread_keep_apart() {
    let pair = [runtime(), runtime()];
    let mut pipes = pair.each_ref().map(reader);
    for round in 0..50_u8 {
        let reads = pipes.each_ref().map(|(reader, _)| reader.read_exact(vec![0; 4]));
        pair.iter().for_each(|runtime| runtime.port().submit());
        for (_, writer) in &mut pipes {
            writer.write_all(&[round; 4]).unwrap();
        }
        let [first, second] = reads;
        assert_eq!(pair[1].block_on(second).unwrap().buf, [round; 4]);
        assert_eq!(pair[0].block_on(first).unwrap().buf, [round; 4]);
    }
}

// [C2] who else uses the handle so has routines of his own.
#[test]
fn a_handle_is_used_with_routines_elsewhere() {
    let runtime = runtime();
    let (server, mut writer) = handle();
    let theirs = server.try_clone().unwrap();
    let reader = Reader::from_owned(runtime.port(), server);
    win32::read_by_routine(&theirs);
    let read = reader.read_exact(vec![0; 4]);
    runtime.port().submit();
    win32::read_by_routine(&theirs);
    for part in [b"his ", b"ours", b"also"] {
        writer.write_all(part).unwrap();
    }
    assert_eq!(read.wait().unwrap().buf, b"ours");
    while OWN_READS.lock().unwrap().len() < 2 {
        win32::sleep_alertably(1000);
    }
    assert_eq!(*OWN_READS.lock().unwrap(), [*b"his ", *b"also"]);
}

// [C3] what succeeds at once is heard of once, by its routine.
#[test]
fn a_success_at_once_is_heard_once() {
    let runtime = runtime();
    let (reader, mut writer) = reader(&runtime);
    for round in 0..500_u32 {
        writer.write_all(&round.to_le_bytes()).unwrap();
        assert_eq!(reader.read(vec![0; 4]).wait().unwrap().buf, round.to_le_bytes());
        assert!(!win32::sleep_alertably(0), "a routine is left");
    }
}

// [C5] a cancel is answered truly, from whichever thread it comes.
#[test]
fn a_cancel_has_taken_nothing() {
    let runtime = runtime();
    let (reader, mut writer) = reader(&runtime);
    let read = reader.read(vec![7; 4]);
    let read = read.wait_timeout(Duration::from_millis(20)).unwrap_err();
    read.cancel();
    let failed = read.wait().unwrap_err();
    let error = &failed.error;
    assert_eq!((error.raw_os_error(), error.nt_status()), (Some(995), Some(0xC000_0120)));
    assert_eq!((error.is_cancelled(), failed.buf), (true, vec![7; 4]));
    let read = reader.read(vec![7; 4]);
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(10));
            read.cancel();
        });
        runtime.block_on(runtime.port().sleep(Duration::from_millis(20))).unwrap();
    });
    assert!(read.wait().unwrap_err().error.is_cancelled());
    writer.write_all(b"left").unwrap();
    assert_eq!(reader.read_exact(vec![0; 4]).wait().unwrap().buf, b"left");
}

// [C3] a call that is refused has no routine, and is answered at once.
#[test]
fn a_refusal_is_an_outcome() {
    let runtime = runtime();
    let (reader, writer) = reader(&runtime);
    drop(writer);
    for _ in 0..3 {
        let error = reader.read(vec![0; 4]).wait().unwrap_err().error;
        assert_eq!((error.raw_os_error(), error.nt_status()), (Some(109), Some(0xC000_014B)));
    }
    assert!(!win32::sleep_alertably(0), "a routine is left");
}

// [C8] dropped on another thread, too: what it took is the next read's.
#[test]
fn a_read_that_is_dropped_loses_no_byte() {
    let runtime = runtime();
    let (reader, mut writer) = reader(&runtime);
    for round in 0..100_u8 {
        let read = reader.read(vec![0; 4]);
        match round % 3 {
            0 => drop(read),
            1 => thread::spawn(move || drop(read)).join().unwrap(),
            _ => {
                runtime.port().submit();
                drop(read);
            }
        }
        writer.write_all(&[round; 4]).unwrap();
        assert_eq!(reader.read_exact(vec![0; 4]).wait().unwrap().buf, [round; 4]);
    }
}

// [C12] from any thread, by way of the one that has the routines.
#[test]
fn other_threads_start_and_wait() {
    let runtime = runtime();
    let (reader, mut writer) = reader(&runtime);
    let port = runtime.port().clone();
    let there = thread::spawn(move || {
        for round in 0..200_u8 {
            let read = reader.read_exact(vec![0; 4]);
            writer.write_all(&[round; 4]).unwrap();
            assert_eq!(read.wait().unwrap().buf, [round; 4]);
        }
        port.nop().wait().unwrap();
    });
    while !there.is_finished() {
        runtime.block_on(runtime.port().sleep(Duration::from_millis(1))).unwrap();
    }
    there.join().unwrap();
}

#[test]
fn a_handle_that_has_no_routines_is_served() {
    let runtime = runtime();
    // Bound to a port.
    let bound = pipe::pair(&super::port()).unwrap();
    let reader = Reader::from_owned(runtime.port(), bound.0.into_parts().wait().handle);
    for round in 0..20_u8 {
        let read = reader.read_exact(vec![0; 4]);
        bound.1.write_all(vec![round; 4]).wait().unwrap();
        assert_eq!(read.wait().unwrap().buf, [round; 4]);
    }
    let read = reader.read(vec![7; 4]);
    let read = read.wait_timeout(Duration::from_millis(10)).unwrap_err();
    read.cancel();
    assert!(read.wait().unwrap_err().error.is_cancelled());
    // Synchronous.
    let (server, writer) = win32::synchronous_pipe().unwrap();
    let reader = Reader::from_owned(runtime.port(), server);
    let read = reader.read_exact(vec![0; 4]);
    fs::File::from(writer).write_all(b"sync").unwrap();
    assert_eq!(read.wait().unwrap().buf, b"sync");
}

// [C3] what waits for a worker was refused before; that is no word about its end.
#[test]
fn a_cancel_in_the_queue_tells_nothing_of_the_refusal() {
    let settings = Port::builder().backend(Kind::Apc).max_workers(1);
    let runtime = Runtime::with(settings).unwrap();
    let other = super::port();
    let pipes: Vec<_> = (0..2)
        .map(|_| {
            let (reader, writer) = pipe::pair(&other).unwrap();
            let handle = reader.into_parts().wait().handle;
            (Reader::from_owned(runtime.port(), handle), writer)
        })
        .collect();
    let reads = [pipes[0].0.read(vec![0; 4]), pipes[1].0.read(vec![0; 4])];
    runtime.port().submit();
    let [first, second] = reads;
    second.cancel();
    let error = second.wait().unwrap_err().error;
    assert_eq!((error.raw_os_error(), error.nt_status()), (Some(995), None), "{error}");
    pipes[0].1.write_all(b"till".to_vec()).wait().unwrap();
    assert_eq!(first.wait().unwrap().buf, b"till");
}

#[test]
fn a_connection_is_served() {
    let runtime = runtime();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let here = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let mut there = listener.accept().unwrap().0;
    let reader = Reader::from_owned(runtime.port(), here.try_clone().unwrap());
    let writer = Writer::from_owned(runtime.port(), here);
    let read = reader.read_exact(vec![0; 4]);
    let read = read.wait_timeout(Duration::from_millis(10)).unwrap_err();
    there.write_all(b"ping").unwrap();
    assert_eq!(read.wait().unwrap().buf, b"ping");
    assert_eq!(writer.write_all(b"pong".to_vec()).wait().unwrap().n, 4);
    let mut back = [0; 4];
    there.read_exact(&mut back).unwrap();
    assert_eq!(&back, b"pong");
    let read = reader.read(vec![7; 4]);
    let read = read.wait_timeout(Duration::from_millis(10)).unwrap_err();
    read.cancel();
    assert!(read.wait().unwrap_err().error.is_cancelled());
}

// [C3] more data than there was room for is a success with bytes.
#[test]
fn a_message_that_is_too_long_comes_in_parts() {
    let runtime = runtime();
    let name = format!(r"\\.\pipe\overlapped-routines-messages-{}", process::id());
    let server = win32::message_pipe(&name).unwrap();
    let mut client = fs::OpenOptions::new().read(true).write(true).open(&name).unwrap();
    let reader = Reader::from_owned(runtime.port(), server);
    client.write_all(b"message").unwrap();
    for part in [&b"mess"[..], b"age"] {
        let read = reader.read(vec![0; 4]).wait().unwrap();
        assert_eq!(&read.buf[..read.n], part);
    }
}

// [C1] [C9] drained, with the memory of all in its place until then, whoever has let go of it.
#[test]
fn a_runtime_with_reads_in_flight_is_drained() {
    const READS: usize = 200;
    for by_drop in [true, false] {
        let runtime = runtime();
        let pipes: Vec<_> = (0..READS).map(|_| reader(&runtime)).collect();
        let (probes, remains): (Vec<_>, Vec<_>) = (0..READS).map(|_| Probe::new(64)).unzip();
        let each = pipes.iter().zip(probes);
        let mut kept: Vec<_> = each.map(|((reader, _), probe)| reader.read(probe)).collect();
        runtime.port().submit();
        // These are asked to stop, and no routine has run.
        drop(kept.split_off(READS / 2));
        assert!(remains.iter().all(|rest| !rest.is_released()));
        if by_drop {
            drop(runtime);
        } else {
            let report = runtime.shutdown(Duration::from_secs(20));
            assert_eq!((report.drained, report.leaked), (READS, 0));
        }
        for (number, rest) in remains.iter().enumerate() {
            assert_eq!(rest.is_released(), number >= READS / 2, "read {number}");
        }
        for read in kept {
            assert!(read.wait().unwrap_err().error.is_cancelled());
        }
        // A write that comes now hits nobody.
        for (_, mut writer) in pipes {
            let _nobody_reads = writer.write(&[7; 64]);
        }
        assert!(!win32::sleep_alertably(20), "a routine is left");
        assert!(remains.iter().all(|rest| rest.written_late() == 0));
    }
}

// [C1] the OS forgets the routines of a thread that exits: what flew there is leaked, not freed.
#[test]
fn a_thread_that_exits_without_an_end_frees_nothing() {
    let (rest, mut writer) = thread::spawn(|| {
        let runtime = runtime();
        let (reader, writer) = reader(&runtime);
        let (probe, rest) = Probe::new(64);
        let read = reader.read(probe);
        runtime.port().submit();
        // The call is stopped by this, and its routine queued.
        drop(read);
        std::mem::forget(runtime);
        (rest, writer)
    })
    .join()
    .unwrap();
    let _nobody_reads = writer.write(&[7; 64]);
    assert!(!rest.is_released());
}
