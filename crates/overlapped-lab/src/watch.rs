//! What a step tells: what it touches, what it chooses, and, if someone wants to draw it, what it
//! did.

use crate::{op::Verb, rules::Status};
use overlapped_sim::explore::{Access, Actor, Choice, Kind, Object};

/// What steps touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thing {
    /// A cell of the memory.
    Cell(u8),
    /// How far an operation is.
    Phase(u8),
    /// Whether an operation is to be cancelled.
    Cancel(u8),
    Event(u8),
    /// The signal of a file object.
    Signal(u8),
    /// The data of a stream.
    Stream(u8),
    /// Handles and flags of a file object.
    File(u8),
    Port(u8),
    /// The routines queued to a thread.
    Apcs(u8),
    /// The clock of a thread's timed wait.
    Clock(u8),
    /// Whether a thread lives.
    Life(u8),
    /// A variable of the program.
    Var(u8),
    /// Registered waits and callbacks of the pool.
    Pool,
    /// The heap's list of free blocks.
    Heap,
}

impl Thing {
    fn object(self) -> Object {
        let (class, index) = match self {
            Thing::Cell(i) => (0, i),
            Thing::Phase(i) => (1, i),
            Thing::Cancel(i) => (2, i),
            Thing::Event(i) => (3, i),
            Thing::Signal(i) => (4, i),
            Thing::Stream(i) => (5, i),
            Thing::File(i) => (6, i),
            Thing::Port(i) => (7, i),
            Thing::Apcs(i) => (8, i),
            Thing::Clock(i) => (9, i),
            Thing::Life(i) => (10, i),
            Thing::Var(i) => (11, i),
            Thing::Pool => (12, 0),
            Thing::Heap => (13, 0),
        };
        Object(class << 8 | u32::from(index))
    }
}

/// A place that the I/O subsystem writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Internal,
    InternalHigh,
    /// A piece of the buffer.
    Piece(u8),
}

/// Something that happened within a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    /// Memory is lent to an operation.
    Lent(u8),
    /// It was complete before the call came back.
    AtOnce(u8),
    Takes(u8),
    /// The driver looked; nobody had cancelled.
    GoesOn(u8),
    SeesCancel(u8),
    Fails(u8, Status),
    /// The kernel wrote to the program's memory, or read it to send it.
    Wrote {
        op: u8,
        part: Part,
        cell: u8,
        owner: u8,
        foreign: bool,
        verb: Verb,
    },
    /// What was to be written would have gone to no address.
    Queues(u8),
    Signals(u8),
    Notifies(u8),
    /// The last effect: nothing is left to do.
    Over(u8),
    /// A cancel reached an operation.
    Asked(u8),
    /// A cancel reached an operation that was not meant.
    Mistaken(u8),
    /// It is cancelled because its handle, thread or ring ends.
    Dropped(u8),
    /// A frame or block has ended while lent to an operation, or not.
    Freed {
        owner: u8,
        lent: Option<u8>,
    },
    /// A frame or a block begins; `again` if its cells are lent to an operation all the same.
    Begins {
        owner: u8,
        again: Option<u8>,
    },
    /// The program uses memory that is lent.
    Claimed(u8),
    /// The locals were looked at.
    Looked {
        changed: bool,
    },
    /// A routine, packet or callback was handed out; `dangling` if its memory is gone.
    Hands {
        op: u8,
        dangling: bool,
    },
    Posted(u8),
    /// Data have come for a stream.
    Arrives,
    /// So many milliseconds are over.
    Passes(u8),
    TimesOut(u8),
    /// The program used the result of an operation.
    Used(u8),
    /// The result belongs to another operation, or to none.
    Mixed,
    /// What comes next is a routine.
    Runs,
}

/// What a step is given.
pub(crate) trait Watch {
    /// Whether anybody listens to what is said.
    const LISTENS: bool = false;
    /// One of `n` ways.
    fn choose(&mut self, n: usize, kind: Kind) -> usize;
    /// The step touches this.
    fn touch(&mut self, thing: Thing, access: Access);
    /// Something happened.
    fn say(&mut self, note: Note) {
        let _ = note;
    }
}

/// Nobody draws.
pub(crate) struct Silent<'a, C>(pub(crate) &'a mut C);

impl<C: Choice> Watch for Silent<'_, C> {
    fn choose(&mut self, n: usize, kind: Kind) -> usize {
        self.0.choose(n, kind)
    }

    fn touch(&mut self, thing: Thing, access: Access) {
        self.0.touch(thing.object(), access);
    }
}

/// What happens before the first step: nothing is open yet.
pub(crate) struct Nobody;

impl Watch for Nobody {
    fn choose(&mut self, _: usize, _: Kind) -> usize {
        0
    }

    fn touch(&mut self, _: Thing, _: Access) {}
}

/// What a step would have touched that nobody can take any more.
pub(crate) struct InVain<'a, C> {
    pub(crate) choice: &'a mut C,
    pub(crate) actor: Actor,
}

impl<C: Choice> Watch for InVain<'_, C> {
    fn choose(&mut self, _: usize, _: Kind) -> usize {
        0
    }

    fn touch(&mut self, thing: Thing, access: Access) {
        self.choice.blocked(self.actor, thing.object(), access);
    }
}
