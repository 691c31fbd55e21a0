//! What a program does with its own memory: heap blocks, locals, the OVERLAPPED's fields.

use super::Ptr;
use crate::{
    memory::{H_EVENT, HEAP, INTERNAL, INTERNAL_HIGH, NOBODY, NULL},
    watch::{Note, Thing, Watch},
    world::{Step, World},
};

impl<W: Watch> Step<'_, W> {
    /// The first free block, as allocators like to do: what was freed last comes back first.
    pub(super) fn malloc(&mut self, var: u8, owner: u8) {
        self.writes(Thing::Heap);
        self.writes(Thing::Var(var));
        let heap = self.setup.heap;
        let blocks = (0..heap.blocks).map(|n| heap.first + n * heap.block);
        let free = { blocks }.find(|cell| self.world.memory.owner(*cell) == NOBODY);
        let cell = free.expect("the laboratory's heap is full");
        self.takes(HEAP, cell, heap.block, owner);
        self.world.vars[usize::from(var)] = cell;
    }

    pub(super) fn free(&mut self, t: u8, ptr: Ptr) {
        let cell = self.address(t, ptr);
        if cell == NULL {
            return;
        }
        self.writes(Thing::Heap);
        self.releases(cell, self.setup.heap.block);
    }

    /// The program puts lent memory to another use: the lease is broken without a free (V21).
    pub(super) fn claim(&mut self, t: u8, at: Ptr, len: u8) {
        let cell = self.address(t, at);
        (cell..cell + len).for_each(|at| self.writes(Thing::Cell(at)));
        let lent = self.among(cell, 1, World::lent_to);
        self.world.memory.claim(cell, len);
        if let Some(i) = lent {
            self.say(Note::Claimed(i));
        }
    }

    /// Zeroed, with an event or NULL. No status says pending yet.
    pub(super) fn init(&mut self, t: u8, ov: Ptr, event: u8) {
        let cell = self.address(t, ov);
        for (field, value) in [(INTERNAL, 1), (INTERNAL_HIGH, 0), (H_EVENT, event)] {
            self.writes(Thing::Cell(cell + field));
            self.world.memory.set(cell + field, value);
        }
    }

    pub(super) fn set_var(&mut self, var: u8, value: u8) {
        self.writes(Thing::Var(var));
        self.world.vars[usize::from(var)] = value;
    }
}
