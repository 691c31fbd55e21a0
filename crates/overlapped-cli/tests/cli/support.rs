//! Running the command, and things to read from.

#[cfg(target_os = "linux")]
#[path = "support/linux.rs"]
mod platform;
#[cfg(windows)]
#[path = "support/windows.rs"]
mod platform;

use std::{
    env, fs,
    io::{self, Read},
    path::{Path, PathBuf},
    process::{self, Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

pub(crate) use platform::*;

/// The command.
pub(crate) const COMMAND: &str = env!("CARGO_BIN_EXE_overlapped");
/// The timeout of reads that are meant to run into it.
const TIMEOUT: Duration = Duration::from_millis(300);
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

/// The OS's word for an error.
pub(crate) fn word(code: i32) -> String {
    io::Error::from_raw_os_error(code).to_string()
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
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _left = fs::remove_dir_all(&self.0);
    }
}
