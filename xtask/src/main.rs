//! Every check of this project, as a verb that a person can run: `cargo xtask VERB`.
//!
//! `cargo xtask` alone lists the verbs. A verb prints each command before it runs it, in a form
//! that can be pasted into a shell, and ends with a non-zero code if anything is wrong.
#![forbid(unsafe_code)]

/// The verbs and the order in which `ci` runs them.
mod verbs;
/// What each verb does, but for the two that read the sources themselves.
mod steps;
/// The project's own rules.
mod tidy;
/// The list of every `unsafe` with its proof.
mod unsafe_doc;
/// Rust files as `tidy` and `unsafe_doc` see them.
mod source;
/// Running other programs.
mod command;
/// Where things are.
mod workspace;

use std::process::ExitCode;

/// A failure is a message for the person who ran the verb; nobody matches on it.
type Error = Box<dyn std::error::Error>;
type Result<T> = std::result::Result<T, Error>;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let name = args.next().unwrap_or_default();
    if matches!(name.as_str(), "" | "help" | "-h" | "--help") {
        print!("{}", verbs::usage());
        return ExitCode::SUCCESS;
    }
    let Some(verb) = verbs::find(&name) else {
        eprint!("error: there is no verb `{name}`\n\n{}", verbs::usage());
        return ExitCode::from(2);
    };
    match (verb.run)(&args.collect::<Vec<_>>()) {
        Ok(note) => {
            println!("{name}: ok{}", steps::bracketed(&note));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {name}: {error}");
            ExitCode::FAILURE
        }
    }
}
