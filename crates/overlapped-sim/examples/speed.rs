//! How fast the simulator is, on this machine: schedules and virtual seconds a second of processor
//! time, of user code behind the library's own interface.

use std::time::Duration;
#[cfg(not(unix))]
use std::time::Instant;

#[cfg(not(unix))]
use overlapped::Port;
use overlapped::fs::File;
use overlapped_sim::{Check, Report, Sim};
#[cfg(unix)]
use rustix::time::{ClockId, clock_gettime};

const SECOND: Duration = Duration::from_secs(1);

/// The seed's fixed program: a read with a timeout, a cancel, and a wait for the truth.
fn read_with_timeout(sim: &Sim) -> bool {
    sim.file("/data", vec![7; 1024]);
    let file = File::open(sim, "/data").wait().expect("it is there");
    match file.read_at(vec![0; 1024], 0).wait_timeout(SECOND) {
        Ok(outcome) => outcome.is_ok(),
        Err(late) => {
            late.cancel();
            late.wait().is_ok()
        }
    }
}

/// The same with two reads at once.
fn two_reads_with_timeouts(sim: &Sim) -> usize {
    sim.file("/data", vec![7; 1024]);
    let file = File::open(sim, "/data").wait().expect("it is there");
    let reads = [0, 512].map(|at| file.read_at(vec![0; 512], at));
    let ended = reads.map(|read| match read.wait_timeout(SECOND) {
        Ok(outcome) => outcome.is_ok(),
        Err(late) => {
            late.cancel();
            late.wait().is_ok()
        }
    });
    ended.into_iter().filter(|ok| *ok).count()
}

fn sleepers(sim: &Sim) {
    sim.block_on(async {
        let tasks: Vec<_> = (0..10)
            .map(|_| {
                let port = sim.port().clone();
                sim.spawn(async move {
                    for _ in 0..1000 {
                        port.sleep(SECOND).await.expect("a sleep");
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await;
        }
    });
}

/// What `run` gave, and the processor time of this thread that it took.
fn timed<T>(run: impl FnOnce() -> T) -> (T, Duration) {
    let start = now();
    let output = run();
    (output, now() - start)
}

#[cfg(unix)]
fn now() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec as u32)
}

/// Elsewhere the time that went by stands in for it.
#[cfg(not(unix))]
fn now() -> Instant {
    Port::shared().expect("a port").now()
}

fn tell(what: &str, count: u64, unit: &str, took: Duration) {
    let rate = count as f64 / took.as_secs_f64();
    println!("{what:<42} {count:>9} {unit:<15} {took:>9.1?} {rate:>12.0} a second");
}

fn late() -> Check {
    Check::new().latency(Duration::ZERO, 2 * SECOND)
}

fn by_chance<T: Ord>(what: &str, runs: u64, body: impl Fn(&Sim) -> T) {
    let (report, took) = timed(|| late().random(1).runs(runs).run(body));
    let steps = report.steps() as f64 / report.runs() as f64;
    tell(&format!("{what}, by chance"), runs, "schedules", took);
    println!("    {steps:.1} steps each, {} distinct", report.distinct());
}

/// All that matters, so often; the extreme schedules that come first are counted, too.
fn reduced<T: Ord>(what: &str, times: u32, body: impl Fn(&Sim) -> T) {
    let search = || -> Report<T> { late().run(&body) };
    assert!(search().is_complete());
    let (runs, took) = timed(|| (0..times).map(|_| search().runs()).sum());
    tell(&format!("{what}, all that matters"), runs, "schedules", took);
    println!("    {} each time, in {:.1?}", runs / u64::from(times), took / times);
}

fn main() {
    by_chance("a read with a timeout", 300_000, read_with_timeout);
    reduced("a read with a timeout", 3_000, read_with_timeout);
    by_chance("two reads at once", 300_000, two_reads_with_timeouts);
    reduced("two reads at once", 300, two_reads_with_timeouts);
    let (_, took) = timed(|| Check::new().random(1).runs(300_000).run(|_| ()));
    tell("an empty simulation", 300_000, "starts", took);
    let ((), took) = timed(|| overlapped_sim::run(1, sleepers));
    tell("ten tasks that sleep", 1000, "virtual seconds", took);
    let hour = |sim: &Sim| sim.sleep(3600 * SECOND).wait().expect("a sleep");
    let (_, took) = timed(|| overlapped_sim::run(1, hour));
    tell("an idle hour", 1, "hour", took);
}
