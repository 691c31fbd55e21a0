//! Named pipes: a server that says something, says nothing, or goes.

use std::{path::Path, thread, time::Duration};

use overlapped::{
    Port,
    pipe::{self, ServerOptions},
};

use super::support::{backends, command, fresh_name, read, run, server, word};

const IDLE: &str = "--timeout 300ms --backend";

// [C5] the issue's own example: `overlapped read \\.\pipe\name --timeout 1s`.
#[test]
fn a_pipe_that_nobody_writes_is_cancelled_in_time() {
    for backend in backends() {
        let (path, _server) = server();
        read(&path, &format!("{IDLE} {backend}")).is_cancelled(&path);
    }
}

#[test]
fn a_pipe_with_bytes_in_it_gives_them() {
    for backend in backends() {
        let (path, server) = server();
        thread::scope(|scope| {
            scope.spawn(|| {
                server.connect().wait().expect("a client");
                server.writer().write_all(b"hello".to_vec()).wait().expect("a write");
            });
            read(&path, &format!("--timeout 20s --backend {backend}")).is_done(&path, b"hello");
        });
    }
}

#[test]
fn a_pipe_gives_what_is_written_while_the_read_waits() {
    for backend in backends() {
        let (path, server) = server();
        thread::scope(|scope| {
            scope.spawn(|| {
                server.connect().wait().expect("a client");
                thread::sleep(Duration::from_millis(150));
                server.writer().write_all(b"later".to_vec()).wait().expect("a write");
            });
            read(&path, &format!("--timeout 20s --backend {backend}")).is_done(&path, b"later");
        });
    }
}

// [C3] a pipe that breaks is an error, and no end.
#[test]
fn a_server_that_goes_is_told() {
    for backend in backends() {
        let (path, server) = server();
        thread::scope(|scope| {
            scope.spawn(move || {
                server.connect().wait().expect("a client");
                server.close().wait().expect("nothing is owed");
            });
            let ran = read(&path, &format!("--timeout 20s --backend {backend}"));
            let told = format!(
                "read {}: failed: {}, the buffer of 1024 bytes returned; nothing in flight; \
                 the other end of the pipe is gone; nothing more comes",
                path.display(),
                word(109)
            );
            ran.is_refused(1, &told);
        });
    }
}

// [C3] a part of a message is a success with the bytes that fitted.
#[test]
fn a_message_that_is_longer_than_asked_for_gives_its_beginning() {
    let port = Port::shared().expect("a port");
    for backend in backends() {
        let name = fresh_name();
        let server = ServerOptions::new().messages(true).create(&port, &name).expect("a pipe");
        let path = Path::new(&name);
        thread::scope(|scope| {
            scope.spawn(|| {
                server.connect().wait().expect("a client");
                server.writer().write_all(b"message".to_vec()).wait().expect("a write");
            });
            let options = format!("--len 4 --timeout 20s --backend {backend}");
            read(path, &options).is_done(path, b"mess");
        });
    }
}

#[test]
fn a_pipe_that_is_not_there_or_in_use_is_told() {
    let (path, _server) = server();
    let port = Port::shared().expect("a port");
    let _client = pipe::connect(&port, path.to_str().expect("text")).wait().expect("a server");
    let next = "all instances of the pipe are in use; try again when one is free";
    read(&path, "").is_refused(1, &format!("read {}: {}; {next}", path.display(), word(231)));

    let missing = fresh_name();
    let told = format!("read {missing}: {}; check the path", word(2));
    read(Path::new(&missing), "").is_refused(1, &told);
}

#[test]
fn an_offset_in_a_pipe_is_told() {
    let (path, _server) = server();
    let told = "--at needs offsets, and a pipe or FIFO is a stream; leave --at out";
    read(&path, "--at 0").is_refused(2, &format!("read {}: {told}", path.display()));
}

#[test]
fn a_pipe_on_standard_input_is_read_and_cancelled() {
    let dash = Path::new("standard input");
    let port = Port::shared().expect("a port");
    for backend in backends() {
        let (reader, writer) = pipe::pair(&port).expect("a pipe");
        let handle = reader.into_parts().wait().handle.into_os().expect("the OS's own");
        let ask = |options: &str| {
            let mut command = command("read");
            command.args(["-", "--backend", backend]).args(options.split_whitespace());
            run(command.stdin(handle.try_clone().expect("a handle")))
        };
        ask("--timeout 300ms").is_cancelled(dash);
        writer.write_all(b"hello".to_vec()).wait().expect("a write");
        ask("").is_done(dash, b"hello");
    }
}
