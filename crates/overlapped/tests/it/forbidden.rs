//! A kernel that forbids io_uring, by a seccomp filter in a process of its own.

use std::{
    collections::BTreeMap,
    env,
    process::{Command, Stdio},
};

use overlapped::{Port, backend::Kind, fs::File, pipe};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};

use crate::{LONG, scratch::Scratch, watch};

/// Tells the child what to forbid.
const FORBID: &str = "OVERLAPPED_TEST_FORBID";

/// The numbers of these calls are the same on every architecture.
const SETUP: i64 = 425;
const ENTER: i64 = 426;
const REGISTER: i64 = 427;

const EPERM: u32 = 1;
const ENOSYS: u32 = 38;

/// What containers and sandboxes do, and words of the reason that must be given.
const WAYS: [(&str, i64, u32, &str); 5] = [
    ("setup-perm", SETUP, EPERM, "seccomp"),
    ("setup-nosys", SETUP, ENOSYS, "kernel"),
    ("enter-perm", ENTER, EPERM, "seccomp"),
    ("enter-nosys", ENTER, ENOSYS, "kernel"),
    ("register-perm", REGISTER, EPERM, "seccomp"),
];

// [C15] the fallback that was taken, and its reason, can be asked for.
#[test]
fn without_io_uring_the_port_falls_back_and_says_why() {
    if let Ok(way) = env::var(FORBID) {
        return in_the_child(&way);
    }
    let _watch = watch("without_io_uring_the_port_falls_back_and_says_why");
    for (way, ..) in WAYS {
        let name = "forbidden::without_io_uring_the_port_falls_back_and_says_why";
        let mut child = Command::new(env::current_exe().expect("this program"));
        child.args(["--exact", name, "--nocapture"]).env(FORBID, way).stdin(Stdio::null());
        let output = child.output().expect("a child");
        let text = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{way}: {text}\n{errors}");
        assert!(text.contains(DONE), "{way}: the child has done nothing: {text}\n{errors}");
    }
}

const DONE: &str = "read in spite of that";

fn in_the_child(way: &str) {
    let found = WAYS.iter().find(|(name, ..)| *name == way);
    let (_, call, errno, word) = *found.expect("a way to forbid io_uring");
    forbid(call, errno);
    let error = Port::builder().backend(Kind::Uring).build().expect_err("it is forbidden");
    let text = error.to_string();
    assert!(text.contains("io_uring") && text.contains(word), "{way}: {text}");

    let port = Port::builder().build().expect("a port all the same");
    assert_eq!(port.backend(), Kind::Threads);
    let reason = port.features().fallback.as_deref().expect("the reason is kept");
    assert!(reason.contains("io_uring") && reason.contains(word), "{way}: {reason}");

    let scratch = Scratch::new();
    let path = scratch.path().join("file");
    std::fs::write(&path, b"bytes").expect("a file");
    let file = File::open(&port, &path).wait().expect("a file");
    let done = file.read_at(vec![0; 9], 0).wait().expect("a read");
    assert_eq!(done.buf[..done.n], *b"bytes");
    let (reader, _writer) = pipe::pair(&port).expect("a pipe");
    let read = reader.read(vec![0; 9]);
    read.cancel();
    assert!(read.wait_timeout(LONG).expect("over").expect_err("idle").error.is_cancelled());
    println!("{DONE}");
}

/// From now on `call` fails with `errno` on this thread and on those that it starts.
fn forbid(call: i64, errno: u32) {
    let filter = SeccompFilter::new(
        BTreeMap::from([(call, Vec::new())]),
        SeccompAction::Allow,
        SeccompAction::Errno(errno),
        env::consts::ARCH.try_into().expect("seccomp knows this architecture"),
    );
    let program: BpfProgram = filter.expect("a filter").try_into().expect("a program");
    apply_filter(&program).expect("a process may bind itself");
}
