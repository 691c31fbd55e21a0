//! The typed request for what has changed in a directory.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Heir, Operation, Outcome, Value, typed::sealed};
use crate::{
    buf::{AlignedBuf, Fill},
    error::Error,
    handle::win32::changes::Changes,
};

/// A buffer that waits for its next use, if one does.
pub(crate) type Spare = Arc<Mutex<Option<AlignedBuf>>>;

/// What has changed in a directory since the watcher was asked before.
pub struct Watch {
    pub(crate) buf: Fill<AlignedBuf>,
    pub(crate) spare: Spare,
}

impl Watch {
    /// The buffer is free for the next one.
    fn put_back(self) {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        *spare = Some(self.buf.0);
    }
}

impl sealed::Sealed for Watch {}
impl Operation for Watch {
    type Output = Result<Changes, Error>;
    type Lent = Fill<AlignedBuf>;

    fn lend(&mut self) -> &mut Fill<AlignedBuf> {
        &mut self.buf
    }

    fn finish(self, outcome: Outcome<'_>) -> Self::Output {
        let written = outcome.about.plan.moved;
        let changes = outcome.plain(None).map(|()| Changes::read(&self.buf.0[..written]));
        self.put_back();
        changes
    }

    // [C7] what it has taken from the OS is told by the next one.
    fn abandoned(self, outcome: Outcome<'_>, heir: Option<&dyn Heir>) {
        if let (Some(heir), Ok(Value::Count(n))) = (heir, &outcome.answer) {
            heir.bytes(outcome.about.origin, &self.buf.0[..*n], false);
        }
        outcome.confess(heir);
        self.put_back();
    }
}
