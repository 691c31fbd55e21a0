//! The streams that wait, and `poll` over all of them.

use std::{collections::HashMap, thread, time::Duration};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fd::{AsFd, AsRawFd, BorrowedFd},
    io::Errno,
};

use super::{
    fd,
    wake::Wake,
    work::{Arrival, Job},
};
use crate::backend::{Entry, Id, Interest, Op};

/// How long a stream rests that was announced as ready and was not.
const REST: Timespec = Timespec { tv_sec: 0, tv_nsec: 1_000_000 };

/// How long to wait until `poll`, which had no memory, is tried again.
const PAUSE: Duration = Duration::from_millis(10);

/// Handles have smaller numbers, unless the process has more of them than anyone has; then they
/// share the last place of the table, which makes a difference only to its speed.
const USUAL: usize = 1 << 20;

/// Room for so many streams is kept when they are gone.
const KEPT: usize = 1024;

#[derive(Default)]
pub(super) struct Set {
    streams: Vec<Stream>,
    places: HashMap<Id, usize>,
    resting: usize,
    index: Index,
}

struct Stream {
    job: Job,
    wanted: PollFlags,
    resting: bool,
}

/// A stream that `poll` has something to say about.
pub(super) struct Ready {
    pub(super) place: usize,
    /// Its number names no handle.
    pub(super) invalid: bool,
}

impl Set {
    /// Takes in a stream; it comes back if its handle cannot exist.
    pub(super) fn add(&mut self, arrival: Arrival) -> Result<(), Job> {
        let Arrival { job, tired } = arrival;
        if fd::of(&job.entry).is_err() {
            return Err(job);
        }
        self.places.insert(job.id, self.streams.len());
        self.resting += usize::from(tired);
        self.streams.push(Stream { wanted: wanted(job.entry.op()), job, resting: tired });
        Ok(())
    }

    pub(super) fn remove(&mut self, id: Id) -> Option<Job> {
        let place = *self.places.get(&id)?;
        Some(self.remove_at(place))
    }

    /// Takes out the stream at `place`; the last one takes its place.
    pub(super) fn remove_at(&mut self, place: usize) -> Job {
        let stream = self.streams.swap_remove(place);
        self.places.remove(&stream.job.id);
        self.resting -= usize::from(stream.resting);
        if let Some(moved) = self.streams.get(place) {
            self.places.insert(moved.job.id, place);
        }
        stream.job
    }

    pub(super) fn entry_mut(&mut self, place: usize) -> &mut Entry {
        &mut self.streams[place].job.entry
    }

    /// Waits until there is news or a stream is ready, and appends the ready ones to `ready`,
    /// those with the highest places first.
    pub(super) fn wait(&mut self, wake: &Wake, ready: &mut Vec<Ready>) {
        let timeout = (self.resting > 0).then_some(&REST);
        let mut fds = self.index.list(&self.streams, wake);
        match poll(&mut fds, timeout) {
            Ok(0) | Err(Errno::INTR) => {}
            Ok(_) => {
                if !fds[0].revents().is_empty() {
                    wake.clear();
                }
                self.index.pick(&self.streams, &fds, ready);
            }
            Err(_) => thread::sleep(PAUSE),
        }
        self.refresh();
    }

    /// Ends the rest of those that rested, and gives back the room of a crowd that has gone.
    fn refresh(&mut self) {
        if self.resting > 0 {
            self.streams.iter_mut().for_each(|stream| stream.resting = false);
            self.resting = 0;
        }
        let room = KEPT.max(2 * self.streams.len());
        if self.streams.capacity() > 2 * room {
            self.streams.shrink_to(room);
            self.places.shrink_to(room);
            self.index = Index::default();
        }
    }
}

/// Which place in the list for `poll` belongs to which stream. Each handle is asked about once,
/// because `poll` refuses a list that is longer than the process may have handles.
#[derive(Default)]
struct Index {
    /// For each stream its handle's place in the list; 0 for one that rests.
    slots: Vec<usize>,
    /// For each place in the list, what is wanted of that handle.
    wanted: Vec<PollFlags>,
    /// By a handle's number its place in the list, if that place has that handle; else nothing.
    table: Vec<usize>,
}

impl Index {
    fn list<'a>(&mut self, streams: &'a [Stream], wake: &'a Wake) -> Vec<PollFd<'a>> {
        let mut fds = Vec::with_capacity(streams.len() + 1);
        fds.push(PollFd::from_borrowed_fd(wake.fd(), PollFlags::IN));
        self.wanted.clear();
        self.wanted.push(PollFlags::empty());
        self.slots.clear();
        for stream in streams {
            let slot = match fd::of(&stream.job.entry) {
                Ok(handle) if !stream.resting => self.enlist(&mut fds, handle, stream.wanted),
                _ => 0,
            };
            self.slots.push(slot);
        }
        fds
    }

    fn enlist<'a>(
        &mut self,
        fds: &mut Vec<PollFd<'a>>,
        handle: BorrowedFd<'a>,
        wanted: PollFlags,
    ) -> usize {
        let raw = handle.as_raw_fd();
        let number = usize::try_from(raw).unwrap_or(USUAL).min(USUAL);
        if self.table.len() <= number {
            self.table.resize(number + 1, 0);
        }
        let slot = self.table[number];
        if slot > 0 && fds.get(slot).is_some_and(|fd| fd.as_fd().as_raw_fd() == raw) {
            self.wanted[slot] |= wanted;
            fds[slot] = PollFd::from_borrowed_fd(handle, self.wanted[slot]);
            return slot;
        }
        self.table[number] = fds.len();
        self.wanted.push(wanted);
        fds.push(PollFd::from_borrowed_fd(handle, wanted));
        fds.len() - 1
    }

    fn pick(&self, streams: &[Stream], fds: &[PollFd<'_>], ready: &mut Vec<Ready>) {
        // Hang-ups and errors are told whether they were asked for or not.
        let always = PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL;
        for (place, (stream, &slot)) in streams.iter().zip(&self.slots).enumerate().rev() {
            let told = fds[slot].revents() & (stream.wanted | always);
            if slot > 0 && !told.is_empty() {
                ready.push(Ready { place, invalid: told.contains(PollFlags::NVAL) });
            }
        }
    }
}

fn wanted(op: Op) -> PollFlags {
    match op {
        Op::Write { .. } | Op::Poll { interest: Interest::Writable, .. } => PollFlags::OUT,
        _ => PollFlags::IN,
    }
}
