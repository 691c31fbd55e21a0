//! All steps in order, each timed. A failed step does not stop the next: one run tells all.

use super::bracketed;
use crate::verbs::{VERBS, Verb};
use crate::{Result, verbs};
use std::time::{Duration, Instant};

struct Row {
    name: &'static str,
    verdict: String,
    took: Duration,
    failed: bool,
}

pub(crate) fn run(args: &[String]) -> Result<String> {
    let skipped = skipped(args)?;
    let steps = VERBS.iter().filter_map(|verb| Some((verb, verb.in_ci?)));
    let rows: Vec<_> = steps.map(|(verb, args)| step(verb, args, &skipped)).collect();
    print!("{}", table(&rows));
    match rows.iter().filter(|row| row.failed).count() {
        0 => Ok(String::new()),
        failed => Err(format!("{failed} of {} steps failed", rows.len()).into()),
    }
}

/// `--skip VERB`, as often as wanted.
fn skipped(args: &[String]) -> Result<Vec<&str>> {
    let mut names = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if arg != "--skip" {
            return Err(format!("unexpected argument `{arg}`").into());
        }
        let name = args.next().ok_or("`--skip` wants the name of a verb")?;
        if verbs::find(name).is_none_or(|verb| verb.in_ci.is_none()) {
            return Err(format!("`{name}` is no step of ci").into());
        }
        names.push(name.as_str());
    }
    Ok(names)
}

fn step(verb: &Verb, args: &[&str], skipped: &[&str]) -> Row {
    if skipped.contains(&verb.name) {
        let verdict = "skipped, as asked".to_owned();
        return Row { name: verb.name, verdict, took: Duration::ZERO, failed: false };
    }
    println!("\n== {} ==", verb.name);
    let start = Instant::now();
    let args: Vec<_> = args.iter().map(|&arg| arg.to_owned()).collect();
    let outcome = (verb.run)(&args);
    let took = start.elapsed();
    let failed = outcome.is_err();
    let verdict = match outcome {
        Ok(note) => format!("ok{}", bracketed(&note)),
        Err(error) => {
            eprintln!("error: {}: {error}", verb.name);
            "FAILED".to_owned()
        }
    };
    println!("== {}: {verdict}, {:.1} s ==", verb.name, took.as_secs_f64());
    Row { name: verb.name, verdict, took, failed }
}

fn table(rows: &[Row]) -> String {
    let mut text = String::from("\n  step          seconds  verdict\n");
    for row in rows {
        text += &format!("  {:<12}{:>9.1}  {}\n", row.name, row.took.as_secs_f64(), row.verdict);
    }
    let total: Duration = rows.iter().map(|row| row.took).sum();
    text + &format!("  {:<12}{:>9.1}\n", "total", total.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::{skipped, step};
    use crate::verbs::Verb;

    fn strings(args: &[&str]) -> Vec<String> {
        args.iter().map(|&arg| arg.to_owned()).collect()
    }

    #[test]
    fn only_steps_of_ci_can_be_skipped() {
        assert_eq!(skipped(&strings(&["--skip", "test"])).unwrap(), ["test"]);
        assert!(skipped(&strings(&["--skip", "tsan"])).is_err());
        assert!(skipped(&strings(&["--skip"])).is_err());
        assert!(skipped(&strings(&["test"])).is_err());
    }

    #[test]
    fn a_failing_step_is_told_and_a_skipped_one_does_not_run() {
        let run = |_: &[String]| Err("planted".into());
        let verb = Verb { name: "planted", about: "", in_ci: Some(&[]), run };
        assert!(step(&verb, &[], &[]).failed);
        assert!(!step(&verb, &[], &["planted"]).failed);
    }
}
