//! The I/O subsystem: the effects of a completion, one by one (S14).

use crate::{
    judge::JUDGED,
    memory::{COUNT, NULL},
    op::{Api, Op, Phase, Queued, effect},
    rules::{Medium, Order, Status},
    watch::{Note, Part, Thing, Watch},
    world::Step,
};
use overlapped_sim::explore::Kind;

/// A packet for a completed operation, or what a ring's completion entry is.
pub(crate) mod packet {
    /// The operation's result.
    pub(crate) const RESULT: u8 = 0x00;
    /// The buffer of a zero-copy send is free.
    pub(crate) const NOTIFICATION: u8 = 0x10;
    /// The answer to a cancel: found.
    pub(crate) const CANCEL_OK: u8 = 0x20;
    /// The answer to a cancel: -ENOENT.
    pub(crate) const CANCEL_NOT_FOUND: u8 = 0x30;
    /// The answer to a cancel: -EALREADY.
    pub(crate) const CANCEL_ALREADY: u8 = 0x40;
    /// A linked timeout's entry: -ETIME, or -ECANCELED.
    pub(crate) const TIMEOUT: u8 = 0x50;
    /// `PostQueuedCompletionStatus`.
    pub(crate) const POSTED: u8 = 0x80;
    /// What of it is the number.
    pub(crate) const NUMBER: u8 = 0x0f;
}

/// An entry of a thread's queue that is not of an operation but of `QueueUserAPC`.
pub(crate) const USER_APC: u8 = 0x80;

impl<W: Watch> Step<'_, W> {
    /// The next effect of operation `i`.
    pub(crate) fn finish(&mut self, i: u8) {
        self.writes(Thing::Phase(i));
        let op = *self.op(i);
        let done = if op.effects & effect::COUNT != 0 {
            self.write_count(i);
            effect::COUNT
        } else if op.effects & effect::STATUS != 0 {
            self.write_status(i);
            effect::STATUS
        } else if op.effects & effect::NOTIFY != 0 {
            self.notify(i);
            effect::NOTIFY
        } else {
            self.tell(i, &op)
        };
        self.op(i).effects &= !done;
        if self.op(i).effects == 0 {
            self.after_effects(i);
        }
    }

    fn after_effects(&mut self, i: u8) {
        let op = *self.op(i);
        let sent = op.moved < op.pieces && op.status == Status::Success;
        if op.api == Api::ZeroCopy && sent {
            self.op(i).phase = Phase::Moving;
        } else {
            self.over(i);
        }
    }

    pub(crate) fn over(&mut self, i: u8) {
        self.op(i).phase = Phase::Complete;
        self.say(Note::Over(i));
        self.end_timeout(i);
        self.forget(i);
    }

    /// What nobody can ask any more of a complete operation does not tell states apart.
    fn forget(&mut self, i: u8) {
        let op = *self.op(i);
        let asked = op.queued != Queued::Nothing || op.api == Api::Blocking;
        if i != JUDGED && !asked && self.device(op.file).medium == Medium::Disk {
            let op = self.op(i);
            (op.cancel, op.status, op.moved) = (false, Status::Success, 0);
            (op.event, op.at_once) = (NULL, false);
        }
    }

    /// Everything at once: the call comes back with TRUE (S8).
    pub(crate) fn complete_at_once(&mut self, i: u8) {
        while self.op(i).moved < self.op(i).pieces {
            self.move_piece(i);
        }
        let status = self.well_done(i);
        self.device_done(i, status);
        while self.op(i).phase == Phase::Finishing {
            self.finish(i);
        }
    }

    pub(crate) fn write_count(&mut self, i: u8) {
        let op = *self.op(i);
        let valid = matches!(op.status, Status::Success | Status::MoreData);
        let count = if valid { op.moved } else { 0 };
        self.kernel_writes(i, op.ov, Part::InternalHigh, COUNT + count);
    }

    pub(crate) fn write_status(&mut self, i: u8) {
        let op = *self.op(i);
        self.kernel_writes(i, op.ov, Part::Internal, op.status as u8);
    }

    /// E3 and E4, in the order that the rules give; returns what was done.
    fn tell(&mut self, i: u8, op: &Op) -> u8 {
        let both = effect::QUEUE | effect::SIGNAL;
        let left = op.effects & both;
        let now = match self.setup.rules.order {
            _ if left != both => left,
            Order::Together => both,
            Order::QueueFirst => effect::QUEUE,
            Order::SignalFirst => effect::SIGNAL,
            Order::Either => [effect::QUEUE, effect::SIGNAL][self.watch.choose(2, Kind::Pick)],
        };
        if now & effect::QUEUE != 0 {
            self.queue(i, op);
        }
        if now & effect::SIGNAL != 0 {
            self.signal(i, op);
        }
        now
    }

    fn queue(&mut self, i: u8, op: &Op) {
        match op.queued {
            Queued::Nothing => {}
            // S35: a thread that is gone runs nothing.
            Queued::Routine(_) => {
                self.writes(Thing::Apcs(op.thread));
                self.thread(op.thread).apcs.push(i);
            }
            Queued::Packet(port) => self.post(port, packet::RESULT | i),
            Queued::Callback(_) => {
                self.writes(Thing::Pool);
                let pool = self.pool_thread();
                self.thread(pool).apcs.push(i);
            }
        }
        self.say(Note::Queues(i));
    }

    /// Puts an entry to a port. A port that is closed takes nothing.
    pub(crate) fn post(&mut self, port: u8, entry: u8) {
        self.writes(Thing::Port(port));
        let port = &mut self.world.ports[usize::from(port)];
        if !port.closed {
            port.packets.push(entry);
        }
    }

    fn signal(&mut self, i: u8, op: &Op) {
        if op.event == NULL {
            self.writes(Thing::Signal(op.file));
            self.file(op.file).signal = true;
        } else {
            self.writes(Thing::Event(op.event));
            self.world.events[usize::from(op.event)].set = true;
        }
        self.say(Note::Signals(i));
    }

    fn notify(&mut self, i: u8) {
        if let Queued::Packet(port) = self.op(i).queued {
            self.post(port, packet::NOTIFICATION | i);
        }
        self.say(Note::Notifies(i));
    }
}
