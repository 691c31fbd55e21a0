//! Cancels: requests to the driver. None of them waits, and none is a completion (S36 to S41).

use super::Ptr;
use crate::{
    judge::{Harm, JUDGED},
    memory::NULL,
    objects::{Answer, OPS, Target},
    op::{Api, Phase},
    rules::{Cancels, Late},
    watch::{Note, Thing, Watch},
    world::Step,
};
use overlapped_sim::explore::Kind;

impl<W: Watch> Step<'_, W> {
    /// `CancelIo`: what this thread started on the file object. TRUE even if that is nothing.
    pub(super) fn cancel_io(&mut self, t: u8, handle: u8) {
        let mine = |step: &mut Self, i: u8, f: u8| {
            let op = step.op(i);
            op.phase != Phase::Idle && op.file == f && op.thread == t
        };
        if let Some(f) = self.file_of(handle) {
            for i in 0..OPS as u8 {
                if mine(self, i, f) {
                    self.ask(i, NULL);
                }
            }
        }
        self.thread(t).answer = Answer::True;
    }

    /// `CancelIoEx`: what any thread started with this address, or all for NULL.
    pub(super) fn cancel_io_ex(&mut self, t: u8, handle: u8, ov: Ptr, meant: u8) {
        let address = self.address(t, ov);
        let Some(f) = self.file_of(handle) else {
            self.thread(t).answer = Answer::InvalidHandle;
            return;
        };
        let mut found = false;
        for i in 0..OPS as u8 {
            let op = *self.op(i);
            self.looks_for(i);
            let here = op.phase != Phase::Idle && op.file == f;
            if here && (address == NULL || op.ov.cell == address) {
                found |= self.finds(i, meant);
            }
        }
        let not_found = !found && (address != NULL || self.setup.rules.idle_cancel_not_found);
        self.thread(t).answer = if not_found { Answer::NotFound } else { Answer::True };
    }

    /// Whether a cancel finds operation `i`; if its device is done, the rules decide (U10).
    fn finds(&mut self, i: u8, meant: u8) -> bool {
        self.reads(Thing::Phase(i));
        let op = *self.op(i);
        let out_of_reach = match op.phase {
            Phase::Idle | Phase::Complete => return false,
            Phase::Finishing => true,
            Phase::Moving => self.device(op.file).cancels == Cancels::OnlyQueued,
            Phase::Submitted | Phase::Taken => false,
        };
        if !out_of_reach {
            self.ask(i, meant);
            return true;
        }
        match self.setup.rules.late_cancel {
            Late::NotFound => false,
            Late::True => true,
            Late::Either => self.watch.choose(2, Kind::Outcome) == 1,
        }
    }

    /// `CancelSynchronousIo`: the one blocking call of that thread (S40).
    pub(super) fn cancel_synchronous_io(&mut self, t: u8, of: u8) {
        let mut answer = Answer::NotFound;
        for i in 0..OPS as u8 {
            let op = *self.op(i);
            self.looks_for(i);
            if op.api == Api::Blocking && op.thread == of && op.phase != Phase::Idle {
                self.reads(Thing::Phase(i));
                if op.in_flight() {
                    self.ask(i, NULL);
                    answer = Answer::True;
                }
            }
        }
        self.thread(t).answer = answer;
    }

    /// Whether operation `i` has begun decides what is found, also if it has not.
    pub(super) fn looks_for(&mut self, i: u8) {
        if self.op(i).phase == Phase::Idle {
            self.reads(Thing::Phase(i));
        }
    }

    /// The request reaches operation `i`. `meant` is the one that the caller has in mind.
    pub(crate) fn ask(&mut self, i: u8, meant: u8) {
        self.writes(Thing::Cancel(i));
        // A complete operation cannot tell; only of the first it is told that it was too late.
        self.op(i).cancel = i == JUDGED || self.op(i).phase != Phase::Complete;
        if meant != NULL && meant != i {
            self.world.harm.add(Harm::MISTAKES);
            self.say(Note::Mistaken(i));
        } else {
            self.say(Note::Asked(i));
        }
    }

    pub(crate) fn file_of(&mut self, handle: u8) -> Option<u8> {
        match self.setup.targets[usize::from(handle)] {
            Target::File(f) if self.world.is_open(handle) => {
                self.reads(Thing::File(f));
                Some(f)
            }
            _ => None,
        }
    }
}
