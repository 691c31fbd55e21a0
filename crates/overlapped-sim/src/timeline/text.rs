//! A table for a terminal: lanes side by side, one line a step, time downward.

use anstyle::{AnsiColor, Effects, Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{Event, EventKind, LaneKind, Row, Timeline, Whose};

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
/// The columns of the band of owners.
const BAND: usize = 2;
/// What the band shows, and what it means.
const LEGEND: [(char, &str); 4] = [
    ('.', "the program's"),
    ('|', "lent"),
    ('#', "lent, and no longer whose it was"),
    ('!', "written all the same"),
];

impl Timeline {
    /// The run as a table. The culprit's line begins with `!!`.
    pub fn text(&self, look: &Look) -> String {
        let widths = self.widths(look.width.max(60));
        let mut out = String::new();
        let names: Vec<_> = self.lanes.iter().map(|lane| lane.name.clone()).collect();
        let head = Line { time: "t/us".to_owned(), band: self.band().map(|lane| (lane, ' ')) };
        push_cells(&mut out, &head, &names, &widths, Style::new().bold(), look.colour);
        let rule: usize = TIME + widths.iter().map(|width| GAP.len() + width).sum::<usize>();
        out.push_str(&"-".repeat(rule));
        out.push('\n');
        let mut whose = None;
        for row in self.folded(look.lines) {
            whose = row.event.whose.as_ref().or(whose);
            self.push_row(&mut out, &row, whose, &widths, look.colour);
        }
        self.push_waits(&mut out, &widths, look.colour);
        out.push_str(&"-".repeat(rule));
        out.push('\n');
        let legend = self.legend();
        let legend = (!legend.is_empty()).then_some(("memory", &legend[..]));
        let notes = self.notes.iter().map(|(head, text)| (head.as_str(), text.as_str()));
        for (head, text) in legend.into_iter().chain(notes) {
            for (index, line) in wrapped(text, rule.saturating_sub(10)).iter().enumerate() {
                let head = if index == 0 { head } else { "" };
                out.push_str(&format!("{head:<9} {line}\n"));
            }
        }
        if let Some(replay) = &self.replay {
            out.push_str(&format!("replay    {replay}\n"));
        }
        out
    }

    /// The memory lane, if it has a band of owners.
    fn band(&self) -> Option<usize> {
        let lane = self.memory_lane()?;
        self.events.iter().any(|event| event.whose.is_some()).then_some(lane)
    }

    /// What of the band needs to be told.
    fn legend(&self) -> String {
        let band = self.events.iter().map(|event| band(event, event.whose.as_ref()));
        let seen: Vec<_> = band.collect();
        let told = LEGEND.iter().filter(|(shown, _)| seen.contains(shown));
        told.map(|(shown, means)| format!("{shown} {means}")).collect::<Vec<_>>().join("; ")
    }

    fn push_row(
        &self,
        out: &mut String,
        row: &Row<'_>,
        whose: Option<&Whose>,
        widths: &[usize],
        colour: bool,
    ) {
        let event = row.event;
        let mut cells = vec![String::new(); self.lanes.len()];
        let mark = if event.kind == EventKind::Violation { "!! " } else { "" };
        cells[event.lane.min(self.lanes.len() - 1)] = format!("{mark}{}", row.text());
        if let (Some(lane), Some(memory)) = (self.memory_lane(), &event.memory) {
            cells[lane].clone_from(memory);
        }
        let band = band(event, whose);
        let time = event.at.as_micros().to_string();
        let line = Line { time, band: self.band().map(|lane| (lane, band)) };
        push_cells(out, &line, &cells, widths, style(event.kind), colour);
    }

    fn push_waits(&self, out: &mut String, widths: &[usize], colour: bool) {
        for (lane, text) in &self.waits {
            let mut cells = vec![String::new(); self.lanes.len()];
            cells[(*lane).min(self.lanes.len() - 1)] = format!("waits: {text}");
            let line = Line { time: "for ever".to_owned(), band: None };
            push_cells(out, &line, &cells, widths, style(EventKind::Violation), colour);
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

/// What the band of owners shows beside an event.
fn band(event: &Event, whose: Option<&Whose>) -> char {
    match whose {
        Some(Whose { astray: true, .. }) if event.kind == EventKind::Violation => '!',
        Some(Whose { astray: true, .. }) => '#',
        Some(Whose { lent: Some(_), .. }) => '|',
        Some(Whose { owner, .. }) if !owner.is_empty() => '.',
        _ => ' ',
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

/// What stands beside the cells of a row.
struct Line {
    time: String,
    /// The lane with the band of owners, and what the band shows.
    band: Option<(usize, char)>,
}

/// One row, on as many lines as its longest cell needs.
fn push_cells(
    out: &mut String,
    row: &Line,
    cells: &[String],
    widths: &[usize],
    style: Style,
    colour: bool,
) {
    let band = |lane: usize| row.band.filter(|(its, _)| *its == lane).map(|(_, band)| band);
    let room = |lane, width: usize| if band(lane).is_some() { width - BAND } else { width };
    let columns = cells.iter().zip(widths).enumerate();
    let columns = columns.map(|(lane, (cell, width))| wrapped(cell, room(lane, *width)));
    let columns: Vec<_> = columns.collect();
    let height = columns.iter().map(Vec::len).max().unwrap_or(1).max(1);
    for line in 0..height {
        let time = if line == 0 { &row.time } else { "" };
        let mut text = format!("{time:>TIME$}");
        for (lane, (column, width)) in columns.iter().zip(widths).enumerate() {
            let cell = column.get(line).map_or("", String::as_str);
            let pad = room(lane, *width).saturating_sub(cell.width());
            let band = band(lane).map(|band| format!("{band} ")).unwrap_or_default();
            text.push_str(&format!("{GAP}{band}{cell}{}", " ".repeat(pad)));
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
