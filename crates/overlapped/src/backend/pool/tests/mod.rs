//! The two halves driven directly, without a port.

mod cancel;
mod end;
mod files;
mod limits;
mod streams;

use std::{
    collections::HashMap,
    env,
    ffi::CString,
    fs,
    os::{fd::AsRawFd, unix::ffi::OsStrExt},
    path::{Path, PathBuf},
    process,
    sync::{
        Weak,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{OFlags, fcntl_setfl},
    io::Errno,
};

use super::{Shared, backend, stream::Manner};
use crate::{
    backend::{Backend, Cause, Completion, Entry, Id, Op, Value},
    buf::{Drain, Fill, PathText},
    handle::Raw,
    iocb::{Half, Landing, Line, Split, asked, split},
    op::{Goal, MakePath, Operation, Plan, Read, Write},
};

/// No test waits longer for what must come.
const LIMIT: Duration = Duration::from_secs(20);

/// So long is waited for what must not come.
const MOMENT: Duration = Duration::from_millis(60);

type Answer = Result<Value, Cause>;

struct Rig {
    backend: Backend,
    shared: Weak<Shared>,
    batch: Vec<super::Completion>,
    /// The book, in the port's stead.
    lines: HashMap<Id, Line>,
}

impl Rig {
    fn new() -> Self {
        Self::with(Manner::BEST, 4)
    }

    fn with(manner: Manner, workers: usize) -> Self {
        let shared = Shared::new(manner, workers).expect("a pool");
        let weak = std::sync::Arc::downgrade(&shared);
        Self { backend: backend(shared), shared: weak, batch: Vec::new(), lines: HashMap::new() }
    }

    fn try_start<O: Operation + 'static>(
        &mut self,
        op: Op,
        request: O,
    ) -> (Half<O>, Result<(), Entry>) {
        let Split { half, entry, line } = split(asked(&op, Plan::new(Goal::Once), None), request);
        self.lines.insert(line.id(), line);
        let submitted = self.backend.submit.submit(entry);
        (half, submitted)
    }

    fn start<O: Operation + 'static>(&mut self, op: Op, request: O) -> Half<O> {
        let (half, submitted) = self.try_start(op, request);
        submitted.expect("room for an entry");
        half
    }

    fn read(&mut self, from: impl AsFd, at: Option<u64>, len: usize) -> Half<Read<Vec<u8>>> {
        let from = from.as_fd().as_raw_fd();
        self.start(Op::Read { from, at }, Read { buf: Fill(vec![0; len]) })
    }

    fn write(&mut self, to: impl AsFd, at: Option<u64>, bytes: &[u8]) -> Half<Write<Vec<u8>>> {
        let to = to.as_fd().as_raw_fd();
        self.start(Op::Write { to, at }, Write { buf: Drain(bytes.to_vec()) })
    }

    fn cancel(&mut self, id: Id) {
        self.backend.submit.cancel(id);
    }

    /// Lands what has completed, after waiting for it for so long; how many.
    fn land(&mut self, patience: Duration) -> usize {
        let until = Some(Instant::now() + patience);
        self.backend.reap.wait(until, &mut self.batch).expect("a wait");
        let count = self.batch.len();
        for Completion { mut entry, answer } in self.batch.drain(..) {
            let line = self.lines.remove(&entry.id()).expect("landed once");
            entry.settle(answer);
            match entry.land(line, |_| {}) {
                Landing::Told(..) => {}
                Landing::Orphan(orphan) => drop(orphan.bury(|_, _, _| {})),
            }
        }
        count
    }

    fn finish<O: Operation>(&mut self, half: Half<O>) -> (O, Answer) {
        let start = Instant::now();
        while !half.is_landed() {
            assert!(start.elapsed() < LIMIT, "an operation must come to its end");
            self.land(LIMIT);
        }
        half.take("threads", |request, outcome| (request, outcome.answer))
    }

    /// The count of a transfer, or the OS's error.
    fn count<O: Operation>(&mut self, half: Half<O>) -> Result<usize, i32> {
        count(self.finish(half).1)
    }

    /// The bytes that a read has brought, or the OS's error.
    fn bytes(&mut self, half: Half<Read<Vec<u8>>>) -> Result<Vec<u8>, i32> {
        let (read, answer) = self.finish(half);
        let n = count(answer)?;
        Ok(read.buf.0[..n].to_vec())
    }

    fn assert_waits<O: Operation>(&mut self, half: &Half<O>) {
        self.land(MOMENT);
        assert!(!half.is_landed(), "an operation must wait");
    }
}

fn count(answer: Answer) -> Result<usize, i32> {
    match answer {
        Ok(Value::Count(n)) => Ok(n),
        Ok(other) => panic!("{other:?} and no count"),
        Err(Cause::Os(code)) => Err(code),
        Err(cause) => panic!("{cause:?} is not the OS's"),
    }
}

fn code(errno: Errno) -> i32 {
    errno.raw_os_error()
}

fn no_path() -> crate::op::Plain {
    crate::op::Plain(crate::buf::NoMemory)
}

fn path_of(path: &Path) -> PathText {
    PathText(CString::new(path.as_os_str().as_bytes()).expect("no zero byte"))
}

fn at_path(path: &Path) -> MakePath<PathText> {
    MakePath { paths: path_of(path) }
}

fn pipe() -> (OwnedFd, OwnedFd) {
    rustix::pipe::pipe().expect("a pipe")
}

/// Fills a pipe to the brim; how many bytes it holds.
fn fill(writer: &OwnedFd) -> usize {
    fcntl_setfl(writer, OFlags::NONBLOCK).expect("flags");
    let mut count = 0;
    while let Ok(n) = rustix::io::write(writer, &[b'.'; 4096]) {
        count += n;
    }
    fcntl_setfl(writer, OFlags::empty()).expect("flags");
    count
}

/// A directory that goes with its owner.
struct Dir(PathBuf);

impl Dir {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("overlapped-pool-{}-{number}", process::id());
        let path = env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }

    fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn fifo(&self) -> PathBuf {
        let path = self.join("fifo");
        let made = process::Command::new("mkfifo").arg(&path).status();
        assert!(made.is_ok_and(|status| status.success()), "a FIFO");
        path
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.0);
    }
}

fn open_fifo(path: &Path, options: &mut fs::OpenOptions) -> fs::File {
    options.open(path).expect("a FIFO")
}

/// A number that names no handle.
const NOWHERE: Raw = 1_000_000_000;
