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

mod args;
mod doctor;
mod exit;
mod lab;
mod output;
mod read;
mod source;
mod trace;
mod trouble;
mod verdict;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
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
