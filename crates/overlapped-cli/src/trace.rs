//! The life of an operation on standard error, each step with its time since the start.

use std::{cell::Cell, fmt, time::Instant};

use crate::output::say;

pub(crate) struct Trace {
    on: bool,
    /// `None` before the operation was started.
    start: Cell<Option<Instant>>,
}

impl Trace {
    pub(crate) fn new(on: bool) -> Self {
        Self { on, start: Cell::new(None) }
    }

    /// Time counts from here.
    pub(crate) fn start(&self) {
        self.start.set(Some(Instant::now()));
    }

    /// Tells a step, now. A step before the start has no time.
    pub(crate) fn tell(&self, step: fmt::Arguments<'_>) {
        if !self.on {
            return;
        }
        match self.start.get().map(|start| start.elapsed()) {
            Some(age) => say(format_args!("{:>12.3} ms  {step}", age.as_secs_f64() * 1e3)),
            None => say(format_args!("{:>15}  {step}", "-")),
        }
    }
}
