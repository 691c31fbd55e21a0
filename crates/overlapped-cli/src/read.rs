//! `overlapped read`: start, wait so long, cancel, wait for the end, tell the truth.

use std::{io, time::Duration};

use overlapped::{Done, Failed, Pending, Port, backend::Kind, request::Read};

use crate::{
    args::Ask, exit::Exit, output, output::say, source::Source, trace::Trace, trouble::Trouble,
    verdict::Verdict,
};

/// How long the end of a cancelled operation may take before somebody is told why it is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

type Outcome = Result<Done<Vec<u8>>, Failed<Vec<u8>>>;

pub(crate) fn run(ask: &Ask) -> Result<Exit, Trouble> {
    let trace = Trace::new(ask.trace);
    let port = open_port(ask)?;
    trace.tell(format_args!("backend: {}", chosen(&port, ask)));
    let source = Source::open(&port, ask)?;
    trace.tell(format_args!("opened: {source}"));

    let (verdict, buf) = perform(&port, &source, ask, &trace);
    let flying = look(&port, &trace);
    let bytes = &buf[..verdict.bytes()];
    let printed = output::print(bytes, ask.hex, source.offset());
    let closed = source.close();

    conclude(ask, &verdict, flying);
    printed.map_err(|error| unprinted(ask, &error))?;
    closed.map_err(|error| Trouble::failed(&ask.subject, &error))?;
    Ok(if flying > 0 { Exit::InFlight } else { verdict.exit() })
}

/// The whole point: whatever happens, the buffer is not touched before the operation is over.
fn perform(port: &Port, source: &Source, ask: &Ask, trace: &Trace) -> (Verdict, Vec<u8>) {
    let buf = vec![0; ask.len];
    trace.start();
    let read = source.read(buf);
    trace.tell(format_args!("started: read of at most {} bytes", ask.len));
    if !read.is_over() {
        tell_pending(port, trace);
    }
    let (outcome, timed_out) = match read.wait_timeout(ask.timeout) {
        Ok(outcome) => (outcome, None),
        Err(late) => {
            let timeout = humantime::format_duration(ask.timeout);
            trace.tell(format_args!("timed out after {timeout}; the operation goes on"));
            late.cancel();
            trace.tell(format_args!("cancel requested"));
            (end_of(late, ask, trace), Some(ask.timeout))
        }
    };
    let (verdict, buf) = Verdict::of(outcome, timed_out);
    trace.tell(format_args!("{}", verdict.landing()));
    trace.tell(format_args!("buffer returned: {} bytes", buf.len()));
    (verdict, buf)
}

/// The line about the outcome, whatever comes after it.
fn conclude(ask: &Ask, verdict: &Verdict, flying: usize) {
    let mut line = format!("{}: {verdict}", ask.subject);
    line += &match flying {
        0 => "; nothing in flight".to_owned(),
        n => format!("; {n} still in flight: this is a bug, please report it"),
    };
    if let Some(next) = verdict.next() {
        line += &format!("; {next}");
    }
    say(format_args!("{line}"));
}

/// Waits for the end of an operation that was asked to stop, however long the OS takes.
fn end_of(late: Pending<'static, Read<Vec<u8>>>, ask: &Ask, trace: &Trace) -> Outcome {
    let later = match late.wait_timeout(PATIENCE) {
        Ok(outcome) => return outcome,
        Err(later) => later,
    };
    trace.tell(format_args!("still in flight, though it was asked to stop"));
    say(format_args!(
        "{}: asked to stop {} ago; waiting on, since the OS may still write to the buffer",
        ask.subject,
        humantime::format_duration(PATIENCE)
    ));
    later.wait()
}

fn open_port(ask: &Ask) -> Result<Port, Trouble> {
    let builder = Port::builder();
    let builder = match ask.backend {
        Some(kind) => builder.backend(kind),
        None => builder,
    };
    builder.build().map_err(|error| {
        let what = match ask.backend {
            Some(kind) => format!("backend {kind} is not available here: {error}"),
            None => format!("no backend is available here: {error}"),
        };
        let next = match ask.backend {
            None | Some(Kind::Threads) => "see overlapped doctor",
            Some(_) => "use --backend threads or auto, or see overlapped doctor",
        };
        Trouble::new(Exit::NoBackend, &ask.subject, what, next)
    })
}

/// Which backend it is, and why.
fn chosen(port: &Port, ask: &Ask) -> String {
    let features = port.features();
    match (&features.fallback, ask.backend) {
        (Some(reason), _) => format!("{}, because {reason}", features.kind),
        (None, Some(_)) => format!("{}, as asked for", features.kind),
        (None, None) => format!("{}, the first choice", features.kind),
    }
}

fn tell_pending(port: &Port, trace: &Trace) {
    let flying = port.in_flight();
    let each = flying.iter().map(|of| format!("; {} of {} bytes", of.operation, of.len));
    trace.tell(format_args!("pending: {} in flight{}", flying.len(), each.collect::<String>()));
}

/// Looks whether anything is still in flight, and how much.
fn look(port: &Port, trace: &Trace) -> usize {
    let (stats, flying) = (port.stats(), port.in_flight());
    trace.tell(format_args!(
        "in flight: {} ({} operations started, {} over, {} asked to stop)",
        flying.len(),
        stats.started,
        stats.landed,
        stats.cancels
    ));
    for operation in &flying {
        trace.tell(format_args!("  {operation}"));
    }
    stats.in_flight.max(flying.len())
}

fn unprinted(ask: &Ask, error: &io::Error) -> Trouble {
    let what = format!("the bytes were read, but standard output does not take them: {error}");
    Trouble::new(Exit::Failed, &ask.subject, what, "see where it goes")
}
