//! Everything that is not determined goes through one [`Choice`]; everything that explores is an
//! implementation of it.
//!
//! What is explored takes steps. A step is taken by an [`Actor`] (the program, one of its threads,
//! an operation in the hands of a device), touches [`Object`]s, and may itself have to choose (how
//! many bytes, which error). Two steps commute if no object is written by one of them and touched
//! by the other; additions commute with each other.

mod drive;
mod extreme;
mod places;
mod races;
mod random;
mod reduced;
mod replay;
mod search;
mod shrink;
mod sums;
mod tape;
mod turned;
mod why;

pub use drive::next_run;
pub use extreme::Extreme;
pub use random::{Priorities, Random};
pub use reduced::Reduced;
pub use replay::Replay;
pub use search::{Plain, Search};
pub use shrink::shrink;
pub use sums::{Limits, Sums, simplest, walk};
pub use tape::{Tape, Token};
pub use turned::Turned;
pub use why::{Reason, Record, Steps, Turn};

use std::hash::Hash;

/// Who can take a step. Numbers are the system's own; a run that is repeated gives them again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Actor(pub u32);

/// What steps touch. Numbers are the system's own; a run that is repeated gives them again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Object(pub u32);

/// How a step touches an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// It depends on the object.
    Read,
    /// It changes the object.
    Write,
    /// It adds to the object and does not look: additions commute with each other.
    Add,
}

/// What a choice inside a step is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// How an operation ends.
    Outcome,
    /// How many bytes move.
    Length,
    /// A fault, or none (0).
    Fault,
    /// How long something takes.
    Latency,
    /// Which of several that are equally entitled.
    Pick,
    /// What of the unsynced survives a power cut.
    Survivor,
    /// The program asked for a choice of its own.
    Program,
}

/// The only source of what is not determined.
pub trait Choice {
    /// Who takes the next step: an index into `enabled`, which is not empty. The first is who goes
    /// on if nobody interferes.
    fn next(&mut self, enabled: &[Actor]) -> usize;

    /// One of `n` ways, at least 1, in the step that is being taken. 0 is the plain way.
    fn choose(&mut self, n: usize, kind: Kind) -> usize;

    /// The step that is being taken touches `object`.
    fn touch(&mut self, object: Object, access: Access);

    /// The run is over, and `actor` waits in vain: its next step would have touched `object`. What
    /// it waits for may be somebody's who could have come later.
    fn blocked(&mut self, actor: Actor, object: Object, access: Access) {
        let _ = (actor, object, access);
    }
}

/// A system that is stepped from outside, and whose states can be told apart.
pub trait Model: Clone + Eq + Hash {
    /// How a run ends.
    type Verdict: Clone + Ord + Hash;

    /// Who can take a step now, the default first. Nobody: the run is over.
    fn enabled(&self, out: &mut Vec<Actor>);

    /// `actor` takes a step. Everything that it touches is said, everything open is chosen.
    fn step(&mut self, actor: Actor, choice: &mut impl Choice);

    /// Says who waits in vain, and what their next steps would touch.
    fn blocked(&self, choice: &mut impl Choice) {
        let _ = choice;
    }

    /// The judgement of a run that is over, or that can already not become better.
    fn verdict(&self) -> Self::Verdict;
}
