//! What searches: it decides a run, learns what the run did, and decides the next.

use super::{Access, Actor, Choice, Kind, Object, Tape};

/// A [`Choice`] over many runs.
///
/// Who runs something says [`begin`](Self::begin), asks it during the run, and says
/// [`end`](Self::end): until there is no run left.
pub trait Search: Choice {
    /// Begins the next run; `false` if there is none left.
    fn begin(&mut self) -> bool;

    /// The run is over.
    fn end(&mut self);

    /// What was chosen in this run so far, or in the last one.
    fn tape(&self) -> &Tape;

    /// Whether a bound has left something out so far.
    fn was_bounded(&self) -> bool {
        false
    }

    /// Whether the run could not be as it was asked for.
    fn diverged(&self) -> bool {
        false
    }

    /// Whether the last run was one that another had shown already.
    fn was_redundant(&self) -> bool {
        false
    }
}

/// One run, with the first way everywhere.
#[derive(Debug, Default)]
pub struct Plain {
    tape: Tape,
    begun: bool,
}

impl Choice for Plain {
    fn next(&mut self, enabled: &[Actor]) -> usize {
        self.tape.push(enabled.len(), 0)
    }

    fn choose(&mut self, n: usize, _: Kind) -> usize {
        self.tape.push(n, 0)
    }

    fn touch(&mut self, _: Object, _: Access) {}
}

impl Search for Plain {
    fn begin(&mut self) -> bool {
        self.tape.clear();
        !std::mem::replace(&mut self.begun, true)
    }

    fn end(&mut self) {}

    fn tape(&self) -> &Tape {
        &self.tape
    }
}
