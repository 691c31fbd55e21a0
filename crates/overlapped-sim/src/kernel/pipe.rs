use std::collections::VecDeque;

/// How many bytes a pipe holds at first, as on Linux.
pub(super) const ROOM: usize = 64 << 10;

/// A pipe or FIFO.
#[derive(Debug, Default)]
pub(super) struct Pipe {
    pub(super) bytes: VecDeque<u8>,
    /// How many of them it holds.
    pub(super) capacity: usize,
    pub(super) readers: usize,
    pub(super) writers: usize,
    /// A FIFO's reader waits for the first writer; a pipe has one from the beginning.
    pub(super) had_writer: bool,
}

impl Pipe {
    /// A read would not wait: there are bytes, or nobody is left to write any.
    pub(super) fn is_readable(&self) -> bool {
        !self.bytes.is_empty() || (self.writers == 0 && self.had_writer)
    }

    /// A write would not wait: there is room, or nobody is left to read.
    pub(super) fn is_writable(&self) -> bool {
        self.bytes.len() < self.capacity || self.readers == 0
    }

    pub(super) fn room(&self) -> usize {
        self.capacity - self.bytes.len()
    }
}
