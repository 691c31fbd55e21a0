//! What the backends do when they are really used.

use std::{io, time::Duration};

use overlapped::{Pending, Port, backend::Kind, pipe, request::Read};

use super::{finding::Finding, platform};

/// What a working backend never needs.
const BOUND: Duration = Duration::from_secs(5);

/// Opens a backend and proves it: one read is served, another one is cancelled.
pub(super) fn probe(kind: Kind) -> Result<(), String> {
    let port = Port::builder().backend(kind).shards(1).build();
    let port = port.map_err(|error| error.to_string())?;
    serve(&port).and_then(|()| cancel(&port)).map_err(|error| error.to_string())
}

fn serve(port: &Port) -> io::Result<()> {
    let (reader, writer) = pipe::pair(port)?;
    let read = reader.read(vec![0; 8]);
    writer.write_all(vec![7; 8]).wait()?;
    match bounded(read)? {
        Ok(8) => Ok(()),
        Ok(n) => Err(io::Error::other(format!("a pipe gave {n} bytes instead of 8"))),
        Err(error) => Err(error.into()),
    }
}

fn cancel(port: &Port) -> io::Result<()> {
    let (reader, _writer) = pipe::pair(port)?;
    let read = reader.read(vec![0; 8]);
    read.cancel();
    match bounded(read)? {
        Err(error) if error.is_cancelled() => Ok(()),
        other => Err(io::Error::other(format!("a cancelled read gave {other:?}"))),
    }
}

/// The end of an operation, unless it takes too long; dropping it then does not block.
fn bounded(read: Pending<'static, Read<Vec<u8>>>) -> io::Result<Result<usize, overlapped::Error>> {
    match read.wait_timeout(BOUND) {
        Ok(outcome) => Ok(outcome.map(|done| done.n).map_err(|failed| failed.error)),
        Err(_) => Err(io::Error::other("an operation did not end within 5 s")),
    }
}

pub(super) fn best(probed: &Result<(), String>) -> Finding {
    let name = platform::BEST.name();
    match probed {
        Ok(()) => Finding::ok(name, "works: a read was served, another one cancelled"),
        Err(reason) => platform::no_best(reason),
    }
}

pub(super) fn threads(probed: &Result<(), String>) -> Finding {
    match probed {
        Ok(()) => Finding::ok("threads", "work: a read was served, another one cancelled"),
        Err(reason) => {
            Finding::problem("threads", format!("do not work: {reason}"), platform::THREADS_NEED)
        }
    }
}

/// `works`: whether the probe of the chosen one went well.
pub(super) fn chosen(port: &io::Result<Port>, works: bool) -> Finding {
    match port {
        Ok(port) if !works => Finding::problem(
            "backend",
            format!("{} would be used, and does not work", port.backend()),
            "solve the problems above",
        ),
        Ok(port) => match &port.features().fallback {
            None => {
                Finding::ok("backend", format!("{} will be used, the first choice", port.backend()))
            }
            Some(why) => {
                let text = format!("{} will be used, because {why}", port.backend());
                Finding::note("backend", text)
            }
        },
        Err(error) => {
            Finding::problem("backend", format!("none works: {error}"), "solve the problems above")
        }
    }
}

pub(super) fn missing(port: &Port) -> Finding {
    let features = port.features();
    if features.missing.is_empty() {
        return Finding::ok("operations", format!("all of them are done by {}", features.kind));
    }
    let text =
        format!("{} lacks {}; threads will do these", features.kind, features.missing.join(", "));
    Finding::note("operations", text)
}
