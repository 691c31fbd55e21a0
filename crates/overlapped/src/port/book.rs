//! The book of a shard: what flies on it, and the one way in for entries and cancels.
//!
//! A cancel first notes itself in the operation's line and then asks the backend; whoever hands an
//! entry on (first submission, next step, backlog, a handle's own queue) looks at the note under
//! the same lock. So a cancel meets the operation wherever it is, and none is lost (C5).

use std::{collections::VecDeque, sync::Arc, task::Waker, time::Instant};

use slab::Slab;

use super::{
    limit::Limit,
    timers::{Due, Timers},
};
use crate::{
    backend::{Cause, Completion, Submit},
    error::ECANCELED,
    iocb::{Entry, Holder, Id, Line},
    op::Op,
};

/// An operation that has its last word and is to be landed, once the book is closed again.
pub(super) struct Landed {
    pub(super) entry: Entry,
    pub(super) line: Line,
}

pub(super) struct Book {
    pub(super) submit: Box<dyn Submit>,
    pub(super) lines: Slab<Line>,
    backlog: VecDeque<Entry>,
    timers: Timers,
    /// When the thread at the helm means to wake up by itself; `None` while nobody sleeps there.
    sleeps_until: Option<Option<Instant>>,
    pub(super) closed: bool,
    limit: Arc<Limit>,
    /// How many more may be admitted before the limit must be asked.
    allowance: usize,
    pub(super) started: u64,
    pub(super) landed: u64,
    pub(super) cancels: u64,
    /// How many lines must be served without anybody blocking for them.
    pub(super) attended: usize,
}

impl Book {
    pub(super) fn new(submit: Box<dyn Submit>, limit: Arc<Limit>) -> Self {
        Self {
            submit,
            lines: Slab::new(),
            backlog: VecDeque::new(),
            timers: Timers::default(),
            sleeps_until: None,
            closed: false,
            limit,
            allowance: 0,
            started: 0,
            landed: 0,
            cancels: 0,
            attended: 0,
        }
    }

    /// Why an operation may not start now, if it may not.
    #[inline]
    pub(super) fn refusal(&mut self) -> Option<Cause> {
        if self.closed || self.allowance == 0 { self.look_for_room() } else { None }
    }

    #[cold]
    fn look_for_room(&mut self) -> Option<Cause> {
        if self.closed {
            return Some(Cause::Closed);
        }
        // [C14] at the limit an operation is refused, with its buffer.
        self.allowance = self.limit.take();
        (self.allowance == 0).then_some(Cause::Full(self.limit.most))
    }

    /// Enters an operation into the book; there must be no refusal.
    #[inline]
    pub(super) fn enter(&mut self, line: Line) {
        self.allowance -= 1;
        self.started += 1;
        self.attended += usize::from(line.marks().attended);
        let place = self.lines.vacant_entry();
        line.set_key(u32::try_from(place.key()).expect("the limit fits 32 bits"));
        place.insert(line);
    }

    /// Hands on an entry that was admitted some time ago. One that was cancelled meanwhile comes
    /// back, to be landed.
    #[inline]
    pub(super) fn launch(&mut self, entry: Entry) -> Option<Landed> {
        if self.lines[entry.key() as usize].marks().cancelled {
            return Some(self.refuse(entry, Cause::Os(ECANCELED)));
        }
        self.hand_on(entry);
        None
    }

    /// Hands on an entry: to the timers, to the backend, or to the backlog if that is full.
    #[inline]
    pub(super) fn hand_on(&mut self, entry: Entry) {
        if let &Op::Timer { due } = entry.asked() {
            self.nap(entry, due);
        } else if !self.backlog.is_empty() {
            self.backlog.push_back(entry);
        } else if let Err(entry) = self.submit.submit(entry) {
            self.backlog.push_back(entry);
        }
    }

    fn nap(&mut self, entry: Entry, due: Instant) {
        let key = entry.key();
        self.timers.arm(due, key);
        self.timers.sleep(key, entry);
        self.alarm(due);
    }

    // [C5] noted first, then asked for; whoever hands the entry on looks at the note.
    /// Asks that an operation stop. What has not reached the OS comes back, to be landed; what may
    /// be queued at its handle is for the caller to look for there.
    pub(super) fn cancel(&mut self, key: u32, id: Id) -> Cancelled {
        let Some(line) = self.line(key, id) else {
            return Cancelled::Unknown;
        };
        if std::mem::replace(&mut line.marks_mut().cancelled, true) {
            return Cancelled::Unknown;
        }
        let op = *line.op();
        self.cancels += 1;
        if matches!(op, Op::Timer { .. }) {
            if let Some(entry) = self.timers.awaken(key) {
                return Cancelled::Here(self.refuse(entry, Cause::Os(ECANCELED)));
            }
        }
        if let Some(place) = self.backlog.iter().position(|entry| entry.id() == id) {
            if let Some(entry) = self.backlog.remove(place) {
                return Cancelled::Here(self.refuse(entry, Cause::Os(ECANCELED)));
            }
        }
        self.submit.cancel(id);
        let is_stream = matches!(op, Op::Read { at: None, .. } | Op::Write { at: None, .. });
        let holder = self.lines[key as usize].holder.as_ref().filter(|_| is_stream);
        holder.map_or(Cancelled::Asked, |holder| Cancelled::AskHolder(Arc::clone(holder)))
    }

    /// Takes an operation out of the book that has not come to its end by itself.
    pub(super) fn refuse(&mut self, mut entry: Entry, cause: Cause) -> Landed {
        entry.settle(Err(cause));
        self.strike(entry)
    }

    // [C3] struck once: entry and line go together, and only both can be landed.
    /// Takes an operation out of the book: it has its last word.
    #[inline]
    pub(super) fn strike(&mut self, entry: Entry) -> Landed {
        let key = entry.key();
        let line = self.lines.remove(key as usize);
        self.timers.disarm(key);
        if self.lines.is_empty() && self.lines.capacity() > 1024 {
            // A burst leaves no trace (C14).
            self.lines = Slab::new();
            self.timers.clear();
        }
        self.landed += 1;
        self.allowance += 1;
        if self.allowance > self.limit.kept {
            self.allowance -= self.limit.handful;
            self.limit.give_back(self.limit.handful);
        }
        self.attended -= usize::from(line.marks().attended);
        Landed { entry, line }
    }

    /// The line of an operation that flies.
    #[inline]
    fn line(&mut self, key: u32, id: Id) -> Option<&mut Line> {
        self.lines.get_mut(key as usize).filter(|line| line.id() == id)
    }

    /// Takes a step's answer: the operation goes on, or comes back to be landed.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "in the loop of a turn an answer is a number")]
    pub(super) fn answer(&mut self, completion: Completion) -> Option<Landed> {
        let Completion { mut entry, answer } = completion;
        let cancelled = answer.is_err() && self.lines[entry.key() as usize].marks().cancelled;
        if entry.step(answer, cancelled) { Some(self.strike(entry)) } else { self.launch(entry) }
    }

    /// Arms a deadline for an operation that flies.
    pub(super) fn deadline(&mut self, key: u32, id: Id, at: Instant) {
        // A sleep's timer is the sleep; ending it earlier is what `cancel` is for.
        if self.line(key, id).is_some_and(|line| !matches!(line.op(), Op::Timer { .. })) {
            self.timers.arm(at, key);
            self.alarm(at);
        }
    }

    /// Leaves a waker for an operation; gives it back if that is over, or the one before it.
    pub(super) fn leave_waker(&mut self, key: u32, id: Id, waker: Waker) -> Option<Waker> {
        match self.line(key, id) {
            Some(line) => line.leave(waker),
            None => Some(waker),
        }
    }

    /// Somebody who does not block waits for this operation now; whether that is news.
    pub(super) fn attend(&mut self, key: u32, id: Id) -> bool {
        let Some(line) = self.line(key, id).filter(|line| !line.marks().attended) else {
            return false;
        };
        line.marks_mut().attended = true;
        self.attended += 1;
        true
    }

    /// As [`Book::attend`], for every operation that `chosen` picks.
    pub(super) fn attend_where(&mut self, mut chosen: impl FnMut(&Line) -> bool) -> bool {
        let before = self.attended;
        for (_, line) in &mut self.lines {
            if !line.marks().attended && chosen(line) {
                line.marks_mut().attended = true;
                self.attended += 1;
            }
        }
        self.attended > before
    }

    #[inline]
    pub(super) fn has_timers(&self) -> bool {
        self.next_timer().is_some()
    }

    /// When to look at the timers at the latest.
    #[inline]
    pub(super) fn next_timer(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// The next timer that is due.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<Due> {
        self.timers.pop(now, &self.lines)
    }

    /// The thread at the helm is about to sleep: until when at the latest.
    #[inline]
    pub(super) fn sleep(&mut self, until: Option<Instant>) -> Option<Instant> {
        let next = self.timers.next();
        let until = match (until, next) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self.sleeps_until = Some(until);
        until
    }

    #[inline]
    pub(super) fn awake(&mut self) {
        self.sleeps_until = None;
    }

    /// Gets up the thread at the helm if it would sleep past `at`.
    fn alarm(&mut self, at: Instant) {
        if let Some(until) = self.sleeps_until {
            if until.is_none_or(|until| at < until) {
                self.submit.wake();
            }
        }
    }

    /// Hands on what the backend had no room for, and everything that is queued there. What was
    /// cancelled meanwhile is not here any more.
    #[inline]
    pub(super) fn flush(&mut self) {
        while let Some(entry) = self.backlog.pop_front() {
            if let Err(entry) = self.submit.submit(entry) {
                self.backlog.push_front(entry);
                break;
            }
        }
        self.submit.flush();
    }

    /// Drops the submission half: nothing flies, and the book is closed.
    pub(super) fn close_backend(&mut self) {
        self.submit = Box::new(Gone);
    }

    /// Leaks the submission half and every entry that is kept here.
    pub(super) fn leak(&mut self) {
        std::mem::forget(std::mem::replace(&mut self.submit, Box::new(Gone)));
        std::mem::forget(std::mem::take(&mut self.backlog));
        std::mem::forget(std::mem::take(&mut self.timers));
    }

    /// Who is in flight and how to name it in a cancel.
    pub(super) fn chosen(&self, mut chosen: impl FnMut(&Line) -> bool) -> Vec<(u32, Id)> {
        let chosen = self.lines.iter().filter(|(_, line)| chosen(line));
        chosen.map(|(key, line)| (u32::try_from(key).unwrap_or(u32::MAX), line.id())).collect()
    }

    /// The number of an operation's line.
    pub(super) fn find(&self, id: Id) -> Option<u32> {
        let (key, _) = self.lines.iter().find(|(_, line)| line.id() == id)?;
        u32::try_from(key).ok()
    }

    pub(super) fn backlog_len(&self) -> usize {
        self.backlog.len()
    }
}

impl Drop for Book {
    fn drop(&mut self) {
        // What flies on, leaked, still counts.
        self.limit.give_back(self.allowance);
    }
}

/// What a cancel found.
pub(super) enum Cancelled {
    /// Nothing of that identity flies, or it was asked to stop before.
    Unknown,
    /// It had not reached the OS: over.
    Here(Landed),
    /// The backend was asked.
    Asked,
    /// The backend was asked; the operation may also be queued at its handle.
    AskHolder(Arc<dyn Holder>),
}

/// Stands in for a backend that is closed or leaked.
struct Gone;

impl Submit for Gone {
    fn submit(&mut self, entry: Entry) -> Result<(), Entry> {
        Err(entry)
    }

    fn cancel(&mut self, _id: Id) {}

    fn wake(&mut self) {}
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::{
        buf::NoMemory,
        iocb::{Half, Split, asked, split},
        op::{Goal, Nap, Plan},
    };

    type Flying = (Half<Nap>, Entry);

    fn book(limit: &Arc<Limit>) -> Book {
        Book::new(Box::new(Gone), Arc::clone(limit))
    }

    /// Starts one, if it may.
    fn admit(book: &mut Book) -> Option<Flying> {
        let Split { half, entry, line } =
            split(asked(&Op::Nop, Plan::new(Goal::Once), None), Nap(NoMemory));
        if let Some(cause) = book.refusal() {
            assert_eq!(cause, Cause::Full(book.limit.most));
            drop(entry.land(line, |_| {}));
            return None;
        }
        book.enter(line);
        Some((half, entry))
    }

    fn land(book: &mut Book, (_half, entry): Flying) {
        let Landed { entry, line } = book.strike(entry);
        drop(entry.land(line, |_| {}));
    }

    // [C14] a small limit is exact, whichever shard asks.
    #[test]
    fn a_small_limit_is_exact() {
        for most in [0, 1, 2, 7, 100] {
            let limit = Arc::new(Limit::new(most));
            let mut books = [book(&limit), book(&limit)];
            let mut flying = [Vec::new(), Vec::new()];
            for round in 0..3 * most + 3 {
                let one = round % 2;
                if let Some(started) = admit(&mut books[one]) {
                    flying[one].push(started);
                } else {
                    let count = flying.iter().map(Vec::len).sum::<usize>();
                    assert_eq!(count, most, "refused below the limit");
                    let one = (round / 2) % 2;
                    if let Some(over) = flying[one].pop() {
                        land(&mut books[one], over);
                    }
                }
                assert!(flying.iter().map(Vec::len).sum::<usize>() <= most);
            }
            for (book, flying) in books.iter_mut().zip(flying) {
                flying.into_iter().for_each(|over| land(book, over));
            }
            drop(books);
            assert_eq!(limit.free.load(Ordering::Relaxed), most, "all is given back");
        }
    }

    // [C14] a large one is never passed, and what a shard keeps of it is little; it is given back
    // with the shard.
    #[test]
    fn a_large_limit_is_never_passed() {
        let most = if cfg!(miri) { 4096 * 2 } else { 4096 * 5 };
        let limit = Arc::new(Limit::new(most));
        let mut books = [book(&limit), book(&limit)];
        let kept = books.len() * limit.kept;
        assert!(limit.handful > 1 && kept <= most / 1000);
        let mut flying = [Vec::new(), Vec::new()];
        let burst = if cfg!(miri) { 60 } else { most };
        for round in 0..3 {
            for one in [0, 1, 0] {
                while flying[one].len() < burst {
                    let Some(started) = admit(&mut books[one]) else {
                        break;
                    };
                    flying[one].push(started);
                }
                let count = flying.iter().map(Vec::len).sum::<usize>();
                assert!(count <= most, "{count} in round {round}");
                assert!(cfg!(miri) || count >= most - kept, "{count} in round {round}");
                let idle = books.iter().map(|book| book.allowance).sum::<usize>();
                assert_eq!(limit.free.load(Ordering::Relaxed) + idle + count, most);
            }
            let (first, second) = books.split_at_mut(1);
            flying[0].drain(..).for_each(|over| land(&mut first[0], over));
            let half = flying[1].len() / 2;
            flying[1].drain(half..).for_each(|over| land(&mut second[0], over));
            assert!(first[0].allowance <= limit.kept && second[0].allowance <= limit.kept);
        }
        flying[1].drain(..).for_each(|over| land(&mut books[1], over));
        drop(books);
        assert_eq!(limit.free.load(Ordering::Relaxed), most, "all is given back");
    }
}
