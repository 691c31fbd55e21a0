//! What may go wrong.

use std::fmt;

use overlapped::backend::{Cause, Op};

use super::{
    State,
    errno::{EAGAIN, EDQUOT, EINTR, EIO, EMFILE, ENFILE, ENODEV, ENOMEM, ENOSPC, EOPNOTSUPP},
    numbers::FAULTS,
};
use crate::explore::{Access, Kind};

/// What may go wrong, and how often in one run.
///
/// Each fault is chosen where it could happen, costs one of the budget, and is an event of the
/// timeline. Nothing of it by default: a program must first be right where all is well.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one sort of fault")]
pub struct Faults {
    pub(crate) budget: u32,
    pub(crate) short: bool,
    pub(crate) errors: bool,
    pub(crate) refusals: bool,
    pub(crate) misdirected: bool,
    pub(crate) lying_sync: bool,
    pub(crate) tails: bool,
    pub(crate) clocks: bool,
}

impl Faults {
    /// None.
    pub fn none() -> Self {
        Self {
            budget: 0,
            short: false,
            errors: false,
            refusals: false,
            misdirected: false,
            lying_sync: false,
            tails: false,
            clocks: false,
        }
    }

    /// Short reads and writes, and a submission queue that is full now and then: no faults,
    /// strictly speaking, since every program must expect them.
    pub fn ordinary() -> Self {
        Self { budget: 2, short: true, refusals: true, ..Self::none() }
    }

    /// What disks do: each error that a verb documents, short transfers, a hundred times the
    /// latency.
    pub fn storage() -> Self {
        Self { errors: true, tails: true, ..Self::ordinary() }
    }

    /// At most so many in one run.
    pub fn budget(mut self, most: u32) -> Self {
        self.budget = most;
        self
    }

    /// Reads and writes may move fewer bytes than asked: a half, or one.
    pub fn short(mut self, short: bool) -> Self {
        self.short = short;
        self
    }

    /// Each operation may fail with each error that its manual page names for a device, a full
    /// disk, a quota or a limit: at once, and a transfer also when half of it has moved. A write
    /// may find no room for a single byte, and say 0. A sync that fails leaves what it was to write
    /// out to the next power cut, and the next sync does not know of it.
    pub fn errors(mut self, errors: bool) -> Self {
        self.errors = errors;
        self
    }

    /// A submission may find no room.
    pub fn refusals(mut self, refusals: bool) -> Self {
        self.refusals = refusals;
        self
    }

    /// A read may bring the bytes of another place, and say nothing.
    pub fn misdirected(mut self, misdirected: bool) -> Self {
        self.misdirected = misdirected;
        self
    }

    /// A sync may succeed and leave everything in a cache that a power cut empties.
    pub fn lying_sync(mut self, lying_sync: bool) -> Self {
        self.lying_sync = lying_sync;
        self
    }

    /// A device may take a hundred times as long.
    pub fn tails(mut self, tails: bool) -> Self {
        self.tails = tails;
        self
    }

    /// The wall clock may be set by an hour, back or forward, whenever it is looked at.
    pub fn clocks(mut self, clocks: bool) -> Self {
        self.clocks = clocks;
        self
    }
}

/// What goes wrong in a step.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    Short(usize),
    /// It fails at once.
    Error(Cause),
    /// It fails when half of the bytes have moved.
    Breaks(Cause),
    Misdirected,
    LyingSync,
}

/// The errors that a verb documents, apart from those that the program itself is to blame for.
fn errors(op: &Op) -> &'static [Cause] {
    match op {
        Op::Read { .. } => &[EIO, EINTR, EAGAIN, ENODEV],
        Op::Write { .. } => &[EIO, ENOSPC, EDQUOT, EINTR, EAGAIN, ENODEV],
        Op::Open(how) if how.create || how.create_new => {
            &[EMFILE, ENFILE, EINTR, ENODEV, ENOMEM, ENOSPC, EDQUOT]
        }
        Op::Open(_) => &[EMFILE, ENFILE, EINTR, ENODEV, ENOMEM],
        Op::Sync { .. } => &[EIO, ENOSPC, EDQUOT],
        Op::SetLen { .. } => &[EIO, EINTR],
        Op::Allocate { .. } => &[EIO, ENOSPC, EINTR, ENODEV, EOPNOTSUPP],
        Op::Stat { .. } => &[EIO, ENOMEM],
        Op::Rename | Op::CreateDir { .. } => &[EIO, ENOSPC, EDQUOT],
        Op::Unlink { .. } => &[EIO],
        Op::Poll { .. } => &[EINTR],
        Op::Nop
        | Op::Timer { .. }
        | Op::ConnectPipe { .. }
        | Op::Control { .. }
        | Op::Watch { .. } => &[],
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short(0) => f.write_str("no byte is moved"),
            Self::Short(most) => write!(f, "at most {most} bytes are moved"),
            Self::Error(cause) => write!(f, "{cause}"),
            Self::Breaks(cause) => write!(f, "{cause}, half-way"),
            Self::Misdirected => f.write_str("the bytes of another place"),
            Self::LyingSync => f.write_str("the sync does nothing, and says that it did"),
        }
    }
}

impl State {
    /// Whether one more may happen. It depends on all that have.
    pub(super) fn has_faults_left(&mut self) -> bool {
        if self.settings.faults.budget > 0 {
            self.touch(FAULTS, Access::Write);
        }
        self.faults_left > 0
    }

    pub(super) fn spend_a_fault(&mut self) {
        self.faults_left -= 1;
    }

    /// A fault for this step, or none.
    pub(super) fn fault(&mut self, place: usize, op: &Op, len: usize) -> Option<Fault> {
        if !self.has_faults_left() {
            return None;
        }
        let faults = &self.settings.faults;
        let (reads, writes) = (matches!(op, Op::Read { .. }), matches!(op, Op::Write { .. }));
        let (moves, whole) = (reads || writes, is_positional(op) && len > 1);
        let mut ways = vec![None];
        let mut offer = |fault, may: bool| ways.extend(may.then_some(Some(fault)));
        offer(Fault::Short(len / 2), faults.short && moves && len > 3);
        offer(Fault::Short(1), faults.short && moves && len > 1);
        offer(Fault::Short(0), faults.errors && writes && len > 0);
        for cause in errors(op).iter().filter(|_| faults.errors) {
            offer(Fault::Error(*cause), true);
        }
        offer(Fault::Breaks(EIO), faults.errors && moves && whole);
        offer(Fault::Misdirected, faults.misdirected && reads && is_positional(op));
        offer(Fault::LyingSync, faults.lying_sync && matches!(op, Op::Sync { .. }));
        let fault = ways[self.choose(ways.len(), Kind::Fault)]?;
        self.spend_a_fault();
        self.log.injected(self.now, self.flying[place].number, &fault);
        Some(fault)
    }
}

fn is_positional(op: &Op) -> bool {
    matches!(op, Op::Read { at: Some(_), .. } | Op::Write { at: Some(_), .. })
}
