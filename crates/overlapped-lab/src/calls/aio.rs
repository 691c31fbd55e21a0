//! Cancels of POSIX AIO and of the kernel's own AIO.

use super::{Ms, Ptr};
use crate::{
    memory::NULL,
    objects::{Answer, OPS},
    op::{Api, Phase},
    rules::Status,
    watch::{Thing, Watch},
    world::Step,
};

impl<W: Watch> Step<'_, W> {
    /// `aio_cancel`: what is still queued is over at once; what runs cannot be cancelled.
    pub(super) fn aio_cancel(&mut self, t: u8, ptr: Ptr) {
        let cell = self.address(t, ptr);
        let found = (0..OPS as u8).find(|i| {
            let op = self.op(*i);
            op.api == Api::Aio && op.in_flight() && op.ov.cell == cell
        });
        for i in 0..OPS as u8 {
            self.looks_for(i);
            if self.op(i).api == Api::Aio && self.op(i).phase != Phase::Idle {
                self.writes(Thing::Phase(i));
            }
        }
        let Some(i) = found else {
            self.thread(t).answer = Answer::AllDone;
            return;
        };
        self.ask(i, NULL);
        if self.op(i).phase != Phase::Submitted {
            self.thread(t).answer = Answer::TooLate;
            return;
        }
        self.device_done(i, Status::Cancelled);
        while self.op(i).phase == Phase::Finishing {
            self.finish(i);
        }
        self.thread(t).answer = Answer::True;
    }

    /// `aio_suspend`: the status, or time.
    pub(super) fn aio_suspend(&mut self, t: u8, cb: Ptr, ms: Ms) {
        self.reads_clock(t, ms);
        if self.read_status(t, cb) == Status::Pending as u8 {
            self.time_out(t);
        }
    }

    /// `close(fd)`: the operations go on.
    pub(super) fn close_fd(&mut self, t: u8, handle: u8) {
        if let Some(f) = self.file_of(handle) {
            self.writes(Thing::File(f));
        }
        self.world.open &= !(1 << handle);
        self.thread(t).answer = Answer::True;
    }

    /// `io_cancel`: practically nothing is cancellable. The event comes through the ring.
    pub(super) fn io_cancel(&mut self, t: u8) {
        self.thread(t).answer = Answer::InvalidParameter;
    }
}
