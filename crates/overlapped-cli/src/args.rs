//! The command line. `clap` finds the words; what the values mean is checked here, so that a value
//! that makes no sense gets one line with the operation and the path in it.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand};
use overlapped::backend::Kind;

use crate::trouble::{Trouble, subject};

/// The longest read, in bytes. The buffer is allocated as a whole.
const MAX_LEN: u64 = 1 << 30;
/// The OS counts offsets with a sign.
const MAX_AT: u64 = i64::MAX as u64;

const EXAMPLES: &str = "\
Examples:
  overlapped read Cargo.toml                     the first 1024 bytes of a file
  overlapped read fifo --timeout 1s --trace      a FIFO that nobody writes: cancelled after 1 s
  overlapped read \\\\.\\pipe\\name --timeout 1s     the same with a named pipe of Windows
  overlapped doctor /var/tmp                     what this machine and this directory support
  overlapped lab run seed                        the bug that everybody writes, drawn";

const READ_EXAMPLES: &str = "\
Examples:
  overlapped read Cargo.toml --at 100 --len 32   32 bytes from byte 100 on
  overlapped read disk.img --len 4096 --hex      as numbers and letters
  overlapped read /dev/tty --timeout 5s          a line that is typed within five seconds
  overlapped read /run/app.sock --timeout 300ms  what a server says when one connects
  overlapped read fifo --backend threads --trace each step with its time, on standard error
  overlapped read \\\\.\\pipe\\name --timeout 1s     what a server on Windows writes
  echo hello | overlapped read -                 standard input

The bytes go to standard output; one line about the outcome goes to standard error.

Exit codes:
  0  done; also at the end of the input, and when the cancel came too late
  1  failed: it could not be opened, read, or printed
  2  the arguments make no sense
  3  timed out and cancelled: nothing was read, nothing is lost
  4  the backend that was asked for does not work here
  5  something was still in flight at the end: a bug, please report it";

const DOCTOR_EXAMPLES: &str = "\
Examples:
  overlapped doctor            this machine, and the current directory
  overlapped doctor /var/tmp   this machine, and /var/tmp

Each line starts with `ok`, `note` or `problem`; a problem says what to do next.
In DIR a file is made, removed at once, and then written and read.

Exit codes:
  0  the library works here, on one backend or another
  1  the library cannot work here
  2  the arguments make no sense, or DIR is no directory";

const LAB_EXAMPLES: &str = "\
Examples:
  overlapped lab run seed                        the bug of the seed, and the proof of its fix
  overlapped lab run seed --svg seed.svg         as a picture
  overlapped lab run routine --exhaustive        each effect a step of its own
  overlapped lab explain routine --json          rule, cause and cure, for a program
  overlapped lab --json                          the list of programs, likewise

Exit codes:
  0  it was told, and the verdict is the stated one
  1  a drawing could not be written
  2  there is no such program, or the token is of another one
  6  the verdict that was found is not the one that the list states";

/// Reads with a timeout and tells the true outcome; tells what this machine supports.
#[derive(Parser)]
#[command(name = "overlapped", version, after_help = EXAMPLES, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Read from anything, wait so long, cancel, wait for the end, and tell what really happened
    ///
    /// PATH is a file, a block device, a FIFO or named pipe, a terminal or another character
    /// device, the path of a listening stream socket, or `-` for standard input. One read is
    /// started. If it is not over in time it is asked to stop, and its end is waited for: until
    /// then the OS may still write to the buffer. The outcome is what the OS says at that end, and
    /// nothing is in flight afterwards.
    Read(ReadArgs),
    /// Tell what this machine supports, what the library will choose and why, and what to change
    ///
    /// Backends are tried with real operations, and so is the file system of DIR. Nothing is left
    /// behind.
    Doctor(DoctorArgs),
    /// Show the bugs of overlapped I/O: programs under every schedule, counted and drawn
    ///
    /// Without a command, lists the programs.
    #[command(after_help = LAB_EXAMPLES)]
    Lab {
        #[command(subcommand)]
        command: Option<LabCommand>,
        /// Print what is told as JSON
        #[arg(long, global = true)]
        json: bool,
    },
}

#[derive(Subcommand)]
pub(crate) enum LabCommand {
    /// Look at every schedule of a program, and draw the simplest that goes wrong
    Run(RunArgs),
    /// Tell a program's rule, cause and cure, and where it has happened
    Explain {
        /// The program, as `overlapped lab` lists it
        name: String,
    },
}

#[derive(Args)]
#[command(after_help = LAB_EXAMPLES)]
pub(crate) struct RunArgs {
    /// The program, as `overlapped lab` lists it
    pub(crate) name: String,
    /// Draw the timeline that this token stands for, and nothing else
    #[arg(long, value_name = "TOKEN")]
    pub(crate) replay: Option<String>,
    /// Draw the timeline as a picture, too
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    /// Write the timeline as a trace for Perfetto or chrome://tracing, too
    #[arg(long, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,
    /// Make each effect of a completion a step of its own, in either order
    #[arg(long)]
    pub(crate) exhaustive: bool,
}

#[derive(Args)]
#[command(after_help = READ_EXAMPLES)]
pub(crate) struct ReadArgs {
    /// What to read from
    path: OsString,
    /// Offset in bytes, for files and block devices [default: 0]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    at: Option<String>,
    /// Bytes to read at most, 1 to 1073741824 (1 GiB)
    #[arg(long, value_name = "BYTES", default_value = "1024", allow_hyphen_values = true)]
    len: String,
    /// Time before the cancel: 300ms, 1s, "1m 30s"; 0s looks once
    #[arg(long, value_name = "DURATION", default_value = "1s", allow_hyphen_values = true)]
    timeout: String,
    /// auto (the best that works here), io_uring, IOCP or threads
    #[arg(long, value_name = "NAME", default_value = "auto", allow_hyphen_values = true)]
    backend: String,
    /// Print the life of the operation, with times, on standard error
    #[arg(long)]
    trace: bool,
    /// Print the bytes as numbers and letters
    #[arg(long)]
    hex: bool,
}

#[derive(Args)]
#[command(after_help = DOCTOR_EXAMPLES)]
pub(crate) struct DoctorArgs {
    /// The directory whose file system is examined
    #[arg(default_value = ".")]
    pub(crate) dir: PathBuf,
}

/// What `overlapped read` is to do, checked.
pub(crate) struct Ask {
    pub(crate) path: PathBuf,
    /// `read PATH`, as every line about it starts.
    pub(crate) subject: String,
    pub(crate) at: Option<u64>,
    pub(crate) len: usize,
    pub(crate) timeout: Duration,
    /// `None`: the best that works here.
    pub(crate) backend: Option<Kind>,
    pub(crate) trace: bool,
    pub(crate) hex: bool,
}

impl ReadArgs {
    pub(crate) fn check(self) -> Result<Ask, Trouble> {
        let path = PathBuf::from(self.path);
        let subject = match path.as_os_str().as_encoded_bytes() {
            b"" => return Err(Trouble::usage("read \"\"", "the path is empty", "name a file")),
            b"-" => "read standard input".to_owned(),
            _ => subject("read", &path),
        };
        let at = self.at.map(|text| bytes(&subject, "--at", &text, 0, MAX_AT));
        let len = bytes(&subject, "--len", &self.len, 1, MAX_LEN)?;
        Ok(Ask {
            at: at.transpose()?,
            len: usize::try_from(len).unwrap_or(usize::MAX),
            timeout: duration(&subject, &self.timeout)?,
            backend: backend(&subject, &self.backend)?,
            trace: self.trace,
            hex: self.hex,
            path,
            subject,
        })
    }
}

fn bytes(subject: &str, option: &str, text: &str, min: u64, max: u64) -> Result<u64, Trouble> {
    let number = text.parse().ok().filter(|n| (min..=max).contains(n));
    number.ok_or_else(|| {
        let what = format!("{option} {text:?} is not a number of bytes from {min} to {max}");
        Trouble::usage(subject, what, "choose one in that range")
    })
}

fn duration(subject: &str, text: &str) -> Result<Duration, Trouble> {
    humantime::parse_duration(text).map_err(|_| {
        let what = format!("--timeout {text:?} is not a duration");
        Trouble::usage(subject, what, "write it as 300ms, 1s or \"1m 30s\"")
    })
}

fn backend(subject: &str, text: &str) -> Result<Option<Kind>, Trouble> {
    let named = |kind: &Kind| kind.name().eq_ignore_ascii_case(text);
    match [Kind::Uring, Kind::Iocp, Kind::Threads].into_iter().find(named) {
        None if text != "auto" => {
            let what = format!("--backend {text:?} is unknown");
            Err(Trouble::usage(subject, what, "choose auto, io_uring, IOCP or threads"))
        }
        found => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
