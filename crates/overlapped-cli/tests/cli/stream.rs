//! FIFOs, sockets and terminals: what waits for somebody else, and may wait for ever.

use std::{
    fs::File,
    io::{Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use rustix::{
    net::{AddressFamily, SocketAddrUnix, SocketType, bind, listen, socket},
    pipe::{PipeFlags, pipe_with},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
};

use super::support::{Dir, backends, command, read, run, skip, writer};

const IDLE: &str = "--timeout 300ms --backend";

#[test]
fn a_fifo_that_nobody_writes_is_cancelled_in_time() {
    let dir = Dir::new();
    let path = dir.fifo("fifo");
    for backend in backends() {
        read(&path, &format!("{IDLE} {backend}")).is_cancelled(&path);
    }
}

#[test]
fn a_fifo_with_an_idle_writer_is_cancelled_and_loses_no_byte() {
    let dir = Dir::new();
    let path = dir.fifo("fifo");
    let mut keeps = writer(&path);
    for backend in backends() {
        read(&path, &format!("{IDLE} {backend}")).is_cancelled(&path);
        keeps.write_all(b"later").unwrap();
        read(&path, &format!("--backend {backend}")).is_done(&path, b"later");
    }
}

#[test]
fn a_fifo_gives_what_is_written_while_the_read_waits() {
    let dir = Dir::new();
    let path = dir.fifo("fifo");
    for backend in backends() {
        thread::scope(|scope| {
            let writes = scope.spawn(|| {
                thread::sleep(Duration::from_millis(150));
                let mut writer = writer(&path);
                writer.write_all(b"hello").unwrap();
                writer
            });
            let ran = read(&path, &format!("--timeout 20s --backend {backend}"));
            ran.is_done(&path, b"hello");
            // A FIFO forgets its bytes with its last end, and the reader may be slow to come.
            drop(writes.join());
        });
    }
}

#[test]
fn a_pipe_on_standard_input_is_read_and_cancelled() {
    let dash = Path::new("standard input");
    for backend in backends() {
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let mut writer = File::from(writer);
        let ask = |options: &str| {
            let mut command = command("read");
            command.args(["-", "--backend", backend]).args(options.split_whitespace());
            run(command.stdin(reader.try_clone().unwrap()))
        };
        ask("--timeout 300ms").is_cancelled(dash);
        writer.write_all(b"hello").unwrap();
        ask("").is_done(dash, b"hello");
        drop(writer);
        assert!(ask("").line().contains("done, 0 bytes: the end of the input"));
    }
}

#[test]
fn a_server_that_says_something_is_heard() {
    let dir = Dir::new();
    let path = dir.path("socket");
    let listener = UnixListener::bind(&path).unwrap();
    for backend in backends() {
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut client = accept(&listener);
                thread::sleep(Duration::from_millis(100));
                client.write_all(b"welcome").unwrap();
                let _gone = client.read(&mut [0]);
            });
            let ran = read(&path, &format!("--timeout 20s --backend {backend}"));
            ran.is_done(&path, b"welcome");
        });
    }
}

/// The next connection, which has a bound for everything.
fn accept(listener: &UnixListener) -> UnixStream {
    listener.set_nonblocking(true).unwrap();
    for _ in 0..4000 {
        if let Ok((client, _)) = listener.accept() {
            client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            return client;
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("nobody connected");
}

#[test]
fn a_server_that_says_nothing_is_left_in_time() {
    let dir = Dir::new();
    let path = dir.path("socket");
    let _listens = UnixListener::bind(&path).unwrap();
    for backend in backends() {
        read(&path, &format!("{IDLE} {backend}")).is_cancelled(&path);
    }
}

#[test]
fn a_socket_that_nobody_serves_is_told_in_one_line() {
    let dir = Dir::new();
    let path = dir.path("socket");
    drop(UnixListener::bind(&path).unwrap());
    let told = format!(
        "read {}: cannot connect: Connection refused (os error {}); \
         start the program that listens there",
        path.display(),
        rustix::io::Errno::CONNREFUSED.raw_os_error()
    );
    read(&path, "").is_refused(1, &told);
}

#[test]
fn a_server_that_accepts_nobody_is_told_in_one_line() {
    let dir = Dir::new();
    let path = dir.path("socket");
    let listener = socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
    bind(&listener, &SocketAddrUnix::new(&path).unwrap()).unwrap();
    listen(&listener, 0).unwrap();
    // The one connection that a queue of length 0 holds.
    let _first = UnixStream::connect(&path).unwrap();
    let ran = read(&path, "");
    let told = format!("read {}: the server's queue of connections is full: ", path.display());
    assert!(ran.line().starts_with(&told), "{ran:?}");
    assert!(ran.line().ends_with("; try again when it accepts them"), "{ran:?}");
    assert_eq!(ran.code, Some(1));
}

/// The main side of a pseudo-terminal, and the path of the other.
fn terminal() -> Option<(File, PathBuf)> {
    let main = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).ok()?;
    grantpt(&main).ok()?;
    unlockpt(&main).ok()?;
    let path = ptsname(&main, Vec::new()).ok()?.into_string().ok()?;
    Some((main.into(), path.into()))
}

#[test]
fn a_terminal_is_read_by_the_line_and_cancelled_when_nobody_types() {
    let Some((mut main, path)) = terminal() else {
        return skip("there are no pseudo-terminals here");
    };
    // Without a process that has it open, it forgets what was typed.
    let _keeps = writer(&path);
    for backend in backends() {
        read(&path, &format!("{IDLE} {backend}")).is_cancelled(&path);
        main.write_all(b"unfinished").unwrap();
        read(&path, &format!("{IDLE} {backend}")).is_cancelled(&path);
        main.write_all(b" line\n").unwrap();
        read(&path, &format!("--backend {backend}")).is_done(&path, b"unfinished line\n");
    }
}

#[test]
fn a_terminal_on_standard_input_is_cancelled_when_nobody_types() {
    let Some((_main, path)) = terminal() else {
        return skip("there are no pseudo-terminals here");
    };
    for backend in backends() {
        let mut command = command("read");
        command.args(["-", "--timeout", "300ms", "--backend", backend]);
        run(command.stdin(writer(&path))).is_cancelled(Path::new("standard input"));
    }
}
