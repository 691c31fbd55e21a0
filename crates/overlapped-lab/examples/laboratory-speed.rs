//! How fast the laboratory is, on this machine: states and schedules a second of processor time.

use std::{fs, rc::Rc, time::Duration};

use overlapped_lab::{
    Calls, Code, Device, FOREVER, Function, Handle, If, Rules, Task, ms, next_run_of_tasks,
    programs, usual_rules,
};
use overlapped_sim::explore::{Limits, Random, Reduced, Search, next_run, walk};

/// Processor time of this thread, as Linux counts it; other load does not count.
struct Spent(Duration);

impl Spent {
    fn now() -> Self {
        Self(Self::total())
    }

    fn elapsed(&self) -> Duration {
        Self::total() - self.0
    }

    fn total() -> Duration {
        let stat = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells");
        let nanoseconds = stat.split_whitespace().next().and_then(|first| first.parse().ok());
        Duration::from_nanos(nanoseconds.expect("a number of nanoseconds"))
    }
}

/// What one of `times` repetitions takes, and what the last gave. The clock ticks coarsely.
fn each<T>(times: u32, mut run: impl FnMut() -> T) -> (T, Duration) {
    let start = Spent::now();
    (1..times).for_each(|_| drop(run()));
    let last = run();
    (last, start.elapsed() / times)
}

/// The seed's function with so many reads at once.
fn reads(n: usize, rules: Rules) -> Code {
    const NAMES: [(&str, &str); 4] = [("o1", "b1"), ("o2", "b2"), ("o3", "b3"), ("o4", "b4")];
    Code::new(rules, |p| {
        let h = p.file("h", Device::disk());
        p.thread("program", |c| {
            c.call("read_them", |c| {
                let own: Vec<_> =
                    NAMES[..n].iter().map(|(o, b)| (c.overlapped(o), c.buffer(b))).collect();
                for (o, buffer) in &own {
                    c.initialize_overlapped(o);
                    c.read_file(h, buffer, o);
                }
                for (o, _) in &own {
                    c.wait_for_single_object(o.h_event(), ms(1000));
                    c.when(If::TIMED_OUT, |c| {
                        c.cancel_io(h);
                        c.ret("WAIT_TIMEOUT");
                    });
                }
            });
            c.victim(4 * n as u8);
        });
    })
}

/// The seed as async code: so many reads, and with the wait after the cancel or without.
struct Reader {
    code: Rc<Code>,
    h: Handle,
    events: Vec<Handle>,
    functions: [Function; 2],
    fixed: bool,
}

impl Reader {
    fn new(n: usize, fixed: bool) -> Rc<Self> {
        let mut parts = None;
        let code = Code::new(usual_rules(), |p| {
            let h = p.file("h", Device::disk());
            let events = ["e1", "e2"][..n].iter().map(|name| p.event_handle(name)).collect();
            parts = Some((h, events, [p.function("read_it"), p.function("victim")]));
        });
        let (h, events, functions) = parts.expect("the outline was written");
        Rc::new(Self { code: Rc::new(code), h, events, functions, fixed })
    }

    async fn run(self: Rc<Self>, c: Calls) {
        let frame = c.begins_in(self.functions[0], &self.events);
        for n in 0..self.events.len() {
            c.read_file(self.h, frame, n as u8).await;
        }
        for event in &self.events {
            if c.timed_out(*event, ms(1000)).await {
                c.cancel_io(self.h).await;
                if self.fixed {
                    for event in &self.events {
                        c.timed_out(*event, FOREVER).await;
                    }
                }
                break;
            }
        }
        c.leave(frame).await;
        let locals = c.enter(self.functions[1], 4 * self.events.len() as u8).await;
        c.look(locals).await;
    }

    /// One run; whether it went wrong.
    fn next(self: &Rc<Self>, search: &mut impl Search) -> Option<bool> {
        let begin = |calls: &[Calls; 3], tasks: &mut Vec<Task>| {
            tasks.push(Box::pin(Rc::clone(self).run(calls[0].clone())));
        };
        next_run_of_tasks(&self.code, search, begin).map(|verdict| verdict.harm.is_bad())
    }
}

fn as_async_code() {
    for (n, fixed) in [(1, false), (1, true), (2, false), (2, true)] {
        let reader = Reader::new(n, fixed);
        let ((runs, bad), took) = each(200, || {
            let (mut search, mut runs, mut bad) = (Reduced::new(), 0, 0);
            while let Some(wrong) = reader.next(&mut search) {
                runs += u32::from(!search.was_redundant());
                bad += u32::from(wrong);
            }
            (runs, bad)
        });
        println!("{n} reads as async code, fixed: {fixed}: {runs} runs, {bad} bad, in {took:.1?}");
    }
    let reader = Reader::new(1, false);
    let start = Spent::now();
    let mut runs = 0;
    for _ in 0..2000 {
        let mut search = Reduced::new();
        while reader.next(&mut search).is_some() {
            runs += 1;
        }
    }
    let took = start.elapsed();
    println!("as async code, reduced: {:.0} schedules/s", f64::from(runs) / took.as_secs_f64());
    let start = Spent::now();
    let mut search = Random::new(1, 1_000_000);
    while reader.next(&mut search).is_some() {}
    println!("as async code, by chance: {:.0} schedules/s", 1e6 / start.elapsed().as_secs_f64());
}

fn main() {
    as_async_code();
    for n in 1..=4 {
        let code = reads(n, usual_rules());
        let times = [2000, 500, 10, 1][n - 1];
        let walked = || walk(&code.machine(), Limits { states: 20_000_000 });
        let (sums, took) = each(times, walked);
        println!(
            "{n} reads: {} timelines, {} states, {} steps in {took:.1?}: {:.2} M states/s, \
             {:.2} M steps/s, complete: {}",
            sums.total(),
            sums.states,
            sums.steps,
            sums.states as f64 / took.as_secs_f64() / 1e6,
            sums.steps as f64 / took.as_secs_f64() / 1e6,
            sums.complete
        );
    }
    for n in 1..=2 {
        let code = reads(n, usual_rules());
        let machine = code.machine();
        let (runs, took) = each(200, || {
            let (mut search, mut runs) = (Reduced::new(), 0);
            while next_run(&machine, &mut search).is_some() {
                runs += u32::from(!search.was_redundant());
            }
            runs
        });
        println!("{n} reads, reduced: {runs} runs in {took:.1?}");
    }
    let seed = programs::find("seed").expect("built in").code(usual_rules());
    let machine = seed.machine();
    let start = Spent::now();
    let mut search = Random::new(1, 1_000_000);
    let mut bad = 0;
    while let Some(verdict) = next_run(&machine, &mut search) {
        bad += u32::from(verdict.harm.is_bad());
    }
    println!("a million schedules of the seed by chance: {bad} bad, in {:.1?}", start.elapsed());
    let start = Spent::now();
    let mut runs = 0;
    for _ in 0..1000 {
        let mut search = Reduced::new();
        while next_run(&machine, &mut search).is_some() {
            runs += 1;
        }
    }
    let took = start.elapsed();
    println!(
        "the seed, reduced: {} a search, {:.0} schedules/s",
        runs / 1000,
        f64::from(runs) / took.as_secs_f64()
    );
}
