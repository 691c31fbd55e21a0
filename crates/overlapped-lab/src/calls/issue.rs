//! `ReadFile`, `WriteFile` and alike: an operation starts, and memory is lent (S7 to S13).

use super::{Ptr, Start};
use crate::{
    memory::{H_EVENT, INTERNAL, NULL},
    objects::{Answer, Target},
    op::{Api, Op, Phase, Queued, Verb},
    rules::{Issue, Medium, Status, Takes},
    watch::{Note, Thing, Watch},
    world::Step,
};
use overlapped_sim::explore::Kind;

/// In an OVERLAPPED's event: signal it, but queue no packet (S46).
pub(crate) const LOW_BIT: u8 = 0x80;

impl<W: Watch> Step<'_, W> {
    pub(super) fn start(&mut self, t: u8, start: &Start) {
        let answer = self.started(t, start);
        self.thread(t).answer = answer;
    }

    fn started(&mut self, t: u8, start: &Start) -> Answer {
        let Target::File(f) = self.setup.targets[usize::from(start.handle)] else {
            return Answer::InvalidHandle;
        };
        self.reads(Thing::File(f));
        if !self.world.is_open(start.handle) {
            return Answer::InvalidHandle;
        }
        let routine = matches!(start.queued, Queued::Routine(_));
        if routine && self.file(f).port != NULL {
            return Answer::InvalidParameter; // S34
        }
        let disk = self.device(f).medium == Medium::Disk;
        if start.ov == Ptr::Null && start.api == Api::Overlapped && disk {
            return Answer::InvalidParameter; // S12
        }
        if !routine && self.names_no_event(t, start) {
            return Answer::InvalidHandle; // S4
        }
        let op = self.new_op(t, f, start);
        let status = op.ov;
        if !status.is_none() {
            self.writes(Thing::Cell(status.cell + INTERNAL));
            self.world.memory.set(status.cell + INTERNAL, Status::Pending as u8); // S3
        }
        self.reset_signals(&op);
        if self.peer_is_gone(&op) {
            return Answer::Failed(Status::BrokenPipe); // S9
        }
        let at_once = match self.device(f).issue {
            Issue::Fails(status) => return Answer::Failed(status),
            Issue::Pending => false,
            Issue::AtOnce => true,
            // S10
            Issue::PendingOrAtOnce => {
                self.has_it_now(&op) && self.watch.choose(2, Kind::Outcome) == 1
            }
        };
        assert!(!self.op(start.slot).in_flight(), "an operation's call is made again in flight");
        *self.op(start.slot) = op;
        self.writes(Thing::Phase(start.slot));
        self.say(Note::Lent(start.slot));
        if at_once { self.at_once(start.slot) } else { Answer::Pending }
    }

    /// Whether there is what a call needs to be complete at once: a pipe may be empty.
    fn has_it_now(&mut self, op: &Op) -> bool {
        let reads_pipe = op.verb == Verb::Read && self.device(op.file).takes != Takes::Whole;
        if reads_pipe {
            self.reads(Thing::Stream(op.file));
        }
        let (data, takes) = (self.file(op.file).data, self.device(op.file).takes);
        // A message that is too long counts as pending (S47).
        !reads_pipe || data > 0 && (takes == Takes::Bytes || data <= op.pieces)
    }

    /// Nobody writes any more, and nothing is left.
    fn peer_is_gone(&mut self, op: &Op) -> bool {
        let file = self.file(op.file);
        let gone = file.peer_gone && file.data == 0;
        if file.peer_gone {
            self.reads(Thing::Stream(op.file));
        }
        gone
    }

    /// S8: it counts as a completion in every respect.
    fn at_once(&mut self, i: u8) -> Answer {
        let op = *self.op(i);
        if op.api == Api::Overlapped {
            let skips = self.file(op.file).skip_port;
            if skips && matches!(op.queued, Queued::Packet(_)) {
                self.op(i).queued = Queued::Nothing; // S47
            }
        }
        self.op(i).at_once = true;
        if op.verb == Verb::Read && self.device(op.file).takes != Takes::Whole {
            self.writes(Thing::Stream(op.file));
            self.take(i);
        }
        self.say(Note::AtOnce(i));
        self.complete_at_once(i);
        Answer::True
    }

    fn new_op(&mut self, t: u8, f: u8, start: &Start) -> Op {
        let ov = self.address(t, start.ov);
        let buffer = self.address(t, start.buffer);
        let h_event = if ov == NULL || start.api != Api::Overlapped {
            0
        } else {
            self.reads(Thing::Cell(ov + H_EVENT));
            self.world.memory.get(ov + H_EVENT)
        };
        let event = match start.queued {
            Queued::Routine(_) => NULL, // S29: ignored
            _ => self.event_of(h_event),
        };
        let tagged = h_event & LOW_BIT != 0 && event != NULL;
        let port = self.file(f).port;
        let queued = match start.queued {
            Queued::Nothing if port != NULL && start.api == Api::Overlapped && !tagged => {
                Queued::Packet(port)
            }
            queued => queued,
        };
        let pieces = if start.verb == Verb::Connect { 1 } else { self.device(f).pieces };
        Op {
            phase: Phase::Submitted,
            api: start.api,
            verb: start.verb,
            file: f,
            thread: t,
            ov: self.world.memory.lend(ov),
            buffer: self.world.memory.lend(buffer),
            pieces,
            event,
            queued,
            tag: start.tag,
            timed: start.timed,
            ..Op::IDLE
        }
    }

    /// The OVERLAPPED has a handle that is none, or none any more.
    fn names_no_event(&mut self, t: u8, start: &Start) -> bool {
        let ov = self.address(t, start.ov);
        if ov == NULL || start.api != Api::Overlapped {
            return false;
        }
        self.reads(Thing::Cell(ov + H_EVENT));
        let value = self.world.memory.get(ov + H_EVENT);
        let open = |value: u8| self.world.is_open((value & !LOW_BIT) - 1);
        value != 0 && (self.event_of(value) == NULL || !open(value))
    }

    /// The event that a handle value in an OVERLAPPED stands for, or `NULL`.
    pub(crate) fn event_of(&self, value: u8) -> u8 {
        match value & !LOW_BIT {
            0 => NULL,
            handle => match self.setup.targets.get(usize::from(handle - 1)) {
                Some(Target::Event(event)) => *event,
                _ => NULL,
            },
        }
    }

    /// S7: the event is reset if there is one; the file object in any case.
    fn reset_signals(&mut self, op: &Op) {
        if op.api != Api::Overlapped {
            return;
        }
        if op.event != NULL {
            self.writes(Thing::Event(op.event));
            self.world.events[usize::from(op.event)].set = false;
        }
        self.writes(Thing::Signal(op.file));
        self.file(op.file).signal = false;
    }
}
