//! What may go wrong.

use overlapped::backend::{Cause, Op};

use super::{
    State,
    errno::{EIO, EMFILE, ENOSPC},
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
        }
    }

    /// Short reads and writes, and a submission queue that is full now and then: no faults,
    /// strictly speaking, since every program must expect them.
    pub fn ordinary() -> Self {
        Self { budget: 2, short: true, refusals: true, ..Self::none() }
    }

    /// What disks do: `EIO`, `ENOSPC`, short transfers, a hundred times the latency.
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

    /// Each operation may fail with each error that its manual page names for a device.
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
}

/// What goes wrong in a step.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    Short(usize),
    Error(Cause),
    Misdirected,
    LyingSync,
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
        let mut ways = [None; 8];
        let mut count = 1;
        let mut offer = |fault, may: bool| {
            if may {
                ways[count] = Some(fault);
                count += 1;
            }
        };
        let moves = matches!(op, Op::Read { .. } | Op::Write { .. });
        let (reads, writes) = (matches!(op, Op::Read { .. }), matches!(op, Op::Write { .. }));
        offer(Fault::Short(len / 2), faults.short && moves && len > 3);
        offer(Fault::Short(1), faults.short && moves && len > 1);
        let plain = !matches!(op, Op::Nop | Op::Poll { .. } | Op::Open(_));
        offer(Fault::Error(EIO), faults.errors && plain);
        offer(Fault::Error(ENOSPC), faults.errors && (writes || matches!(op, Op::Allocate { .. })));
        offer(Fault::Error(EMFILE), faults.errors && matches!(op, Op::Open(_)));
        offer(Fault::Misdirected, faults.misdirected && reads && is_positional(op));
        offer(Fault::LyingSync, faults.lying_sync && matches!(op, Op::Sync { .. }));
        let fault = ways[self.choose(count, Kind::Fault)]?;
        self.spend_a_fault();
        self.log.injected(self.now, self.flying[place].number, &fault);
        Some(fault)
    }
}

fn is_positional(op: &Op) -> bool {
    matches!(op, Op::Read { at: Some(_), .. } | Op::Write { at: Some(_), .. })
}
