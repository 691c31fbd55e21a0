//! What was done, in words: the call as it stands in the program, or what the device's side does.

use crate::{
    Machine,
    calls::Call,
    machine::Who,
    memory::NULL,
    objects::Answer,
    op::{Api, Op, Queued, Verb},
    program::Instr,
    rules::Status,
    watch::{Note, Part},
};
use std::fmt;

/// A step that was taken: the machine is as it is after it.
pub(super) struct Told<'a> {
    pub(super) machine: &'a Machine<'a>,
    pub(super) who: Who,
    pub(super) notes: &'a [Note],
}

impl Told<'_> {
    /// `before` is the call that a thread was about to make.
    pub(super) fn text(&self, before: Option<&Instr>) -> String {
        match (self.who, before) {
            (Who::Thread(t), Some(instr)) => self.call(t, instr),
            (Who::Timer(_), _) => "the linked timeout is over".to_owned(),
            (Who::Peer(_), _) => "data arrive".to_owned(),
            _ => self.device(),
        }
    }

    fn call(&self, t: u8, instr: &Instr) -> String {
        let runs = self.notes.iter().any(|note| matches!(note, Note::Runs));
        let answer = self.machine.world.threads[usize::from(t)].answer;
        let answer = match &instr.call {
            Call::Serve if answer == Answer::Timeout => Some("the callback for the timeout".into()),
            Call::Serve => Some("calls back".to_owned()),
            _ if runs => Some("runs the routine".to_owned()),
            Call::Result { wait: true, .. } if self.waits(t) => Some("not over, waits".to_owned()),
            call => came_back(call, answer),
        };
        let notes = self.notes.iter().filter_map(|note| self.of_call(note));
        let parts: Vec<_> = answer.into_iter().chain(notes).collect();
        if parts.is_empty() {
            return instr.text.clone();
        }
        format!("{}: {}", instr.text, parts.join(", "))
    }

    /// Whether the call goes on to wait.
    fn waits(&self, t: u8) -> bool {
        matches!(self.machine.call(t).call, Call::ResultWait { .. })
    }

    fn of_call(&self, note: &Note) -> Option<String> {
        Some(match *note {
            Note::AtOnce(_) => "TRUE at once".to_owned(),
            Note::Looked { changed: true } => "CHANGED".to_owned(),
            Note::Looked { changed: false } => "fine".to_owned(),
            Note::Mistaken(op) => format!("hits {}", self.name(op)),
            Note::Dropped(op) => format!("{} is to end", self.name(op)),
            Note::Mixed => "another operation's end".to_owned(),
            Note::Hands { dangling: true, .. } => "with a DANGLING pointer".to_owned(),
            _ => return None,
        })
    }

    fn device(&self) -> String {
        let parts: Vec<_> = self.notes.iter().filter_map(|note| self.of_device(note)).collect();
        if parts.is_empty() { "lets it go".to_owned() } else { parts.join(", ") }
    }

    fn of_device(&self, note: &Note) -> Option<String> {
        Some(match *note {
            Note::Takes(op) => format!("takes {}", self.the(op)),
            Note::GoesOn(op) if self.op(op).verb == Verb::Connect => "a client connects".to_owned(),
            Note::GoesOn(op) => format!("starts {}", self.the(op)),
            Note::SeesCancel(_) => "sees the cancel, gives up".to_owned(),
            Note::Fails(_, status) => format!("fails: {status}"),
            Note::Wrote { op, part, verb, .. } => self.moved(op, part, verb),
            Note::Queues(op) => match (self.op(op).queued, self.op(op).api) {
                (Queued::Routine(_), _) => "queues the routine".to_owned(),
                (Queued::Callback(_), Api::Aio) => "notifies".to_owned(),
                (Queued::Callback(_), _) => "queues the callback".to_owned(),
                (_, Api::Overlapped) => "queues the packet".to_owned(),
                _ => "posts the result".to_owned(),
            },
            Note::Signals(op) => match self.op(op).event {
                NULL => "signals the handle".to_owned(),
                _ => "sets the event".to_owned(),
            },
            Note::Notifies(_) => "posts the notification".to_owned(),
            _ => return None,
        })
    }

    fn moved(&self, op: u8, part: Part, verb: Verb) -> String {
        let pieces = self.op(op).pieces;
        let aio = self.op(op).api == Api::Aio;
        match (part, verb) {
            (Part::Internal, _) if aio => "writes the error status".to_owned(),
            (Part::InternalHigh, _) if aio => "writes the return value".to_owned(),
            (Part::Internal, _) => "writes the status".to_owned(),
            (Part::InternalHigh, _) => "writes the byte count".to_owned(),
            (Part::Piece(_), Verb::Write) => "reads the buffer".to_owned(),
            (Part::Piece(_), _) if pieces == 1 => "moves the data".to_owned(),
            (Part::Piece(n), _) => format!("moves piece {} of {pieces}", n + 1),
        }
    }

    fn op(&self, op: u8) -> &Op {
        &self.machine.world.ops[usize::from(op)]
    }

    fn name(&self, op: u8) -> &str {
        &self.machine.code.ops[usize::from(op)].name
    }

    /// `the read`, if there is but one.
    fn the(&self, op: u8) -> String {
        match (self.machine.code.ops.len(), self.name(op).split_once(' ')) {
            (1, Some((verb, _))) => format!("the {verb}"),
            _ => self.name(op).to_owned(),
        }
    }
}

/// What a call came back with, if that says something.
fn came_back(call: &Call, answer: Answer) -> Option<String> {
    let cancel = matches!(call, Call::CancelIoEx { .. } | Call::CancelSynchronousIo(_));
    let text = match (call, answer) {
        (Call::Start(_), Answer::Failed(status)) => format!("fails at once, {status}"),
        (Call::Start(_), Answer::InvalidParameter) => "ERROR_INVALID_PARAMETER".to_owned(),
        (Call::Start(_), Answer::InvalidHandle) => "ERROR_INVALID_HANDLE".to_owned(),
        (Call::AioCancel(_), Answer::True) => "AIO_CANCELED".to_owned(),
        (Call::AioCancel(_), Answer::TooLate) => "AIO_NOTCANCELED".to_owned(),
        (Call::AioCancel(_), Answer::AllDone) => "AIO_ALLDONE".to_owned(),
        (_, Answer::True) if cancel => "TRUE".to_owned(),
        (_, Answer::NotFound) if cancel => "ERROR_NOT_FOUND".to_owned(),
        (Call::Dequeue { .. }, answer) => return entry(answer),
        (Call::Result { .. }, Answer::Incomplete) => "not complete".to_owned(),
        (Call::ResultWait { .. } | Call::Returned(_), Answer::Failed(status))
        | (Call::Result { .. }, Answer::Failed(status)) => status.to_string(),
        (Call::Result { .. } | Call::ResultWait { .. }, Answer::True) => "TRUE".to_owned(),
        (call, Answer::Timeout) if call.ms().is_some() => "timed out".to_owned(),
        _ => return None,
    };
    Some(text)
}

/// What was dequeued.
fn entry(answer: Answer) -> Option<String> {
    let text = match answer {
        Answer::True => "a success",
        Answer::More => "a success, more to come",
        Answer::Notified => "the notification",
        Answer::CancelDone => "the cancel: found",
        Answer::NotFound => "the cancel: not found",
        Answer::TooLate => "the cancel: too late",
        Answer::Timeout => "timed out",
        Answer::Posted => "what was posted",
        Answer::Abandoned => "the port is closed",
        Answer::Failed(status) => return Some(status.to_string()),
        _ => return None,
    };
    Some(text.to_owned())
}

/// As the status is called.
impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Status::Pending => "PENDING",
            Status::Success => "SUCCESS",
            Status::Cancelled => "CANCELLED",
            Status::BrokenPipe => "BROKEN_PIPE",
            Status::EndOfFile => "END_OF_FILE",
            Status::DeviceError => "DEVICE_ERROR",
            Status::Closed => "HANDLE_CLOSED",
            Status::MoreData => "BUFFER_OVERFLOW",
            Status::Connected => "PIPE_CONNECTED",
        })
    }
}
