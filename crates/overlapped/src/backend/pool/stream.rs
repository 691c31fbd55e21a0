//! One transfer of a stream, so that it does not wait for another program.

use std::io::{IoSlice, IoSliceMut};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fd::BorrowedFd,
    io::{Errno, read, readv, write, writev},
};

use super::{fd, perform::Step, stat};
use crate::backend::Entry;

/// How streams are to be treated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    /// Ask the kernel not to wait, where it has a word for that.
    nowait: bool,
}

impl Manner {
    pub(super) const BEST: Self = Self { nowait: true };
    /// As on a system that has no such word.
    #[cfg(all(test, not(loom), not(miri)))]
    pub(super) const PLAIN: Self = Self { nowait: false };

    fn suits_poller(self, entry: &Entry) -> bool {
        self.nowait && entry.len() <= LARGE
    }
}

/// What came of a transfer that was not allowed to wait.
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "no transfer is tried there"))]
enum Attempt {
    Over(Result<usize, Errno>),
    NotReady,
    /// The handle cannot promise not to wait.
    Unsupported,
}

/// So much can be copied before the other streams notice the delay.
const LARGE: usize = 1 << 20;

/// What can be written to a pipe that has room for anything: `PIPE_BUF`.
#[cfg(target_os = "linux")]
const ROOM: usize = rustix::pipe::PIPE_BUF;
/// What can be written to a pipe that has room for anything, on any POSIX system.
#[cfg(not(target_os = "linux"))]
const ROOM: usize = 512;

/// Reads on the poller's thread; `None` if that cannot be done there.
pub(super) fn read_on_poller(entry: &mut Entry, manner: Manner) -> Option<Result<usize, Errno>> {
    match manner.suits_poller(entry).then(|| read_nowait(entry))? {
        Attempt::Over(result) => Some(result),
        Attempt::NotReady | Attempt::Unsupported => None,
    }
}

/// Writes on the poller's thread; `None` if that cannot be done there.
pub(super) fn write_on_poller(entry: &Entry, manner: Manner) -> Option<Result<usize, Errno>> {
    match manner.suits_poller(entry).then(|| write_nowait(entry))? {
        Attempt::Over(result) => Some(result),
        Attempt::NotReady | Attempt::Unsupported => None,
    }
}

/// Reads what there is.
pub(super) fn read_on_worker(entry: &mut Entry, manner: Manner) -> Step {
    let attempt = if manner.nowait { read_nowait(entry) } else { Attempt::Unsupported };
    match attempt {
        Attempt::Over(result) => Step::moved(result),
        _ if may_wait(entry, PollFlags::IN, &attempt) => Step::NotReady,
        _ => plain(read_plain(entry)),
    }
}

/// Writes what there is room for.
pub(super) fn write_on_worker(entry: &mut Entry, manner: Manner) -> Step {
    let attempt = if manner.nowait { write_nowait(entry) } else { Attempt::Unsupported };
    match attempt {
        Attempt::Over(result) => Step::moved(result),
        _ if may_wait(entry, PollFlags::OUT, &attempt) => Step::NotReady,
        _ => plain(write_plain(entry)),
    }
}

/// A handle that is non-blocking by itself says so when somebody else was faster.
fn plain(result: Result<usize, Errno>) -> Step {
    match result {
        Err(Errno::AGAIN) => Step::NotReady,
        result => Step::moved(result),
    }
}

/// Whether a plain transfer might wait for another program.
fn may_wait(entry: &Entry, wanted: PollFlags, attempt: &Attempt) -> bool {
    let Ok(handle) = fd::of(entry) else {
        return false;
    };
    if entry.is_empty() || stat::ends_by_itself(handle) {
        return false;
    }
    matches!(attempt, Attempt::NotReady) || !is_ready(handle, wanted)
}

fn is_ready(handle: BorrowedFd<'_>, wanted: PollFlags) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(handle, wanted)];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    // Any error at all is better told by the transfer.
    poll(&mut fds, Some(&at_once)) != Ok(0)
}

fn read_plain(entry: &mut Entry) -> Result<usize, Errno> {
    let (from, mut slices) = fd::and_slices_mut(entry)?;
    let first = slices.next().unwrap_or_default();
    let Some(second) = slices.next() else {
        return read(from, first);
    };
    let all = [first, second].into_iter().chain(slices);
    readv(from, &mut all.map(IoSliceMut::new).collect::<Vec<_>>())
}

fn write_plain(entry: &Entry) -> Result<usize, Errno> {
    let to = fd::of(entry)?;
    if stat::ends_by_itself(to) {
        return writev(to, &entry.slices().map(IoSlice::new).collect::<Vec<_>>());
    }
    let first = entry.slices().find(|slice| !slice.is_empty()).unwrap_or_default();
    write(to, &first[..first.len().min(ROOM)])
}

#[cfg(target_os = "linux")]
use nowait::{read_nowait, write_nowait};

/// Only Linux has a word for one transfer that must not wait.
#[cfg(not(target_os = "linux"))]
fn read_nowait(_entry: &mut Entry) -> Attempt {
    Attempt::Unsupported
}

/// Only Linux has a word for one transfer that must not wait.
#[cfg(not(target_os = "linux"))]
fn write_nowait(_entry: &Entry) -> Attempt {
    Attempt::Unsupported
}

/// `RWF_NOWAIT`. Pipes, sockets, eventfds (to read) and some devices have it; named FIFOs,
/// terminals and most else do not, and say so.
#[cfg(target_os = "linux")]
mod nowait {
    use std::io::{IoSlice, IoSliceMut};

    use rustix::io::{Errno, ReadWriteFlags, preadv2, pwritev2};

    use super::{Attempt, fd};
    use crate::backend::Entry;

    /// The offset that means "where the stream stands".
    const HERE: u64 = u64::MAX;

    pub(super) fn read_nowait(entry: &mut Entry) -> Attempt {
        let (from, mut slices) = match fd::and_slices_mut(entry) {
            Ok(found) => found,
            Err(errno) => return Attempt::Over(Err(errno)),
        };
        let first = slices.next().unwrap_or_default();
        let flags = ReadWriteFlags::NOWAIT;
        understand(match slices.next() {
            None => preadv2(from, &mut [IoSliceMut::new(first)], HERE, flags),
            Some(second) => {
                let all = [first, second].into_iter().chain(slices);
                preadv2(from, &mut all.map(IoSliceMut::new).collect::<Vec<_>>(), HERE, flags)
            }
        })
    }

    pub(super) fn write_nowait(entry: &Entry) -> Attempt {
        let to = match fd::of(entry) {
            Ok(found) => found,
            Err(errno) => return Attempt::Over(Err(errno)),
        };
        let mut slices = entry.slices();
        let first = slices.next().unwrap_or_default();
        let flags = ReadWriteFlags::NOWAIT;
        understand(match slices.next() {
            None => pwritev2(to, &[IoSlice::new(first)], HERE, flags),
            Some(second) => {
                let all = [first, second].into_iter().chain(slices);
                pwritev2(to, &all.map(IoSlice::new).collect::<Vec<_>>(), HERE, flags)
            }
        })
    }

    /// An error that may be about the flag and not about the transfer is left for the plain
    /// transfer to tell: older kernels and system call filters have several words for "what?".
    fn understand(result: Result<usize, Errno>) -> Attempt {
        match result {
            Err(Errno::AGAIN) => Attempt::NotReady,
            Err(Errno::OPNOTSUPP | Errno::INVAL | Errno::NOSYS | Errno::SPIPE | Errno::PERM) => {
                Attempt::Unsupported
            }
            result => Attempt::Over(result),
        }
    }
}
