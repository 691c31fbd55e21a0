//! The calls, as the laboratory makes them.

use super::{
    Answer, Handle, Overlapped, Packet, Port, Wait, Win32, error,
    simulated::{Ended, Simulated, count},
    wait,
};
use crate::{
    calls::{Call, Ms, Ptr, Start, WaitOn},
    memory::{INTERNAL, NULL, OVERLAPPED},
    objects::{self, Target},
    op::{Api, Queued, Verb},
    rules::{Issue, Status},
};
use overlapped_sim::explore::Search;

impl<S: Search> Simulated<'_, S> {
    pub(super) fn open(&mut self, target: Target) -> Handle {
        self.setup.targets.push(target);
        let handle = self.setup.targets.len() - 1;
        self.world.open |= 1 << handle;
        Handle(handle)
    }

    pub(super) fn file_at(&self, h: Handle) -> u8 {
        match self.setup.targets[h.0] {
            Target::File(f) => f,
            Target::Event(_) | Target::Thread(_) => panic!("{h:?} is no pipe"),
        }
    }

    pub(super) fn ptr(&self, o: Overlapped) -> Ptr {
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
    pub(super) fn ask_blocking(&mut self, h: Handle, verb: Verb, buffer: Ptr) -> u8 {
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

    fn modes(&mut self, h: Handle, event: bool, port: bool) {
        self.ask(&Call::Modes { handle: h.0 as u8, event, port });
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

    fn duplicate(&mut self, h: Handle) -> Handle {
        let target = self.setup.targets[h.0];
        self.setup.targets.push(target);
        let to = self.setup.targets.len() - 1;
        self.ask(&Call::Duplicate { from: h.0 as u8, to: to as u8 });
        Handle(to)
    }

    fn close(&mut self, h: Handle) -> Answer {
        self.ask(&Call::Close(h.0 as u8)).answered(|| 0)
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

    fn cancel_synchronous_io(&mut self, thread: usize) -> Answer {
        self.ask(&Call::CancelSynchronousIo(thread as u8)).answered(|| 0)
    }

    fn register_wait(&mut self, event: Handle, wait: Wait) {
        let (n, event) = (self.waits % 2, WaitOn::Handle(event.0 as u8));
        self.waits += 1;
        self.ask(&Call::RegisterWait { wait: n, event, ms: ms(wait), callback: 1 });
    }
}
