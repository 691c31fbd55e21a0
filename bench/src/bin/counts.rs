//! What `cargo xtask counts` runs under valgrind. `counts CASE ROUNDS` performs so many rounds and
//! nothing else; `counts` alone lists the cases, each with the operations of its round, or with the
//! reason why this machine cannot run it.

use std::{env, io, process::ExitCode};

use bench::{
    ROW, awaited, blocking, cached_read, dropped, lent, null_port, pread, taking_turns, tasks,
};

type Round = Box<dyn FnMut()>;

struct Case {
    name: &'static str,
    /// In a round.
    operations: usize,
    set_up: fn() -> io::Result<Round>,
}

/// A new one is a line here, and its figure comes from `cargo xtask counts --write`.
const CASES: &[Case] = &[
    case("null-blocking-1", 1, || Ok(Box::new(blocking(&null_port(), 1)))),
    case("null-blocking-32", 32, || Ok(Box::new(blocking(&null_port(), 32)))),
    case("null-awaited-32", 32, || {
        let (port, turn) = taking_turns();
        Ok(Box::new(awaited(&port, 32, turn)))
    }),
    case("null-dropped-32", 32, || {
        let (port, turn) = taking_turns();
        Ok(Box::new(dropped(&port, 32, turn)))
    }),
    case("null-scope-32", 32, || Ok(Box::new(lent(&null_port())))),
    case("local-tasks-1", ROW, || Ok(Box::new(tasks(1)))),
    case("local-tasks-32", 32 * ROW, || Ok(Box::new(tasks(32)))),
    case("cached-read", 1, || Ok(Box::new(cached_read()?))),
    case("std-pread", 1, || Ok(Box::new(pread()?))),
];

const fn case(name: &'static str, operations: usize, set_up: fn() -> io::Result<Round>) -> Case {
    Case { name, operations, set_up }
}

fn main() -> ExitCode {
    let args: Vec<_> = env::args().skip(1).collect();
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    match args[..] {
        [] => CASES.iter().for_each(list),
        [name, rounds] => {
            let case = CASES.iter().find(|case| case.name == name).expect("the name of a case");
            let rounds: usize = rounds.parse().expect("a number of rounds");
            let mut round = (case.set_up)().expect("what the list offers can be set up");
            (0..rounds).for_each(|_| round());
        }
        _ => {
            eprintln!("counts [CASE ROUNDS]");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn list(case: &Case) {
    match (case.set_up)() {
        Ok(_) => println!("{} {}", case.name, case.operations),
        Err(error) => println!("{} - {error}", case.name),
    }
}
