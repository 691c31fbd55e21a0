//! The trait's calls, as the laboratory makes them.

use super::{
    Answer, EventField, Handle, Overlapped, Packet, Port, Ran, Wait, Win32, codes, error,
    simulated::{Ended, POOL, Simulated, count},
    wait,
};
use crate::{
    calls::{Call, LOW_BIT, Ms, Ptr, Start, WaitOn},
    memory::{CELLS, COUNT, DATA, H_EVENT, INTERNAL, INTERNAL_HIGH, LOCAL, NULL, OVERLAPPED},
    objects::{self, Target},
    op::{Api, Queued, Verb},
    rules::{Device, Issue, Status, Takes},
    subsystem::packet,
    watch::Thing,
};
use overlapped_sim::explore::Search;

/// A number that is no handle's: 0x70 of 16 at most.
const BAD: u8 = 0x70;

impl<S: Search> Simulated<'_, S> {
    fn open(&mut self, target: Target) -> Handle {
        self.setup.targets.push(target);
        let handle = self.setup.targets.len() - 1;
        self.world.open |= 1 << handle;
        Handle(handle)
    }

    fn new_pipe(&mut self, takes: Takes) -> Handle {
        self.setup.devices[usize::from(self.files)] = Device::pipe(takes);
        self.files += 1;
        self.open(Target::File(self.files - 1))
    }

    fn file_at(&self, h: Handle) -> u8 {
        match self.setup.targets[h.0] {
            Target::File(f) => f,
            Target::Event(_) | Target::Thread(_) => panic!("{h:?} is no pipe"),
        }
    }

    fn ptr(&self, o: Overlapped) -> Ptr {
        Ptr::At(self.places[o.0].0)
    }

    fn start(&mut self, h: Handle, o: Overlapped, verb: Verb, queued: Queued) -> Answer {
        let (cell, len) = self.places[o.0];
        let file = usize::from(self.file_at(h));
        self.setup.devices[file].pieces = len;
        let before = self.started;
        let slot = self.slot(Some(o.0));
        let started = self.ask(&Call::Start(Start {
            slot,
            api: Api::Overlapped,
            verb,
            handle: h.0 as u8,
            ov: Ptr::At(cell),
            buffer: Ptr::At(cell + OVERLAPPED),
            queued,
            tag: 0,
            timed: false,
        }));
        let in_flight = |answer| matches!(answer, objects::Answer::True | objects::Answer::Pending);
        if !matches!(started, Ended::With(answer) if in_flight(answer)) {
            self.started = before;
        }
        self.and_count(started, o)
    }

    /// A transfer without an OVERLAPPED; its slot.
    fn ask_blocking(&mut self, h: Handle, verb: Verb, buffer: Ptr) -> u8 {
        let slot = self.slot(None);
        self.ask(&Call::Start(Start {
            slot,
            api: Api::Blocking,
            verb,
            handle: h.0 as u8,
            ov: Ptr::Null,
            buffer,
            queued: Queued::Nothing,
            tag: 0,
            timed: false,
        }));
        slot
    }

    fn and_count(&mut self, ended: Ended, o: Overlapped) -> Answer {
        ended.answered(|| self.counted(o))
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

    fn modes(&mut self, h: Handle, event: bool, port: bool) {
        self.ask(&Call::Modes { handle: h.0 as u8, event, port });
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

fn ms(wait: Wait) -> Ms {
    match wait {
        Wait::No => Ms::Now,
        Wait::Ms(ms) => Ms::After(ms),
        Wait::Forever => Ms::Forever,
    }
}

impl<S: Search> Win32 for Simulated<'_, S> {
    fn switch(&mut self, thread: usize) {
        self.current = thread as u8;
    }

    fn exit_thread(&mut self) {
        let gone = std::mem::take(&mut self.current);
        self.look(|step| step.perform(gone, &Call::ExitThread));
        self.wait(Handle(gone.into()), Wait::Forever, false);
    }

    fn create_event(&mut self, auto_reset: bool, set: bool) -> Handle {
        let h = self.open(Target::Event(self.events));
        self.events += 1;
        let t = self.current;
        self.step(|step| {
            step.perform(t, &Call::CreateEvent { handle: h.0 as u8, auto: auto_reset });
            if set {
                step.perform(t, &Call::SetEvent(h.0 as u8));
            }
        });
        h
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

    fn duplicate(&mut self, h: Handle) -> Handle {
        let target = self.setup.targets[h.0];
        self.setup.targets.push(target);
        let to = self.setup.targets.len() - 1;
        self.ask(&Call::Duplicate { from: h.0 as u8, to: to as u8 });
        Handle(to)
    }

    fn duplicate_elsewhere(&mut self, h: Handle) {
        let f = self.file_at(h);
        self.look(|step| {
            step.writes(Thing::File(f));
            step.file(f).elsewhere = true;
        });
    }

    fn close(&mut self, h: Handle) -> Answer {
        self.ask(&Call::Close(h.0 as u8)).answered(|| 0)
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

    fn read(&mut self, h: Handle, o: Overlapped) -> Answer {
        self.start(h, o, Verb::Read, Queued::Nothing)
    }

    fn read_ex(&mut self, h: Handle, o: Overlapped) -> Answer {
        let answer = self.start(h, o, Verb::Read, Queued::Routine(1));
        // `ReadFileEx` is TRUE for what is pending, too.
        if answer == Err(error::IO_PENDING) { Ok(0) } else { answer }
    }

    fn connect(&mut self, h: Handle, o: Overlapped) -> Answer {
        let file = usize::from(self.file_at(h));
        let issue =
            std::mem::replace(&mut self.setup.devices[file].issue, Issue::Fails(Status::Connected));
        let answer = self.start(h, o, Verb::Connect, Queued::Nothing);
        self.setup.devices[file].issue = issue;
        answer
    }

    fn transact(&mut self, h: Handle, o: Overlapped) -> Answer {
        let file = usize::from(self.file_at(h));
        let (cell, len) = self.places[o.0];
        self.setup.devices[file].pieces = len;
        let issue = std::mem::replace(&mut self.setup.devices[file].issue, Issue::AtOnce);
        self.ask_blocking(h, Verb::Write, Ptr::At(cell + OVERLAPPED));
        self.setup.devices[file].issue = issue;
        self.start(h, o, Verb::Read, Queued::Nothing)
    }

    fn cancel_io(&mut self, h: Handle) -> Answer {
        self.ask(&Call::CancelIo(h.0 as u8)).answered(|| 0)
    }

    fn cancel_io_ex(&mut self, h: Handle, o: Option<Overlapped>) -> Answer {
        let ov = o.map_or(Ptr::Null, |o| self.ptr(o));
        self.ask(&Call::CancelIoEx { handle: h.0 as u8, ov, meant: NULL }).answered(|| 0)
    }

    /// Every delay is tried anyway.
    fn hold_back(&mut self) {}

    fn let_go(&mut self) {}

    fn result(&mut self, h: Handle, o: Overlapped, wait: bool) -> Answer {
        let wait = if wait { Wait::Forever } else { Wait::No };
        self.result_ex(h, o, wait, false)
    }

    fn result_ex(&mut self, h: Handle, o: Overlapped, wait: Wait, alertable: bool) -> Answer {
        let (ov, handle) = (self.ptr(o), h.0 as u8);
        let look = self.ask(&Call::Result { ov, handle, wait: wait != Wait::No });
        let cell = self.places[o.0].0 + INTERNAL;
        let pending = self.world.memory.get(cell) == Status::Pending as u8;
        if wait == Wait::No || !pending {
            return self.and_count(look, o);
        }
        let waited = self.ask(&Call::ResultWait { ov, handle, ms: ms(wait), alertable });
        self.and_count(waited, o)
    }

    fn wait(&mut self, h: Handle, wait: Wait, alertable: bool) -> u32 {
        let on = WaitOn::Handle(h.0 as u8);
        let ms = ms(wait);
        self.ask(&Call::Wait { on: [on, on], n: 1, all: false, ms, alertable }).waited()
    }

    fn sleep(&mut self, wait: Wait, alertable: bool) -> u32 {
        let slept = self.ask(&Call::Sleep { ms: ms(wait), alertable }).waited();
        if slept == wait::TIMEOUT { wait::OBJECT_0 } else { slept }
    }

    fn queue_apc(&mut self) {
        self.ask(&Call::QueueApc { thread: self.current, index: 0 });
    }

    fn ran(&mut self) -> Vec<Ran> {
        std::mem::take(&mut self.ran)
    }

    fn create_port(&mut self) -> Port {
        self.ports += 1;
        Port(self.ports - 1)
    }

    fn bind(&mut self, h: Handle, port: Port, key: usize) -> Answer {
        let file = usize::from(self.file_at(h));
        self.keys[file] = key;
        self.ask(&Call::Bind { handle: h.0 as u8, port: port.0 as u8 }).answered(|| 0)
    }

    fn skip_port_on_success(&mut self, h: Handle) {
        self.modes(h, false, true);
    }

    fn skip_event_on_handle(&mut self, h: Handle) {
        self.modes(h, true, false);
    }

    fn dequeue(&mut self, port: Port, wait: Wait) -> Packet {
        let ended = self.ask(&Call::Dequeue { port: port.0 as u8, ms: ms(wait), alertable: false });
        let slot = self.world.threads[usize::from(self.current)].got_op;
        match self.world.ops.get(usize::from(slot)).copied() {
            Some(op) if matches!(ended, Ended::With(_)) => {
                let overlapped = self.started[usize::from(slot)].take().map(Overlapped);
                let key = self.keys[usize::from(op.file)];
                Packet { answer: ended.answered(|| count(&op)), key, overlapped }
            }
            _ => Packet::nothing(ended.waited()),
        }
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

    fn cancel_synchronous_io(&mut self, thread: usize) -> Answer {
        self.ask(&Call::CancelSynchronousIo(thread as u8)).answered(|| 0)
    }

    fn register_wait(&mut self, event: Handle, wait: Wait) {
        let (n, event) = (self.waits % 2, WaitOn::Handle(event.0 as u8));
        self.waits += 1;
        self.ask(&Call::RegisterWait { wait: n, event, ms: ms(wait), callback: 1 });
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

const _: () = assert!(packet::NUMBER > 8 && BAD & LOW_BIT == 0);
