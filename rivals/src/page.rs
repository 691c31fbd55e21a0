//! The page of results, in Markdown. No number on it is written by hand.

use std::{fmt::Write, time::Duration};

use crate::rounds::{Plan, Ran, Result, Table};

const HEAD: &str = "# Explorers side by side

Written by `rivals/run`; no number in a table is written by hand. Losses are here, too.

The scenario is the seed's: a read is started, waited for a second, cancelled, and its function
returns; the bytes of its frame become those of the function that is called next. A schedule is *bad*
if the I/O writes bytes that are not the read's any more. loom and shuttle have it as threads with a
mutex and a condition variable, as their users would write it; turmoil-io-uring as a program on its
ring; `overlapped-lab` as async code over raw memory. `overlapped-sim` runs what safe code can
express of it, through the library itself: a file is opened and read, the buffer is given, and no
schedule is bad.

Rates are per second of processor time, of the one thread that runs it: the median of all rounds,
with the least and the most. In a round each has its turn, in a process of its own. The ratio is to the first line of the table.
";

pub(crate) fn write(results: &[Result], plan: Plan) -> String {
    let mut page = HEAD.to_owned();
    let rounds = plan.rounds;
    let _ = writeln!(page, "\nRounds: {rounds}. Versions: {}.", versions());
    searches(&mut page, results, plan);
    chances(&mut page, results);
    let table = |page: &mut String, table, title: &str, unit: &str| {
        let _ = writeln!(page, "\n## {title}\n\n| | {unit} a second | least | most | ratio |");
        page.push_str("|---|---:|---:|---:|---:|\n");
        for result in of(results, table) {
            let [name, rate, least, most, ratio] = rates(results, result);
            let _ = writeln!(page, "| {name} | {rate} | {least} | {most} | {ratio} |");
        }
    };
    table(&mut page, Table::Sleepers, "Ten tasks that sleep a second each time", "virtual seconds");
    table(&mut page, Table::Idle, "An hour in which nothing happens", "idle hours");
    table(&mut page, Table::Start, "A simulation of nothing", "simulations");
    losses(&mut page, results);
    page
}

/// Of what is compared with, as the lock file has them.
fn versions() -> String {
    let lock = include_str!("../Cargo.lock");
    let version = |name: &str| {
        let mut lines = lock.lines().skip_while(|line| *line != format!("name = \"{name}\""));
        let version = lines.nth(1).and_then(|line| line.split('"').nth(1));
        format!("{name} {}", version.expect("it is a dependency"))
    };
    ["loom", "shuttle", "turmoil", "turmoil-io-uring"].map(version).join(", ")
}

fn of(results: &[Result], table: Table) -> impl Iterator<Item = &Result> {
    results.iter().filter(move |result| result.bench.table == table)
}

/// Name, median, least, most, and the ratio to the table's first.
fn rates(results: &[Result], result: &Result) -> [String; 5] {
    let first = of(results, result.bench.table).next().expect("this one is there").median();
    let rates = &result.rates;
    [
        result.bench.name.to_owned(),
        figure(result.median()),
        figure(rates[0]),
        figure(rates[rates.len() - 1]),
        ratio(result.median() / first),
    ]
}

fn searches(page: &mut String, results: &[Result], plan: Plan) {
    let _ = writeln!(
        page,
        "\n## Every schedule, or every one that matters\n\n\
         A search that is not complete after {} schedules is cut: `>`.\n\n\
         | | schedules a second | least | most | ratio | buggy, to the end | bad | first bad | fixed, \
         to the end |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|---:|",
        figure(plan.most as f64)
    );
    for result in of(results, Table::Search) {
        let [name, rate, least, most, ratio] = rates(results, result);
        let [buggy, fixed] = result.wholes.expect("a search has an end");
        let first = buggy.0.first.map_or("-".to_owned(), |first| figure(first as f64));
        let _ = writeln!(
            page,
            "| {name} | {rate} | {least} | {most} | {ratio} | {} | {} | {first} | {} |",
            whole(buggy, plan),
            figure(buggy.0.bad as f64),
            whole(fixed, plan),
        );
    }
}

fn whole((ran, took): (Ran, Duration), plan: Plan) -> String {
    // loom stops before the last one.
    let cut = if ran.count + 1 >= plan.most { "> " } else { "" };
    format!("{cut}{} in {took:.1?}", figure(ran.count as f64))
}

fn chances(page: &mut String, results: &[Result]) {
    page.push_str(
        "\n## Schedules by chance\n\n\
         | | schedules a second | least | most | ratio | bad | first bad, median of the rounds |\n\
         |---|---:|---:|---:|---:|---:|---:|\n",
    );
    for result in of(results, Table::Chance) {
        let [name, rate, least, most, ratio] = rates(results, result);
        let bad = 100.0 * result.ran.bad as f64 / result.ran.count as f64;
        let first = result.firsts.get(result.firsts.len() / 2);
        let first = first.map_or("never".to_owned(), u64::to_string);
        let _ = writeln!(
            page,
            "| {name} | {rate} | {least} | {most} | {ratio} | {bad:.1} % | {first} |"
        );
    }
}

/// Where one of the others is faster than one of ours.
fn losses(page: &mut String, results: &[Result]) {
    page.push_str("\n## Where another is faster\n\n");
    let before = page.len();
    for other in results.iter().filter(|result| !result.bench.own) {
        for own in of(results, other.bench.table).filter(|result| result.bench.own) {
            if other.median() > own.median() {
                let _ = writeln!(
                    page,
                    "- {} runs {:.2} times as many as {}.",
                    other.bench.name,
                    other.median() / own.median(),
                    own.bench.name
                );
            }
        }
    }
    if page.len() == before {
        page.push_str("Nowhere in these tables.\n");
    }
}

fn ratio(ratio: f64) -> String {
    if ratio < 0.001 { format!("{ratio:.1e}") } else { format!("{ratio:.3}") }
}

/// A number with its thousands apart; a small one with what is behind its point.
fn figure(number: f64) -> String {
    if number < 10.0 && number.fract() != 0.0 {
        return format!("{number:.2}");
    }
    let digits = format!("{number:.0}");
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).expect("digits"))
        .collect();
    groups.join(",")
}
