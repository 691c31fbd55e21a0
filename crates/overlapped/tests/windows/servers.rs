use std::{
    process,
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

use overlapped::{
    Cause, Message, Port, Runtime,
    pipe::{self, Duplex, Server, ServerOptions},
};

use super::{each, runtimes, watchdog::Watchdog};

const BUSY: Option<i32> = Some(231);
const NO_DATA: Option<i32> = Some(232);
const NOT_CONNECTED: Option<i32> = Some(233);
pub(crate) const ABORTED: Option<i32> = Some(995);

/// How long something is given that is not to happen.
pub(crate) const A_WHILE: Duration = Duration::from_millis(30);

pub(crate) fn fresh_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!(r"\\.\pipe\overlapped-server-{}-{number}", process::id())
}

/// A client. While a worker is on its way to wait for one, the instance is not free.
fn come_in(port: &Port, name: &str) -> Duplex {
    loop {
        match pipe::connect(port, name).wait() {
            Err(error) if error.raw_os_error() == BUSY => thread::yield_now(),
            made => return made.unwrap(),
        }
    }
}

/// A server, and a client that is connected to it.
pub(crate) fn connected(port: &Port, options: &ServerOptions) -> (Server, Duplex, String) {
    let name = fresh_name();
    let server = options.create(port, &name).unwrap();
    let come = server.connect();
    let client = come_in(port, &name);
    come.wait().unwrap();
    (server, client, name)
}

fn say(to: &pipe::Writer, what: &[u8]) {
    assert_eq!(to.write_all(what.to_vec()).wait().unwrap().n, what.len());
}

fn hear(from: &pipe::Reader, what: &[u8]) {
    assert_eq!(from.read_exact(vec![0; what.len()]).wait().unwrap().buf, what);
}

#[test]
fn clients_are_served_one_after_the_other_in_both_directions() {
    each(|port| {
        let name = fresh_name();
        let server = Server::create(port, &name).unwrap();
        for _ in 0..3 {
            let come = server.connect().wait_timeout(A_WHILE).expect_err("nobody is there");
            let client = come_in(port, &name);
            come.wait().unwrap();
            let (question, answer) =
                (server.reader().read(vec![0; 9]), client.reader().read(vec![0; 9]));
            say(client.writer(), b"question");
            assert_eq!(question.wait().unwrap().n, 8);
            say(server.writer(), b"answer");
            assert_eq!(answer.wait().unwrap().n, 6);
            server.disconnect().wait().unwrap();
            let failed = client.reader().read(vec![0; 9]).wait().unwrap_err();
            assert!(failed.error.raw_os_error().is_some(), "{}", failed.error);
        }
    });
}

#[test]
fn a_client_that_is_there_first_is_a_success() {
    each(|port| {
        let name = fresh_name();
        let server = Server::create(port, &name).unwrap();
        let client = come_in(port, &name);
        server.connect().wait().unwrap();
        server.connect().wait().unwrap();
        say(client.writer(), b"hello");
        hear(server.reader(), b"hello");
    });
}

// [C3] the OS's own word.
#[test]
fn a_client_that_has_come_and_gone_is_told() {
    each(|port| {
        let name = fresh_name();
        let server = Server::create(port, &name).unwrap();
        drop(come_in(port, &name));
        let error = server.connect().wait().unwrap_err();
        assert_eq!(error.raw_os_error(), NO_DATA, "{error}");
        assert!(error.to_string().contains("disconnect first"), "{error}");
        server.disconnect().wait().unwrap();
        let come = server.connect();
        let _client = come_in(port, &name);
        come.wait().unwrap();
    });
}

#[test]
fn who_finds_no_free_instance_is_told() {
    each(|port| {
        let (_server, _client, name) = connected(port, ServerOptions::new().max_instances(1));
        let error = pipe::connect(port, &name).wait().unwrap_err();
        assert_eq!(error.raw_os_error(), BUSY, "{error}");
        let error = ServerOptions::new().create(port, &name).unwrap_err();
        assert_eq!(error.raw_os_error(), BUSY, "{error}");
        let error = ServerOptions::new().first_instance(true).create(port, &name).unwrap_err();
        assert!(error.to_string().contains(&name[10..]), "{error}");
        let none = ServerOptions::new().max_instances(0).create(port, &name).unwrap_err();
        assert!(matches!(none.cause(), Cause::Invalid(_)), "{none}");
        let nothing =
            ServerOptions::new().read(false).write(false).create(port, &name).unwrap_err();
        assert!(matches!(nothing.cause(), Cause::Invalid(_)), "{nothing}");
        let missing = pipe::connect(port, fresh_name()).wait().unwrap_err();
        assert_eq!(missing.raw_os_error(), Some(2), "{missing}");
    });
}

// [C5] a cancel asks, from any thread, and the instance goes on.
#[test]
fn a_wait_for_a_client_is_cancelled() {
    each(|port| {
        let name = fresh_name();
        let server = Server::create(port, &name).unwrap();
        let come = server.connect();
        let come = thread::spawn(move || {
            come.cancel();
            come
        });
        let error = come.join().unwrap().wait().unwrap_err();
        assert_eq!((error.raw_os_error(), error.is_cancelled()), (ABORTED, true));
        let come = server.connect();
        let _client = come_in(port, &name);
        come.wait().unwrap();
    });
}

// [C7] a client that nobody waited for any more is found by the next wait.
#[test]
fn a_client_of_an_abandoned_wait_is_not_lost() {
    each(|port| {
        let name = fresh_name();
        let server = Server::create(port, &name).unwrap();
        for round in 0..100 {
            let come = server.connect();
            let client = match round % 2 {
                0 => {
                    drop(come);
                    let again = server.connect();
                    let client = come_in(port, &name);
                    again.wait().unwrap();
                    client
                }
                _ => {
                    let client = come_in(port, &name);
                    drop(come);
                    server.connect().wait().unwrap();
                    client
                }
            };
            say(client.writer(), b"here");
            hear(server.reader(), b"here");
            server.disconnect().wait().unwrap();
        }
    });
}

// [C9] what waits for a client is drained with its port.
#[test]
fn a_port_that_ends_ends_the_wait() {
    each(|port| {
        let servers: Vec<_> =
            (0..20).map(|_| Server::create(port, fresh_name()).unwrap()).collect();
        let waits: Vec<_> = servers.iter().map(Server::connect).collect();
        let report = port.shutdown(Duration::from_secs(20));
        assert_eq!((report.drained, report.leaked), (20, 0));
        for wait in waits {
            assert!(wait.wait().unwrap_err().is_cancelled());
        }
    });
}

// [C2] the wait for a client is the port's, not the thread's.
#[test]
fn a_wait_outlives_the_thread_that_started_it() {
    each(|port| {
        let name = fresh_name();
        let server = Server::create(port, &name).unwrap();
        let (server, come) = thread::spawn(move || (server.connect(), server))
            .join()
            .map(|(come, server)| (server, come))
            .unwrap();
        let client = come_in(port, &name);
        come.wait().unwrap();
        say(client.writer(), b"still here");
        hear(server.reader(), b"still here");
    });
}

// [C7] nothing of one client reaches the next: neither bytes, nor errors, nor operations.
#[test]
fn a_client_that_is_sent_away_leaves_nothing_behind() {
    each(|port| {
        let (server, client, name) = connected(port, &ServerOptions::new());
        // One was served, and not looked at; one is in flight; one waits for its turn.
        let served = server.reader().read(vec![0; 3]);
        say(client.writer(), b"oldold");
        while !served.is_over() {
            thread::yield_now();
        }
        drop(server.reader().read_exact(vec![0; 3]));
        let flying = server.reader().read_exact(vec![0; 10]);
        let waiting = server.reader().read(vec![0; 10]);
        // A write that nobody waits for cannot end: there is no such room.
        drop(server.writer().write_all(vec![1; 1 << 20]));
        let late = server.writer().write_all(vec![2; 10]);
        server.disconnect().wait().unwrap();
        // It may have got its turn, by the end of the one before, and was stopped then.
        let error = waiting.wait().unwrap_err().error;
        assert!(error.is_cancelled() || error.raw_os_error() == NOT_CONNECTED, "{error}");
        let failed = flying.wait().unwrap_err();
        assert!(failed.error.raw_os_error().is_some(), "{}", failed.error);
        assert!(late.wait().is_err());
        let come = server.connect();
        let next = come_in(port, &name);
        come.wait().unwrap();
        drop(served);
        say(next.writer(), b"new");
        hear(server.reader(), b"new");
        say(server.writer(), b"yours");
        hear(next.reader(), b"yours");
        drop(client);
    });
}

/// A message, and whether there is more of it.
fn message(from: &pipe::Reader, len: usize) -> (Vec<u8>, bool) {
    let Message { n, more, mut buf, .. } = from.read_message(vec![0; len]).wait().unwrap();
    buf.truncate(n);
    (buf, more)
}

// [C3] a part of a message is a success with bytes, and that there is more is told.
#[test]
fn messages_come_whole_or_in_parts() {
    each(|port| {
        let (server, client, _) = connected(port, ServerOptions::new().messages(true));
        // Once the read is there first, once the message.
        let read = server.reader().read_message(vec![0; 4]);
        say(client.writer(), b"a message");
        let part = read.wait().unwrap();
        assert_eq!((part.n, part.more, &part.buf[..]), (4, true, &b"a me"[..]));
        assert_eq!(message(server.reader(), 2), (b"ss".to_vec(), true));
        assert_eq!(message(server.reader(), 0), (Vec::new(), true));
        assert_eq!(message(server.reader(), 9), (b"age".to_vec(), false));
        // An empty one is one, too.
        say(client.writer(), b"");
        say(client.writer(), b"last");
        assert_eq!(message(server.reader(), 9), (Vec::new(), false));
        assert_eq!(message(server.reader(), 9), (b"last".to_vec(), false));
    });
}

#[test]
fn a_client_reads_bytes_until_it_asks_for_messages() {
    each(|port| {
        let (server, client, _) = connected(port, ServerOptions::new().messages(true));
        say(server.writer(), b"one");
        say(server.writer(), b"two");
        assert_eq!(message(client.reader(), 9), (b"onetwo".to_vec(), false));
        client.read_messages(true).unwrap();
        say(server.writer(), b"one");
        say(server.writer(), b"two");
        assert_eq!(message(client.reader(), 9), (b"one".to_vec(), false));
        assert_eq!(message(client.reader(), 2), (b"tw".to_vec(), true));
        assert_eq!(message(client.reader(), 2), (b"o".to_vec(), false));
        let (_server, bytes, _) = connected(port, &ServerOptions::new());
        let error = bytes.read_messages(true).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(87), "{error}");
    });
}

// [C7] message by message, in order, whoever gives up when.
#[test]
fn messages_of_abandoned_reads_are_not_glued() {
    each(|port| {
        let (server, client, _) = connected(port, ServerOptions::new().messages(true));
        for round in 0..200_usize {
            let first = server.reader().read_message(vec![0; 4]);
            drop(server.reader().read_message(vec![0; 4]));
            let third = server.reader().read_message(vec![0; 4]);
            let sizes = [round % 3, round % 7, 3];
            for (number, size) in (1..).zip(sizes) {
                say(client.writer(), &vec![number; size]);
            }
            match round % 3 {
                0 => drop((first, third)),
                1 => drop((third, first)),
                _ => {
                    while !third.is_over() {
                        thread::yield_now();
                    }
                    drop((third, first));
                }
            }
            for (number, size) in (1..).zip(sizes) {
                let mut whole = Vec::new();
                loop {
                    let (part, more) = message(server.reader(), 4);
                    whole.extend(part);
                    if !more {
                        break;
                    }
                }
                assert_eq!(whole, vec![number; size], "message {number} of round {round}");
            }
        }
    });
}

#[test]
fn a_flush_waits_until_the_client_has_read_all() {
    each(|port| {
        let (server, client, _) = connected(port, &ServerOptions::new());
        drop(server.writer().write_all(b"read me".to_vec()));
        let flush = server.writer().flush().wait_timeout(A_WHILE).expect_err("nobody has read it");
        hear(client.reader(), b"read me");
        flush.wait().unwrap();
    });
}

// [C5] a worker that waits for the client is interrupted, or the client is sent away.
#[test]
fn a_flush_ends_by_a_cancel_and_by_a_disconnect() {
    each(|port| {
        let (server, _client, _) = connected(port, &ServerOptions::new());
        say(server.writer(), b"nobody reads it");
        let flush = server.writer().flush().wait_timeout(A_WHILE).expect_err("nobody has read it");
        flush.cancel();
        let error = flush.wait().unwrap_err();
        assert!(error.is_cancelled(), "{error}");
        let flush = server.writer().flush().wait_timeout(A_WHILE).expect_err("nobody has read it");
        server.disconnect().wait().unwrap();
        assert!(flush.wait().is_err());
    });
}

// [C3] then the client is there still, and nothing of it is waited for.
#[test]
fn a_disconnect_that_is_refused_is_told_at_once() {
    let _watch = Watchdog::set("a disconnect that is refused", Duration::from_secs(60));
    each(|port| {
        let (server, client, _) = connected(port, &ServerOptions::new());
        // Only a server can send the other side away.
        let client = Server::from_owned(port, client.into_parts().wait().handle);
        let read = client.reader().read_exact(vec![0; 4]);
        let error = client.disconnect().wait().unwrap_err();
        assert_eq!(error.operation(), "disconnect", "{error}");
        say(server.writer(), b"here");
        assert_eq!(read.wait().unwrap().buf, b"here");
    });
}

// [C7] an abandoned operation's error is told; what ends by the disconnect is no error of its own.
#[test]
fn a_disconnect_tells_what_went_wrong_before_it() {
    each(|port| {
        for _ in 0..10 {
            let (server, _client, _) = connected(port, &ServerOptions::new());
            say(server.writer(), b"nobody reads it");
            let flush = server.writer().flush().wait_timeout(Duration::from_millis(3));
            drop(flush.expect_err("nobody has read it"));
            server.disconnect().wait().unwrap();
        }
        let (server, client, name) = connected(port, &ServerOptions::new());
        drop(client);
        drop(server.writer().write_all(vec![7; 10]));
        while port.stats().in_flight > 0 {
            thread::yield_now();
        }
        let error = server.disconnect().wait().unwrap_err();
        assert_eq!(error.raw_os_error(), NO_DATA, "{error}");
        // Once, and the client is gone all the same.
        let come = server.connect();
        let client = come_in(port, &name);
        come.wait().unwrap();
        say(server.writer(), b"yours");
        hear(client.reader(), b"yours");
    });
}

#[test]
fn a_pipe_of_one_direction_refuses_the_other() {
    each(|port| {
        let name = fresh_name();
        let server = ServerOptions::new().write(false).create(port, &name).unwrap();
        let come = server.connect();
        let client = pipe::Writer::open(port, &name).wait().unwrap();
        come.wait().unwrap();
        say(&client, b"in");
        hear(server.reader(), b"in");
        assert!(server.writer().write(vec![0; 3]).wait().is_err());
    });
}

#[test]
fn a_duplex_comes_apart_into_its_handle_and_what_nobody_has_read() {
    each(|port| {
        let (server, client, _) = connected(port, &ServerOptions::new());
        let read = server.reader().read(vec![0; 10]);
        say(client.writer(), b"unread");
        while !read.is_over() {
            thread::yield_now();
        }
        drop(read);
        let waiting = server.reader().read_exact(vec![0; 7]);
        let parts = server.into_parts().wait();
        assert_eq!((&parts.unread[..], parts.error), (&b""[..], None));
        let failed = waiting.wait().unwrap_err();
        assert!(failed.error.is_cancelled(), "{}", failed.error);
        assert_eq!((failed.error.moved(), &failed.buf[..6]), (6, &b"unread"[..]));
        // The handle is open, and goes on, bound as it is.
        let server = Server::from_owned(port, parts.handle);
        say(client.writer(), b"more");
        hear(server.reader(), b"more");
        server.close().wait().unwrap();
        assert!(client.reader().read(vec![0; 1]).wait().is_err());
    });
}

#[test]
fn a_runtime_serves_many_clients() {
    runtimes().iter().for_each(serve_many_clients);
}

fn serve_many_clients(runtime: &Runtime) {
    let (port, name) = (runtime.port().clone(), fresh_name());
    runtime.block_on(async {
        let servers: Vec<_> = (0..4).map(|_| Server::create(&port, &name).unwrap()).collect();
        let comers: Vec<_> = servers.iter().map(Server::connect).collect();
        let mut clients = Vec::new();
        for number in 0..4_u8 {
            let client = pipe::connect(&port, &name).await.unwrap();
            client.writer().write_all(vec![number; 4]).await.unwrap();
            clients.push(client);
        }
        for come in comers {
            come.await.unwrap();
        }
        for server in &servers {
            let read = server.reader().read_exact(vec![0; 4]).await.unwrap();
            server.writer().write_all(read.buf).await.unwrap();
        }
        for (number, client) in (0..4_u8).zip(&clients) {
            let echo = client.reader().read_exact(vec![0; 4]).await.unwrap();
            assert_eq!(echo.buf, [number; 4]);
        }
    });
}
