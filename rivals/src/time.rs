//! Virtual time: ten tasks that sleep, an idle hour, and a simulation of nothing.

use std::time::Duration;

use overlapped_sim::{Check, Sim};

use crate::rounds::{Bench, Ran, Table};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

fn counted(count: u64) -> Ran {
    Ran { count, ..Ran::default() }
}

fn own_sleepers(seconds: u64, seed: u64) -> Ran {
    overlapped_sim::run(seed, |sim: &Sim| {
        sim.block_on(async {
            let sleeper = |_| {
                let port = sim.port().clone();
                sim.spawn(async move {
                    for _ in 0..seconds {
                        port.sleep(SECOND).await.expect("a sleep");
                    }
                })
            };
            for task in (0..10).map(sleeper).collect::<Vec<_>>() {
                task.await;
            }
        });
    });
    counted(seconds)
}

fn own_hours(hours: u64, seed: u64) -> Ran {
    let report = Check::new().random(seed).runs(hours).run(|sim| {
        sim.sleep(HOUR).wait().expect("a sleep");
    });
    counted(report.runs())
}

fn own_starts(count: u64, seed: u64) -> Ran {
    counted(Check::new().random(seed).runs(count).run(|_| ()).runs())
}

fn turmoil(seed: u64, most: Duration, program: impl AsyncFnOnce() + 'static) {
    let mut sim = turmoil::Builder::new().rng_seed(seed).simulation_duration(most).build();
    sim.client("program", async {
        program().await;
        Ok(())
    });
    sim.run().expect("the simulation ends");
}

fn turmoil_sleepers(seconds: u64, seed: u64) -> Ran {
    turmoil(seed, Duration::from_secs(seconds + 10), async move || {
        let sleeper = |_| {
            tokio::task::spawn_local(async move {
                for _ in 0..seconds {
                    tokio::time::sleep(SECOND).await;
                }
            })
        };
        for task in (0..10).map(sleeper).collect::<Vec<_>>() {
            task.await.expect("no panic");
        }
    });
    counted(seconds)
}

fn turmoil_hours(hours: u64, seed: u64) -> Ran {
    for hour in 0..hours {
        turmoil(seed + hour, HOUR + 10 * SECOND, async || tokio::time::sleep(HOUR).await);
    }
    counted(hours)
}

fn turmoil_starts(count: u64, seed: u64) -> Ran {
    for number in 0..count {
        turmoil(seed + number, SECOND, async || ());
    }
    counted(count)
}

pub(crate) fn benches() -> [Bench; 6] {
    let bench = |table, name, own, run, count| Bench { table, name, own, run, count, whole: None };
    [
        bench(Table::Sleepers, "overlapped-sim", true, own_sleepers, 50_000),
        bench(Table::Sleepers, "turmoil", false, turmoil_sleepers, 200),
        bench(Table::Idle, "overlapped-sim", true, own_hours, 50_000),
        bench(Table::Idle, "turmoil", false, turmoil_hours, 1),
        bench(Table::Start, "overlapped-sim", true, own_starts, 200_000),
        bench(Table::Start, "turmoil", false, turmoil_starts, 20_000),
    ]
}
