use std::{
    collections::VecDeque,
    fmt,
    future::Future,
    iter,
    pin::Pin,
    slice,
    task::{Context, Poll, ready},
};

use super::File;
use crate::{
    error::{Done, Failed},
    op::Read,
    pending::Pending,
};

/// One outcome per range, in the order of the ranges.
pub type RangesOutput = Vec<Result<Done<Vec<u8>>, Failed<Vec<u8>>>>;

/// Many reads of one file with a bounded number in flight; see [`File::read_ranges`]. Block with
/// [`wait`](Self::wait), or `.await` it. Dropped, it asks those in flight to stop.
#[must_use = "reads beyond the first few start only when this is waited for or awaited"]
pub struct Ranges<'a> {
    file: &'a File,
    waiting: iter::Copied<slice::Iter<'a, (u64, usize)>>,
    /// In order: the front is the oldest.
    flying: VecDeque<Pending<'static, Read<Vec<u8>>>>,
    done: RangesOutput,
}

impl<'a> Ranges<'a> {
    pub(super) fn new(file: &'a File, ranges: &'a [(u64, usize)], depth: usize) -> Self {
        let depth = depth.clamp(1, ranges.len().max(1));
        let mut reads = Self {
            file,
            waiting: ranges.iter().copied(),
            flying: VecDeque::with_capacity(depth),
            done: Vec::with_capacity(ranges.len()),
        };
        for _ in 0..depth {
            reads.start_next();
        }
        reads
    }

    fn start_next(&mut self) {
        if let Some((offset, len)) = self.waiting.next() {
            self.flying.push_back(self.file.read_at(vec![0; len], offset));
        }
    }

    /// Blocks until every range is read or has failed.
    pub fn wait(mut self) -> RangesOutput {
        while let Some(oldest) = self.flying.pop_front() {
            let outcome = oldest.wait();
            self.start_next();
            self.done.push(outcome);
        }
        std::mem::take(&mut self.done)
    }
}

impl Future for Ranges<'_> {
    type Output = RangesOutput;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<RangesOutput> {
        while let Some(oldest) = self.flying.front_mut() {
            let outcome = ready!(Pin::new(oldest).poll(cx));
            self.flying.pop_front();
            self.start_next();
            self.done.push(outcome);
        }
        Poll::Ready(std::mem::take(&mut self.done))
    }
}

impl fmt::Debug for Ranges<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ranges")
            .field("waiting", &self.waiting.len())
            .field("flying", &self.flying.len())
            .field("done", &self.done.len())
            .finish()
    }
}
