//! An operation: from the call that starts it to the last effect of its completion.

use crate::{
    memory::{Lease, NULL},
    rules::Status,
};

/// How far it is (S2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Phase {
    #[default]
    Idle,
    /// Handed to the driver's queue.
    Submitted,
    /// The driver has it, and looks whether it is still wanted.
    Taken,
    /// A piece is on its way: past the point of no return.
    Moving,
    /// The device is done; effects are left.
    Finishing,
    /// Nothing is left to do. It has passed on.
    Complete,
}

/// By whose rules it is issued and completed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Api {
    /// `ReadFile` and alike: the status goes to the OVERLAPPED.
    #[default]
    Overlapped,
    /// A blocking call.
    Blocking,
    /// `io_uring`: the result is in the completion entry.
    Uring,
    /// `IORING_OP_SEND_ZC`: the result comes first, the buffer is free with the notification.
    ZeroCopy,
    /// POSIX AIO: the status goes to the aiocb.
    Aio,
    /// The kernel's own AIO: the result is in the event.
    Libaio,
}

/// Which way bytes move.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Verb {
    #[default]
    Read,
    Write,
    /// `ConnectNamedPipe`: no bytes.
    Connect,
}

/// What its completion is queued to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Queued {
    #[default]
    Nothing,
    /// A routine, for the thread that issued it.
    Routine(u8),
    /// A packet, for this port.
    Packet(u8),
    /// A callback, for the pool's thread.
    Callback(u8),
}

/// What is left to do at the end (S14), as bits.
pub(crate) mod effect {
    /// E2: `InternalHigh`.
    pub(crate) const COUNT: u8 = 1;
    /// E2: Internal.
    pub(crate) const STATUS: u8 = 2;
    /// E3.
    pub(crate) const QUEUE: u8 = 4;
    /// E4.
    pub(crate) const SIGNAL: u8 = 8;
    /// The buffer is given back later than the result (zero copy).
    pub(crate) const NOTIFY: u8 = 16;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Op {
    pub(crate) phase: Phase,
    pub(crate) api: Api,
    pub(crate) verb: Verb,
    /// A cancel was asked for.
    pub(crate) cancel: bool,
    pub(crate) file: u8,
    pub(crate) thread: u8,
    /// The OVERLAPPED or aiocb.
    pub(crate) ov: Lease,
    pub(crate) buffer: Lease,
    pub(crate) pieces: u8,
    pub(crate) moved: u8,
    pub(crate) status: Status,
    /// The event captured at issue (S4), or `NULL`.
    pub(crate) event: u8,
    pub(crate) queued: Queued,
    /// What is left to do.
    pub(crate) effects: u8,
    /// The program has used its result.
    pub(crate) used: bool,
    /// The `user_data` of a ring's operation.
    pub(crate) tag: u8,
    /// A linked timeout runs.
    pub(crate) timed: bool,
    /// It was complete when its call came back.
    pub(crate) at_once: bool,
}

impl Op {
    pub(crate) const IDLE: Op = Op {
        phase: Phase::Idle,
        api: Api::Overlapped,
        verb: Verb::Read,
        cancel: false,
        file: NULL,
        thread: NULL,
        ov: Lease::NONE,
        buffer: Lease::NONE,
        pieces: 0,
        moved: 0,
        status: Status::Pending,
        event: NULL,
        queued: Queued::Nothing,
        effects: 0,
        used: false,
        tag: 0,
        timed: false,
        at_once: false,
    };

    /// The system still has something to do.
    pub(crate) fn in_flight(&self) -> bool {
        !matches!(self.phase, Phase::Idle | Phase::Complete)
    }
}
