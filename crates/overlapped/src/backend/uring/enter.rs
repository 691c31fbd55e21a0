//! The one system call of a ring that belongs to one thread: hand over, wait and reap at once, by
//! a ring number that the kernel need not look up.
//!
//! The crate `io-uring` has all of this for rings that are borrowed; a ring that is shared by its
//! two sides keeps the number here.
#![allow(unsafe_code, reason = "io_uring_enter and io_uring_register take addresses")]

use std::{
    io,
    os::fd::AsRawFd,
    ptr,
    time::{Duration, Instant},
};

use io_uring::IoUring;

const ENTER_GETEVENTS: u32 = 1;
const ENTER_EXT_ARG: u32 = 1 << 3;
const ENTER_REGISTERED_RING: u32 = 1 << 4;
const ENTER_NO_IOWAIT: u32 = 1 << 7;
const REGISTER_RING_FDS: u32 = 20;
const UNREGISTER_RING_FDS: u32 = 21;

/// How to enter a ring.
pub(super) struct Enter {
    /// The ring's number in the thread's table, if it is registered there; see
    /// [io_uring_register(2)](https://man7.org/linux/man-pages/man2/io_uring_register.2.html).
    number: Option<u32>,
    no_iowait: bool,
}

/// `struct io_uring_rsrc_update`.
#[repr(C)]
struct Update {
    offset: u32,
    reserved: u32,
    data: u64,
}

/// `struct io_uring_getevents_arg`.
#[repr(C)]
struct Arg {
    sigmask: u64,
    sigmask_size: u32,
    min_wait_usec: u32,
    timespec: u64,
}

/// `struct __kernel_timespec`.
#[repr(C)]
struct Timespec {
    sec: i64,
    nsec: i64,
}

impl Enter {
    /// Registers the ring with the calling thread, if it can be.
    pub(super) fn new(ring: &IoUring) -> Self {
        let mut update = Update { offset: u32::MAX, reserved: 0, data: ring.as_raw_fd() as u64 };
        let registered = register(ring, REGISTER_RING_FDS, &mut update);
        let number = (registered == 1).then_some(update.offset);
        Self { number, no_iowait: ring.params().is_feature_no_iowait() }
    }

    pub(super) fn is_registered(&self) -> bool {
        self.number.is_some()
    }

    pub(super) fn has_no_iowait(&self) -> bool {
        self.no_iowait
    }

    /// Gives the number back. Otherwise the thread's table would keep the ring open.
    pub(super) fn unregister(&self, ring: &IoUring) {
        if let Some(number) = self.number {
            let mut update = Update { offset: number, reserved: 0, data: 0 };
            register(ring, UNREGISTER_RING_FDS, &mut update);
        }
    }

    /// Hands `queued` SQEs over.
    pub(super) fn submit(&self, ring: &IoUring, queued: u32) -> io::Result<()> {
        self.call(ring, queued, 0, 0, None)
    }

    /// Hands `queued` SQEs over, waits for a completion until then, and has deferred work done.
    pub(super) fn wait(
        &self,
        ring: &IoUring,
        queued: u32,
        until: Option<Instant>,
    ) -> io::Result<()> {
        let Some(until) = until else {
            return self.call(ring, queued, 1, self.waiting(), None);
        };
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return self.call(ring, queued, 0, ENTER_GETEVENTS, None);
        }
        self.call(ring, queued, 1, self.waiting(), Some(left))
    }

    /// Has deferred work done.
    pub(super) fn catch_up(&self, ring: &IoUring) -> io::Result<()> {
        self.call(ring, 0, 0, ENTER_GETEVENTS, None)
    }

    /// The time that is spent waiting is not counted as waiting for a disk: nothing is to be made
    /// ready for it to go on.
    fn waiting(&self) -> u32 {
        ENTER_GETEVENTS | if self.no_iowait { ENTER_NO_IOWAIT } else { 0 }
    }

    /// [io_uring_enter(2)](https://man7.org/linux/man-pages/man2/io_uring_enter.2.html).
    fn call(
        &self,
        ring: &IoUring,
        queued: u32,
        want: u32,
        flags: u32,
        timeout: Option<Duration>,
    ) -> io::Result<()> {
        let (fd, flags) = match self.number {
            Some(number) => (number, flags | ENTER_REGISTERED_RING),
            None => (ring.as_raw_fd() as u32, flags),
        };
        let timespec = timeout.map(|timeout| Timespec {
            sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
            nsec: i64::from(timeout.subsec_nanos()),
        });
        let arg = timespec.as_ref().map(|timespec| Arg {
            sigmask: 0,
            sigmask_size: 0,
            min_wait_usec: 0,
            timespec: ptr::from_ref(timespec).expose_provenance() as u64,
        });
        let (address, size, flags) = match &arg {
            Some(arg) => (ptr::from_ref(arg).cast(), size_of::<Arg>(), flags | ENTER_EXT_ARG),
            None => (ptr::null::<libc::c_void>(), 0, flags),
        };
        // SAFETY: descriptor or number are the ring's own; the argument and the time that it points
        // at live until the call is over; what is queued answers for itself (`Ring::push`).
        let done = unsafe {
            libc::syscall(libc::SYS_io_uring_enter, fd, queued, want, flags, address, size)
        };
        if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

/// How many were registered or unregistered, or less than 0.
fn register(ring: &IoUring, what: u32, update: &mut Update) -> i64 {
    let update: *mut Update = update;
    // SAFETY: the update is one struct of the type that this call takes, borrowed exclusively.
    unsafe { libc::syscall(libc::SYS_io_uring_register, ring.as_raw_fd(), what, update, 1) }
}
