//! `overlapped doctor`: each finding is one line, and a problem says what to do next.

mod backends;
mod directory;
mod finding;
#[cfg(unix)]
mod limits;
#[cfg(target_os = "linux")]
#[path = "doctor/linux.rs"]
mod platform;
#[cfg(windows)]
#[path = "doctor/windows.rs"]
mod platform;
#[cfg(not(any(target_os = "linux", windows)))]
#[path = "doctor/elsewhere.rs"]
mod platform;

use std::{
    io::{self, Write},
    path::Path,
};

use overlapped::{Port, backend::Kind};

use crate::{
    exit::Exit,
    trouble::{Trouble, subject},
};

pub(crate) fn run(dir: &Path) -> Result<Exit, Trouble> {
    check(dir)?;
    let best = backends::probe(platform::BEST);
    let threads = backends::probe(Kind::Threads);
    let chosen = Port::builder().build();
    let works = chosen.as_ref().is_ok_and(|port| match port.backend() {
        platform::BEST => best.is_ok(),
        _ => threads.is_ok(),
    });

    let mut findings = vec![platform::system()];
    findings.extend(platform::sandbox(best.is_ok()));
    findings.push(backends::best(&best));
    findings.push(backends::threads(&threads));
    findings.extend(platform::limits(best.as_ref().err()));
    findings.push(backends::chosen(&chosen, works));
    if let (Ok(port), true) = (&chosen, works) {
        findings.push(backends::missing(port));
        findings.extend(directory::all(port, dir));
    }
    let (last, exit) = conclude(chosen.as_ref().ok().filter(|_| works));
    let lines: String = findings.iter().map(|finding| format!("{finding}\n")).collect();
    // Colours are taken out on the way if this is no terminal.
    let printed = writeln!(anstream::stdout(), "{lines}{last}");
    match printed {
        // Whoever reads has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(exit),
        Err(error) => Err(Trouble::os(&subject("doctor", dir), &error)),
        Ok(()) => Ok(exit),
    }
}

/// A directory, or one line about why not.
fn check(dir: &Path) -> Result<(), Trouble> {
    let subject = subject("doctor", dir);
    match std::fs::metadata(dir) {
        Ok(known) if known.is_dir() => Ok(()),
        Ok(_) => Err(Trouble::usage(&subject, "it is not a directory", "name the one it is in")),
        Err(error) => Err(Trouble::usage(&subject, error, "name a directory that exists")),
    }
}

fn conclude(working: Option<&Port>) -> (String, Exit) {
    match working {
        Some(port) => (format!("The library works here, on {}.", port.backend()), Exit::Done),
        None => ("The library cannot work here.".to_owned(), Exit::Failed),
    }
}
