//! The system's objects: events, files, ports, threads.

use crate::{memory::NULL, rules::Status};

/// How many of each there may be.
pub(crate) const THREADS: usize = 3;
pub(crate) const EVENTS: usize = 4;
pub(crate) const FILES: usize = 3;
pub(crate) const PORTS: usize = 2;
pub(crate) const OPS: usize = 4;
pub(crate) const VARS: usize = 8;
pub(crate) const QUEUE: usize = 6;

/// What a handle stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Event(u8),
    File(u8),
    Thread(u8),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Event {
    pub(crate) set: bool,
    pub(crate) auto: bool,
}

/// A file object: what all duplicates of a handle share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct File {
    /// It is a wait object, too (S27).
    pub(crate) signal: bool,
    /// The port that it is bound to, for life (S48).
    pub(crate) port: u8,
    /// `FILE_SKIP_SET_EVENT_ON_HANDLE`.
    pub(crate) skip_event: bool,
    /// `FILE_SKIP_COMPLETION_PORT_ON_SUCCESS` (S47).
    pub(crate) skip_port: bool,
    /// The last handle is closed.
    pub(crate) closed: bool,
    /// Another process has a handle, too.
    pub(crate) elsewhere: bool,
    /// What the peer has to read: a pipe hands it over at once.
    pub(crate) sent: u8,
    /// The peer has closed its end.
    pub(crate) peer_gone: bool,
    /// What waits in the stream to be read.
    pub(crate) data: u8,
    /// What the peer is still going to write.
    pub(crate) to_come: u8,
    /// Open handles of this process.
    pub(crate) handles: u8,
}

impl File {
    pub(crate) const NEW: File = File {
        signal: false,
        port: NULL,
        skip_event: false,
        skip_port: false,
        closed: false,
        elsewhere: false,
        sent: 0,
        peer_gone: false,
        data: 0,
        to_come: 0,
        handles: 1,
    };
}

/// A queue of small things, first in, first out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Queue {
    items: [u8; QUEUE],
    len: u8,
}

impl Queue {
    pub(crate) fn push(&mut self, item: u8) {
        assert!(usize::from(self.len) < QUEUE, "the laboratory's queues hold {QUEUE} entries");
        self.items[usize::from(self.len)] = item;
        self.len += 1;
    }

    pub(crate) fn remove(&mut self, at: usize) -> u8 {
        let item = self.items[at];
        self.items.copy_within(at + 1.., at);
        self.len -= 1;
        self.items[usize::from(self.len)] = 0;
        item
    }

    pub(crate) fn clear(&mut self) {
        *self = Queue::default();
    }

    /// All of it, as eight bytes.
    pub(crate) fn bytes(&self) -> [u8; 8] {
        let [a, b, c, d, e, f] = self.items;
        [a, b, c, d, e, f, self.len, 0]
    }

    pub(crate) fn len(&self) -> usize {
        usize::from(self.len)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// A completion port; the completion queue of a ring; what `io_getevents` reads from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Port {
    pub(crate) packets: Queue,
    pub(crate) closed: bool,
}

/// What a call came back with: the result and `GetLastError`, as one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Answer {
    #[default]
    True,
    /// `ERROR_IO_PENDING`.
    Pending,
    /// `WAIT_OBJECT_0` and the next.
    Object(u8),
    Timeout,
    /// `WAIT_IO_COMPLETION`.
    IoCompletion,
    /// `ERROR_NOT_FOUND`, -ENOENT.
    NotFound,
    /// `ERROR_IO_INCOMPLETE`, EINPROGRESS.
    Incomplete,
    InvalidHandle,
    InvalidParameter,
    /// `ERROR_ABANDONED_WAIT_0`.
    Abandoned,
    /// `AIO_NOTCANCELED`, -EALREADY.
    TooLate,
    /// `AIO_ALLDONE`.
    AllDone,
    /// A ring's entry with a result, and another is to come for the buffer.
    More,
    /// A ring's entry: the buffer of a zero-copy send is free.
    Notified,
    /// A ring's entry: the cancel found its target.
    CancelDone,
    /// A posted packet.
    Posted,
    /// The operation, or the call, failed.
    Failed(Status),
}

impl Answer {
    /// A number for each, nearly.
    pub(crate) fn code(self) -> u8 {
        match self {
            Answer::True => 0,
            Answer::Pending => 1,
            Answer::Timeout => 2,
            Answer::IoCompletion => 3,
            Answer::NotFound => 4,
            Answer::Object(n) => 0x40 | n,
            Answer::Failed(status) => 0x80 | status as u8,
            _ => 5,
        }
    }
}

/// A timed wait's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Deadline {
    #[default]
    None,
    Armed,
    Passed,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Life {
    /// There is no such thread.
    #[default]
    Absent,
    Running,
    /// Its code is at an end.
    Ended,
    /// `ExitThread`: its operations are cancelled.
    Exited,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Thread {
    pub(crate) pc: u8,
    pub(crate) life: Life,
    pub(crate) answer: Answer,
    pub(crate) deadline: Deadline,
    /// Where to go on after routines, inner ones last.
    pub(crate) calls: [u8; 2],
    pub(crate) depth: u8,
    /// What is queued for its alertable waits.
    pub(crate) apcs: Queue,
    /// The OVERLAPPED that a routine, a packet or a callback handed out.
    pub(crate) got: u8,
    /// The operation that it belongs to, or `NULL`.
    pub(crate) got_op: u8,
    /// The status that came with it.
    pub(crate) got_status: Status,
}

impl Thread {
    pub(crate) const ABSENT: Thread = Thread {
        pc: 0,
        life: Life::Absent,
        answer: Answer::True,
        deadline: Deadline::None,
        calls: [0; 2],
        depth: 0,
        apcs: Queue { items: [0; QUEUE], len: 0 },
        got: NULL,
        got_op: NULL,
        got_status: Status::Pending,
    };
}
