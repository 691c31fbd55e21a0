//! Events for whoever watches. With the feature `tracing` each operation's landing and each
//! trouble is an event; a leak is also said on standard error, since silence about it would be a
//! lie (C9).

pub(super) use sink::{landed, no_background, wait_failed};

/// Memory of this many operations is leaked: the OS did not finish with it in time.
pub(super) fn leaked(count: usize) {
    eprintln!(
        "overlapped: {count} operations were still in flight when the time to drain them was \
         over; their memory is leaked, since the OS may still write to it"
    );
    sink::leaked(count);
}

#[cfg(feature = "tracing")]
mod sink {
    use std::io;

    use crate::{
        backend::{Cause, Value},
        port::inbox::Flight,
    };

    pub(crate) fn landed(flight: &Flight, answer: &Result<Value, Cause>) {
        tracing::trace!(
            target: "overlapped",
            operation = flight.op.name(),
            handle = flight.op.handle_number(),
            len = flight.len,
            age_us = u64::try_from(flight.started.elapsed().as_micros()).unwrap_or(u64::MAX),
            cancel_requested = flight.cancelled,
            answer = ?answer,
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

#[cfg(not(feature = "tracing"))]
mod sink {
    use std::io;

    use crate::{
        backend::{Cause, Value},
        port::inbox::Flight,
    };

    pub(crate) fn landed(_flight: &Flight, _answer: &Result<Value, Cause>) {}

    pub(super) fn leaked(_count: usize) {}

    pub(crate) fn wait_failed(_error: &io::Error) {}

    pub(crate) fn no_background(_error: &io::Error) {}
}
