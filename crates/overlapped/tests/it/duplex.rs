//! A stream of two sides and one handle.
#![cfg(unix)]

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
};

use overlapped::{Port, pipe::Duplex};

use crate::{LONG, ports, watch};

/// A duplex, and the other end of its stream.
fn pair(port: &Port) -> (Duplex, UnixStream) {
    let (here, there) = UnixStream::pair().expect("a pair");
    (Duplex::from_owned(port, here), there)
}

#[test]
fn its_sides_do_not_wait_for_one_another() {
    let _watch = watch("its_sides_do_not_wait_for_one_another");
    for port in ports() {
        let (duplex, mut there) = pair(&port);
        let answer = duplex.reader().read_exact(vec![0; 6]);
        // More than there is room for, so that both sides are at work.
        let question = duplex.writer().write_all(vec![7; 1 << 20]);
        let mut heard = vec![0; 1 << 20];
        there.read_exact(&mut heard).expect("the question");
        there.write_all(b"answer").expect("a word");
        assert_eq!(question.wait().expect("all of it").n, 1 << 20);
        assert_eq!(answer.wait().expect("the answer").buf, b"answer");
    }
}

// [C7] the handle comes out when neither side has anything in flight, with what nobody has read.
#[test]
fn it_comes_apart_into_its_handle_and_what_nobody_has_read() {
    let _watch = watch("it_comes_apart_into_its_handle_and_what_nobody_has_read");
    for port in ports() {
        let (duplex, mut there) = pair(&port);
        let read = duplex.reader().read(vec![0; 6]);
        there.write_all(b"unread").expect("room for it");
        while !read.is_over() {
            std::thread::yield_now();
        }
        drop(read);
        let waiting = duplex.writer().write_all(vec![7; 1 << 20]);
        let parts = duplex.into_parts();
        // The write runs to its end first.
        let mut heard = vec![0; 1 << 20];
        there.read_exact(&mut heard).expect("all of it");
        let parts = parts.wait();
        assert_eq!(waiting.wait().expect("it was written").n, 1 << 20);
        assert_eq!((&parts.unread[..], parts.error), (&b"unread"[..], None));
        // It is open, and the only one.
        let duplex = Duplex::from_owned(&port, parts.handle);
        let end = duplex.reader().read(vec![0; 1]);
        duplex.writer().write_all(b"bye".to_vec()).wait().expect("room for it");
        duplex.close().wait().expect("nothing went wrong");
        assert!(end.wait_timeout(LONG).expect("it was asked to stop").is_err());
        let mut rest = Vec::new();
        there.read_to_end(&mut rest).expect("the end");
        assert_eq!(rest, b"bye");
    }
}
