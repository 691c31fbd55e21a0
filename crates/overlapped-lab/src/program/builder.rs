//! Writing a program: what there is, and the threads that use it.

use super::{Block, Buffer, Code, Handle, Instr, OpName, Overlapped, Owner, PortHandle, Read, Var};
use crate::{
    calls::{Call, Ptr},
    memory::{CELLS, OVERLAPPED},
    objects::{EVENTS, FILES, Life, OPS, PORTS, THREADS, Target, VARS},
    op::Verb,
    rules::{Device, Rules},
    world::{Heap, Setup, World},
};
use std::panic::Location;

/// A program being written: its files, ports, variables, routines and threads.
pub struct Outline {
    code: Code,
    /// The first cell that no stack has.
    free: u8,
    vars: u8,
    waits: u8,
    block: u8,
}

/// A routine's place.
#[derive(Clone, Copy, Debug)]
pub struct Routine {
    pub(crate) pc: u8,
    pub(crate) name: &'static str,
}

/// A function of a task: an owner of frames.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    pub(crate) owner: u8,
}

impl Outline {
    pub(super) fn new(rules: Rules) -> Outline {
        let setup = Setup {
            rules,
            devices: [Device::disk(); FILES],
            targets: Vec::new(),
            heap: Heap::default(),
            pool: 0,
            user_apcs: Vec::new(),
        };
        let nobody = Owner { name: "nobody", heap: false };
        let code = Code {
            instrs: Vec::new(),
            setup,
            start: World::new(),
            ops: Vec::new(),
            owners: vec![nobody],
            threads: Vec::new(),
            files: Vec::new(),
            events: Vec::new(),
            ports: Vec::new(),
        };
        Outline { code, free: 0, vars: 0, waits: 0, block: OVERLAPPED + 1 }
    }

    pub(super) fn finish(mut self) -> Code {
        let room = CELLS as u8 - self.free;
        let blocks = (room / self.block).min(4);
        self.code.setup.heap = Heap { first: self.free, block: self.block, blocks };
        self.code
    }

    /// A file, pipe or socket opened with `FILE_FLAG_OVERLAPPED`.
    pub fn file(&mut self, name: &'static str, device: Device) -> Handle {
        let f = self.code.files.len();
        assert!(f < FILES, "a program has {FILES} files at most");
        self.code.files.push(name);
        self.code.setup.devices[f] = device;
        self.block = self.block.max(OVERLAPPED + device.pieces);
        self.open(name, Target::File(f as u8))
    }

    /// The peer of a stream is going to write so many times, sooner or later.
    pub fn peer_writes(&mut self, stream: Handle, times: u8) {
        if let Target::File(f) = self.code.setup.targets[usize::from(stream.index)] {
            self.code.start.files[usize::from(f)].to_come = times;
        }
    }

    /// Something is in the stream already.
    pub fn has_data(&mut self, stream: Handle, times: u8) {
        if let Target::File(f) = self.code.setup.targets[usize::from(stream.index)] {
            self.code.start.files[usize::from(f)].data = times;
        }
    }

    /// A completion port, a ring, an AIO context.
    pub fn port(&mut self, name: &'static str) -> PortHandle {
        let index = self.code.ports.len() as u8;
        assert!(usize::from(index) < PORTS, "a program has {PORTS} ports at most");
        self.code.ports.push(name);
        PortHandle { index, name }
    }

    /// The file has been bound to the port.
    pub fn bound(&mut self, file: Handle, port: PortHandle) {
        if let Target::File(f) = self.code.setup.targets[usize::from(file.index)] {
            self.code.start.files[usize::from(f)].port = port.index;
        }
    }

    /// A handle that `DuplicateHandle` will make.
    pub fn duplicate(&mut self, of: Handle, name: &'static str) -> Handle {
        let target = self.code.setup.targets[usize::from(of.index)];
        let handle = self.open(name, target);
        self.code.start.open &= !(1 << handle.index);
        handle
    }

    /// An event, for tasks.
    pub fn event_handle(&mut self, name: &'static str) -> Handle {
        Handle { index: self.event(name.to_owned()), name }
    }

    /// A function that owns memory, for tasks.
    pub fn function(&mut self, name: &'static str) -> Function {
        Function { owner: self.owner(name, false) }
    }

    /// A variable, 0 at first.
    pub fn var(&mut self, name: &'static str) -> Var {
        let index = self.vars;
        assert!(usize::from(index) < VARS, "a program has {VARS} variables at most");
        self.vars += 1;
        Var { index, name }
    }

    /// A pointer to a block of the heap that `malloc` will fill.
    pub fn block(&mut self, name: &'static str) -> Block {
        let var = self.var(name);
        Block { var: Some(var.index), name, len: self.block - OVERLAPPED }
    }

    /// The block that a routine, a packet or a callback hands out.
    #[must_use]
    pub fn handed_out(&self, name: &'static str) -> Block {
        Block { var: None, name, len: self.block - OVERLAPPED }
    }

    /// A completion routine, or a callback.
    pub fn routine(&mut self, name: &'static str, write: impl FnOnce(&mut Body<'_>)) -> Routine {
        let pc = self.next_pc();
        let mut body = Body::new(self, 0);
        body.prologue = false;
        write(&mut body);
        body.quiet(Call::EndRoutine);
        Routine { pc, name }
    }

    /// A thread.
    pub fn thread(&mut self, name: &'static str, write: impl FnOnce(&mut Body<'_>)) -> Handle {
        let t = self.code.threads.len();
        assert!(t < THREADS, "a program has {THREADS} threads at most");
        self.code.threads.push(name);
        let thread = &mut self.code.start.threads[t];
        thread.life = Life::Running;
        thread.pc = self.code.instrs.len() as u8;
        let mut body = Body::new(self, t as u8);
        write(&mut body);
        body.quiet(Call::End);
        self.open(name, Target::Thread(t as u8))
    }

    /// The thread pool's thread: it runs the callbacks.
    pub fn pool(&mut self) {
        self.code.setup.pool = self.code.threads.len() as u8;
        self.thread("thread pool", |c| {
            let pc = c.outline.next_pc();
            c.step(Call::Serve, "a worker".to_owned(), Location::caller());
            c.quiet(Call::Jump(pc));
        });
    }

    pub(super) fn user_apc(&mut self, routine: Routine) -> u8 {
        self.code.setup.user_apcs.push(routine.pc);
        self.code.setup.user_apcs.len() as u8 - 1
    }

    pub(super) fn wait_slot(&mut self) -> u8 {
        self.waits += 1;
        self.waits - 1
    }

    pub(super) fn event(&mut self, name: String) -> u8 {
        let e = self.code.events.len() as u8;
        assert!(usize::from(e) < EVENTS, "a program has {EVENTS} events at most");
        self.code.events.push(name);
        self.open("event", Target::Event(e)).index
    }

    pub(super) fn new_op(&mut self, verb: Verb, ov: String, buffer: String) -> Read {
        let slot = self.code.ops.len();
        assert!(slot < OPS, "a program has {OPS} operations at most");
        let verb = match verb {
            Verb::Read => "read",
            Verb::Write => "write",
            Verb::Connect => "connect",
        };
        self.code.ops.push(OpName { name: format!("{verb} #{}", slot + 1), ov, buffer });
        Read { slot: slot as u8 }
    }

    pub(super) fn owner(&mut self, name: &'static str, heap: bool) -> u8 {
        self.code.owners.push(Owner { name, heap });
        self.code.owners.len() as u8 - 1
    }

    pub(super) fn thread_target(&self, handle: Handle) -> u8 {
        match self.code.setup.targets[usize::from(handle.index)] {
            Target::Thread(t) => t,
            _ => 0,
        }
    }

    fn open(&mut self, name: &'static str, target: Target) -> Handle {
        let index = self.code.setup.targets.len() as u8;
        assert!(index < 16, "a program has 16 handles at most");
        self.code.setup.targets.push(target);
        if !matches!(target, Target::Event(_)) {
            self.code.start.open |= 1 << index;
        }
        Handle { index, name }
    }

    pub(super) fn next_pc(&self) -> u8 {
        u8::try_from(self.code.instrs.len()).expect("a program has 255 calls at most")
    }

    pub(super) fn patch(&mut self, pc: u8, call: Call) {
        self.code.instrs[usize::from(pc)].call = call;
    }
}

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
    fn new(outline: &'a mut Outline, thread: u8) -> Body<'a> {
        Body { outline, thread, frames: Vec::new(), prologue: true }
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
