//! Control codes, of named pipes: what they ask is there, or comes when somebody else does.

use std::{
    fs::{self, OpenOptions},
    io::{Read, Write},
    os::windows::fs::OpenOptionsExt,
    thread,
    time::Duration,
};

use overlapped::{
    Pending, Port,
    device::{Device, Reply},
    request::Control,
};
use windows_sys::Win32::Storage::FileSystem::FILE_FLAG_OVERLAPPED;

use super::{
    each,
    servers::{A_WHILE, ABORTED, fresh_name},
    win32::{byte_pipe, control, message_pipe},
};

/// `FSCTL_PIPE_` and these words.
const DISCONNECT: u32 = 0x11_0004;
const LISTEN: u32 = 0x11_0008;
const PEEK: u32 = 0x11_400c;
const TRANSCEIVE: u32 = 0x11_c017;
const WAIT: u32 = 0x11_0018;

/// What comes before the bytes of a `FILE_PIPE_PEEK_BUFFER`.
const PEEK_HEAD: usize = 16;

fn client(name: &str) -> fs::File {
    OpenOptions::new().read(true).write(true).open(name).unwrap()
}

/// A server's end of a pipe of bytes, as a device.
fn instance(port: &Port) -> (Device, String) {
    let name = fresh_name();
    (Device::from_owned(port, byte_pipe(&name).unwrap()), name)
}

/// It is over when a client comes.
fn listen(device: &Device) -> Pending<'static, Control<Vec<u8>, Vec<u8>>> {
    control(device, LISTEN, Vec::new(), Vec::new())
}

/// A client has come; before a worker could wait for it, if the OS says so.
fn assert_came(come: Pending<'static, Control<Vec<u8>, Vec<u8>>>) {
    const CONNECTED: Option<i32> = Some(535);
    let failed = come.wait().err().map(|failed| failed.error);
    assert!(failed.as_ref().is_none_or(|it| it.raw_os_error() == CONNECTED), "{failed:?}");
}

// [C3] [C4] an answer that does not fit is a success with bytes; both buffers come back.
#[test]
fn an_answer_comes_whole_or_in_part() {
    each(|port| {
        let name = fresh_name();
        let device = Device::from_owned(port, message_pipe(&name).unwrap());
        client(&name).write_all(b"hello").unwrap();
        for (room, more) in [(9, false), (5, false), (2, true), (0, true)] {
            let peek = control(&device, PEEK, vec![7; 3], vec![0; PEEK_HEAD + room]);
            let reply: Reply<_, _> = peek.wait().unwrap();
            let shown = room.min(5);
            assert_eq!((reply.n, reply.more, reply.input), (PEEK_HEAD + shown, more, vec![7; 3]));
            assert_eq!(reply.output[PEEK_HEAD..PEEK_HEAD + shown], b"hello"[..shown]);
            assert_eq!(reply.output[4], 5, "so many bytes are there");
        }
    });
}

#[test]
fn what_the_handle_does_not_know_is_an_outcome() {
    each(|port| {
        let (device, _) = instance(port);
        let failed = control(&device, 0x11_fff0, vec![1], vec![2, 3]).wait().unwrap_err();
        assert!(failed.error.raw_os_error().is_some(), "{}", failed.error);
        assert_eq!((failed.error.operation(), failed.buf), ("control", (vec![1], vec![2, 3])));
    });
}

#[test]
fn an_answer_is_waited_for() {
    each(|port| {
        let (device, name) = instance(port);
        let come = listen(&device).wait_timeout(A_WHILE).expect_err("nobody is there");
        let _client = client(&name);
        assert_came(come);
    });
}

// [C5] [C6] a cancel, a deadline: the true outcome, and the device goes on.
#[test]
fn a_control_that_waits_is_cancelled() {
    each(|port| {
        let (device, name) = instance(port);
        let come = listen(&device);
        let come = thread::spawn(move || {
            come.cancel();
            come
        });
        let failed = come.join().unwrap().wait().unwrap_err();
        assert_eq!(failed.error.raw_os_error(), ABORTED, "{}", failed.error);
        let failed = listen(&device).deadline(A_WHILE).wait().unwrap_err();
        assert!(failed.error.is_cancelled(), "{}", failed.error);
        let come = listen(&device);
        let _client = client(&name);
        assert_came(come);
    });
}

// [C8] a drop neither waits nor leaves anything behind.
#[test]
fn a_control_that_is_dropped_is_asked_to_stop() {
    each(|port| {
        let (device, name) = instance(port);
        for _ in 0..50 {
            drop(listen(&device));
        }
        while port.stats().in_flight > 0 {
            thread::yield_now();
        }
        let come = listen(&device);
        let _client = client(&name);
        assert_came(come);
        // The handle goes when the last operation on it is over.
        let (device, name) = instance(port);
        let come = listen(&device);
        drop(device);
        let _client = client(&name);
        assert_came(come);
    });
}

// [C9] what waits for somebody else is drained with its port.
#[test]
fn a_port_that_ends_ends_its_controls() {
    each(|port| {
        let devices: Vec<_> = (0..20).map(|_| instance(port).0).collect();
        let waits: Vec<_> = devices.iter().map(listen).collect();
        let report = port.shutdown(Duration::from_secs(20));
        assert_eq!((report.drained, report.leaked), (20, 0));
        for wait in waits {
            assert!(wait.wait().unwrap_err().error.is_cancelled());
        }
    });
}

// [C2] it is the port's, not the thread's.
#[test]
fn a_control_outlives_the_thread_that_started_it() {
    each(|port| {
        let (device, name) = instance(port);
        let started = thread::spawn(move || (listen(&device), device));
        let (come, _device) = started.join().unwrap();
        let _client = client(&name);
        assert_came(come);
    });
}

#[test]
fn a_question_gets_its_answer_in_one_operation() {
    each(|port| {
        let name = fresh_name();
        let device = Device::from_owned(port, message_pipe(&name).unwrap());
        let mut client = client(&name);
        let asked = control(&device, TRANSCEIVE, b"question".to_vec(), vec![0; 16]);
        let mut question = [0; 8];
        client.read_exact(&mut question).unwrap();
        assert_eq!(&question, b"question");
        let asked = asked.wait_timeout(A_WHILE).expect_err("there is no answer yet");
        client.write_all(b"answer").unwrap();
        let reply = asked.wait().unwrap();
        assert_eq!((&reply.output[..reply.n], reply.more), (&b"answer"[..], false));
    });
}

#[test]
fn a_name_is_waited_for() {
    each(|port| {
        let name = fresh_name();
        // Without rights to anything: the pipes' own directory.
        let mut options = OpenOptions::new();
        let root = options.access_mode(0).custom_flags(FILE_FLAG_OVERLAPPED).open(r"\\.\pipe\");
        let root = Device::from_owned(port, root.unwrap());
        let device = Device::from_owned(port, byte_pipe(&name).unwrap());
        let _busy = client(&name);
        let text: Vec<u16> = name.trim_start_matches(r"\\.\pipe\").encode_utf16().collect();
        // `FILE_PIPE_WAIT_FOR_BUFFER`: how long, the name's length, and that there is a bound.
        let mut input = (-300_000_000_i64).to_le_bytes().to_vec();
        input.extend((text.len() as u32 * 2).to_le_bytes());
        input.extend([1, 0]);
        input.extend(text.iter().flat_map(|unit| unit.to_le_bytes()));
        let free = control(&root, WAIT, input, Vec::new());
        let free = free.wait_timeout(A_WHILE).expect_err("its only instance is busy");
        control(&device, DISCONNECT, Vec::new(), Vec::new()).wait().unwrap();
        let _come = listen(&device);
        free.wait().unwrap();
    });
}
