//! A picture for a book or a browser: lanes, time downward, and in red what went wrong.

use super::{EventKind, LaneKind, Row, Timeline, Whose};

const TIME: usize = 76;
const LANE: usize = 250;
/// The band of owners, and beside it what happened to the memory.
const BAND: usize = 132;
const MEMORY: usize = BAND + 306;
const ROW: usize = 34;
const TOP: usize = 76;
/// About how wide a character is, and how many lines a text may have in its row.
const CHARACTER: f32 = 6.9;
const BOLD: f32 = 7.5;
const LINES: usize = 2;

const STYLE: &str = "\
:root{--ink:#1c2330;--soft:#667085;--line:#d5dae2;--paper:#ffffff;--box:#f3f5f9;--blue:#2f6fde;\
--amber:#b45309;--red:#c81e1e;--lent:#cfe0fb;--free:#e7eaf0;--other:#fbe3c2}\
@media (prefers-color-scheme:dark){:root{--ink:#e6eaf2;--soft:#98a2b3;--line:#333c4d;\
--paper:#11151d;--box:#1b2230;--blue:#7aa8ff;--amber:#f0b35a;--red:#ff6b6b;--lent:#24406f;\
--free:#2a3140;--other:#5b421c}}\
svg{background:var(--paper)}text{font:12px ui-monospace,Menlo,Consolas,monospace;fill:var(--ink)}\
.head{font-weight:600;font-size:13px}.soft{fill:var(--soft)}.line{stroke:var(--line)}\
.box{fill:var(--box);stroke:var(--line)}.start,.over{stroke:var(--blue)}.hand{stroke:var(--amber)}\
.bad{stroke:var(--red);stroke-width:2}.t-bad{fill:var(--red);font-weight:600}\
.t-hand{fill:var(--amber)}.arrow{stroke:var(--soft);fill:none;stroke-width:1.2}\
.arrow-bad{stroke:var(--red);fill:none;stroke-width:2}.lent{fill:var(--lent)}\
.free{fill:var(--free)}.other{fill:var(--other)}.hit{fill:var(--red)}\
.t-hit{fill:var(--paper);font-weight:600}.whose{font-size:11px}\
.hand-over{stroke:var(--amber);stroke-width:3}";

impl Timeline {
    /// The run as an SVG, readable in light and dark.
    pub fn svg(&self) -> String {
        let rows = self.folded(60);
        let width = TIME + self.lanes.iter().map(|lane| lane_width(lane.kind)).sum::<usize>() + 16;
        let notes = self.foot(width);
        let foot = 24 + 20 * notes.len();
        let height = TOP + ROW * rows.len() + foot;
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
             width=\"{width}\" height=\"{height}\" role=\"img\" aria-labelledby=\"t d\">\n\
             <title id=\"t\">{}</title>\n<desc id=\"d\">{}</desc>\n<style>{STYLE}</style>\n\
             <defs><marker id=\"a\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" \
             markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"context-stroke\"/>\
             </marker></defs>\n",
            escaped(&self.title),
            escaped(&self.summary()),
        );
        out.push_str(&text(16, 24, "head", &self.title));
        self.push_lanes(&mut out, TOP + ROW * rows.len());
        self.push_band(&mut out, &rows);
        self.push_arrows(&mut out, &rows);
        for (index, row) in rows.iter().enumerate() {
            self.push_box(&mut out, row, TOP + ROW * index);
        }
        push_foot(&mut out, &notes, TOP + ROW * rows.len() + 24);
        out.push_str("</svg>\n");
        out
    }

    fn summary(&self) -> String {
        let bad = self.events.iter().find(|event| event.kind == EventKind::Violation);
        bad.map_or_else(|| "Nothing went wrong.".to_owned(), |event| event.text.clone())
    }

    /// Where a lane begins.
    fn x(&self, lane: usize) -> usize {
        let before = self.lanes.iter().take(lane);
        TIME + before.map(|lane| lane_width(lane.kind)).sum::<usize>()
    }

    fn push_lanes(&self, out: &mut String, bottom: usize) {
        out.push_str(&text(12, TOP - 18, "soft", "t/us"));
        for (index, lane) in self.lanes.iter().enumerate() {
            let x = self.x(index);
            out.push_str(&text(x + 8, TOP - 18, "head", &lane.name));
            out.push_str(&format!(
                "<line class=\"line\" x1=\"{x}\" y1=\"{}\" x2=\"{x}\" y2=\"{bottom}\"/>\n",
                TOP - 36
            ));
        }
    }

    /// Beside the memory: whose it is, as long as it is theirs.
    fn push_band(&self, out: &mut String, rows: &[Row<'_>]) {
        let Some(lane) = self.memory_lane() else {
            return;
        };
        let x = self.x(lane) + 2;
        let mut first = 0;
        for row in 0..rows.len() {
            let whose = rows[first].event.whose.as_ref();
            let next = rows.get(row + 1).map(|next| next.event.whose.as_ref());
            if next.is_some_and(|next| next == whose) {
                continue;
            }
            if let Some(whose) = whose {
                push_whose(out, whose, x, TOP + ROW * first, ROW * (row + 1 - first));
            }
            first = row + 1;
        }
        let hits = rows.iter().enumerate().filter(|(_, row)| is_hit(row));
        for (row, _) in hits {
            let y = TOP + ROW * row + 3;
            out.push_str(&format!(
                "<rect class=\"hit\" x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\"/>\n",
                BAND - 8,
                ROW - 6
            ));
            out.push_str(&text(x + 6, y + 18, "t-hit", "\u{2716} written here"));
        }
    }

    /// From each step to those that waited for it in other lanes, and from a write that hit to what
    /// it hit.
    fn push_arrows(&self, out: &mut String, rows: &[Row<'_>]) {
        let row_of = |event: usize| {
            let target = &self.events[event];
            rows.iter().position(|row| std::ptr::eq(row.event, target))
        };
        for (index, row) in rows.iter().enumerate() {
            let y = TOP + ROW * index + ROW / 2;
            for before in row.event.after.iter().filter_map(|event| row_of(*event)) {
                let from = rows[before].event.lane;
                if from != row.event.lane {
                    // Down beside the boxes, then across to the nearer edge.
                    let x1 = self.x(from) + 4;
                    let right =
                        self.x(row.event.lane) + lane_width(self.lanes[row.event.lane].kind);
                    let x2 =
                        if from < row.event.lane { self.x(row.event.lane) + 7 } else { right - 11 };
                    let y1 = TOP + ROW * before + ROW - 4;
                    out.push_str(&format!(
                        "<path class=\"arrow\" d=\"M{x1} {y1}L{x1} {y}L{x2} {y}\" \
                         marker-end=\"url(#a)\"/>\n"
                    ));
                }
            }
            let hits = row.event.kind == EventKind::Violation && row.event.memory.is_some();
            if let (true, Some(lane)) = (hits, self.memory_lane()) {
                let x1 = self.x(row.event.lane) + lane_width(self.lanes[row.event.lane].kind) - 10;
                let x2 = self.x(lane) + 2;
                out.push_str(&format!(
                    "<path class=\"arrow-bad\" d=\"M{x1} {y}L{x2} {y}\" marker-end=\"url(#a)\"/>\n"
                ));
            }
        }
    }

    fn push_box(&self, out: &mut String, row: &Row<'_>, y: usize) {
        let event = row.event;
        let (class, ink) = match event.kind {
            EventKind::Violation | EventKind::Noticed => ("box bad", "t-bad"),
            EventKind::HandOver | EventKind::Injected => ("box hand", "t-hand"),
            EventKind::Start => ("box start", ""),
            EventKind::Over => ("box over", ""),
            EventKind::Pause => ("", "soft"),
            EventKind::Step | EventKind::Cancel => ("box", ""),
        };
        out.push_str(&text(12, y + 21, "soft", &event.at.as_micros().to_string()));
        let lane = event.lane.min(self.lanes.len() - 1);
        let (x, width) = (self.x(lane) + 8, lane_width(self.lanes[lane].kind) - 20);
        if !class.is_empty() {
            out.push_str(&format!(
                "<rect class=\"{class}\" x=\"{x}\" y=\"{}\" width=\"{width}\" height=\"{}\" \
                 rx=\"4\"/>\n",
                y + 2,
                ROW - 4
            ));
        }
        push_lines(out, x + 6, y, width - 12, ink, &row.text());
        if let (Some(lane), Some(memory)) = (self.memory_lane(), &event.memory) {
            push_lines(out, self.x(lane) + BAND + 4, y, MEMORY - BAND - 12, ink, memory);
        }
    }

    /// What stands below the lanes, line by line: a heading or none, and what is said.
    fn foot(&self, width: usize) -> Vec<(String, String)> {
        let waits = self.waits.iter().map(|(lane, what)| {
            let name = self.lanes.get(*lane).map_or("", |lane| &lane.name);
            ("waits", format!("{name}: {what}"))
        });
        let notes = self.notes.iter().map(|(head, what)| (head.as_str(), what.clone()));
        let replay = self.replay.iter().map(|replay| ("replay", replay.clone()));
        let room = (width.saturating_sub(TIME + 24) as f32 / BOLD) as usize;
        let lines = waits.chain(notes).chain(replay).flat_map(|(head, what)| {
            let heads = std::iter::once(head).chain(std::iter::repeat(""));
            heads.map(str::to_owned).zip(lines(&what, room)).collect::<Vec<_>>()
        });
        lines.collect()
    }
}

fn push_foot(out: &mut String, lines: &[(String, String)], top: usize) {
    let mut ink = "";
    for (index, (head, what)) in lines.iter().enumerate() {
        let y = top + 20 * index;
        if !head.is_empty() {
            ink = if matches!(&head[..], "cause" | "waits") { "t-bad" } else { "" };
        }
        out.push_str(&text(16, y, "soft", head));
        out.push_str(&text(TIME + 8, y, ink, what));
    }
}

/// A write that was not meant for whoever has the memory.
fn is_hit(row: &Row<'_>) -> bool {
    let astray = row.event.whose.as_ref().is_some_and(|whose| whose.astray);
    row.event.kind == EventKind::Violation && astray
}

/// A piece of the band: who owns the bytes, and to whom they are lent.
fn push_whose(out: &mut String, whose: &Whose, x: usize, y: usize, height: usize) {
    let class = match whose {
        Whose { astray: true, .. } => "other",
        Whose { lent: Some(_), .. } => "lent",
        Whose { .. } => "free",
    };
    let width = BAND - 8;
    out.push_str(&format!(
        "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>\n"
    ));
    if whose.astray {
        out.push_str(&format!("<path class=\"hand-over\" d=\"M{x} {y}L{} {y}\"/>\n", x + width));
    }
    let owner = if whose.owner.is_empty() { "nobody" } else { &whose.owner };
    let lent = whose.lent.as_ref().map(|op| format!("lent to {op}"));
    for (index, what) in [Some(owner.to_owned()), lent].into_iter().flatten().enumerate() {
        let ink = if index == 0 { "whose" } else { "soft whose" };
        push_cut(out, x + 6, y + 14 + 14 * index, width - 8, ink, &what);
    }
}

/// A text on one line, cut if it is too long; whole in its tooltip.
fn push_cut(out: &mut String, x: usize, y: usize, width: usize, ink: &str, what: &str) {
    let room = (width as f32 / CHARACTER) as usize;
    let cut: String = what.chars().take(room).collect();
    out.push_str(&format!("<g><title>{}</title>", escaped(what)));
    out.push_str(&text(x, y, ink, &cut));
    out.push_str("</g>\n");
}

fn lane_width(kind: LaneKind) -> usize {
    if kind == LaneKind::Memory { MEMORY } else { LANE }
}

/// A text on at most two lines; what is longer is cut, and is whole in its tooltip.
fn push_lines(out: &mut String, x: usize, y: usize, width: usize, ink: &str, what: &str) {
    let room = (width as f32 / CHARACTER) as usize;
    let mut lines = lines(what, room);
    let long = lines.len() > LINES || lines.iter().any(|line| line.chars().count() > room);
    lines.truncate(LINES);
    let first = if lines.len() == 1 { y + 21 } else { y + 15 };
    if long {
        out.push_str(&format!("<g><title>{}</title>", escaped(what)));
    }
    for (index, line) in lines.iter().enumerate() {
        let cut: String = line.chars().take(room).collect();
        out.push_str(&text(x, first + 13 * index, ink, &cut));
    }
    if long {
        out.push_str("</g>\n");
    }
}

/// Words on lines of so many characters.
fn lines(what: &str, room: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![String::new()];
    for word in what.split_whitespace() {
        let line = lines.last_mut().expect("there is one");
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > room {
            lines.push(word.to_owned());
        } else {
            line.push_str(if line.is_empty() { "" } else { " " });
            line.push_str(word);
        }
    }
    lines
}

fn text(x: usize, y: usize, class: &str, what: &str) -> String {
    let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
    format!("<text{class} x=\"{x}\" y=\"{y}\">{}</text>\n", escaped(what))
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if u32::from(c) < 0x20 => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
