//! The device driver: it takes operations from its queue, moves bytes, and looks for a cancel when
//! it gets round to it.

use crate::{
    memory::NULL,
    op::{Api, Op, Phase, Queued, Verb, effect},
    rules::{Cancels, Medium, Status, Takes},
    watch::{Note, Thing, Watch},
    world::{Setup, Step, World},
};
use overlapped_sim::explore::Kind;

/// Whether the driver or the subsystem can go on with operation `i`.
pub(crate) fn can_go_on(world: &World, setup: &Setup, i: usize) -> bool {
    let op = &world.ops[i];
    match op.phase {
        Phase::Idle | Phase::Complete => false,
        Phase::Taken => wanted_no_more(world, setup, op) || has_answer(world, setup, op),
        _ => true,
    }
}

/// A cancel that the driver looks at.
fn wanted_no_more(world: &World, setup: &Setup, op: &Op) -> bool {
    let waits = !has_answer(world, setup, op);
    op.cancel
        && match setup.devices[usize::from(op.file)].cancels {
            Cancels::Yes => true,
            Cancels::Never => false,
            Cancels::OnlyQueued => waits,
        }
}

/// A disk always has one; a stream if something came, or the peer is gone.
fn has_answer(world: &World, setup: &Setup, op: &Op) -> bool {
    let file = &world.files[usize::from(op.file)];
    let device = &setup.devices[usize::from(op.file)];
    // A read that has begun has its data.
    let begun = device.medium == Medium::Disk || op.verb == Verb::Write || op.moved > 0;
    begun || file.data > 0 || file.peer_gone
}

impl<W: Watch> Step<'_, W> {
    /// The driver's next step with operation `i`.
    pub(crate) fn drive(&mut self, i: u8) {
        match self.op(i).phase {
            Phase::Submitted => {
                self.writes(Thing::Phase(i));
                self.op(i).phase = Phase::Taken;
                self.say(Note::Takes(i));
            }
            Phase::Taken => self.look(i),
            Phase::Moving => self.transfer(i),
            Phase::Finishing => self.finish(i),
            Phase::Idle | Phase::Complete => {}
        }
    }

    /// The peer of a stream writes what was still to come.
    pub(crate) fn arrive(&mut self, f: u8) {
        self.writes(Thing::Stream(f));
        let file = self.file(f);
        file.to_come -= 1;
        file.data += 1;
        self.say(Note::Arrives);
    }

    /// What the driver looks at while there is nothing to move.
    pub(crate) fn waits_for_data(&mut self, i: u8) {
        let file = self.op(i).file;
        self.reads(Thing::Cancel(i));
        self.writes(Thing::Phase(i));
        self.writes(Thing::Stream(file));
    }

    /// Is it still wanted? Then it goes on, and a cancel comes too late for this piece.
    fn look(&mut self, i: u8) {
        let op = *self.op(i);
        self.reads(Thing::Cancel(i));
        self.writes(Thing::Phase(i));
        if self.device(op.file).medium == Medium::Stream {
            // Who takes the data, nobody else gets.
            self.writes(Thing::Stream(op.file));
        }
        if wanted_no_more(self.world, self.setup, &op) {
            return self.give_up(i);
        }
        if let Some(error) = self.device(op.file).error {
            if self.watch.choose(2, Kind::Outcome) == 1 {
                self.say(Note::Fails(i, error));
                return self.device_done(i, error);
            }
        }
        let takes = op.verb != Verb::Write && op.moved == 0;
        if takes && self.device(op.file).medium == Medium::Stream {
            if self.file(op.file).data == 0 {
                self.say(Note::Fails(i, Status::BrokenPipe));
                return self.device_done(i, Status::BrokenPipe);
            }
            self.take(i);
        }
        self.say(Note::GoesOn(i));
        if self.op(i).pieces == 0 {
            return self.device_done(i, Status::Success);
        }
        self.op(i).phase = Phase::Moving;
        if op.api == Api::ZeroCopy {
            // The result is known before the device has read the buffer.
            self.op(i).status = Status::Success;
            self.op(i).effects = effect::QUEUE;
            self.op(i).phase = Phase::Finishing;
        }
    }

    /// A read takes its data out of the stream: now it is known how long it is.
    pub(crate) fn take(&mut self, i: u8) {
        let op = *self.op(i);
        let takes = self.device(op.file).takes;
        let file = self.file(op.file);
        let taken = match takes {
            Takes::Whole => 1,
            Takes::Bytes | Takes::Message => op.pieces.min(file.data),
        };
        file.data -= taken;
        if takes != Takes::Whole {
            self.op(i).pieces = taken;
        }
    }

    /// The end of a transfer that went well: of a message there may be more.
    pub(crate) fn well_done(&self, i: u8) -> Status {
        let op = &self.world.ops[usize::from(i)];
        let more = self.world.files[usize::from(op.file)].data > 0;
        let part = self.device(op.file).takes == Takes::Message && op.verb == Verb::Read && more;
        if part { Status::MoreData } else { Status::Success }
    }

    /// The driver abandons the rest; what it has moved stays moved.
    fn give_up(&mut self, i: u8) {
        let op = *self.op(i);
        let part = op.moved > 0 && self.device(op.file).keeps_part;
        let closed = self.world.files[usize::from(op.file)].closed;
        let status = match closed {
            _ if part && self.watch.choose(2, Kind::Outcome) == 1 => Status::Success,
            true => self.setup.rules.closed,
            false => Status::Cancelled,
        };
        self.say(Note::SeesCancel(i));
        self.device_done(i, status);
    }

    fn transfer(&mut self, i: u8) {
        self.writes(Thing::Phase(i));
        self.move_piece(i);
        let op = *self.op(i);
        if op.api == Api::ZeroCopy {
            self.op(i).effects = effect::NOTIFY;
            self.op(i).phase = Phase::Finishing;
        } else if op.moved < op.pieces {
            self.op(i).phase = Phase::Taken;
        } else {
            let status = self.well_done(i);
            self.device_done(i, status);
        }
    }

    /// The result stands; the subsystem has to tell it.
    pub(crate) fn device_done(&mut self, i: u8, status: Status) {
        let effects = effects(self.world, self.setup, i);
        let op = self.op(i);
        op.status = status;
        op.phase = Phase::Finishing;
        op.effects = effects;
        if effects == 0 {
            self.over(i);
        }
    }
}

/// What is left to do for operation `i` once its device is done.
fn effects(world: &World, setup: &Setup, i: u8) -> u8 {
    let op = &world.ops[usize::from(i)];
    let queue = if op.queued == Queued::Nothing { 0 } else { effect::QUEUE };
    match op.api {
        Api::Blocking => 0,
        Api::Uring | Api::ZeroCopy | Api::Libaio => queue,
        Api::Aio => effect::COUNT | effect::STATUS | queue,
        Api::Overlapped => {
            let file = &world.files[usize::from(op.file)];
            let packet = matches!(op.queued, Queued::Packet(_));
            let deferred =
                setup.rules.status_at_dequeue && packet && op.event == NULL && !op.at_once;
            let status = if deferred { 0 } else { effect::COUNT | effect::STATUS };
            let signals = op.event != NULL || !file.skip_event;
            let signal = if signals { effect::SIGNAL } else { 0 };
            status | queue | signal
        }
    }
}
