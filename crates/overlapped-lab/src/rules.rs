//! What the system leaves open (`U1` to `U14` of the semantics), as switches.

/// A thing that completed operations may be reported with: an NTSTATUS, by its meaning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// `STATUS_PENDING`: not over. EINPROGRESS elsewhere.
    #[default]
    Pending,
    /// Success, with a count.
    Success,
    /// `STATUS_CANCELLED`, told as `ERROR_OPERATION_ABORTED` (S6). ECANCELED elsewhere.
    Cancelled,
    /// The peer is gone.
    BrokenPipe,
    /// The end of the file.
    EndOfFile,
    /// The device failed.
    DeviceError,
    /// The last handle was closed.
    Closed,
    /// A warning: there is more of the message. The count is valid (S19).
    MoreData,
    /// `ERROR_PIPE_CONNECTED`: the client was there first (S9).
    Connected,
}

/// The order of the last two effects of a completion: the routine or packet is queued (E3), the
/// event or the file object is signalled (E4). `U1`, S14.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// One step, as under Wine.
    Together,
    /// First the queue, then the event, as the seed lists them.
    QueueFirst,
    /// First the event, then the queue, as NT does.
    SignalFirst,
    /// Either may be first.
    Either,
}

/// Which of two things that a waiter could be woken by it gets. `U7`, S32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnSet {
    /// An object that is set ends the wait; nothing is run.
    ObjectFirst,
    /// What is queued runs first.
    RoutinesFirst,
    /// Either.
    Either,
}

/// What `GetOverlappedResult` says if the file object was signalled by another operation. `U9`,
/// S24.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shared {
    /// TRUE, although the status still says pending.
    True,
    /// FALSE, not complete.
    Incomplete,
    /// It goes on to wait.
    Waits,
}

/// Whether a cancel finds an operation whose device is done. `U10`, S37.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Late {
    /// `ERROR_NOT_FOUND`.
    NotFound,
    /// TRUE.
    True,
    /// Either.
    Either,
}

/// What becomes of a thread's operations when it exits. `U12`, S43.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All are cancelled, as on Windows XP and before.
    CancelsAll,
    /// Those with a port and no event survive, as on Windows Vista and later.
    KeepsPorts,
}

/// The open points of the system, each decided or left open. `U3`, `U4`, `U5` and `U13` are matters
/// of the device: see [`Device`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// `U1`: the queue and the event.
    pub order: Order,
    /// `U2`: with a port and no event, the status is written when the packet is dequeued (S16).
    pub status_at_dequeue: bool,
    /// `U6`: routines run in any order, not in that of their queueing (S31).
    pub routines_in_any_order: bool,
    /// `U7`: an alertable wait on a set object.
    pub on_set: OnSet,
    /// `U8`: the result of a complete operation is given only once its event is set, so that an
    /// auto-reset event that was consumed makes it wait for ever (S25).
    pub result_absorbs_event: bool,
    /// `U9`: a shared signal of the file object.
    pub shared: Shared,
    /// `U10`: a late cancel.
    pub late_cancel: Late,
    /// `U11`: the status of operations that were pending when the last handle was closed (S42).
    pub closed: Status,
    /// The last close in a process, while another has a handle, cancels what has a port and no
    /// event (S42).
    pub last_close_cancels: bool,
    /// `U12`: the exit of a thread.
    pub exit: Exit,
    /// `U14`: `CancelIoEx(h, NULL)` with nothing pending says `ERROR_NOT_FOUND`.
    pub idle_cancel_not_found: bool,
}

impl Rules {
    /// What is left open stays open: every order, either answer.
    #[must_use]
    pub const fn open() -> Rules {
        Rules {
            order: Order::Either,
            status_at_dequeue: true,
            routines_in_any_order: true,
            on_set: OnSet::Either,
            result_absorbs_event: false,
            shared: Shared::True,
            late_cancel: Late::Either,
            closed: Status::Closed,
            last_close_cancels: true,
            exit: Exit::KeepsPorts,
            idle_cancel_not_found: true,
        }
    }

    /// The order that the seed lists.
    #[must_use]
    pub const fn seed() -> Rules {
        Rules { order: Order::QueueFirst, routines_in_any_order: false, ..Rules::nt() }
    }

    /// The order of NT's I/O manager.
    #[must_use]
    pub const fn nt() -> Rules {
        Rules {
            order: Order::SignalFirst,
            routines_in_any_order: false,
            on_set: OnSet::ObjectFirst,
            late_cancel: Late::NotFound,
            ..Rules::open()
        }
    }

    /// What Wine 8.0 was seen to do.
    #[must_use]
    pub const fn wine() -> Rules {
        Rules {
            order: Order::Together,
            status_at_dequeue: false,
            closed: Status::BrokenPipe,
            last_close_cancels: false,
            idle_cancel_not_found: false,
            ..Rules::nt()
        }
    }
}

/// How a call that starts an operation comes back. `U3`, S7 to S10.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Issue {
    /// The operation is pending.
    Pending,
    /// It is complete at once: TRUE.
    AtOnce,
    /// Pending or complete at once.
    PendingOrAtOnce,
    /// It fails at once: there is no operation (S9). `U13` for the end of a file.
    Fails(Status),
}

/// What the handle was opened on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// A file on a disk: reading takes nothing away, and it always has an answer.
    Disk,
    /// A pipe or a socket: a read waits for data, and takes them.
    Stream,
}

/// What a read of a stream takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// What the peer writes at a time, and that is as long as the read.
    Whole,
    /// The bytes that are there, up to what it asks for.
    Bytes,
    /// The message that is there, or as much of it as it asks for.
    Message,
}

/// What a driver does with an operation that it cannot undo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancels {
    /// It looks for a cancel before each piece.
    Yes,
    /// It never looks; the operation runs to its end (S41).
    Never,
    /// Only while it waits for data or in the queue; a cancel is not even found later.
    OnlyQueued,
}

/// The device behind a file, and its driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    /// What it is.
    pub medium: Medium,
    /// What a read takes, if it is a stream.
    pub takes: Takes,
    /// How many pieces a transfer moves in, from 1.
    pub pieces: u8,
    /// `U4`: whether it can be cancelled.
    pub cancels: Cancels,
    /// `U3`: how a call comes back.
    pub issue: Issue,
    /// `U5`: it may fail in the end, with this.
    pub error: Option<Status>,
    /// `U5`: a driver that sees a cancel may report what it has as a success.
    pub keeps_part: bool,
}

impl Device {
    /// A disk: always an answer, in one piece, if the cancel does not come first.
    #[must_use]
    pub const fn disk() -> Device {
        Device {
            medium: Medium::Disk,
            takes: Takes::Whole,
            pieces: 1,
            cancels: Cancels::Yes,
            issue: Issue::Pending,
            error: None,
            keeps_part: false,
        }
    }

    /// A pipe or a socket.
    #[must_use]
    pub const fn stream() -> Device {
        Device { medium: Medium::Stream, ..Device::disk() }
    }

    /// A pipe, whose reads take what is there.
    #[must_use]
    pub const fn pipe(takes: Takes) -> Device {
        Device { takes, issue: Issue::PendingOrAtOnce, ..Device::stream() }
    }

    /// Transfers move in so many pieces.
    #[must_use]
    pub const fn pieces(self, pieces: u8) -> Device {
        Device { pieces, ..self }
    }

    /// It cancels like this.
    #[must_use]
    pub const fn cancels(self, cancels: Cancels) -> Device {
        Device { cancels, ..self }
    }

    /// Calls come back like this.
    #[must_use]
    pub const fn issue(self, issue: Issue) -> Device {
        Device { issue, ..self }
    }

    /// It may fail in the end.
    #[must_use]
    pub const fn may_fail(self, error: Status) -> Device {
        Device { error: Some(error), ..self }
    }

    /// A cancel may leave a part, reported as success.
    #[must_use]
    pub const fn keeps_part(self) -> Device {
        Device { keeps_part: true, ..self }
    }
}
