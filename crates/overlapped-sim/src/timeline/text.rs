//! A table for a terminal: lanes side by side, one line a step, time downward.

use anstyle::{AnsiColor, Effects, Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{EventKind, LaneKind, Row, Timeline};

/// What the terminal is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// In columns, at least 60.
    pub width: usize,
    /// Escape codes for colours may be used.
    pub colour: bool,
    /// More lines than this, and rows of like steps are told as one.
    pub lines: usize,
}

impl Default for Look {
    fn default() -> Self {
        Self { width: 118, colour: false, lines: 30 }
    }
}

/// The column of the time, in microseconds.
const TIME: usize = 10;
const GAP: &str = "  ";

impl Timeline {
    /// The run as a table. The culprit's line begins with `!!`.
    pub fn text(&self, look: &Look) -> String {
        let widths = self.widths(look.width.max(60));
        let mut out = String::new();
        let names: Vec<_> = self.lanes.iter().map(|lane| lane.name.clone()).collect();
        push_cells(&mut out, "t/us", &names, &widths, Style::new().bold(), look.colour);
        let rule: usize = TIME + widths.iter().map(|width| GAP.len() + width).sum::<usize>();
        out.push_str(&"-".repeat(rule));
        out.push('\n');
        for row in self.folded(look.lines) {
            self.push_row(&mut out, &row, &widths, look.colour);
        }
        self.push_waits(&mut out, &widths, look.colour);
        out.push_str(&"-".repeat(rule));
        out.push('\n');
        for (head, text) in &self.notes {
            let lines = wrapped(text, rule.saturating_sub(10));
            for (index, line) in lines.iter().enumerate() {
                let head = if index == 0 { head } else { "" };
                out.push_str(&format!("{head:<9} {line}\n"));
            }
        }
        if let Some(replay) = &self.replay {
            out.push_str(&format!("replay    {replay}\n"));
        }
        out
    }

    fn push_row(&self, out: &mut String, row: &Row<'_>, widths: &[usize], colour: bool) {
        let event = row.event;
        let mut cells = vec![String::new(); self.lanes.len()];
        let mark = if event.kind == EventKind::Violation { "!! " } else { "" };
        cells[event.lane.min(self.lanes.len() - 1)] = format!("{mark}{}", row.text());
        if let (Some(lane), Some(memory)) = (self.memory_lane(), &event.memory) {
            cells[lane].clone_from(memory);
        }
        push_cells(
            out,
            &event.at.as_micros().to_string(),
            &cells,
            widths,
            style(event.kind),
            colour,
        );
    }

    fn push_waits(&self, out: &mut String, widths: &[usize], colour: bool) {
        for (lane, text) in &self.waits {
            let mut cells = vec![String::new(); self.lanes.len()];
            cells[(*lane).min(self.lanes.len() - 1)] = format!("waits: {text}");
            push_cells(out, "for ever", &cells, widths, style(EventKind::Violation), colour);
        }
    }

    /// The lanes share what the time leaves: the memory gets most, for it tells most.
    fn widths(&self, width: usize) -> Vec<usize> {
        let weight = |kind| match kind {
            LaneKind::Program => 5,
            LaneKind::Subsystem | LaneKind::Driver => 3,
            LaneKind::Memory => 5,
        };
        let all: usize = self.lanes.iter().map(|lane| weight(lane.kind)).sum::<usize>().max(1);
        let room = width.saturating_sub(TIME + GAP.len() * self.lanes.len());
        self.lanes.iter().map(|lane| (room * weight(lane.kind) / all).max(8)).collect()
    }
}

fn style(kind: EventKind) -> Style {
    let colour = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
    match kind {
        EventKind::Violation => colour(AnsiColor::Red).bold(),
        EventKind::Noticed => colour(AnsiColor::Red),
        EventKind::HandOver | EventKind::Injected => colour(AnsiColor::Yellow),
        EventKind::Start | EventKind::Over => colour(AnsiColor::Cyan),
        EventKind::Pause => Style::new().effects(Effects::DIMMED),
        EventKind::Step | EventKind::Cancel => Style::new(),
    }
}

/// One row, on as many lines as its longest cell needs.
fn push_cells(
    out: &mut String,
    time: &str,
    cells: &[String],
    widths: &[usize],
    style: Style,
    colour: bool,
) {
    let columns = cells.iter().zip(widths).map(|(cell, width)| wrapped(cell, *width));
    let columns: Vec<_> = columns.collect();
    let height = columns.iter().map(Vec::len).max().unwrap_or(1).max(1);
    for line in 0..height {
        let time = if line == 0 { time } else { "" };
        let mut text = format!("{time:>TIME$}");
        for (column, width) in columns.iter().zip(widths) {
            let cell = column.get(line).map_or("", String::as_str);
            let pad = width.saturating_sub(cell.width());
            text.push_str(&format!("{GAP}{cell}{}", " ".repeat(pad)));
        }
        let text = text.trim_end();
        if colour && style != Style::new() {
            out.push_str(&format!("{style}{text}{style:#}\n"));
        } else {
            out.push_str(text);
            out.push('\n');
        }
    }
}

/// Words on lines of `width` columns; a word that is longer is cut.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let mut word = word.to_owned();
        loop {
            let line = lines.last_mut().expect("there is one");
            let gap = usize::from(!line.is_empty());
            if line.width() + gap + word.width() <= width {
                if gap > 0 {
                    line.push(' ');
                }
                line.push_str(&word);
                break;
            }
            if line.is_empty() {
                let rest = word.split_off(cut(&word, width));
                line.push_str(&word);
                word = rest;
                if word.is_empty() {
                    break;
                }
            }
            lines.push(String::new());
        }
    }
    lines
}

/// How many bytes of `word` fill `width` columns; at least one character.
fn cut(word: &str, width: usize) -> usize {
    let mut columns = 0;
    for (at, character) in word.char_indices() {
        columns += character.width().unwrap_or(0);
        if columns > width && at > 0 {
            return at;
        }
    }
    word.len()
}
