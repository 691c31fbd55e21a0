//! Memory with owners: stacks whose frames are reused by the next function, and a heap whose
//! blocks are handed out again.

use std::hash::{Hash, Hasher};

/// How many cells there are.
pub(crate) const CELLS: usize = 32;
/// Regions with a turn of their own: one stack a thread, and the heap.
const REGIONS: usize = 4;
/// The heap's region.
pub(crate) const HEAP: usize = REGIONS - 1;
/// Owner of what belongs to nobody.
pub(crate) const NOBODY: u8 = 0;
/// No address.
pub(crate) const NULL: u8 = 0xff;

/// What a fresh local holds.
pub(crate) const LOCAL: u8 = 0x40;
/// What the device brings.
pub(crate) const DATA: u8 = 0x50;
/// Counts are kept above this.
pub(crate) const COUNT: u8 = 0x20;

/// Where in an OVERLAPPED its status stands.
pub(crate) const INTERNAL: u8 = 0;
/// Where the count stands.
pub(crate) const INTERNAL_HIGH: u8 = 1;
/// Where the event's handle stands.
pub(crate) const H_EVENT: u8 = 2;
/// How many cells an OVERLAPPED takes.
pub(crate) const OVERLAPPED: u8 = 3;

/// Cells with a value and an owner each.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Memory {
    value: [u8; CELLS],
    owner: [u8; CELLS],
    turn: [u8; CELLS],
    turns: [u8; REGIONS],
}

/// What it holds, and whose it is; in which turn is hardly ever the difference.
impl Hash for Memory {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for part in self.value.chunks_exact(8).chain(self.owner.chunks_exact(8)) {
            let word = part.try_into().map_or(0, u64::from_le_bytes);
            state.write_u64(word);
        }
    }
}

/// Memory that was lent: where, to whom it belonged, and in which of its turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Lease {
    pub(crate) cell: u8,
    owner: u8,
    turn: u8,
}

impl Lease {
    /// Nothing is lent.
    pub(crate) const NONE: Lease = Lease { cell: NULL, owner: NOBODY, turn: 0 };

    pub(crate) fn is_none(self) -> bool {
        self.cell == NULL
    }
}

impl Memory {
    pub(crate) fn new() -> Memory {
        Memory { value: [0; CELLS], owner: [NOBODY; CELLS], turn: [0; CELLS], turns: [0; REGIONS] }
    }

    /// These cells are `owner`'s from now on. Whoever had them before has them no longer.
    pub(crate) fn take(&mut self, region: usize, cell: u8, len: u8, owner: u8) {
        self.turns[region] = self.turns[region].wrapping_add(1) & 0x7f;
        for at in usize::from(cell)..usize::from(cell + len) {
            self.owner[at] = owner;
            self.turn[at] = self.turns[region];
            self.value[at] = LOCAL;
        }
    }

    /// These cells are nobody's, and hold nothing that anybody may ask for.
    pub(crate) fn release(&mut self, cell: u8, len: u8) {
        for at in usize::from(cell)..usize::from(cell + len) {
            self.owner[at] = NOBODY;
            self.value[at] = 0;
        }
    }

    /// The owner uses lent cells for something else: they are lent no longer, whoever thinks so.
    pub(crate) fn claim(&mut self, cell: u8, len: u8) {
        for at in usize::from(cell)..usize::from(cell + len) {
            self.turn[at] ^= 0x80;
            self.value[at] = LOCAL;
        }
    }

    pub(crate) fn lend(&self, cell: u8) -> Lease {
        if cell == NULL {
            return Lease::NONE;
        }
        let at = usize::from(cell);
        Lease { cell, owner: self.owner[at], turn: self.turn[at] }
    }

    /// Whether the cell at `offset` is still the one that was lent.
    pub(crate) fn still(&self, lease: Lease, offset: u8) -> bool {
        let at = usize::from(lease.cell + offset);
        self.owner[at] == lease.owner && self.turn[at] == lease.turn && lease.owner != NOBODY
    }

    pub(crate) fn owner(&self, cell: u8) -> u8 {
        self.owner[usize::from(cell)]
    }

    pub(crate) fn get(&self, cell: u8) -> u8 {
        self.value[usize::from(cell)]
    }

    pub(crate) fn set(&mut self, cell: u8, value: u8) {
        self.value[usize::from(cell)] = value;
    }
}
