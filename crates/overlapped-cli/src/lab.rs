//! `overlapped lab`: programs with the bugs of overlapped I/O, under every schedule, drawn.

mod json;

use std::{
    fs,
    io::{self, IsTerminal, Write},
    path::Path,
};

use anstyle::{AnsiColor, Style};
use overlapped_lab::{
    Report, Rules, Why, fine_rules,
    programs::{self, Program},
    usual_rules,
};
use overlapped_sim::timeline::{Look, Timeline};

use crate::{
    args::{LabCommand, RunArgs},
    exit::Exit,
    output::say,
    trouble::Trouble,
};

/// How many names are suggested.
const SIMILAR: usize = 3;

pub(crate) fn run(command: Option<LabCommand>, json: bool) -> Result<Exit, Trouble> {
    let (text, exit) = match command {
        None => (if json { json::list() } else { list() }, Exit::Done),
        Some(LabCommand::Explain { name }) => {
            let program = find("lab explain", &name)?;
            (if json { json::explain(program) } else { explain(program) }, Exit::Done)
        }
        Some(LabCommand::Run(args)) => run_program(&args, json)?,
    };
    match write!(anstream::stdout(), "{text}") {
        // Whoever reads has seen enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Trouble::os("lab", &error)),
        _ => Ok(exit),
    }
}

/// The programs, a line each.
fn list() -> String {
    let mut text = String::from("program            variant  verdict  what it does\n");
    for program in programs::all() {
        let Program { name, variant, verdict, about, .. } = program;
        text += &format!("{name:<18} {variant:<8} {verdict:<8} {about}\n");
    }
    text + "\n\
        Under some schedule: C corrupts memory, D hands out freed memory, H hangs, L loses data,\n\
        M takes one operation for another. OK: under every schedule.\n\
        Next: overlapped lab run seed, overlapped lab explain seed\n"
}

fn find(verb: &str, name: &str) -> Result<&'static Program, Trouble> {
    programs::find(name).ok_or_else(|| {
        let near: Vec<_> = similar(name).iter().map(|name| format!("{name:?}")).collect();
        let perhaps = match near.is_empty() {
            true => String::new(),
            false => format!("perhaps {}; ", near.join(" or ")),
        };
        let next = format!("{perhaps}`overlapped lab` lists the programs");
        Trouble::usage(verb, format!("there is no program {name:?}"), &next)
    })
}

/// The programs that may have been meant, the likeliest first: a typing error or two away, or, if
/// none is, those that have the word in their name.
fn similar(name: &str) -> Vec<&'static str> {
    let distance = |known: &str| strsim::damerau_levenshtein(name, known);
    let all = || programs::all().map(|program| program.name);
    let mut names: Vec<_> = all().filter(|known| distance(known) <= 1 + name.len() / 4).collect();
    if names.is_empty() && name.len() > 2 {
        names = all().filter(|known| known.contains(name)).collect();
    }
    names.sort_by_key(|known| (distance(known), *known));
    names.truncate(SIMILAR);
    names
}

fn explain(program: &Program) -> String {
    let Program { name, variant, about, verdict, rule, cause, cure, incident, fixed, .. } = program;
    let mut text = format!("{}\n\n", bold(&format!("{name} ({variant}): {about}")));
    text += &format!("verdict   {}\n", judged(verdict));
    for (head, told) in [("rule", rule), ("cause", cause), ("cure", cure), ("seen in", incident)] {
        if !told.is_empty() {
            text += &format!("{head:<9} {told}\n");
        }
    }
    if let Some(fixed) = fixed {
        text += &format!("healed    overlapped lab run {fixed}\n");
    }
    text + &format!("see it    overlapped lab run {name}\n")
}

fn judged(verdict: &str) -> String {
    let words = verdict.chars().filter_map(|letter| match letter {
        'C' => Some("corrupts memory"),
        'D' => Some("hands out freed memory"),
        'H' => Some("hangs"),
        'L' => Some("loses data"),
        'M' => Some("takes one operation for another"),
        _ => None,
    });
    let words: Vec<_> = words.collect();
    match words.is_empty() {
        true => "correct under every schedule".to_owned(),
        false => format!("under some schedule it {}", words.join(", and ")),
    }
}

fn run_program(args: &RunArgs, json: bool) -> Result<(String, Exit), Trouble> {
    let program = find("lab run", &args.name)?;
    let rules = if args.exhaustive { fine_rules() } else { usual_rules() };
    if let Some(token) = &args.replay {
        let timeline = program.replay(rules, token).map_err(|what| {
            let next = format!("`overlapped lab run {}` prints one", program.name);
            Trouble::usage("lab run", what, &next)
        })?;
        write_drawings(args, &timeline)?;
        let text = if json { json::timeline(token, &timeline) } else { drawn(&timeline) };
        return Ok((text, Exit::Done));
    }
    let report = program.explore(rules);
    if let Some((_, timeline)) = &report.simplest {
        write_drawings(args, timeline)?;
    } else {
        write_drawings(args, &report.debugged_timeline)?;
    }
    let text =
        if json { json::report(program, &report, rules) } else { told(program, &report, rules) };
    Ok((text, judge(program, &report)))
}

/// Whether the program is as it is stated to be. It is said where it does not disturb the output.
fn judge(program: &Program, report: &Report) -> Exit {
    let found = report.verdict();
    if found == program.verdict {
        return Exit::Done;
    }
    let cut = if report.complete { "" } else { " (the search was cut short)" };
    say(format_args!(
        "lab run {}: the verdict is {found}, and not {} as stated{cut}; please report it",
        program.name, program.verdict
    ));
    Exit::OtherVerdict
}

fn write_drawings(args: &RunArgs, timeline: &Timeline) -> Result<(), Trouble> {
    let drawings = [(&args.svg, timeline.svg()), (&args.trace, timeline.perfetto())];
    for (path, drawing) in drawings {
        if let Some(path) = path {
            write_to(path, &drawing)?;
        }
    }
    Ok(())
}

fn write_to(path: &Path, drawing: &str) -> Result<(), Trouble> {
    let subject = format!("lab run: write {}", path.display());
    fs::write(path, drawing).map_err(|error| Trouble::os(&subject, &error))
}

/// The whole story.
fn told(program: &Program, report: &Report, rules: Rules) -> String {
    let mut text = format!("{}\n\n", bold(&format!("{}: {}", program.name, program.about)));
    text += &numbers(report);
    let Some((token, timeline)) = &report.simplest else {
        let debugged = drawn(&report.debugged_timeline);
        let all =
            if report.complete { "Every schedule" } else { "Every schedule that was looked at" };
        return text + &format!("\n{all} is correct. One of them:\n\n{debugged}");
    };
    text += &format!("\nThe simplest timeline that goes wrong ({token}):\n\n{}", drawn(timeline));
    let (debugged, bad) = report.debugged;
    text += &format!(
        "\nThe same program with a breakpoint where it gives the memory back: {debugged} \
         timelines, {bad} go wrong.\n"
    );
    if bad == 0 && debugged > 0 {
        text += &format!("{}\n{}", hidden(report.why.as_ref()), drawn(&report.debugged_timeline));
    }
    text += &format!("\ncure: {}\n", program.cure);
    if let Some(fixed) = program.fix() {
        let healed = fixed.explore(rules);
        text += &format!(
            "proof: `{}`, {}: {} of {} timelines go wrong.\n",
            fixed.name,
            fixed.about,
            healed.bad(),
            healed.timelines
        );
        text += &exercise(&healed);
    }
    text
}

/// Why the debugger hides it: it follows from the order that decides.
fn hidden(why: Option<&Why>) -> String {
    let reason = match why {
        Some(Why::Order { earlier, later, at_breakpoint: true, .. }) => format!(
            "The breakpoint holds `{earlier}` back, and neither the driver nor the I/O subsystem: \
             `{later}`\ncomes first while you look. It turns round the very order that decides, so \
             the debugger hides it."
        ),
        _ => "The breakpoint stops the program, and neither the driver nor the I/O subsystem: the \
              operation\ncompletes while you look, so the debugger hides it."
            .to_owned(),
    };
    format!(
        "{reason}\nA write breakpoint stays silent, too, since the write comes from the kernel. \
         What you see there:\n"
    )
}

fn numbers(report: &Report) -> String {
    let row = |what: &str, count: u128| {
        let share = count as f64 * 100.0 / report.timelines.max(1) as f64;
        format!("{what:<44} {count:>10}  ({share:.1} %)\n")
    };
    let mut text = format!("{:<44} {:>10}\n", "timelines, each looked at", report.timelines);
    for (letters, count) in &report.verdicts {
        text += &row(&format!("  {letters}: {}", verb(letters)), *count);
    }
    if report.noticed > 0 {
        text += &row("  and the next function notices it", report.noticed);
    }
    let [in_time, cancelled, late] = report.outcomes;
    text += &row("  the first operation ends in time", in_time);
    text += &row("  it is cancelled", cancelled);
    text += &row("  the cancel comes too late", late);
    text += &format!("{:<44} {:>10}\n", "orders that differ in what matters", report.runs);
    if !report.complete {
        text += "The search was cut short: the numbers are lower bounds.\n";
    }
    text + "Shares of timelines are no probabilities.\n"
}

fn verb(letters: &str) -> String {
    if letters == "OK" {
        "correct".to_owned()
    } else {
        judged(letters).replacen("under some schedule it ", "", 1)
    }
}

/// The seed's first exercise, as a table row of the fixed program.
fn exercise(healed: &Report) -> String {
    let [in_time, cancelled, late] = healed.outcomes;
    if late == 0 {
        return String::new();
    }
    format!(
        "Of these {} timelines the read ends in time in {in_time}, is cancelled in {cancelled}, \
         and is too late to\ncancel in {late}: a cancel is a request, and the status is the only \
         truth.\n",
        healed.timelines
    )
}

/// As wide as the terminal, and in colour if there is one.
fn drawn(timeline: &Timeline) -> String {
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let width = columns.unwrap_or(Look::default().width);
    let colour = io::stdout().is_terminal();
    timeline.text(&Look { width, colour, ..Look::default() })
}

fn bold(text: &str) -> String {
    let style = Style::new().bold().fg_color(Some(AnsiColor::Cyan.into()));
    format!("{style}{text}{style:#}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_as_stated_has_an_exit_code_of_its_own() {
        let seed = programs::find("seed").expect("built in");
        let report = seed.explore(usual_rules());
        assert_eq!(judge(seed, &report), Exit::Done);
        for verdict in ["OK", "CD", "H"] {
            let mut stated = *seed;
            stated.verdict = verdict;
            assert_eq!(judge(&stated, &report), Exit::OtherVerdict, "{verdict}");
        }
    }

    #[test]
    fn names_that_are_near_are_suggested_and_others_are_not() {
        assert_eq!(similar("sed"), ["seed"]);
        assert_eq!(similar("ring-drian")[0], "ring-drain");
        assert_eq!(similar("zero-copy"), ["ring-zero-copy", "ring-zero-copy-notified"]);
        assert_eq!(similar("ring").len(), SIMILAR);
        assert!(similar("nothing-like-it").is_empty());
    }
}
