use std::sync::Arc;

use super::file::FileInner;
use crate::{
    error::Cause,
    iocb::{Entry, Line},
    pending::{Gate, Route},
    port::{Held, Shard},
};

/// Into the port, unless the request makes no sense, or the file owes an error: that is told
/// instead.
pub(super) struct Toll<'a> {
    pub(super) held: &'a Arc<FileInner>,
    pub(super) trouble: Option<Cause>,
}

// [C7] what is owed is looked for where operations end: a half that was dropped on another thread
// may tell it there just before.
impl Route for Toll<'_> {
    #[inline]
    fn start(self, shard: &Arc<Shard>, entry: Entry, line: Line) {
        if let Some(cause) = self.trouble {
            return shard.refuse(entry, line, cause);
        }
        if !shard.is_mine() {
            let held = Arc::clone(self.held);
            return shard.start_there(entry, line, move |shard, entry, line| {
                Toll { held: &held, trouble: None }.start(shard, entry, line);
            });
        }
        let held: &Held = (**self.held).as_ref();
        Gate::unless(held.pay()).start(shard, entry, line);
    }
}
