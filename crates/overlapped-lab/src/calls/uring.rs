//! `io_uring`'s cancel and its linked timeout: by `user_data`, with a completion entry of their
//! own.

use crate::{
    memory::NULL,
    objects::OPS,
    op::{Api, Phase, Queued},
    rules::Cancels,
    subsystem::packet,
    watch::{Thing, Watch},
    world::Step,
};

impl<W: Watch> Step<'_, W> {
    /// `IORING_OP_ASYNC_CANCEL`: the first operation with this `user_data`. Its answer is an entry;
    /// the target's own comes for itself.
    pub(super) fn uring_cancel(&mut self, ring: u8, tag: u8, meant: u8) {
        let found = (0..OPS as u8).find(|i| {
            let op = self.op(*i);
            matches!(op.api, Api::Uring | Api::ZeroCopy) && op.tag == tag && op.in_flight()
        });
        for i in 0..OPS as u8 {
            self.looks_for(i);
            if self.op(i).phase != Phase::Idle && self.op(i).tag == tag {
                self.reads(Thing::Phase(i));
            }
        }
        let answer = found.map_or(packet::CANCEL_NOT_FOUND, |i| self.uring_ask(i, meant));
        self.post(ring, answer);
    }

    /// What a cancel says of an operation in flight. -ENOENT does not mean that there is none.
    fn uring_ask(&mut self, i: u8, meant: u8) -> u8 {
        let op = *self.op(i);
        match (self.device(op.file).cancels, op.phase) {
            (_, Phase::Finishing) => packet::CANCEL_NOT_FOUND,
            (Cancels::OnlyQueued, Phase::Moving) => packet::CANCEL_NOT_FOUND,
            (Cancels::Never, Phase::Taken | Phase::Moving) => packet::CANCEL_ALREADY,
            (Cancels::Yes, Phase::Moving) => packet::CANCEL_ALREADY,
            _ => {
                self.ask(i, meant);
                packet::CANCEL_OK
            }
        }
    }

    /// The linked timeout of operation `i` is over: it cancels, and says -ETIME.
    pub(crate) fn link_timeout(&mut self, i: u8) {
        self.op(i).timed = false;
        self.reads(Thing::Phase(i));
        self.ask(i, NULL);
        self.timeout_entry(i);
    }

    /// The operation was first: the timeout says -ECANCELED.
    pub(crate) fn end_timeout(&mut self, i: u8) {
        if self.op(i).timed {
            self.writes(Thing::Cancel(i));
            self.op(i).timed = false;
            self.timeout_entry(i);
        }
    }

    fn timeout_entry(&mut self, i: u8) {
        if let Queued::Packet(ring) = self.op(i).queued {
            self.post(ring, packet::TIMEOUT | i);
        }
    }
}
