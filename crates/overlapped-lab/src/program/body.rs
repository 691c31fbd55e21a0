//! Writing what a thread does: functions with frames, and calls that are steps.

use super::{Buffer, Instr, Outline, Overlapped};
use crate::{
    calls::{Call, Ptr},
    memory::{CELLS, OVERLAPPED},
};
use std::panic::Location;

/// A function's frame while its body is written.
struct Frame {
    enter: u8,
    owner: u8,
    cell: u8,
    len: u8,
    /// Jumps of `return` to where the caller goes on.
    exits: Vec<u8>,
}

/// The body of a thread, a function or a routine, being written.
pub struct Body<'a> {
    pub(super) outline: &'a mut Outline,
    pub(super) thread: u8,
    frames: Vec<Frame>,
    /// No step was written yet: what comes now has happened before the run begins.
    prologue: bool,
}

impl<'a> Body<'a> {
    pub(super) fn new(outline: &'a mut Outline, thread: u8) -> Body<'a> {
        Body { outline, thread, frames: Vec::new(), prologue: true }
    }

    /// Steps were taken before this.
    pub(super) fn begun(&mut self) {
        self.prologue = false;
    }

    /// Calls a function: a frame for its locals, which is gone when it returns.
    #[track_caller]
    pub fn call(&mut self, name: &'static str, write: impl FnOnce(&mut Body<'_>)) {
        self.call_at(name, Location::caller(), write);
    }

    pub(super) fn call_at(
        &mut self,
        name: &'static str,
        source: &'static Location<'static>,
        write: impl FnOnce(&mut Body<'_>),
    ) {
        self.enter(name, source);
        write(self);
        let leave = self.leave();
        let pc = self.step(leave, "return".to_owned(), source);
        self.stop(pc);
        self.left();
    }

    /// `return value;`: the frame ends here.
    #[track_caller]
    pub fn ret(&mut self, value: &'static str) {
        let leave = self.leave();
        let pc =
            self.step(leave, format!("return {value}").trim_end().to_owned(), Location::caller());
        self.outline.code.instrs[usize::from(pc)].stop = true;
        let exit = self.quiet(Call::Jump(0));
        if let Some(frame) = self.frames.last_mut() {
            frame.exits.push(exit);
        }
    }

    /// The next function that happens to be called: its locals get the bytes that the last one
    /// had, and after a while it looks at them.
    #[track_caller]
    pub fn victim(&mut self, len: u8) {
        self.victim_that("victim", len, |_| {});
    }

    /// The same, and it does something in between.
    #[track_caller]
    pub fn victim_that(&mut self, name: &'static str, len: u8, write: impl FnOnce(&mut Body<'_>)) {
        let source = Location::caller();
        self.enter(name, source);
        let locals = self.local(len);
        write(self);
        let look = Call::Look { cell: locals, len };
        self.step(look, format!("{name}() reads its locals"), source);
        let leave = self.leave();
        self.quiet(leave);
        self.left();
    }

    /// A local OVERLAPPED.
    pub fn overlapped(&mut self, name: &'static str) -> Overlapped {
        Overlapped { ptr: Ptr::At(self.local(OVERLAPPED)), name, within: None }
    }

    /// A local buffer, as many pieces long as transfers have.
    pub fn buffer(&mut self, name: &'static str) -> Buffer {
        let len = self.outline.block - OVERLAPPED;
        Buffer { ptr: Ptr::At(self.local(len)), len, name, within: None }
    }

    fn local(&mut self, len: u8) -> u8 {
        let frame = self.frames.last_mut().expect("locals are a function's");
        let cell = frame.cell + frame.len;
        frame.len += len;
        self.outline.free = self.outline.free.max(cell + len);
        assert!(usize::from(self.outline.free) <= CELLS, "the laboratory's memory is full");
        cell
    }

    fn enter(&mut self, name: &'static str, source: &'static Location<'static>) {
        let owner = self.outline.owner(name, false);
        // The function above has its locals below; a thread's first frame begins a stack.
        let cell = match self.frames.last() {
            Some(frame) => frame.cell + frame.len,
            None => self.stack(),
        };
        let call = Call::Enter { owner, cell, len: 0 };
        let enter = self.step(call, format!("{name}() is called"), source);
        self.frames.push(Frame { enter, owner, cell, len: 0, exits: Vec::new() });
    }

    fn leave(&mut self) -> Call {
        let frame = self.frames.last().expect("a function returns");
        Call::Leave { cell: frame.cell, len: frame.len }
    }

    /// The function is written: now its frame's length is known.
    fn left(&mut self) {
        let frame = self.frames.pop().expect("a function was entered");
        let after = self.outline.next_pc();
        for exit in frame.exits {
            self.outline.patch(exit, Call::Jump(after));
        }
        let Frame { enter, owner, cell, len, .. } = frame;
        self.outline.patch(enter, Call::Enter { owner, cell, len });
        self.fix_leaves(enter, after, cell, len);
    }

    /// Returns that were written before all locals were known.
    fn fix_leaves(&mut self, from: u8, to: u8, cell: u8, len: u8) {
        for instr in &mut self.outline.code.instrs[usize::from(from)..usize::from(to)] {
            if let Call::Leave { cell: at, len: known } = &mut instr.call {
                if *at == cell {
                    *known = (*known).max(len);
                }
            }
        }
    }

    /// Where this thread's stack begins.
    fn stack(&self) -> u8 {
        let code = &self.outline.code;
        let first = code.start.threads[usize::from(self.thread)].pc;
        let frames = code.instrs[usize::from(first)..].iter();
        let enters = frames.filter_map(|instr| match instr.call {
            Call::Enter { cell, .. } => Some(cell),
            _ => None,
        });
        enters.min().unwrap_or(self.outline.free)
    }

    /// Writes a call that is a step.
    pub(super) fn step(
        &mut self,
        call: Call,
        text: String,
        source: &'static Location<'static>,
    ) -> u8 {
        let pc = self.outline.next_pc();
        let early = matches!(
            call,
            Call::Enter { .. } | Call::Malloc { .. } | Call::Bind { .. } | Call::Modes { .. }
        );
        let silent = call.is_silent() || self.prologue && early;
        self.prologue &= silent;
        self.outline.code.instrs.push(Instr { call, silent, stop: false, text, source });
        pc
    }

    /// Writes a call that belongs to the step before it.
    #[track_caller]
    pub(super) fn quiet(&mut self, call: Call) -> u8 {
        let pc = self.outline.next_pc();
        let source = Location::caller();
        let text = String::new();
        self.outline.code.instrs.push(Instr { call, silent: true, stop: false, text, source });
        pc
    }

    /// Writes a call that hands memory over: a debugger's breakpoint is here.
    pub(super) fn stop(&mut self, pc: u8) {
        self.outline.code.instrs[usize::from(pc)].stop = true;
    }
}
