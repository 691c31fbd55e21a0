//! How fast the simulator is, on this machine: schedules, steps and virtual seconds a second.

use std::time::{Duration, Instant};

use overlapped::fs::File;
use overlapped_sim::{Check, Sim};

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

fn report(what: &str, count: u64, unit: &str, start: Instant) {
    let took = start.elapsed();
    let rate = count as f64 / took.as_secs_f64();
    println!("{what:<44} {count:>9} {unit:<16} {took:>10.1?}  {rate:>12.0} per second");
}

fn main() {
    let late = |check: Check| check.latency(Duration::ZERO, 2 * SECOND);
    let start = Instant::now();
    let chance = late(Check::new()).random(1).runs(200_000).run(read_with_timeout);
    report("a read with a timeout, by chance", chance.runs(), "schedules", start);
    report("the same, in steps", chance.steps(), "steps", start);
    let start = Instant::now();
    let mut all = late(Check::new()).run(read_with_timeout);
    for _ in 1..100 {
        all = late(Check::new()).run(read_with_timeout);
    }
    report("the same, all that matters, a hundred times", 100 * all.runs(), "schedules", start);
    assert!(all.is_complete());
    let start = Instant::now();
    let empty = Check::new().random(1).runs(200_000).run(|_| ());
    report("an empty simulation", empty.runs(), "starts", start);
    let start = Instant::now();
    overlapped_sim::run(1, sleepers);
    report("ten tasks that sleep", 1000, "virtual seconds", start);
    let start = Instant::now();
    overlapped_sim::run(1, |sim| sim.sleep(3600 * SECOND).wait().expect("a sleep"));
    report("an idle hour", 1, "hour", start);
}
