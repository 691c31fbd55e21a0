//! The command `overlapped`: reads anything with a timeout and tells the true outcome
//! (`overlapped read`), tells what this machine supports (`overlapped doctor`), and shows the bugs
//! of overlapped I/O (`overlapped lab`).
//!
//! | exit code | `read` | `doctor` | `lab` |
//! |---|---|---|---|
//! | 0 | done; also at the end, and when the cancel came too late | the library works here | told |
//! | 1 | failed: it could not be opened, read, or printed | the library cannot work here | a drawing could not be written |
//! | 2 | the arguments make no sense | likewise, or DIR is no directory | no such program or token |
//! | 3 | timed out and cancelled: nothing was read, nothing is lost | | |
//! | 4 | the backend that was asked for does not work here | | |
//! | 5 | something was still in flight at the end: a bug in the library | | |
//! | 6 | | | the verdict found is not the stated one |
#![forbid(unsafe_code)]

#[cfg(unix)]
mod args;
#[cfg(unix)]
mod doctor;
#[cfg(unix)]
mod exit;
#[cfg(unix)]
mod lab;
#[cfg(unix)]
mod output;
#[cfg(unix)]
mod read;
#[cfg(unix)]
mod source;
#[cfg(unix)]
mod trace;
#[cfg(unix)]
mod trouble;
#[cfg(unix)]
mod verdict;

use std::process::ExitCode;

#[cfg(unix)]
fn main() -> ExitCode {
    use clap::Parser;

    let ended = match args::Cli::parse().command {
        args::Command::Read(args) => args.check().and_then(|ask| read::run(&ask)),
        args::Command::Doctor(args) => doctor::run(&args.dir),
        args::Command::Lab { command, json } => lab::run(command, json),
    };
    let exit = ended.unwrap_or_else(|trouble| {
        output::say(format_args!("{trouble}"));
        trouble.exit
    });
    ExitCode::from(exit as u8)
}

/// The library has no backend for other systems yet.
#[cfg(not(unix))]
fn main() -> ExitCode {
    eprintln!("overlapped: no backend works on this system yet; run it on Linux");
    ExitCode::from(4)
}
