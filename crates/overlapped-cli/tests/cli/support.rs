//! Running the command, and things to read from.

use std::{
    env,
    fs::{self, File},
    io::{self, Read, Write},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::{self, Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat, open};

/// The command.
pub(crate) const COMMAND: &str = env!("CARGO_BIN_EXE_overlapped");
/// The timeout of reads that are meant to run into it.
const TIMEOUT: Duration = Duration::from_millis(300);
/// When a read that ran into it must have ended, start of the process included.
const LATEST: Duration = Duration::from_millis(1000);
/// When a run is given up.
const BOUND: Duration = Duration::from_secs(30);

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: Vec<u8>,
    pub(crate) err: String,
    took: Duration,
}

impl Ran {
    /// Standard output, as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.out).into_owned()
    }

    /// The only line on standard error.
    #[track_caller]
    pub(crate) fn line(&self) -> &str {
        let line = self.err.strip_suffix('\n').unwrap_or_else(|| panic!("no line: {self:?}"));
        assert!(!line.contains('\n'), "more than one line: {self:?}");
        line
    }

    /// It failed with this code and this line, and gave no byte.
    #[track_caller]
    pub(crate) fn is_refused(&self, code: i32, line: &str) {
        assert_eq!(self.line(), line);
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(self.out.is_empty(), "{self:?}");
    }

    /// It gave these bytes, and says so.
    #[track_caller]
    pub(crate) fn is_done(&self, path: &Path, bytes: &[u8]) {
        assert_eq!(self.text(), String::from_utf8_lossy(bytes), "{self:?}");
        let n = bytes.len();
        assert_eq!(
            self.line(),
            format!("read {}: done, {n} bytes; nothing in flight", path.display())
        );
        assert_eq!(self.code, Some(0), "{self:?}");
    }

    /// It waited for [`TIMEOUT`], was cancelled, gave no byte and left nothing behind.
    #[track_caller]
    pub(crate) fn is_cancelled(&self, path: &Path) {
        self.is_refused(
            3,
            &format!(
                "read {}: timed out after 300ms, cancelled: 0 bytes read, \
                 the buffer of 1024 bytes returned; nothing in flight",
                path.display()
            ),
        );
        assert!(self.took >= TIMEOUT, "too early: {self:?}");
        assert!(self.took <= LATEST, "too late: {self:?}");
    }
}

/// `overlapped read PATH OPTIONS`, options separated by spaces.
pub(crate) fn read(path: &Path, options: &str) -> Ran {
    run(command("read").arg(path).args(options.split_whitespace()))
}

pub(crate) fn command(verb: &str) -> Command {
    let mut command = Command::new(COMMAND);
    command.arg(verb).stdin(Stdio::null());
    command
}

/// Runs to the end, or fails.
pub(crate) fn run(command: &mut Command) -> Ran {
    run_into(command, Stdio::piped())
}

/// The same, with another standard output.
pub(crate) fn run_into(command: &mut Command, stdout: Stdio) -> Ran {
    command.stdout(stdout).stderr(Stdio::piped());
    let start = Instant::now();
    let mut child = command.spawn().expect("the command is built");
    let out = drain(child.stdout.take());
    let err = drain(child.stderr.take());
    let status = end(&mut child, start);
    let took = start.elapsed();
    let out = out.join().expect("reading does not panic");
    let err = err.join().expect("reading does not panic");
    let err = String::from_utf8_lossy(&err).into_owned();
    let status = status.unwrap_or_else(|| panic!("still running after {BOUND:?}: {err}"));
    Ran { code: status.code(), out, err, took }
}

fn drain(from: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut from) = from {
            let _all = from.read_to_end(&mut bytes);
        }
        bytes
    })
}

fn end(child: &mut Child, start: Instant) -> Option<ExitStatus> {
    while start.elapsed() < BOUND {
        if let Some(status) = child.try_wait().expect("it is our child") {
            return Some(status);
        }
        thread::sleep(Duration::from_millis(5));
    }
    child.kill().expect("it is our child");
    child.wait().expect("it is our child");
    None
}

/// The backends that work here.
pub(crate) fn backends() -> Vec<&'static str> {
    let tried = read(Path::new("/dev/null"), "--backend io_uring");
    if tried.code == Some(4) {
        skip(&tried.err);
        return vec!["threads"];
    }
    vec!["io_uring", "threads"]
}

pub(crate) fn skip(why: &str) {
    // The harness hides what passing tests say through `eprintln`.
    let _unheard = writeln!(io::stderr(), "skipped: {}", why.trim_end());
}

/// A directory of one test, gone at its end.
pub(crate) struct Dir(PathBuf);

impl Dir {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("overlapped-cli-{}-{number}", process::id());
        let path = env::temp_dir().join(name);
        fs::create_dir(&path).expect("the directory for temporary files can be written");
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).expect("the directory is ours");
        path
    }

    pub(crate) fn fifo(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("it is ours");
        path
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _left = fs::remove_dir_all(&self.0);
    }
}

/// Opens a FIFO or a terminal for writing, without waiting for who reads it.
pub(crate) fn writer(path: &Path) -> File {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK;
    let fd: OwnedFd = open(path, flags, Mode::empty()).expect("it is ours");
    File::from(fd)
}
