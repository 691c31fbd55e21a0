//! Writing a program: what there is, and the threads that use it.

use super::{Block, Body, Code, Handle, OpName, Owner, PortHandle, Read, Var};
use crate::{
    calls::Call,
    memory::{CELLS, OVERLAPPED},
    objects::{EVENTS, FILES, Life, OPS, PORTS, THREADS, Target, VARS},
    op::Verb,
    rules::{Device, Rules},
    world::{Heap, Setup, World},
};
use std::panic::Location;

/// A program being written: its files, ports, variables, routines and threads.
pub struct Outline {
    pub(super) code: Code,
    /// The first cell that no stack has.
    pub(super) free: u8,
    vars: u8,
    waits: u8,
    pub(super) block: u8,
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
        body.begun();
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
