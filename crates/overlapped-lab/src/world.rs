//! The whole state of a run, as plain data; and what a step is made of.

use crate::{
    judge::Harm,
    memory::{CELLS, DATA, LOCAL, Lease, Memory, NOBODY, NULL},
    objects::{EVENTS, Event, FILES, File, OPS, PORTS, Port, THREADS, Target, Thread, VARS},
    op::{Op, Verb},
    rules::{Device, Rules, Takes},
    watch::{Note, Part, Thing, Watch},
};
use overlapped_sim::explore::Access;
use std::hash::{Hash, Hasher};

/// Everything that changes.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct World {
    pub(crate) memory: Memory,
    pub(crate) threads: [Thread; THREADS],
    pub(crate) ops: [Op; OPS],
    pub(crate) events: [Event; EVENTS],
    pub(crate) files: [File; FILES],
    pub(crate) ports: [Port; PORTS],
    pub(crate) waits: [Registered; 2],
    pub(crate) vars: [u8; VARS],
    /// Handles that are open, as bits.
    pub(crate) open: u16,
    /// What has gone wrong.
    pub(crate) harm: Harm,
}

/// A wait that the thread pool keeps for the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Registered {
    pub(crate) armed: bool,
    /// It fires when the pool thread's clock has passed, too.
    pub(crate) timed: bool,
    pub(crate) event: u8,
    pub(crate) callback: u8,
}

/// Everything that does not change: which devices, which handles, which rules.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) rules: Rules,
    pub(crate) devices: [Device; FILES],
    pub(crate) targets: Vec<Target>,
    /// The heap: its first cell, cells of a block, blocks.
    pub(crate) heap: Heap,
    /// The thread that runs the pool's callbacks.
    pub(crate) pool: u8,
    /// Routines that `QueueUserAPC` queues.
    pub(crate) user_apcs: Vec<u8>,
}

/// Where the heap is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Heap {
    pub(crate) first: u8,
    pub(crate) block: u8,
    pub(crate) blocks: u8,
}

/// What tells states apart most of the time, in few words; they are compared in full.
impl Hash for World {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let word = |bytes: [u8; 8]| u64::from_le_bytes(bytes);
        self.memory.hash(state);
        for op in &self.ops {
            let flags = u8::from(op.cancel) | u8::from(op.used) << 1 | u8::from(op.timed) << 2;
            let (phase, status) = (op.phase as u8, op.status as u8);
            let known = [phase, status, op.moved, op.effects, flags, op.file, op.ov.cell, op.tag];
            state.write_u64(word(known));
        }
        for thread in &self.threads {
            let (life, deadline) = (thread.life as u8, thread.deadline as u8);
            let (apcs, answer) = (thread.apcs.len() as u8, thread.answer.code());
            let known =
                [thread.pc, life, deadline, thread.depth, apcs, answer, thread.got_op, thread.got];
            state.write_u64(word(known));
        }
        for port in &self.ports {
            state.write_u64(word(port.packets.bytes()) ^ u64::from(port.closed) << 63);
        }
        let signals = self.events.iter().map(|event| event.set);
        let signals = signals.chain(self.files.iter().map(|file| file.signal));
        let signals = signals.chain(self.waits.iter().map(|wait| wait.armed));
        let signals = signals.fold(0, |bits, set| bits << 1 | u64::from(set));
        let data = self
            .files
            .iter()
            .fold(0, |bits, file| bits << 16 | u64::from(file.data) << 8 | u64::from(file.to_come));
        state.write_u64(data ^ signals << 48);
        state.write_u64(word(self.vars) ^ u64::from(self.open) << 3);
        self.harm.hash(state);
    }
}

impl World {
    pub(crate) fn new() -> World {
        World {
            memory: Memory::new(),
            threads: [Thread::ABSENT; THREADS],
            ops: [Op::IDLE; OPS],
            events: [Event::default(); EVENTS],
            files: [File::NEW; FILES],
            ports: [Port::default(); PORTS],
            waits: [Registered::default(); 2],
            vars: [0; VARS],
            open: 0,
            harm: Harm::default(),
        }
    }

    pub(crate) fn is_open(&self, handle: u8) -> bool {
        self.open & (1 << handle) != 0
    }

    /// The operation in flight that was lent the cell at this address, whoever has it now.
    pub(crate) fn was_lent_to(&self, cell: u8) -> Option<u8> {
        self.lent(cell, |_, _| true)
    }

    /// The operation in flight to which the cell is lent.
    pub(crate) fn lent_to(&self, cell: u8) -> Option<u8> {
        self.lent(cell, |lease, offset| self.memory.still(lease, offset))
    }

    fn lent(&self, cell: u8, counts: impl Fn(Lease, u8) -> bool) -> Option<u8> {
        let within = |lease: Lease, len: u8| {
            let there = !lease.is_none() && (lease.cell..lease.cell + len).contains(&cell);
            there && counts(lease, cell - lease.cell)
        };
        let lent = |op: &Op| op.in_flight() && (within(op.ov, 3) || within(op.buffer, op.pieces));
        (0..).zip(&self.ops).find(|(_, op)| lent(op)).map(|(i, _)| i)
    }
}

/// One step being taken: the world, what it runs under, and who watches.
pub(crate) struct Step<'a, W> {
    pub(crate) world: &'a mut World,
    pub(crate) setup: &'a Setup,
    pub(crate) watch: &'a mut W,
}

impl<W: Watch> Step<'_, W> {
    pub(crate) fn reads(&mut self, thing: Thing) {
        self.watch.touch(thing, Access::Read);
    }

    pub(crate) fn writes(&mut self, thing: Thing) {
        self.watch.touch(thing, Access::Write);
    }

    pub(crate) fn say(&mut self, note: Note) {
        self.watch.say(note);
    }

    pub(crate) fn op(&mut self, i: u8) -> &mut Op {
        &mut self.world.ops[usize::from(i)]
    }

    pub(crate) fn thread(&mut self, t: u8) -> &mut Thread {
        &mut self.world.threads[usize::from(t)]
    }

    pub(crate) fn file(&mut self, f: u8) -> &mut File {
        &mut self.world.files[usize::from(f)]
    }

    pub(crate) fn device(&self, f: u8) -> &Device {
        &self.setup.devices[usize::from(f)]
    }

    /// The kernel writes a cell that was lent to operation `i`. It does not look whether the cell
    /// still is; the judge does. No write breakpoint sees it (S17).
    pub(crate) fn kernel_writes(&mut self, i: u8, lease: Lease, part: Part, value: u8) {
        if lease.is_none() {
            return;
        }
        let offset = offset(part);
        let cell = lease.cell + offset;
        self.writes(Thing::Cell(cell));
        let foreign = !self.world.memory.still(lease, offset);
        let owner = self.world.memory.owner(cell);
        if owner != NOBODY {
            self.world.memory.set(cell, value);
        }
        if foreign {
            self.world.harm.add(Harm::CORRUPTS);
        }
        self.say(Note::Wrote { op: i, part, cell, owner, foreign, verb: Verb::Read });
    }

    /// The kernel reads a piece that was lent to it, to send it or to write it to a device.
    pub(crate) fn kernel_reads(&mut self, i: u8, lease: Lease, piece: u8) {
        let cell = lease.cell + piece;
        self.reads(Thing::Cell(cell));
        let foreign = !self.world.memory.still(lease, piece);
        let owner = self.world.memory.owner(cell);
        if foreign {
            self.world.harm.add(Harm::CORRUPTS);
        }
        let part = Part::Piece(piece);
        self.say(Note::Wrote { op: i, part, cell, owner, foreign, verb: Verb::Write });
    }

    /// Operation `i` moves its next piece.
    pub(crate) fn move_piece(&mut self, i: u8) {
        let op = *self.op(i);
        match op.verb {
            Verb::Read => self.kernel_writes(i, op.buffer, Part::Piece(op.moved), DATA),
            Verb::Write => {
                self.kernel_reads(i, op.buffer, op.moved);
                if self.device(op.file).takes != Takes::Whole {
                    self.writes(Thing::Stream(op.file));
                    self.file(op.file).sent += 1;
                }
            }
            Verb::Connect => {}
        }
        self.op(i).moved += 1;
    }

    /// The program changes its own cells.
    pub(crate) fn takes(&mut self, region: usize, cell: u8, len: u8, owner: u8) {
        (cell..cell + len).for_each(|at| self.writes(Thing::Cell(at)));
        let again = self.among(cell, len, World::was_lent_to);
        self.world.memory.take(region, cell, len, owner);
        self.say(Note::Begins { owner, again });
    }

    pub(crate) fn releases(&mut self, cell: u8, len: u8) {
        (cell..cell + len).for_each(|at| self.writes(Thing::Cell(at)));
        let owner = self.world.memory.owner(cell);
        let lent = self.among(cell, len, World::lent_to);
        self.world.memory.release(cell, len);
        self.say(Note::Freed { owner, lent });
    }

    /// The operation to which one of these cells is lent, for who listens.
    pub(crate) fn among(
        &self,
        cell: u8,
        len: u8,
        lent: impl Fn(&World, u8) -> Option<u8>,
    ) -> Option<u8> {
        let mut cells = cell..cell + len;
        if W::LISTENS { cells.find_map(|at| lent(self.world, at)) } else { None }
    }

    /// The program looks whether its locals are what they were.
    pub(crate) fn looks(&mut self, cell: u8, len: u8) {
        (cell..cell + len).for_each(|at| self.reads(Thing::Cell(at)));
        let changed = (cell..cell + len).any(|at| self.world.memory.get(at) != LOCAL);
        if changed {
            self.world.harm.add(Harm::NOTICED);
        }
        self.say(Note::Looked { changed });
    }
}

fn offset(part: Part) -> u8 {
    match part {
        Part::Internal => crate::memory::INTERNAL,
        Part::InternalHigh => crate::memory::INTERNAL_HIGH,
        Part::Piece(piece) => piece,
    }
}

const _: () = assert!(CELLS < NULL as usize);
