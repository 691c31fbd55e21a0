//! The figures: as they are written, and what is said about new ones.

use crate::Result;
use std::fmt;

/// In percent. Inlining may move by a few when nothing of weight has changed.
const TOLERANCE: u64 = 5;

#[derive(Debug, PartialEq)]
pub(super) struct Figures {
    compiler: String,
    /// Instructions by case, in the order of the cases.
    cases: Vec<(String, u64)>,
}

impl Figures {
    pub(super) fn new(compiler: String) -> Figures {
        Figures { compiler, cases: Vec::new() }
    }

    pub(super) fn set(&mut self, name: &str, figure: u64) {
        self.cases.push((name.to_owned(), figure));
    }

    pub(super) fn get(&self, name: &str) -> Option<u64> {
        self.cases.iter().find(|(other, _)| other == name).map(|&(_, figure)| figure)
    }

    /// What `Display` writes: `key = value` a line, and comments.
    pub(super) fn parse(text: &str) -> Result<Figures> {
        let mut figures = Figures::new(String::new());
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with(['#', '['])) {
            let (name, value) = line.split_once(" = ").ok_or_else(|| format!("`{line}`"))?;
            match name {
                "compiler" => value.trim_matches('"').clone_into(&mut figures.compiler),
                _ => figures.set(name, value.parse().map_err(|_| format!("`{line}`"))?),
            }
        }
        Ok(figures)
    }

    fn target(&self) -> &str {
        self.compiler.rsplit(' ').next().unwrap_or_default()
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# Instructions per operation; `cargo xtask counts --write` writes this.")?;
        writeln!(f, "compiler = \"{}\"\n\n[instructions]", self.compiler)?;
        self.cases.iter().try_for_each(|(name, figure)| writeln!(f, "{name} = {figure}"))
    }
}

/// Prints the table, and says what to lower. A rise is an error. A fall is not, for nobody should
/// have to ask for leave to make something faster; but a fence that stays high hides the next rise.
pub(super) fn judge(old: &Figures, now: &Figures) -> Result<Option<String>> {
    println!("  {:<20}{:>9}{:>9}", "case", "before", "now");
    for (name, figure) in &now.cases {
        let before = old.get(name).map_or_else(|| "-".to_owned(), |before| before.to_string());
        println!("  {name:<20}{before:>9}{figure:>9}");
    }
    if old.target() != now.target() {
        return Ok(Some(format!("not compared: the figures are for {}", old.target())));
    }
    let wrong: Vec<_> = rises(old, now).chain(unpaired(old, now)).collect();
    if !wrong.is_empty() {
        return Err(format!("\n  {}\n{}", wrong.join("\n  "), advice(old, now)).into());
    }
    let falls: Vec<_> = falls(old, now).collect();
    let told = || format!("lower the fence with --write: {}", falls.join(", "));
    Ok((!falls.is_empty()).then(told))
}

/// The cases that are in both: name, before, now.
fn pairs<'a>(old: &Figures, now: &'a Figures) -> impl Iterator<Item = (&'a str, u64, u64)> {
    now.cases.iter().filter_map(|(name, figure)| Some((name.as_str(), old.get(name)?, *figure)))
}

fn rises(old: &Figures, now: &Figures) -> impl Iterator<Item = String> {
    let rises = pairs(old, now).filter(|(_, old, now)| now * 100 > old * (100 + TOLERANCE));
    rises.map(|(name, old, now)| {
        let percent = 100.0 * (now as f64 / old as f64 - 1.0);
        format!("{name}: {old} instructions before, {now} now (+{percent:.1} %)")
    })
}

fn falls(old: &Figures, now: &Figures) -> impl Iterator<Item = String> {
    let falls = pairs(old, now).filter(|(_, old, now)| now * 100 < old * (100 - TOLERANCE));
    falls.map(|(name, old, now)| format!("{name} from {old} to {now}"))
}

fn unpaired(old: &Figures, now: &Figures) -> impl Iterator<Item = String> {
    let new = now.cases.iter().filter(|(name, _)| old.get(name).is_none());
    let gone = old.cases.iter().filter(|(name, _)| now.get(name).is_none());
    let new = new.map(|(name, _)| format!("{name}: no figure is checked in"));
    new.chain(gone.map(|(name, _)| format!("{name}: a figure, but no such case")))
}

fn advice(old: &Figures, now: &Figures) -> String {
    let mut text = String::new();
    if old.compiler != now.compiler {
        text += &format!(
            "The figures are of {}, this is {}: if std-pread has moved, too, that may be why.\n",
            old.compiler, now.compiler
        );
    }
    text += "Where they go: callgrind_annotate target/counts/CASE.out\n";
    text + "If it must be so, say why in the commit, and: cargo xtask counts --write"
}

#[cfg(test)]
mod tests {
    use super::{Figures, judge};

    fn figures(cases: &[(&str, u64)]) -> Figures {
        let mut figures = Figures::new("rustc 1.85.0 for x86_64-unknown-linux-gnu".to_owned());
        cases.iter().for_each(|&(name, figure)| figures.set(name, figure));
        figures
    }

    #[test]
    fn what_is_written_is_read() {
        let written = figures(&[("b", 2000), ("a", 45)]);
        assert_eq!(Figures::parse(&written.to_string()).unwrap(), written);
        assert!(Figures::parse("a = many").is_err());
        assert!(Figures::parse("a").is_err());
    }

    #[test]
    fn a_rise_is_an_error_that_names_all() {
        let old = figures(&[("a", 1000), ("b", 45)]);
        let error = judge(&old, &figures(&[("a", 1051), ("b", 45)])).unwrap_err().to_string();
        assert!(error.contains("a: 1000 instructions before, 1051 now (+5.1 %)"), "{error}");
        assert!(error.contains("cargo xtask counts --write"), "{error}");
        assert!(!error.contains("b: "), "{error}");
    }

    #[test]
    fn up_to_the_tolerance_nothing_is_said() {
        let old = figures(&[("a", 1000)]);
        assert_eq!(judge(&old, &figures(&[("a", 1050)])).unwrap(), None);
        assert_eq!(judge(&old, &figures(&[("a", 950)])).unwrap(), None);
    }

    #[test]
    fn a_fall_is_told_and_no_error() {
        let told = judge(&figures(&[("a", 1000)]), &figures(&[("a", 949)])).unwrap();
        assert!(told.unwrap().contains("a from 1000 to 949"));
    }

    #[test]
    fn a_case_without_a_figure_and_a_figure_without_a_case_are_errors() {
        let (none, some) = (figures(&[]), figures(&[("a", 1)]));
        assert!(judge(&none, &some).is_err());
        assert!(judge(&some, &none).is_err());
    }

    #[test]
    fn another_compiler_is_named_and_another_target_is_not_compared() {
        let (old, mut now) = (figures(&[("a", 1000)]), figures(&[("a", 2000)]));
        now.compiler = old.compiler.replace("1.85.0", "1.86.0");
        assert!(judge(&old, &now).unwrap_err().to_string().contains("rustc 1.86.0"));
        now.compiler = old.compiler.replace("x86_64", "aarch64");
        assert!(judge(&old, &now).unwrap().unwrap().contains("not compared"));
    }
}
