//! Completion ports (S44 to S48), and what else has a queue of results: rings, `io_getevents`.

use super::{Flow, Ms};
use crate::{
    memory::NULL,
    objects::Answer,
    op::Api,
    rules::Status,
    subsystem::packet,
    watch::{Note, Thing, Watch},
    world::Step,
};

impl<W: Watch> Step<'_, W> {
    /// `CreateIoCompletionPort` with a file: for life.
    pub(super) fn bind(&mut self, t: u8, handle: u8, port: u8) {
        if let Some(f) = self.file_of(handle) {
            self.writes(Thing::File(f));
            let free = self.file(f).port == NULL;
            if free {
                self.file(f).port = port;
            }
            self.thread(t).answer = if free { Answer::True } else { Answer::InvalidParameter };
        }
    }

    /// `GetQueuedCompletionStatus(Ex)`, `io_uring_wait_cqe`, `io_getevents`.
    pub(super) fn dequeue(&mut self, t: u8, port: u8, ms: Ms, alertable: bool) -> Flow {
        self.reads_clock(t, ms);
        let empty = self.world.ports[usize::from(port)].packets.is_empty();
        if alertable && self.runs_first(t, !empty) {
            return self.run_routine(t);
        }
        if !empty {
            self.writes(Thing::Port(port));
            let entry = self.world.ports[usize::from(port)].packets.remove(0);
            self.unpack(t, entry);
            return Flow::Next;
        }
        self.reads(Thing::Port(port));
        let thread = self.thread(t);
        (thread.got, thread.got_op) = (NULL, NULL);
        if self.world.ports[usize::from(port)].closed {
            self.thread(t).answer = Answer::Abandoned; // S44
        } else {
            self.time_out(t);
        }
        Flow::Next
    }

    fn unpack(&mut self, t: u8, entry: u8) {
        let number = entry & packet::NUMBER;
        let answer = match entry & !packet::NUMBER {
            packet::RESULT => return self.unpack_result(t, number),
            packet::NOTIFICATION => {
                self.hand_out(t, number);
                Answer::Notified
            }
            packet::CANCEL_OK => Answer::CancelDone,
            packet::CANCEL_NOT_FOUND => Answer::NotFound,
            packet::CANCEL_ALREADY => Answer::TooLate,
            packet::TIMEOUT => Answer::Timeout,
            _ => Answer::Posted,
        };
        if answer != Answer::Notified {
            let thread = self.thread(t);
            (thread.got, thread.got_op) = (NULL, NULL);
        }
        self.thread(t).answer = answer;
    }

    fn unpack_result(&mut self, t: u8, i: u8) {
        let op = *self.op(i);
        if self.deferred(i) {
            self.write_count(i);
            self.write_status(i);
        }
        self.hand_out(t, i);
        self.thread(t).answer = match op.status {
            Status::Success if op.api == Api::ZeroCopy => Answer::More,
            Status::Success => Answer::True,
            status => Answer::Failed(status),
        };
    }

    /// The status is written only now (S16).
    fn deferred(&mut self, i: u8) -> bool {
        let op = *self.op(i);
        let without_event = op.event == NULL && !op.at_once;
        self.setup.rules.status_at_dequeue && op.api == Api::Overlapped && without_event
    }

    pub(super) fn post_packet(&mut self, t: u8, port: u8, key: u8) {
        self.post(port, packet::POSTED | key);
        self.say(Note::Posted(port));
        self.thread(t).answer = Answer::True;
    }

    /// Waiters wake up with nothing; what comes later comes nowhere (S44).
    pub(super) fn close_port(&mut self, t: u8, port: u8) {
        self.writes(Thing::Port(port));
        self.reads_phases(|op| op.queued == crate::op::Queued::Packet(port));
        self.world.ports[usize::from(port)].closed = true;
        self.world.ports[usize::from(port)].packets.clear();
        self.drop_where(|op| op.api == Api::Uring && op.queued == crate::op::Queued::Packet(port));
        self.thread(t).answer = Answer::True;
    }
}
