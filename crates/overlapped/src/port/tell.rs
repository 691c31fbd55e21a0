//! What a shard tells about itself.

use std::{
    sync::{Arc, atomic::Ordering, mpsc},
    time::Duration,
};

use super::{
    Shard,
    report::{Flying, Stats},
};

impl Shard {
    /// Asks the thread that the shard belongs to, and waits a little for the answer.
    fn ask<R: Send + 'static>(
        self: &Arc<Self>,
        question: impl FnOnce(&Self) -> R + Send + 'static,
    ) -> Option<R> {
        const PATIENCE: Duration = Duration::from_millis(100);
        if self.is_mine() {
            return Some(question(self));
        }
        let (tell, told) = mpsc::sync_channel(1);
        self.post(move |shard| drop(tell.send(question(shard))));
        told.recv_timeout(PATIENCE).ok()
    }

    /// Its counts. Without the book, what is known outside.
    pub(super) fn stats(self: &Arc<Self>) -> Stats {
        self.ask(Self::count).unwrap_or_else(|| self.count())
    }

    /// What flies here; nothing if that cannot be found out now.
    pub(super) fn flying(self: &Arc<Self>) -> Vec<Flying> {
        self.ask(Self::list).unwrap_or_default()
    }

    fn count(&self) -> Stats {
        let mut stats = Stats::default();
        let (started, landed) = match self.book.lock() {
            Some(book) => {
                stats.in_flight = book.lines.len();
                stats.backlog = book.backlog_len();
                stats.cancels = book.cancels;
                (book.started, book.landed)
            }
            None => {
                stats.in_flight = self.busy();
                (self.admitted.load(Ordering::Acquire), self.finished.load(Ordering::Acquire))
            }
        };
        stats.inline = self.inline.as_ref().map_or(0, |inline| inline.get());
        stats.started = started + stats.inline;
        stats.landed = landed + stats.inline;
        stats.panics = self.panics.load(Ordering::Relaxed);
        stats
    }

    fn list(&self) -> Vec<Flying> {
        let Some(book) = self.book.lock() else {
            return Vec::new();
        };
        let flying = book.lines.iter().map(|(_, line)| Flying {
            operation: line.op().name(),
            handle: line.op().handle_number(),
            len: line.len(),
            age: self.age(line),
            thread: line.thread,
            cancel_requested: line.marks().cancelled,
        });
        flying.collect()
    }

    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}
