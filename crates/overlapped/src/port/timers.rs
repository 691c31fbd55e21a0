//! When a shard must look again: sleeps that end, and deadlines.
//!
//! Most deadlines never come, so arming one is cheap and disarming costs nothing: an armed timer
//! stands in a heap until its time, and counts only if its line's number is still its own. When
//! most of the heap is such leavings, it is swept.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    time::Instant,
};

use slab::Slab;

use crate::iocb::{Entry, Id, Line};

/// What is to be done at a given time.
pub(super) enum Due {
    /// A sleep is over.
    Land(Entry),
    // [C13] a deadline holds no claim to a block, only an identity.
    /// A deadline has come. It names the operation, so it can never hit a later one (C13).
    Cancel { key: u32, id: Id },
}

/// In the order in which they are due; of the same instant, in arming order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Timer {
    at: Instant,
    count: u64,
    key: u32,
}

#[derive(Default)]
pub(super) struct Timers {
    armed: BinaryHeap<Reverse<Timer>>,
    /// By line: the number of the timer that counts; 0 if none does.
    current: Vec<u32>,
    /// How many in the heap count no more, roughly.
    left: usize,
    /// The sleeps, by the number of their lines.
    sleeps: BTreeMap<u32, Entry>,
    count: u64,
}

impl Timer {
    /// The number by which it is told from other timers of the same line; never 0.
    fn number(&self) -> u32 {
        (self.count as u32).wrapping_mul(2) | 1
    }

    fn counts(&self, current: &[u32]) -> bool {
        current.get(self.key as usize) == Some(&self.number())
    }
}

impl Timers {
    /// Arms a timer for the operation on line `key` in place of the one that it has.
    pub(super) fn arm(&mut self, at: Instant, key: u32) {
        if self.left > 64 && self.left > self.armed.len() / 2 {
            self.sweep();
        }
        self.disarm(key);
        self.count += 1;
        let timer = Timer { at, count: self.count, key };
        let place = key as usize;
        if self.current.len() <= place {
            self.current.resize(place + 1, 0);
        }
        self.current[place] = timer.number();
        self.armed.push(Reverse(timer));
    }

    /// The operation of this line is over, or has another timer.
    #[inline]
    pub(super) fn disarm(&mut self, key: u32) {
        if let Some(number) = self.current.get_mut(key as usize) {
            self.left += usize::from(std::mem::take(number) != 0);
        }
    }

    fn sweep(&mut self) {
        let Self { armed, current, .. } = self;
        armed.retain(|Reverse(timer)| timer.counts(current));
        self.left = 0;
    }

    /// Keeps the entry of a sleep until its timer is due.
    pub(super) fn sleep(&mut self, key: u32, entry: Entry) {
        self.sleeps.insert(key, entry);
    }

    pub(super) fn awaken(&mut self, key: u32) -> Option<Entry> {
        self.sleeps.remove(&key)
    }

    /// When to look at the latest. A timer that counts no more may be the reason: one look too
    /// many, once.
    #[inline]
    pub(super) fn next(&self) -> Option<Instant> {
        self.armed.peek().map(|Reverse(timer)| timer.at)
    }

    /// What is due at `now`, one after the other.
    pub(super) fn pop(&mut self, now: Instant, lines: &Slab<Line>) -> Option<Due> {
        while self.armed.peek().is_some_and(|Reverse(timer)| timer.at <= now) {
            let Reverse(timer) = self.armed.pop()?;
            if !timer.counts(&self.current) {
                self.left = self.left.saturating_sub(1);
                continue;
            }
            let key = timer.key;
            self.current[key as usize] = 0;
            let id = lines[key as usize].id();
            return Some(self.awaken(key).map_or(Due::Cancel { key, id }, Due::Land));
        }
        None
    }

    /// Gives back the room that a burst has taken (C14). Nothing flies, so no timer counts.
    pub(super) fn clear(&mut self) {
        *self = Self { count: self.count, ..Self::default() };
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        buf::NoMemory,
        iocb::{Half, Split, asked, split},
        op::{Goal, Nap, Op, Plan},
    };

    /// A book of operations with timers, and nothing else.
    struct Desk {
        timers: Timers,
        lines: Slab<Line>,
        start: Instant,
    }

    impl Desk {
        fn new() -> Self {
            Self { timers: Timers::default(), lines: Slab::new(), start: Instant::now() }
        }

        fn at(&self, ms: u64) -> Instant {
            self.start + Duration::from_millis(ms)
        }

        fn enter(&mut self) -> (u32, Half<Nap>, Entry) {
            let asked = asked(&Op::Nop, Plan::new(Goal::Once), None);
            let Split { half, entry, line } = split(asked, Nap(NoMemory));
            let key = u32::try_from(self.lines.insert(line)).expect("few");
            (key, half, entry)
        }

        fn arm(&mut self, key: u32, ms: u64) {
            self.timers.arm(self.at(ms), key);
        }

        /// Ends an operation.
        fn land(&mut self, key: u32, entry: Entry) {
            let line = self.lines.remove(key as usize);
            self.timers.disarm(key);
            drop(entry.land(line, |_| {}));
        }

        /// The lines whose timers are due, in their order.
        fn due(&mut self, ms: u64) -> Vec<u32> {
            let now = self.at(ms);
            let mut due = Vec::new();
            while let Some(next) = self.timers.pop(now, &self.lines) {
                match next {
                    Due::Cancel { key, id } => {
                        assert_eq!(self.lines[key as usize].id(), id);
                        due.push(key);
                    }
                    Due::Land(_) => panic!("nobody sleeps"),
                }
            }
            due
        }
    }

    #[test]
    fn timers_are_due_in_order_and_of_an_instant_in_the_order_of_arming() {
        let mut desk = Desk::new();
        let flying: Vec<_> = (0..6).map(|_| desk.enter()).collect();
        for (place, ms) in [(3, 20), (1, 10), (5, 20), (0, 10), (4, 30), (2, 10)] {
            desk.arm(flying[place].0, ms);
        }
        assert_eq!(desk.timers.next(), Some(desk.at(10)));
        assert_eq!(desk.due(9), []);
        let keys = |places: &[usize]| places.iter().map(|&n| flying[n].0).collect::<Vec<_>>();
        assert_eq!(desk.due(10), keys(&[1, 0, 2]));
        assert_eq!(desk.due(10), [], "once");
        assert_eq!(desk.due(30), keys(&[3, 5, 4]));
        assert_eq!(desk.timers.next(), None);
        for (key, _half, entry) in flying {
            desk.land(key, entry);
        }
    }

    // [C6] a later deadline takes the place of an earlier one, whichever comes first.
    #[test]
    fn a_timer_that_was_replaced_never_fires() {
        let mut desk = Desk::new();
        let (key, _half, entry) = desk.enter();
        desk.arm(key, 10);
        desk.arm(key, 30);
        assert_eq!(desk.due(20), []);
        assert_eq!(desk.due(30), [key]);
        desk.arm(key, 60);
        desk.arm(key, 50);
        assert_eq!(desk.due(50), [key]);
        assert_eq!(desk.due(100), []);
        desk.land(key, entry);
    }

    // [C13] a timer whose operation is over is none of the next operation on its line.
    #[test]
    fn a_timer_dies_with_its_operation() {
        let mut desk = Desk::new();
        let (key, _half, entry) = desk.enter();
        desk.arm(key, 10);
        desk.land(key, entry);
        let (next, _half, entry) = desk.enter();
        assert_eq!(next, key, "the line is used again");
        assert_eq!(desk.due(10), []);
        desk.arm(next, 20);
        assert_eq!(desk.due(20), [next]);
        desk.land(next, entry);
    }

    #[test]
    fn sweeping_keeps_what_counts() {
        let mut desk = Desk::new();
        let (kept, _kept_half, kept_entry) = desk.enter();
        let (moved, _moved_half, moved_entry) = desk.enter();
        desk.arm(kept, 500);
        for ms in 0..1000 {
            desk.arm(moved, 1000 + ms);
            let (key, _half, entry) = desk.enter();
            desk.arm(key, 400);
            desk.land(key, entry);
            assert!(desk.timers.armed.len() <= 200, "{}", desk.timers.armed.len());
        }
        assert_eq!(desk.due(499), []);
        assert_eq!(desk.due(1998), [kept]);
        assert_eq!(desk.due(1999), [moved]);
        assert!(desk.timers.armed.is_empty());
        desk.land(kept, kept_entry);
        desk.land(moved, moved_entry);
    }

    #[test]
    fn giving_back_room_keeps_what_counts() {
        let mut desk = Desk::new();
        let (key, _half, entry) = desk.enter();
        desk.arm(key, 10);
        desk.arm(key, 20);
        desk.timers.sweep();
        assert_eq!(desk.timers.armed.len(), 1);
        assert_eq!(desk.due(20), [key]);
        desk.land(key, entry);
    }

    #[test]
    fn a_sleep_comes_back_when_it_is_due() {
        let mut desk = Desk::new();
        let (key, _half, entry) = desk.enter();
        desk.arm(key, 10);
        desk.timers.sleep(key, entry);
        let Some(Due::Land(entry)) = desk.timers.pop(desk.at(10), &desk.lines) else {
            panic!("it is due");
        };
        assert!(desk.timers.awaken(key).is_none());
        desk.land(key, entry);
    }
}
