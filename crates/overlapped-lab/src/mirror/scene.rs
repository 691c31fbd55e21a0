//! Threads, pipes, peers and memory, as the laboratory has them.

use super::{
    Answer, EventField, Handle, Overlapped, Ran, Scene, Wait, Win32, codes,
    simulated::{Ended, POOL, Simulated, count},
};
use crate::{
    calls::{Call, LOW_BIT, Ptr},
    memory::{CELLS, COUNT, DATA, H_EVENT, INTERNAL, INTERNAL_HIGH, LOCAL, OVERLAPPED},
    objects::{self, Target},
    op::Verb,
    rules::{Device, Takes},
    watch::Thing,
};
use overlapped_sim::explore::Search;

/// A number that is no handle's: 0x70 of 16 at most.
const BAD: u8 = 0x70;

impl<S: Search> Simulated<'_, S> {
    fn new_pipe(&mut self, takes: Takes) -> Handle {
        self.setup.devices[usize::from(self.files)] = Device::pipe(takes);
        self.files += 1;
        self.open(Target::File(self.files - 1))
    }

    fn field(&mut self, o: Overlapped, value: u8) {
        let cell = self.places[o.0].0 + H_EVENT;
        self.look(|step| {
            step.writes(Thing::Cell(cell));
            step.world.memory.set(cell, value);
        });
    }

    fn cell(&mut self, o: Overlapped, field: u8) -> u8 {
        let cell = self.places[o.0].0 + field;
        self.look(|step| {
            step.reads(Thing::Cell(cell));
            step.world.memory.get(cell)
        })
    }
}

fn value(event: EventField) -> u8 {
    match event {
        EventField::Null => 0,
        EventField::Is(h) => h.0 as u8 + 1,
        EventField::Tagged(h) => (h.0 as u8 + 1) | LOW_BIT,
        EventField::Bad => BAD,
    }
}

impl<S: Search> Scene for Simulated<'_, S> {
    fn switch(&mut self, thread: usize) {
        self.current = thread as u8;
    }

    fn exit_thread(&mut self) {
        let gone = std::mem::take(&mut self.current);
        self.look(|step| step.perform(gone, &Call::ExitThread));
        self.wait(Handle(gone.into()), Wait::Forever, false);
    }

    fn pipe(&mut self) -> Handle {
        self.new_pipe(Takes::Bytes)
    }

    fn synchronous_pipe(&mut self) -> Handle {
        self.pipe()
    }

    fn message_pipe(&mut self) -> Handle {
        self.new_pipe(Takes::Message)
    }

    fn duplicate_elsewhere(&mut self, h: Handle) {
        let f = self.file_at(h);
        self.look(|step| {
            step.writes(Thing::File(f));
            step.file(f).elsewhere = true;
        });
    }

    fn peer_writes(&mut self, h: Handle, bytes: u8) {
        let f = self.file_at(h);
        self.look(|step| {
            step.writes(Thing::Stream(f));
            step.file(f).data += bytes;
        });
    }

    fn peer_will_write(&mut self, h: Handle) {
        let f = self.file_at(h);
        self.look(|step| {
            step.writes(Thing::Stream(f));
            step.file(f).to_come += 1;
        });
    }

    fn peer_reads(&mut self, h: Handle) -> u8 {
        let f = self.file_at(h);
        self.look(|step| {
            step.writes(Thing::Stream(f));
            std::mem::take(&mut step.file(f).sent)
        })
    }

    fn peer_closes(&mut self, h: Handle) {
        let f = self.file_at(h);
        self.look(|step| {
            step.writes(Thing::Stream(f));
            step.writes(Thing::File(f));
            step.file(f).peer_gone = true;
        });
    }

    fn overlapped(&mut self, bytes: u8, event: EventField) -> Overlapped {
        self.places.push((self.top, bytes));
        self.top += OVERLAPPED + bytes;
        assert!(usize::from(self.top) <= CELLS, "the laboratory's memory is full");
        let o = Overlapped(self.places.len() - 1);
        self.renew(o, event);
        o
    }

    fn renew(&mut self, o: Overlapped, event: EventField) {
        let (first, len) = self.places[o.0];
        let (t, ov) = (self.current, Ptr::At(first));
        self.look(|step| {
            step.perform(t, &Call::Init { ov, event: value(event) });
            for cell in first + OVERLAPPED..first + OVERLAPPED + len {
                step.writes(Thing::Cell(cell));
                step.world.memory.set(cell, LOCAL);
            }
        });
    }

    fn set_event_field(&mut self, o: Overlapped, event: EventField) {
        self.field(o, value(event));
    }

    fn event_field_is(&mut self, o: Overlapped, event: EventField) -> bool {
        self.cell(o, H_EVENT) == value(event)
    }

    fn internal(&mut self, o: Overlapped) -> u32 {
        codes::ntstatus(self.cell(o, INTERNAL))
    }

    fn internal_high(&mut self, o: Overlapped) -> u32 {
        self.cell(o, INTERNAL_HIGH).saturating_sub(COUNT).into()
    }

    fn spin(&mut self, o: Overlapped) -> bool {
        let ended = self.ask(&Call::Poll(self.ptr(o)));
        matches!(ended, Ended::With(_))
    }

    fn filled(&mut self, o: Overlapped) -> u32 {
        let (first, len) = self.places[o.0];
        let cells = first + OVERLAPPED..first + OVERLAPPED + len;
        self.look(|step| {
            cells.clone().for_each(|cell| step.reads(Thing::Cell(cell)));
            cells.take_while(|cell| step.world.memory.get(*cell) == DATA).count() as u32
        })
    }

    /// Every delay is tried anyway.
    fn hold_back(&mut self) {}

    fn let_go(&mut self) {}

    fn ran(&mut self) -> Vec<Ran> {
        std::mem::take(&mut self.ran)
    }

    fn blocking_read(&mut self, thread: usize, h: Handle) {
        let file = usize::from(self.file_at(h));
        self.setup.devices[file].pieces = 1;
        self.top += 1;
        let caller = std::mem::replace(&mut self.current, thread as u8);
        self.blocking[thread] = self.ask_blocking(h, Verb::Read, Ptr::At(self.top - 1));
        self.current = caller;
    }

    fn blocking_read_returned(&mut self, thread: usize) -> Answer {
        let slot = self.blocking[thread];
        let op = |world: &crate::world::World| world.ops[usize::from(slot)];
        let caller = std::mem::replace(&mut self.current, thread as u8);
        let returned = self.ask(&Call::Returned(slot));
        self.current = caller;
        let bytes = count(&op(&self.world));
        returned.answered(|| bytes)
    }

    fn callback(&mut self) -> Option<bool> {
        let caller = std::mem::replace(&mut self.current, POOL);
        let served = self.ask(&Call::Serve);
        self.current = caller;
        match served {
            Ended::With(answer) => Some(answer == objects::Answer::Timeout),
            Ended::Never => None,
        }
    }
}

const _: () = assert!(BAD & LOW_BIT == 0);
