//! Terminals: slow devices, of which lines arrive over time, and which show what is written.

use std::collections::VecDeque;

use super::{
    State, Time,
    numbers::{self, CLOCK},
};
use crate::explore::Access;

/// A terminal.
#[derive(Debug, Default)]
pub(super) struct Terminal {
    /// What was typed and not read, a line each. An empty one is the end of the input, told once.
    lines: VecDeque<VecDeque<u8>>,
    /// What is still to be typed, and when.
    to_come: VecDeque<(Time, Vec<u8>)>,
    /// What was written to it.
    pub(super) shown: Vec<u8>,
}

impl Terminal {
    pub(super) fn new(typed: Vec<(Time, Vec<u8>)>) -> Self {
        Self { to_come: typed.into(), ..Self::default() }
    }

    /// A read would not wait.
    pub(super) fn is_readable(&self) -> bool {
        !self.lines.is_empty()
    }

    /// At most `most` bytes, and of one line.
    pub(super) fn read(&mut self, most: usize) -> Vec<u8> {
        let Some(line) = self.lines.front_mut() else {
            return Vec::new();
        };
        let read = line.drain(..most.min(line.len())).collect();
        if line.is_empty() {
            self.lines.pop_front();
        }
        read
    }
}

impl State {
    /// The terminals on which somebody types next, and when.
    pub(super) fn typists(&self) -> impl Iterator<Item = (usize, Time)> {
        let next = |(place, terminal): (usize, &Terminal)| {
            let (at, _) = terminal.to_come.front()?;
            Some((place, (*at).max(self.now)))
        };
        self.devices.terminals.iter().enumerate().filter_map(next)
    }

    /// A line is typed.
    pub(super) fn is_typed(&mut self, place: usize) {
        self.touch(CLOCK, Access::Read);
        self.touch(numbers::terminal(place), Access::Write);
        let terminal = &mut self.devices.terminals[place];
        if let Some((_, line)) = terminal.to_come.pop_front() {
            self.log.typed(self.now, place, &line);
            terminal.lines.push_back(line.into());
        }
    }
}
