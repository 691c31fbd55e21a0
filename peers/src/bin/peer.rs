//! One measurement: `peer --peer raw --workload cached-32 --dir … [--ms 200 | --ops 100000]
//! [--allocs]`. Prints a [`Sample`](peers::Sample). Status 3: the peer does not offer it.

use std::{env, path::Path, process::ExitCode, time::Duration};

use peers::{Files, Job, Lacks, Meter, alloc::Counting, files, meter::Budget, peer};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> ExitCode {
    match run() {
        Ok(Ok(line)) => {
            println!("{line}");
            // What is still in flight ends with the process; unwinding it is not measured.
            std::process::exit(0)
        }
        Ok(Err(lacks)) => {
            println!("{}", lacks.0);
            ExitCode::from(3)
        }
        Err(message) => {
            eprintln!("peer: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<Result<String, Lacks>, String> {
    let mut name = None;
    let mut work = None;
    let mut dir = None;
    let mut budget = Budget::Time(Duration::from_millis(200));
    let mut count = false;
    let mut args = env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} wants a value"));
        let number = |text: String| text.parse().map_err(|_| format!("{text:?} is no number"));
        match arg.as_str() {
            "--peer" => name = Some(value()?),
            "--workload" => work = Some(value()?.parse()?),
            "--dir" => dir = Some(value()?),
            "--ops" => budget = Budget::Ops(number(value()?)? as usize),
            "--ms" => budget = Budget::Time(Duration::from_millis(number(value()?)?)),
            "--allocs" => count = true,
            _ => return Err(format!("unexpected argument {arg:?}")),
        }
    }
    let name = name.ok_or("--peer is missing")?;
    let dir = dir.ok_or("--dir is missing")?;
    let job =
        Job { work: work.ok_or("--workload is missing")?, files: Files::new(Path::new(&dir)) };
    let peer = peer::find(&name).ok_or(format!("no peer {name:?}"))?;
    // A peer that hangs is ended by the kernel.
    // SAFETY: a call without pointers.
    unsafe { libc::alarm(30) };
    files::raise_limit();
    let mut meter = Meter::new(budget, count);
    Ok((peer.run)(&job, &mut meter).map(|()| meter.sample().to_string()))
}
