use std::{
    fmt,
    future::Future,
    mem,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use super::{File, RangeBuf};
use crate::{
    buf::Slabs,
    error::{Done, Failed},
    op::Read,
    pending::Pending,
    port::Parker,
};

/// One outcome per range, in the order of the ranges.
pub type RangesOutput = Vec<Outcome>;

type Outcome = Result<Done<RangeBuf>, Failed<RangeBuf>>;

/// Many reads of one file with a bounded number in flight; see [`File::read_ranges`]. Block with
/// [`wait`](Self::wait), or `.await` it. Dropped, it asks those in flight to stop.
#[must_use = "reads beyond the first few start only when this is waited for or awaited"]
pub struct Ranges<'a> {
    file: &'a File,
    ranges: &'a [(u64, usize)],
    /// How many were started.
    started: usize,
    depth: usize,
    /// In no order.
    flying: Vec<Flying>,
    slabs: Slabs,
    /// One for each range: `None` until it is over.
    outcomes: Vec<Option<Outcome>>,
    /// What was left with the reads that are watched.
    waker: Option<Waker>,
}

struct Flying {
    /// Its range.
    place: usize,
    read: Pending<'static, Read<RangeBuf>>,
    /// It calls the waker.
    watched: bool,
}

impl File {
    /// Reads many ranges, `(offset, length)` in bytes, with at most `depth` in flight (at least
    /// one). Gives one outcome per range, in their order, each with its own buffer, which is as
    /// long as the range.
    ///
    /// Whatever is over makes room for the next, in one submission for all that are over. The
    /// buffers share allocations; see [`RangeBuf`] before keeping some for long. If the file is
    /// open for direct I/O they are aligned as it asks; offsets and lengths must be aligned by the
    /// caller ([`alignment`](Self::alignment)), or the OS refuses that range.
    ///
    /// ```
    /// use overlapped::{Port, fs::File};
    ///
    /// # fn main() -> std::io::Result<()> {
    /// let port = Port::shared()?;
    /// let file = File::open(&port, "Cargo.toml").wait()?;
    /// let ranges = [(16, 8), (0, 4), (1 << 40, 8)];
    /// let mut outcomes = file.read_ranges(&ranges, 2).wait().into_iter();
    /// let (a, b, past_the_end) =
    ///     (outcomes.next().unwrap()?, outcomes.next().unwrap()?, outcomes.next().unwrap()?);
    /// assert_eq!((a.n, b.n, past_the_end.n), (8, 4, 0));
    /// assert_eq!(a.buf[..], std::fs::read("Cargo.toml")?[16..24]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// When the turn comes to a range that is longer than the address space.
    pub fn read_ranges<'a>(&'a self, ranges: &'a [(u64, usize)], depth: usize) -> Ranges<'a> {
        Ranges::new(self, ranges, depth)
    }
}

/// How many reads may be over at once, without a wait, before an executor gets its thread back.
const PATIENCE: usize = 64;

impl<'a> Ranges<'a> {
    fn new(file: &'a File, ranges: &'a [(u64, usize)], depth: usize) -> Self {
        let depth = depth.clamp(1, ranges.len().max(1));
        let align = file.buffer_alignment();
        let taken = ranges.iter().map(|&(_, len)| len.checked_next_multiple_of(align));
        let bytes = taken.fold(0, |sum: usize, len| sum.saturating_add(len.unwrap_or(usize::MAX)));
        let mut outcomes = Vec::new();
        outcomes.resize_with(ranges.len(), || None);
        let mut reads = Self {
            file,
            ranges,
            started: 0,
            depth,
            flying: Vec::with_capacity(depth),
            slabs: Slabs::new(align, bytes),
            outcomes,
            waker: None,
        };
        reads.turn(depth.min(PATIENCE));
        reads
    }

    /// Takes what is over, in whatever order, and starts as many, all in one submission. Stops
    /// when so many were over at once.
    fn turn(&mut self, mut patience: usize) {
        self.file.port().batch(|_| {
            let mut index = 0;
            while let Some(flying) = self.flying.get(index) {
                if !flying.read.is_landed() {
                    index += 1;
                    continue;
                }
                let over = match self.next(&mut patience) {
                    Some(next) => mem::replace(&mut self.flying[index], next),
                    None => self.flying.swap_remove(index),
                };
                self.put(over);
            }
            while self.flying.len() < self.depth {
                match self.next(&mut patience) {
                    Some(next) => self.flying.push(next),
                    None => break,
                }
            }
        });
    }

    /// Starts the next range that is not over at once.
    fn next(&mut self, patience: &mut usize) -> Option<Flying> {
        while *patience > 0 {
            let place = self.started;
            let &(offset, len) = self.ranges.get(place)?;
            self.started += 1;
            let read = self.file.read_at(self.slabs.cut(len), offset);
            let started = Flying { place, read, watched: false };
            if !started.read.is_landed() {
                return Some(started);
            }
            *patience -= 1;
            self.put(started);
        }
        None
    }

    fn put(&mut self, mut over: Flying) {
        self.outcomes[over.place] = Some(over.read.take());
    }

    fn is_over(&self) -> bool {
        self.flying.is_empty() && self.started == self.ranges.len()
    }

    /// Blocks until every range is read or has failed.
    pub fn wait(mut self) -> RangesOutput {
        while !self.is_over() {
            self.sleep();
            self.turn(usize::MAX);
        }
        self.finish()
    }

    /// Blocks until something may be over.
    fn sleep(&mut self) {
        let parker = Parker::current();
        let waker = parker.waker();
        let Some(oldest) = self.flying.iter_mut().min_by_key(|flying| flying.place) else {
            return;
        };
        let Some(home) = oldest.read.leave(&waker) else {
            return;
        };
        // A thread that leads sees the others land, and one that follows is promoted after the
        // leader's turn. Where it may do neither, each must wake it.
        if home.is_foreign() && self.watch(&waker) {
            return;
        }
        home.drive(&parker, &|| self.flying.iter().any(|flying| flying.read.is_landed()), None);
    }

    /// Leaves `waker` with all that fly; whether one is over already.
    fn watch(&mut self, waker: &Waker) -> bool {
        if !self.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
            self.flying.iter_mut().for_each(|flying| flying.watched = false);
            self.waker = Some(waker.clone());
        }
        let mut over = false;
        for flying in self.flying.iter_mut().filter(|flying| !flying.watched) {
            flying.watched = true;
            over |= flying.read.attend(waker);
        }
        over
    }

    fn finish(&mut self) -> RangesOutput {
        let outcomes = mem::take(&mut self.outcomes).into_iter();
        outcomes.map(|outcome| outcome.expect("every range is over")).collect()
    }
}

impl Future for Ranges<'_> {
    type Output = RangesOutput;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<RangesOutput> {
        self.turn(PATIENCE);
        if self.is_over() {
            return Poll::Ready(self.finish());
        }
        let over = self.watch(cx.waker());
        let idle = self.flying.len() < self.depth && self.started < self.ranges.len();
        if over || idle {
            // There is more to do, after a turn of the executor's others.
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

// [C8] never blocks; all are asked in one submission.
impl Drop for Ranges<'_> {
    fn drop(&mut self) {
        let flying = mem::take(&mut self.flying);
        if !flying.is_empty() {
            self.file.port().batch(|_| drop(flying));
        }
    }
}

impl fmt::Debug for Ranges<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ranges")
            .field("ranges", &self.ranges.len())
            .field("started", &self.started)
            .field("flying", &self.flying.len())
            .finish()
    }
}
