//! The scenario in the laboratory, as async code over raw memory; and what of it safe code can
//! express, through the library on the simulated kernel.

use std::{cell::Cell, rc::Rc, time::Duration};

use overlapped::fs::File;
use overlapped_lab::{
    Calls, Code, Device, FOREVER, Function, Handle, Task, ms, next_run_of_tasks, usual_rules,
};
use overlapped_sim::{
    Check, Sim,
    explore::{Priorities, Random, Reduced, Search},
};

use crate::rounds::{Bench, Ran, Table};

const SECOND: Duration = Duration::from_secs(1);

/// The seed's function as an async one.
struct Reader {
    code: Rc<Code>,
    h: Handle,
    event: Handle,
    functions: [Function; 2],
    fixed: bool,
}

impl Reader {
    fn new(fixed: bool) -> Rc<Self> {
        let mut parts = None;
        let code = Code::new(usual_rules(), |p| {
            let (h, event) = (p.file("h", Device::disk()), p.event_handle("event"));
            parts = Some((h, event, [p.function("read_it"), p.function("victim")]));
        });
        let (h, event, functions) = parts.expect("the outline was written");
        Rc::new(Self { code: Rc::new(code), h, event, functions, fixed })
    }

    async fn run(self: Rc<Self>, c: Calls) {
        let frame = c.begins_in(self.functions[0], &[self.event]);
        c.read_file(self.h, frame, 0).await;
        if c.timed_out(self.event, ms(1000)).await {
            c.cancel_io(self.h).await;
            if self.fixed {
                c.timed_out(self.event, FOREVER).await;
            }
        }
        c.leave(frame).await;
        let locals = c.enter(self.functions[1], 4).await;
        c.look(locals).await;
    }

    /// All runs of `search`, but at most so many.
    fn runs(self: &Rc<Self>, search: &mut impl Search, most: u64) -> Ran {
        let begin = |calls: &[Calls; 3], tasks: &mut Vec<Task>| {
            tasks.push(Box::pin(Rc::clone(self).run(calls[0].clone())));
        };
        let mut ran = Ran::default();
        while ran.count < most {
            let Some(verdict) = next_run_of_tasks(&self.code, search, begin) else {
                break;
            };
            ran.count += 1;
            if verdict.harm.is_bad() {
                ran.bad += 1;
                ran.first.get_or_insert(ran.count);
            }
        }
        ran
    }
}

/// One search after the other, until there were so many runs; what is told is of the first.
fn again(count: u64, mut search: impl FnMut() -> Ran) -> Ran {
    let first = search();
    let mut ran = first;
    while ran.count < count {
        let more = search();
        ran.count += more.count;
        ran.bad += more.bad;
    }
    ran
}

fn reduced(count: u64, _: u64) -> Ran {
    let reader = Reader::new(false);
    again(count, || reader.runs(&mut Reduced::new(), u64::MAX))
}

fn one_by_one(count: u64, _: u64) -> Ran {
    let reader = Reader::new(false);
    again(count, || reader.runs(&mut Reduced::naive(), u64::MAX))
}

/// The seed's program in safe code: the buffer is given, so no schedule is bad.
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

fn check() -> Check {
    Check::new().latency(Duration::ZERO, 2 * SECOND)
}

fn library_reduced() -> Ran {
    let report = check().run(read_with_timeout);
    assert!(report.is_complete() && report.failure().is_none());
    Ran { count: report.runs(), ..Ran::default() }
}

fn library_chance(count: u64, seed: u64) -> Ran {
    let seen = Cell::new(0);
    let report = check().random(seed).runs(count).run(|sim| {
        seen.set(seen.get() + 1);
        read_with_timeout(sim)
    });
    assert!(report.failure().is_none() && seen.get() == count);
    Ran { count, ..Ran::default() }
}

pub(crate) fn benches() -> [Bench; 6] {
    let search = |name, run, whole| Bench {
        table: Table::Search,
        name,
        own: true,
        run,
        count: 200_000,
        whole: Some(whole),
    };
    let chance =
        |name, run, count| Bench { table: Table::Chance, name, own: true, run, count, whole: None };
    [
        search("overlapped-lab, what matters", reduced, |fixed, most| {
            Reader::new(fixed).runs(&mut Reduced::new(), most)
        }),
        search("overlapped-lab, one by one", one_by_one, |fixed, most| {
            Reader::new(fixed).runs(&mut Reduced::naive(), most)
        }),
        search(
            "overlapped-sim, what matters",
            |count, _| again(count, library_reduced),
            |_, _| library_reduced(),
        ),
        chance(
            "overlapped-lab, random",
            |count, seed| Reader::new(false).runs(&mut Random::new(seed, count), count),
            1_000_000,
        ),
        chance(
            "overlapped-lab, priorities(3)",
            |count, seed| Reader::new(false).runs(&mut Priorities::new(seed, count, 3), count),
            1_000_000,
        ),
        chance("overlapped-sim, random", library_chance, 300_000),
    ]
}
