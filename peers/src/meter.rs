//! Processor time and wall time of a loop, of all threads of the process.

use std::{
    fmt,
    str::FromStr,
    time::{Duration, Instant},
};

use crate::alloc;

/// What one measurement came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sample {
    /// Operations measured.
    pub ops: u64,
    /// Processor time, user and system, in nanoseconds.
    pub cpu: u64,
    /// Wall time in nanoseconds.
    pub wall: u64,
    /// Heap allocations, if they were counted.
    pub allocs: u64,
    /// Bytes of heap for each operation in flight, its buffer left out.
    pub heap: f64,
}

impl Sample {
    /// Processor time for one operation, in nanoseconds.
    pub fn cpu_per_op(&self) -> f64 {
        self.cpu as f64 / self.ops as f64
    }

    /// Wall time for one operation, in nanoseconds.
    pub fn wall_per_op(&self) -> f64 {
        self.wall as f64 / self.ops as f64
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ops, cpu, wall, allocs, heap } = self;
        write!(f, "{ops} {cpu} {wall} {allocs} {heap}")
    }
}

impl FromStr for Sample {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let wrong = || format!("not a sample: {line:?}");
        let numbers: Option<Vec<f64>> = line.split(' ').map(|word| word.parse().ok()).collect();
        let [ops, cpu, wall, allocs, heap] = numbers.ok_or_else(wrong)?[..] else {
            return Err(wrong());
        };
        let whole = |number: f64| number as u64;
        Ok(Self {
            ops: whole(ops),
            cpu: whole(cpu),
            wall: whole(wall),
            allocs: whole(allocs),
            heap,
        })
    }
}

/// How long a measurement lasts.
#[derive(Clone, Copy, Debug)]
pub enum Budget {
    Ops(usize),
    Time(Duration),
}

/// Runs the loop that is measured.
pub struct Meter {
    budget: Budget,
    count: bool,
    sample: Sample,
}

impl Meter {
    /// `count`: also count allocations, which costs time.
    pub fn new(budget: Budget, count: bool) -> Self {
        Self { budget, count, sample: Sample::default() }
    }

    /// What was measured.
    pub fn sample(&self) -> Sample {
        self.sample
    }

    /// Measures `body`, which does as many operations as it is told.
    pub fn measure(&mut self, body: impl FnMut(usize)) {
        self.measure_by(1, body);
    }

    /// As [`measure`](Self::measure), with a multiple of `unit` operations.
    pub fn measure_by(&mut self, unit: usize, mut body: impl FnMut(usize)) {
        let ops = match self.budget {
            Budget::Ops(ops) => {
                let ops = ops.next_multiple_of(unit);
                body(ops);
                ops
            }
            Budget::Time(budget) => {
                let rate = warm_up(budget / 6, unit, &mut body);
                ((rate * budget.as_secs_f64()) as usize).max(1).next_multiple_of(unit)
            }
        };
        self.once(ops, || body(ops));
    }

    /// Measures what can be done only once.
    pub fn once(&mut self, ops: usize, body: impl FnOnce()) {
        let allocs = alloc::calls();
        alloc::count(self.count);
        let cpu = processor_time();
        let start = Instant::now();
        body();
        let wall = start.elapsed();
        self.sample.cpu = processor_time() - cpu;
        alloc::count(false);
        self.sample.wall = wall.as_nanos() as u64;
        self.sample.ops = ops as u64;
        self.sample.allocs = alloc::calls() - allocs;
    }

    /// Notes the heap that `start` takes to bring `n` operations into flight, each with a buffer
    /// of so many bytes. Passes on what `start` gives.
    pub fn heap<T>(&mut self, n: usize, buffer: usize, start: impl FnOnce() -> T) -> T {
        let before = alloc::bytes();
        alloc::count(true);
        let started = start();
        alloc::count(false);
        self.sample.heap = (alloc::bytes() - before) as f64 / n as f64 - buffer as f64;
        started
    }
}

/// Runs `body` for about `time`; operations a second.
fn warm_up(time: Duration, unit: usize, body: &mut impl FnMut(usize)) -> f64 {
    let mut ops = 256_usize.next_multiple_of(unit);
    loop {
        let start = Instant::now();
        body(ops);
        let took = start.elapsed();
        if took > time / 2 {
            return ops as f64 / took.as_secs_f64();
        }
        ops *= 2;
    }
}

/// User and system time of all threads of this process so far, in nanoseconds.
fn processor_time() -> u64 {
    // SAFETY: all-zero is a value of this struct of integers.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the struct is ours and writable.
    let result = unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut usage) };
    assert_eq!(result, 0, "getrusage has no reason to fail");
    let nanos =
        |time: libc::timeval| time.tv_sec as u64 * 1_000_000_000 + time.tv_usec as u64 * 1000;
    nanos(usage.ru_utime) + nanos(usage.ru_stime)
}
