//! Win32 in a mirror: a thin trait of its calls, so that a conformance case is written once and
//! runs both on the laboratory's objects, under every schedule, and on a real system.
//!
//! A case is a script: one call after the other, each by the thread that [`Scene::switch`] named.
//! What runs beside it is the system: the driver, the I/O subsystem, the clock, a peer.
//!
#![doc = include_str!("../../../../docs/win32.md")]

mod calls;
mod codes;
mod scene;
mod simulated;

pub use codes::{error, status, wait};
pub use simulated::every_schedule;

/// What a call came back with: TRUE and a count, or FALSE and `GetLastError`.
pub type Answer = Result<u32, u32>;

/// Anything that `CloseHandle` closes but a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle(pub usize);

/// An OVERLAPPED and the buffer that goes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overlapped(pub usize);

/// A completion port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port(pub usize);

/// What stands in an OVERLAPPED's event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventField {
    /// NULL.
    Null,
    /// An event.
    Is(Handle),
    /// An event with its low bit set: no packet (S46).
    Tagged(Handle),
    /// What is no handle at all.
    Bad,
}

/// How long a call waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Not at all.
    No,
    /// So many milliseconds: for what is not to come.
    Ms(u16),
    /// For what must come. [`wait::HANGS`] if it does not.
    Forever,
}

/// What `GetQueuedCompletionStatus` came back with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// TRUE and the count, or FALSE and the error.
    pub answer: Answer,
    /// The key that the file was bound with, or that was posted.
    pub key: usize,
    /// NULL if nothing was dequeued.
    pub overlapped: Option<Overlapped>,
}

impl Packet {
    /// Nothing was dequeued, for this reason.
    #[must_use]
    pub const fn nothing(error: u32) -> Packet {
        Packet { answer: Err(error), key: 0, overlapped: None }
    }
}

/// A routine has run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ran {
    /// In this thread.
    pub thread: usize,
    /// For this operation; `None` if `QueueUserAPC` queued it.
    pub overlapped: Option<Overlapped>,
    /// With this error.
    pub error: u32,
    /// And this count.
    pub bytes: u32,
}

/// What the calls are made among: threads, pipes with a peer, memory, and what has run. Pipes are
/// named pipes; the end that they give is overlapped, the peer has the other one. What the peer
/// sends differs from what a buffer is filled with.
pub trait Scene {
    /// Calls are made by this thread from now on. The first is 0.
    fn switch(&mut self, thread: usize);
    /// `ExitThread` of this thread, and the next call is thread 0's, who waits until it is gone.
    fn exit_thread(&mut self);
    /// `CreateNamedPipe` in byte mode, with a peer that is connected.
    fn pipe(&mut self) -> Handle;
    /// The same, and this end is not overlapped.
    fn synchronous_pipe(&mut self) -> Handle;
    /// As `pipe`, in message mode.
    fn message_pipe(&mut self) -> Handle;
    /// `DuplicateHandle` into another process, which keeps it.
    fn duplicate_elsewhere(&mut self, h: Handle);
    /// The peer writes, and waits until it has.
    fn peer_writes(&mut self, h: Handle, bytes: u8);
    /// The peer writes a byte, sooner or later.
    fn peer_will_write(&mut self, h: Handle);
    /// The peer reads what it was sent; how many bytes.
    fn peer_reads(&mut self, h: Handle) -> u8;
    /// The peer closes its end.
    fn peer_closes(&mut self, h: Handle);
    /// An OVERLAPPED of zeros with a buffer of so many bytes, all of them the same.
    fn overlapped(&mut self, bytes: u8, event: EventField) -> Overlapped;
    /// Everything as it was when new, to be used again.
    fn renew(&mut self, o: Overlapped, event: EventField);
    /// `o.hEvent = event`, whatever goes on.
    fn set_event_field(&mut self, o: Overlapped, event: EventField);
    /// Whether `o.hEvent` is this.
    fn event_field_is(&mut self, o: Overlapped, event: EventField) -> bool;
    /// `o.Internal`.
    fn internal(&mut self, o: Overlapped) -> u32;
    /// `o.InternalHigh`.
    fn internal_high(&mut self, o: Overlapped) -> u32;
    /// `while (o.Internal == STATUS_PENDING);` and whether it ended.
    fn spin(&mut self, o: Overlapped) -> bool;
    /// How many bytes of the buffer were written, from its start.
    fn filled(&mut self, o: Overlapped) -> u32;
    /// Completions of what this thread issues are held back for a while, if they can be.
    fn hold_back(&mut self);
    /// No longer.
    fn let_go(&mut self);
    /// The routines that have run since it was last asked, first things first.
    fn ran(&mut self) -> Vec<Ran>;
    /// A blocking `ReadFile` of a byte begins in thread `thread`, on a handle that is not
    /// overlapped.
    fn blocking_read(&mut self, thread: usize, h: Handle);
    /// What it came back with.
    fn blocking_read_returned(&mut self, thread: usize) -> Answer;
    /// The next callback of a registered wait: whether it came because time was over. `None` if
    /// none comes.
    fn callback(&mut self) -> Option<bool>;
}

/// The calls that the cases make.
pub trait Win32: Scene {
    /// `CreateEvent`.
    fn create_event(&mut self, auto_reset: bool, set: bool) -> Handle;
    /// `DuplicateHandle`.
    fn duplicate(&mut self, h: Handle) -> Handle;
    /// `CloseHandle`.
    fn close(&mut self, h: Handle) -> Answer;
    /// `ReadFile`.
    fn read(&mut self, h: Handle, o: Overlapped) -> Answer;
    /// `ReadFileEx`.
    fn read_ex(&mut self, h: Handle, o: Overlapped) -> Answer;
    /// `ConnectNamedPipe`, though the client is there already.
    fn connect(&mut self, h: Handle, o: Overlapped) -> Answer;
    /// `TransactNamedPipe`: the buffer goes to the peer, and the answer is to come into it.
    fn transact(&mut self, h: Handle, o: Overlapped) -> Answer;
    /// `CancelIo`.
    fn cancel_io(&mut self, h: Handle) -> Answer;
    /// `CancelIoEx`.
    fn cancel_io_ex(&mut self, h: Handle, o: Option<Overlapped>) -> Answer;
    /// `GetOverlappedResult`.
    fn result(&mut self, h: Handle, o: Overlapped, wait: bool) -> Answer;
    /// `GetOverlappedResultEx`, alertable or not.
    fn result_ex(&mut self, h: Handle, o: Overlapped, wait: Wait, alertable: bool) -> Answer;
    /// `WaitForSingleObjectEx`.
    fn wait(&mut self, h: Handle, wait: Wait, alertable: bool) -> u32;
    /// `SleepEx`.
    fn sleep(&mut self, wait: Wait, alertable: bool) -> u32;
    /// `QueueUserAPC`, to this thread.
    fn queue_apc(&mut self);
    /// `CreateIoCompletionPort` without a file.
    fn create_port(&mut self) -> Port;
    /// `CreateIoCompletionPort` with one.
    fn bind(&mut self, h: Handle, port: Port, key: usize) -> Answer;
    /// `SetFileCompletionNotificationModes` with `FILE_SKIP_COMPLETION_PORT_ON_SUCCESS`.
    fn skip_port_on_success(&mut self, h: Handle);
    /// The same with `FILE_SKIP_SET_EVENT_ON_HANDLE`.
    fn skip_event_on_handle(&mut self, h: Handle);
    /// `GetQueuedCompletionStatus`.
    fn dequeue(&mut self, port: Port, wait: Wait) -> Packet;
    /// `CancelSynchronousIo`.
    fn cancel_synchronous_io(&mut self, thread: usize) -> Answer;
    /// `RegisterWaitForSingleObject`, once, on an event.
    fn register_wait(&mut self, event: Handle, wait: Wait);
}

/// Whether a run had what a case is about. Not every schedule has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// It had.
    Yes,
    /// It had not: nothing was wrong, and nothing was seen.
    NotNow,
    /// It had one of two outcomes, both of which are to be seen.
    OneOf(bool),
}

impl Shown {
    /// If `seen`, it was shown.
    #[must_use]
    pub const fn when(seen: bool) -> Shown {
        if seen { Shown::Yes } else { Shown::NotNow }
    }
}

/// What the runs of a case have shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Runs {
    /// How many there were.
    pub runs: u64,
    shown: u64,
    outcomes: [u64; 2],
}

impl Runs {
    /// One more run.
    pub fn add(&mut self, shown: Shown) {
        self.runs += 1;
        match shown {
            Shown::Yes => self.shown += 1,
            Shown::NotNow => {}
            Shown::OneOf(outcome) => self.outcomes[usize::from(outcome)] += 1,
        }
    }

    /// Whether what the case is about was seen.
    #[must_use]
    pub fn have_shown_it(&self) -> bool {
        self.shown > 0 || !self.outcomes.contains(&0)
    }
}
