//! What a program asks, and where it goes on.

use super::{Block, Body, Overlapped, Read, Var};
use crate::{
    calls::{Call, Cond},
    objects::Answer,
};

/// What a program asks of the last call, or of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct If(pub(super) Cond);

impl If {
    /// The wait came back with `WAIT_TIMEOUT`.
    pub const TIMED_OUT: Self = Self(Cond::Answer(Answer::Timeout));
    /// An alertable wait came back with `WAIT_IO_COMPLETION`.
    pub const IO_COMPLETION: Self = Self(Cond::Answer(Answer::IoCompletion));
    /// The call came back with TRUE.
    pub const TRUE: Self = Self(Cond::Answer(Answer::True));
    /// The call failed with `ERROR_NOT_FOUND`, or -ENOENT.
    pub const NOT_FOUND: Self = Self(Cond::Answer(Answer::NotFound));
    /// The operation is not over: `ERROR_IO_INCOMPLETE`, EINPROGRESS.
    pub const INCOMPLETE: Self = Self(Cond::Answer(Answer::Incomplete));
    /// The call came back with FALSE, whatever the error: `ERROR_IO_PENDING` included.
    pub const PENDING: Self = Self(Cond::Answer(Answer::Pending));
    /// The call failed, and not with `ERROR_IO_PENDING`.
    pub const FAILED: Self = Self(Cond::Failed);

    /// The variable is not 0.
    #[must_use]
    pub const fn is_set(var: Var) -> Self {
        Self(Cond::Var(var.index))
    }

    /// The variable is 0.
    #[must_use]
    pub const fn is_clear(var: Var) -> Self {
        Self(Cond::NotVar(var.index))
    }

    /// What was handed out last belongs to this operation.
    #[must_use]
    pub const fn got(read: Read) -> Self {
        Self(Cond::Got(read.slot))
    }
}

impl Body<'_> {
    /// `if (..) { .. }`
    pub fn when(&mut self, If(cond): If, write: impl FnOnce(&mut Self)) {
        let test = self.quiet(Call::Unless { cond, to: 0 });
        write(self);
        let to = self.outline.next_pc();
        self.outline.patch(test, Call::Unless { cond, to });
    }

    /// `while (..) { .. }`
    pub fn while_(&mut self, If(cond): If, write: impl FnOnce(&mut Self)) {
        let test = self.quiet(Call::Unless { cond, to: 0 });
        write(self);
        self.quiet(Call::Jump(test));
        let to = self.outline.next_pc();
        self.outline.patch(test, Call::Unless { cond, to });
    }

    /// `var = value;`
    pub fn set(&mut self, var: Var, value: bool) {
        self.quiet(Call::Set { var: var.index, value: u8::from(value) });
    }

    /// The result is used: its bytes are not lost.
    pub fn use_result(&mut self, o: &Overlapped) {
        self.quiet(Call::Use(o.ptr));
    }

    /// `p = malloc(..)`
    #[track_caller]
    pub fn malloc(&mut self, block: Block) {
        let owner = self.outline.owner(block.name, true);
        let var = block.var.expect("malloc fills a variable");
        let text = format!("{} = malloc()", block.name);
        self.step(Call::Malloc { var, owner }, text, std::panic::Location::caller());
    }

    /// `free(p);`
    #[track_caller]
    pub fn free(&mut self, block: Block) {
        let text = format!("free({})", block.name);
        let pc = self.step(Call::Free(block.at(0)), text, std::panic::Location::caller());
        self.stop(pc);
    }
}
