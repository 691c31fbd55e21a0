//! Reads that need not wait: what the page cache holds is copied at once, as `ReadFile` may return
//! TRUE. Both backends of this system share it.

use std::{io::IoSliceMut, sync::Arc};

use rustix::io::{Errno, ReadWriteFlags, preadv2};

use super::{Attempt, Cheap};
use crate::handle::Owned;

/// [preadv2(2)] with `RWF_NOWAIT`.
///
/// [preadv2(2)]: https://man7.org/linux/man-pages/man2/preadv2.2.html
pub(super) fn cheap() -> Option<Arc<dyn Cheap>> {
    Some(Arc::new(PageCache))
}

struct PageCache;

impl Cheap for PageCache {
    fn read_at(&self, from: &Owned, at: u64, into: &mut [u8]) -> Attempt {
        let Some(from) = from.os() else {
            return Attempt::Never;
        };
        match preadv2(from, &mut [IoSliceMut::new(into)], at, ReadWriteFlags::NOWAIT) {
            // A part may be all that is cached: whether it is the end, only a full read knows.
            Ok(n) if n == into.len() || n == 0 => Attempt::Done(n),
            Err(Errno::OPNOTSUPP | Errno::INVAL | Errno::NOSYS) => Attempt::Never,
            Ok(_) | Err(_) => Attempt::NotNow,
        }
    }
}
