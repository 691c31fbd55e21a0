//! The report as a page.

use std::{fmt::Write, path::Path};

use super::{
    Results, Row, Spread, fio, goals, machine,
    plan::{self, Item},
};
use crate::{Work, peer::RAW};

/// The whole page.
pub fn page(results: &Results, dir: &Path) -> String {
    let mut page = String::new();
    head(&mut page, results, dir);
    let goals = goals::all(results);
    if goals.iter().any(|goal| goal.stands.is_some()) {
        goal_table(&mut page, &goals);
    }
    for item in plan::RATIOS {
        ratio_table(&mut page, results, item);
    }
    deadline_table(&mut page, results);
    flying_table(&mut page, results);
    allocation_table(&mut page, results);
    instruction_table(&mut page);
    peer_table(&mut page, results);
    notes(&mut page);
    page
}

fn put(page: &mut String, line: impl AsRef<str>) {
    page.push_str(line.as_ref());
    page.push('\n');
}

fn head(page: &mut String, results: &Results, dir: &Path) {
    put(page, "# Performance\n");
    put(
        page,
        "Written by `peers/run`; no number in a table is written by hand. Losses are here, too.\n",
    );
    put(page, "![Processor time per operation against the raw loop](performance.svg)\n");
    put(page, "## How it was measured\n");
    put(page, "| | |\n|---|---|");
    for (name, fact) in machine::facts(dir) {
        put(page, format!("| {name} | {fact} |"));
    }
    let (rounds, millis) = (results.rounds, results.millis);
    let text = format!(
        "
Each measurement is a process of its own that warms up and then runs for about {millis} ms. The
peers take turns, pair by pair: the raw loop, a peer, the raw loop, the next peer, and so on, for
{rounds} rounds. Every ratio is that of a pair; the tables give the median of the rounds with the
least and the most. *Processor time* is user and system time of all threads of the process
(`getrusage`) for one operation: on a machine that others use it is steadier than the wall clock.
*Throughput* is by the wall clock. A ratio of 2× needs twice the processor time of the raw loop; a
throughput of 0.5× is half its speed. How each peer is set up is told below; all are built as one
program with fat link-time optimisation and one code generation unit.

Buffers are aligned and used again. What depends on the device (direct reads and writes) varies most
from round to round.
"
    );
    page.push_str(&text);
}

fn goal_table(page: &mut String, goals: &[goals::Goal]) {
    put(page, "\n## Goals\n");
    put(page, "Ratios are processor time against the raw loop unless another peer is named.\n");
    put(page, "| goal | aim | measured | |\n|---|---|---|---|");
    for goal in goals {
        let (stands, mark) = match goal.stands {
            Some(stands) => {
                (number(stands, goal.unit), if goal.reached { "reached" } else { "missed" })
            }
            None => ("–".to_owned(), ""),
        };
        put(page, format!("| {} | {} | {stands} | {mark} |", goal.what, goal.aim));
    }
}

fn ratio_table(page: &mut String, results: &Results, item: &Item) {
    let rows = results.rows(item.work);
    if rows.is_empty() {
        return;
    }
    put(page, format!("\n## {}\n", item.title));
    if !item.note.is_empty() {
        put(page, format!("{}\n", item.note));
    }
    if rows.iter().all(|row| row.ratio().is_none()) {
        put(page, "Nothing was measured.");
        return missing(page, results, rows);
    }
    let pread = matches!(item.work, Work::Cached(_)) && results.row(item.work, "pread").is_some();
    let (more, rule) = if pread { (" speed of `pread`* |", "---|") } else { ("", "") };
    put(page, format!("| peer | processor time | against raw | least – most | throughput |{more}"));
    put(page, format!("|---|---|---|---|---|{rule}"));
    for row in rows {
        let (Some(cpu), Some(ratio), Some(speed)) = (row.cpu(), row.ratio(), row.throughput())
        else {
            continue;
        };
        let mut line = if row.peer == RAW {
            let rate = row.spread(|_, it| 1e9 / it.wall_per_op()).map_or(0.0, |rate| rate.median);
            format!("| {} | {} | 1 | | {} a second |", row.peer, nanos(cpu), thousands(rate))
        } else {
            let Spread { median, min, max } = ratio;
            let spread = format!("{min:.2} – {max:.2}");
            let cpu = nanos(cpu);
            format!("| {} | {cpu} | **{median:.2}×** | {spread} | {:.2}× |", row.peer, speed.median)
        };
        if pread {
            let against = results.share(item.work, "pread", row.peer);
            let against = against.map_or("–".to_owned(), |speed| format!("{speed:.2}×"));
            let _ = write!(line, " {against} |");
        }
        put(page, line);
    }
    if pread {
        put(page, "\n\\* Processor time of `pread` by that of the peer, from their ratios.");
    }
    missing(page, results, rows);
}

/// Those that are in other tables and not in this one, and why.
fn missing(page: &mut String, results: &Results, rows: &[Row]) {
    let known = |name| name == fio::NAME || results.peers().any(|peer| peer.name == name);
    let rows = rows.iter().filter(|row| known(row.peer));
    let why = rows.filter_map(|row| Some((row.peer, row.rounds.as_ref().err()?)));
    let (absent, other): (Vec<_>, Vec<_>) = why.partition(|(_, why)| *why == "not offered");
    let mut lines = Vec::new();
    if !absent.is_empty() {
        let names: Vec<_> = absent.iter().map(|(peer, _)| *peer).collect();
        lines.push(format!("Not offered by {}.", names.join(", ")));
    }
    lines.extend(other.iter().map(|(peer, why)| format!("{peer}: {why}.")));
    if !lines.is_empty() {
        put(page, format!("\n{}", lines.join(" ")));
    }
}

fn deadline_table(page: &mut String, results: &Results) {
    let rows = results.rows(plan::DEADLINE);
    if rows.is_empty() {
        return;
    }
    put(page, "\n## A deadline around each operation\n");
    put(
        page,
        "What a deadline of 10 seconds, which never comes, adds to a write to the null device at \
         depth 32, in processor time. The raw loop links a timeout to each write.\n",
    );
    put(page, "| peer | without | with | added | least – most |\n|---|---|---|---|---|");
    for row in rows {
        let without = row.spread(|base, _| base.cpu_per_op());
        let (Some(without), Some(with), Some(added)) = (without, row.cpu(), row.added()) else {
            continue;
        };
        let (without, with) = (nanos(without), nanos(with));
        let Spread { median, min, max } = added;
        let name = row.peer;
        put(
            page,
            format!("| {name} | {without} | {with} | **{median:.0} ns** | {min:.0} – {max:.0} |"),
        );
    }
    missing(page, results, rows);
}

fn flying_table(page: &mut String, results: &Results) {
    let works = plan::FLYING.map(Work::Flying);
    let rows = results.rows(works[0]);
    if rows.is_empty() {
        return;
    }
    put(page, "\n## Many in flight\n");
    put(
        page,
        "Idle reads of 8 bytes of 100 eventfds (of glommio: of pipes). Memory is what the heap \
         holds for each of them, its buffer left out; for peers that need a task to start a read, \
         with that task. Time is the processor time of a write to the null device at depth 32 \
         beside them.\n",
    );
    let mut head = "| peer |".to_owned();
    for n in plan::FLYING {
        let _ = write!(head, " bytes at {} |", thousands(n as f64));
    }
    for n in plan::FLYING {
        let _ = write!(head, " time at {} |", thousands(n as f64));
    }
    put(page, head + " growth |");
    put(page, "|---|---|---|---|---|---|---|---|");
    for row in rows.iter().filter(|row| row.rounds.is_ok()) {
        let cell = |work, of: &dyn Fn(&Row) -> Option<String>| {
            results.row(work, row.peer).and_then(of).unwrap_or_else(|| "–".to_owned())
        };
        let heap = |row: &Row| Some(format!("{:.0}", row.spread(|_, it| it.heap)?.median.max(0.0)));
        let cpu = |row: &Row| row.cpu().map(nanos);
        let mut line = format!("| {} |", row.peer);
        for work in works {
            let _ = write!(line, " {} |", cell(work, &heap));
        }
        for work in works {
            let _ = write!(line, " {} |", cell(work, &cpu));
        }
        let growth = goals::growth(results, row.peer);
        let growth = growth.map_or("–".to_owned(), |growth| format!("{growth:.2}×"));
        put(page, format!("{line} {growth} |"));
    }
    missing(page, results, rows);
}

fn allocation_table(page: &mut String, results: &Results) {
    if results.allocations.is_empty() {
        return;
    }
    put(page, "\n## Allocations\n");
    put(page, "Calls of the heap for each operation in steady state, at depth 32.\n");
    let names = plan::ALLOCATIONS.map(|(_, name)| name);
    put(page, format!("| peer | {} |\n|---|---|---|---|", names.join(" | ")));
    for peer in results.peers() {
        let cells = plan::ALLOCATIONS.map(|(work, _)| {
            let count = results.allocations.get(&(peer.name.to_owned(), work.to_string()));
            count.map_or("–".to_owned(), |count| format!("{count:.2}"))
        });
        put(page, format!("| {} | {} |", peer.name, cells.join(" | ")));
    }
}

/// The fences of `cargo xtask counts`: what the library costs by itself, the kernel left out.
fn instruction_table(page: &mut String) {
    let Some(counts) = machine::beside("../bench/counts.toml") else {
        return;
    };
    put(page, "\n## Instructions\n");
    let text = "Of the library in user space for each operation, on the null backend, and for a cached \
                read; `std-pread` is the system call alone. Counted by `cargo xtask counts`, in a \
                build without link-time optimisation; `bench/` has the cases.\n";
    put(page, text);
    put(page, "| case | instructions |\n|---|---:|");
    let lines = counts.lines().skip_while(|line| *line != "[instructions]").skip(1);
    for (name, count) in lines.filter_map(|line| line.split_once(" = ")) {
        put(page, format!("| {name} | {count} |"));
    }
}

/// What people have found out about the figures.
fn notes(page: &mut String) {
    if let Some(notes) = machine::beside("notes.md") {
        put(page, format!("\n{}", notes.trim_end()));
    }
}

fn peer_table(page: &mut String, results: &Results) {
    put(page, "\n## The peers\n");
    put(page, "| peer | version | set up |\n|---|---|---|");
    for peer in results.peers() {
        let package = peer.package.filter(|package| *package != "overlapped");
        let version = package.and_then(|package| Some((package, machine::version(package)?)));
        let version = match (version, peer.package) {
            (Some((package, version)), _) => format!("{package} {version}"),
            (None, Some(_)) => "this repository".to_owned(),
            (None, None) => "–".to_owned(),
        };
        put(page, format!("| {} | {version} | {} |", peer.name, peer.setup));
    }
    let rows = plan::RATIOS.iter().flat_map(|item| results.rows(item.work));
    if rows.filter(|row| row.peer == fio::NAME).any(|row| row.rounds.is_ok()) {
        let line = "| fio | as installed | `ioengine=io_uring`, `norandommap`, `gtod_reduce=1` |";
        put(page, line);
    }
}

fn nanos(spread: Spread) -> String {
    format!("{} ns", thousands(spread.median))
}

fn number(value: f64, unit: &str) -> String {
    match unit {
        "×" => format!("{value:.2}×"),
        "" => format!("{value}"),
        _ => format!("{value:.0}{unit}"),
    }
}

/// Rounded, with commas.
fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
