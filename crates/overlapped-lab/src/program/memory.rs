//! A program's own memory and variables, as other threads and routines see them.

use super::{Block, Body, Buffer, If, Read, Var};
use crate::{
    calls::{Call, Cond},
    memory::OVERLAPPED,
    objects::Answer,
    rules::Status,
};
use std::panic::Location;

impl If {
    /// The wait came back with `WAIT_OBJECT_0`.
    pub const OBJECT_0: Self = Self(Cond::Answer(Answer::Object(0)));
    /// The operation ended with `ERROR_OPERATION_ABORTED`, or ECANCELED.
    pub const CANCELLED: Self = Self(Cond::Answer(Answer::Failed(Status::Cancelled)));
    /// `AIO_NOTCANCELED`, -EALREADY.
    pub const NOT_CANCELED: Self = Self(Cond::Answer(Answer::TooLate));
    /// A ring's entry that says F_MORE: the buffer is still in use.
    pub const MORE: Self = Self(Cond::Answer(Answer::More));
    /// A ring's entry that says F_NOTIF: the buffer is free.
    pub const NOTIFICATION: Self = Self(Cond::Answer(Answer::Notified));
    /// A ring's entry: the cancel found its target.
    pub const CANCEL_OK: Self = Self(Cond::Answer(Answer::CancelDone));

    /// What was handed out last does not belong to this operation.
    #[must_use]
    pub const fn got_other_than(read: Read) -> Self {
        Self(Cond::GotOther(read.slot))
    }
}

impl Body<'_> {
    /// `var = TRUE;`, a step of its own: another thread may be looking.
    #[track_caller]
    pub fn tell(&mut self, var: Var) {
        let call = Call::Tell { var: var.index };
        self.step(call, format!("{} = TRUE", var.name), Location::caller());
    }

    /// Waits until another thread has said so.
    #[track_caller]
    pub fn until(&mut self, var: Var) {
        let call = Call::Until { var: var.index };
        self.step(call, format!("while (!{})", var.name), Location::caller());
    }

    /// `return;` in a routine.
    pub fn end_routine(&mut self) {
        self.quiet(Call::EndRoutine);
    }

    /// The results of what a routine, a packet or a callback handed out are used.
    pub fn use_handed_out(&mut self) {
        self.quiet(Call::UseGot);
    }

    /// Whoever asks next for memory gets a block, perhaps the one that was freed, and looks at it
    /// after a while.
    #[track_caller]
    pub fn victim_on_the_heap(&mut self, block: Block) {
        self.malloc(block);
        let call = Call::LookAt { at: block.at(0), len: OVERLAPPED + block.len };
        self.step(call, format!("looks at {}", block.name), Location::caller());
    }

    /// The buffer is put to another use while the OVERLAPPED is kept.
    #[track_caller]
    pub fn reuse(&mut self, buffer: &Buffer) {
        let call = Call::Claim { at: buffer.ptr, len: buffer.len };
        let pc = self.step(call, format!("memset({buffer})"), Location::caller());
        self.stop(pc);
    }

    /// What was put into the buffer is looked at.
    #[track_caller]
    pub fn look_at(&mut self, buffer: &Buffer) {
        let call = Call::LookAt { at: buffer.ptr, len: buffer.len };
        self.step(call, format!("looks at {buffer}"), Location::caller());
    }
}
