//! `GetOverlappedResult(Ex)` and looks at Internal (S22 to S26).

use super::{Call, Flow, Ptr};
use crate::{
    judge::Harm,
    memory::{H_EVENT, INTERNAL, NULL},
    objects::{Answer, OPS, Target},
    op::{Op, Phase, effect},
    rules::{Shared, Status},
    watch::{Note, Thing, Watch},
    world::{Setup, Step, World},
};

/// Whether Internal says that the operation is over.
pub(super) fn is_final(world: &World, t: u8, ov: Ptr) -> bool {
    world.memory.get(world.address(t, ov) + INTERNAL) != Status::Pending as u8
}

/// Whether the wait inside `GetOverlappedResult` can end.
pub(super) fn ready(world: &World, setup: &Setup, t: u8, ov: Ptr, handle: u8) -> bool {
    let set = is_set(world, &waits_for(world, setup, t, ov, handle));
    set && (setup.rules.shared != Shared::Waits || is_final(world, t, ov))
}

/// The event of the OVERLAPPED, or the file object if it has none.
pub(super) fn waits_for(world: &World, setup: &Setup, t: u8, ov: Ptr, handle: u8) -> Target {
    let value = world.memory.get(world.address(t, ov) + H_EVENT);
    let event = value & !super::issue::LOW_BIT;
    let handle = if event == 0 { handle } else { event - 1 };
    setup.targets[usize::from(handle)]
}

fn is_set(world: &World, target: &Target) -> bool {
    match *target {
        Target::Event(e) => world.events[usize::from(e)].set,
        Target::File(f) => world.files[usize::from(f)].signal,
        Target::Thread(_) => false,
    }
}

impl<W: Watch> Step<'_, W> {
    /// The look at Internal. Only if it still says pending does the wait come next.
    pub(super) fn result(&mut self, t: u8, ov: Ptr, handle: u8, wait: bool) -> Flow {
        let pending = self.read_status(t, ov) == Status::Pending as u8;
        if pending && !wait {
            self.thread(t).answer = Answer::Incomplete; // S22: 996, not 997
        }
        if !pending && wait && self.setup.rules.result_absorbs_event {
            let target = waits_for(self.world, self.setup, t, ov, handle);
            if matches!(target, Target::Event(_)) {
                return Flow::Next; // S25
            }
        }
        // The wait is the next call.
        if pending || !wait { Flow::Next } else { Flow::Skip }
    }

    /// The wait came to its end, and Internal is read again. Whose completion it was is not asked
    /// (S24).
    pub(super) fn result_wait(&mut self, t: u8, call: &Call) -> Flow {
        let Call::ResultWait { ov, handle, ms, alertable } = *call else {
            return Flow::Next;
        };
        let target = waits_for(self.world, self.setup, t, ov, handle);
        match target {
            Target::Event(e) => self.touch_event(e),
            Target::File(f) => self.reads(Thing::Signal(f)),
            Target::Thread(_) => {}
        }
        self.reads_clock(t, ms);
        let set = is_set(self.world, &target);
        if alertable && self.runs_first(t, set) {
            return self.run_routine(t);
        }
        if !set {
            self.time_out(t);
            return Flow::Next;
        }
        self.consume(Some(target));
        if self.read_status(t, ov) == Status::Pending as u8 {
            self.say(Note::Mixed);
            let incomplete = self.setup.rules.shared == Shared::Incomplete;
            self.thread(t).answer = if incomplete { Answer::Incomplete } else { Answer::True };
        }
        Flow::Next
    }

    /// `while (o.Internal == STATUS_PENDING);`
    pub(super) fn poll(&mut self, t: u8, ov: Ptr) {
        self.read_status(t, ov);
    }

    /// Reads Internal; a final status becomes the answer.
    pub(super) fn read_status(&mut self, t: u8, ov: Ptr) -> u8 {
        let cell = self.address(t, ov);
        self.reads(Thing::Cell(cell + INTERNAL));
        let value = self.world.memory.get(cell + INTERNAL);
        if value == Status::Pending as u8 {
            return value;
        }
        self.mixed_up(cell);
        let success = value == Status::Success as u8;
        let status =
            [Status::Cancelled, Status::BrokenPipe, Status::EndOfFile, Status::DeviceError]
                .into_iter()
                .chain([Status::MoreData])
                .find(|status| *status as u8 == value);
        self.thread(t).answer = match status {
            _ if success => Answer::True,
            Some(status) => Answer::Failed(status),
            None => Answer::Failed(Status::Closed),
        };
        value
    }

    /// A final status, while another operation with the same OVERLAPPED has not written its own:
    /// whose is it?
    fn mixed_up(&mut self, cell: u8) {
        let lease = self.world.memory.lend(cell);
        let silent = |op: &Op| {
            let due = op.phase == Phase::Finishing && op.effects & effect::STATUS != 0;
            op.ov == lease && op.in_flight() && (op.phase != Phase::Finishing || due)
        };
        if self.world.ops.iter().any(silent) {
            self.world.harm.add(Harm::MISTAKES);
            self.say(Note::Mixed);
        }
    }

    /// The program uses the result that an OVERLAPPED tells.
    pub(super) fn use_result(&mut self, t: u8, ptr: Ptr) {
        let cell = self.address(t, ptr);
        for i in 0..OPS as u8 {
            if self.op(i).phase != Phase::Idle && self.op(i).ov.cell == cell && cell != NULL {
                self.uses(i);
            }
        }
    }

    /// The program uses the result of what was handed out.
    pub(super) fn use_got(&mut self, t: u8) {
        match self.thread(t).got_op {
            NULL => {}
            i => self.uses(i),
        }
    }

    fn uses(&mut self, i: u8) {
        self.op(i).used = true;
        self.say(Note::Used(i));
    }

    /// A blocking call comes back.
    pub(super) fn returned(&mut self, t: u8, slot: u8) {
        self.reads(Thing::Phase(slot));
        let op = *self.op(slot);
        self.thread(t).answer = match op.status {
            Status::Success => Answer::True,
            status => Answer::Failed(status),
        };
        self.op(slot).used = true;
    }
}
