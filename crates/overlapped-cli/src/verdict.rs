//! What became of the operation: the OS's word, and whether the time was over before it came.

use std::{fmt, time::Duration};

use overlapped::{Cause, Done, Failed};

use crate::{exit::Exit, trouble::next_of};

#[derive(Debug)]
pub(crate) struct Verdict {
    end: End,
    /// The time that was over when the cancel was requested, if it came to that.
    timed_out: Option<Duration>,
    /// Length of the buffer that came back.
    returned: usize,
}

#[derive(Debug)]
enum End {
    /// So many bytes; 0 is the end of the input.
    Done(usize),
    /// A cancel stopped it after so many bytes; the OS's word for that.
    Cancelled(usize, Cause),
    /// Why, and what to do about it.
    Failed(Cause, &'static str),
}

impl Verdict {
    /// Takes the outcome apart: the verdict, and the buffer.
    pub(crate) fn of(
        outcome: Result<Done<Vec<u8>>, Failed<Vec<u8>>>,
        timed_out: Option<Duration>,
    ) -> (Self, Vec<u8>) {
        let (end, buf) = match outcome {
            Ok(done) => (End::Done(done.n), done.buf),
            Err(failed) => (End::of(&failed.error), failed.buf),
        };
        let returned = buf.len();
        (Self { end, timed_out, returned }, buf)
    }

    /// How many bytes of the buffer are the input's.
    pub(crate) fn bytes(&self) -> usize {
        match self.end {
            End::Done(n) | End::Cancelled(n, _) => n,
            End::Failed(..) => 0,
        }
    }

    pub(crate) fn exit(&self) -> Exit {
        match self.end {
            End::Done(_) => Exit::Done,
            End::Cancelled(..) => Exit::TimedOut,
            End::Failed(..) => Exit::Failed,
        }
    }

    /// As the trace tells it: the OS's word alone.
    pub(crate) fn landing(&self) -> String {
        match self.end {
            End::Done(n) => format!("landed: done, {}", Bytes(n)),
            End::Cancelled(n, cause) => format!("landed: cancelled, {}: {cause}", Bytes(n)),
            End::Failed(cause, _) => format!("landed: failed: {cause}"),
        }
    }

    /// What can be done about it.
    pub(crate) fn next(&self) -> Option<&'static str> {
        match self.end {
            End::Failed(_, next) => Some(next),
            _ => None,
        }
    }
}

impl End {
    fn of(error: &overlapped::Error) -> Self {
        if error.is_cancelled() {
            Self::Cancelled(error.moved(), error.cause())
        } else {
            Self::Failed(error.cause(), next_of(error))
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(timeout) = self.timed_out {
            write!(f, "timed out after {}, ", humantime::format_duration(timeout))?;
        }
        let late = self.timed_out.is_some();
        let back = format!("the buffer of {} returned", Bytes(self.returned));
        match self.end {
            End::Done(n) if late => write!(f, "the cancel came too late: done, {}", Bytes(n)),
            End::Done(0) => f.write_str("done, 0 bytes: the end of the input"),
            End::Done(n) => write!(f, "done, {}", Bytes(n)),
            End::Cancelled(n, _) => write!(f, "cancelled: {} read, {back}", Bytes(n)),
            End::Failed(cause, _) => write!(f, "failed: {cause}, {back}"),
        }
    }
}

struct Bytes(usize);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = if self.0 == 1 { "" } else { "s" };
        write!(f, "{} byte{s}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(end: End, timed_out: bool) -> Verdict {
        Verdict { end, timed_out: timed_out.then(|| Duration::from_millis(300)), returned: 1024 }
    }

    #[test]
    fn each_outcome_has_its_words_and_its_exit_code() {
        let word = format!(
            "timed out after 300ms, failed: {}, the buffer of 1024 bytes returned",
            Cause::Os(5)
        );
        let table = [
            (End::Done(12), false, "done, 12 bytes", Exit::Done),
            (End::Done(0), false, "done, 0 bytes: the end of the input", Exit::Done),
            (
                End::Done(1),
                true,
                "timed out after 300ms, the cancel came too late: done, 1 byte",
                Exit::Done,
            ),
            (
                End::Cancelled(0, Cause::Os(125)),
                true,
                "timed out after 300ms, cancelled: 0 bytes read, the buffer of 1024 bytes returned",
                Exit::TimedOut,
            ),
            (End::Failed(Cause::Os(5), "look"), true, &word, Exit::Failed),
        ];
        for (end, timed_out, text, exit) in table {
            let verdict = verdict(end, timed_out);
            assert_eq!(verdict.to_string(), text);
            assert_eq!(verdict.exit(), exit);
        }
    }
}
