//! Programs: a list of calls for each thread, written by Rust functions that read like the C.

mod body;
mod control;
mod linux;
mod memory;
mod names;
mod objects;
mod outline;
mod pool;
mod win32;

pub use body::Body;
pub use control::If;
pub use names::{Block, Buffer, Event, Handle, Overlapped, PortHandle, Read, Timeout, Var};
pub use names::{FOREVER, ms};
pub use outline::{Function, Outline, Routine};
pub use pool::Registration;

use crate::{
    calls::Call,
    machine::{Hold, Machine},
    world::{Setup, World},
};
use std::panic::Location;

/// What a thread does next.
#[derive(Clone, Debug)]
pub(crate) struct Instr {
    pub(crate) call: Call,
    /// It belongs to the step before it.
    pub(crate) silent: bool,
    /// A debugger's breakpoint is here if it runs under one: memory is about to be handed over.
    pub(crate) stop: bool,
    /// As it would stand in C.
    pub(crate) text: String,
    /// Where the Rust function says it.
    pub(crate) source: &'static Location<'static>,
}

/// What an operation is called in a drawing.
#[derive(Clone, Debug)]
pub(crate) struct OpName {
    /// `read #1`.
    pub(crate) name: String,
    /// The OVERLAPPED, or empty.
    pub(crate) ov: String,
    pub(crate) buffer: String,
}

/// A program, ready to run: what does not change while it runs.
#[derive(Clone)]
pub struct Code {
    pub(crate) instrs: Vec<Instr>,
    pub(crate) setup: Setup,
    pub(crate) start: World,
    pub(crate) ops: Vec<OpName>,
    /// Functions and blocks that own memory; 0 is nobody.
    pub(crate) owners: Vec<Owner>,
    pub(crate) threads: Vec<&'static str>,
    pub(crate) files: Vec<&'static str>,
    pub(crate) events: Vec<String>,
    pub(crate) ports: Vec<&'static str>,
}

/// Who owns memory.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    pub(crate) name: &'static str,
    /// A block of the heap, not a frame.
    pub(crate) heap: bool,
}

impl Code {
    /// Writes a program.
    pub fn new(rules: crate::rules::Rules, write: impl FnOnce(&mut Outline)) -> Code {
        let mut outline = Outline::new(rules);
        write(&mut outline);
        outline.finish()
    }

    /// How many threads, files and operations there are.
    pub(crate) fn counts(&self) -> [u8; 3] {
        [self.threads.len(), self.files.len(), self.ops.len()].map(|n| n as u8)
    }

    /// The program before its first step.
    #[must_use]
    pub fn machine(&self) -> Machine<'_> {
        Machine::new(self, Hold::Nothing)
    }

    /// The same under a debugger, with a breakpoint wherever memory is about to be handed over: it
    /// stops the program, and neither the driver nor the I/O subsystem.
    #[must_use]
    pub fn under_debugger(&self) -> Machine<'_> {
        Machine::new(self, Hold::Breakpoints)
    }

    /// The same with an order added: a thread waits at this call until the operation is over.
    pub(crate) fn with_order(&self, thread: u8, pc: u8, op: u8) -> Machine<'_> {
        Machine::new(self, Hold::Until { thread, pc, op })
    }
}
