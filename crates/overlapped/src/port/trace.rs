//! Events for whoever watches. With the feature `tracing` each operation's landing and each
//! trouble is an event; a leak is also said on standard error, since silence about it would be a
//! lie (C9).

pub(super) use sink::{Note, landed, no_background, note, wait_failed};

/// Memory of this many operations is leaked: the OS did not finish with it in time.
pub(super) fn leaked(count: usize) {
    eprintln!(
        "overlapped: {count} operations were still in flight when the time to drain them was \
         over; their memory is leaked, since the OS may still write to it"
    );
    sink::leaked(count);
}

/// What there is to say about a landing. Taken while the flight is at hand, told when no lock is
/// held: a subscriber is user code (C11).
#[cfg(feature = "tracing")]
mod sink {
    use std::{io, time::Duration};

    use crate::{backend::Cause, iocb::Line, op::Op};

    #[derive(Clone, Copy)]
    pub(crate) struct Note {
        op: Op,
        len: usize,
        age: Duration,
        cancelled: bool,
        cause: Option<Cause>,
    }

    pub(crate) fn note(
        line: &Line,
        age: impl FnOnce() -> Duration,
        failure: impl FnOnce() -> Option<Cause>,
    ) -> Option<Note> {
        Some(Note {
            op: *line.op(),
            len: line.len(),
            age: age(),
            cancelled: line.marks().cancelled,
            cause: failure(),
        })
    }

    pub(crate) fn landed(note: Note) {
        tracing::trace!(
            target: "overlapped",
            operation = note.op.name(),
            handle = note.op.handle_number(),
            len = note.len,
            age_us = u64::try_from(note.age.as_micros()).unwrap_or(u64::MAX),
            cancel_requested = note.cancelled,
            failure = note.cause.map(tracing::field::display),
            "landed"
        );
    }

    pub(super) fn leaked(count: usize) {
        tracing::error!(target: "overlapped", count, "leaked");
    }

    pub(crate) fn wait_failed(error: &io::Error) {
        tracing::error!(target: "overlapped", %error, "the backend's wait failed");
    }

    pub(crate) fn no_background(error: &io::Error) {
        tracing::error!(target: "overlapped", %error, "no background thread could be started");
    }
}

/// Nobody watches.
#[cfg(not(feature = "tracing"))]
mod sink {
    use std::{io, time::Duration};

    use crate::{backend::Cause, iocb::Line};

    #[derive(Clone, Copy)]
    pub(crate) enum Note {}

    pub(crate) fn note(
        _line: &Line,
        _age: impl FnOnce() -> Duration,
        _failure: impl FnOnce() -> Option<Cause>,
    ) -> Option<Note> {
        None
    }

    pub(crate) fn landed(note: Note) {
        match note {}
    }

    pub(super) fn leaked(_count: usize) {}

    pub(crate) fn wait_failed(_error: &io::Error) {}

    pub(crate) fn no_background(_error: &io::Error) {}
}
