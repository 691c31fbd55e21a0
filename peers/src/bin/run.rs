//! Measures the peers and writes the report. See `peers/run`.

use std::{env, fs, io, path::Path, process::ExitCode, time::Instant};

use peers::{
    Files,
    report::{Runner, chart, markdown},
};

const HELP: &str = "\
Usage: run [--quick] [--only WORKLOAD,..] [--peers PEER,..] [--rounds N] [--ms N] [--dry]

  --quick   short rounds: under four minutes in place of a quarter of an hour
  --only    workloads whose names begin so (null, nop, cached, direct, write, ranges,
            cached-ranges, cancel, deadline, flying, allocations)
  --peers   peers whose names begin so
  --rounds  rounds; 5 if not said
  --ms      length of a measurement in milliseconds
  --dry     the report to the terminal, no file written";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("run: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let dir = env::temp_dir().join(format!("overlapped-peers-{}", std::process::id()));
    let mut runner = Runner {
        files: Files::new(&dir),
        rounds: 5,
        millis: 300,
        works: Vec::new(),
        peers: Vec::new(),
    };
    let mut dry = false;
    let mut args = env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} wants a value"));
        let list = |text: String| text.split(',').map(str::to_owned).collect();
        let number =
            |text: String| text.parse::<u64>().map_err(|_| format!("{text:?} is no number"));
        match arg.as_str() {
            "--quick" => runner.millis = 80,
            "--only" => runner.works = list(value()?),
            "--peers" => runner.peers = list(value()?),
            "--rounds" => runner.rounds = number(value()?)?.max(1) as usize,
            "--ms" => runner.millis = number(value()?)?,
            "--dry" => dry = true,
            "--help" | "-h" => {
                println!("{HELP}");
                return Ok(());
            }
            _ => return Err(format!("unexpected argument {arg:?}\n{HELP}")),
        }
    }
    let start = Instant::now();
    let page = measure(&runner, dry);
    // Gone also when something failed.
    let removed = runner.files.remove();
    let page = page.and_then(|page| removed.map(|()| page)).map_err(|error| error.to_string())?;
    println!("{page}");
    eprintln!("{} seconds", start.elapsed().as_secs());
    Ok(())
}

fn measure(runner: &Runner, dry: bool) -> io::Result<String> {
    runner.files.make()?;
    let results = runner.measure()?;
    let page = markdown::page(&results, runner.files.dir());
    if !dry {
        // Asked for at run time: two clones may share a target folder.
        let here = env::var_os("CARGO_MANIFEST_DIR").ok_or(io::ErrorKind::NotFound)?;
        let docs = Path::new(&here).join("../docs");
        fs::write(docs.join("performance.md"), &page)?;
        fs::write(docs.join("performance.svg"), chart::svg(&results))?;
    }
    Ok(page)
}
