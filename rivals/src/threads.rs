//! The scenario for loom and shuttle, which know threads and locks and no I/O: the device and the
//! clock are threads, and the memory is behind the lock that all of them share.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use crate::rounds::{Bench, Ran, Table};

/// Counts schedules from outside of what is explored.
#[derive(Default)]
struct Tally {
    runs: AtomicU64,
    bad: AtomicU64,
    first: AtomicU64,
}

impl Tally {
    fn note(&self, bad: bool) {
        let run = self.runs.fetch_add(1, Relaxed) + 1;
        if bad && self.bad.fetch_add(1, Relaxed) == 0 {
            self.first.store(run, Relaxed);
        }
    }

    fn ran(&self) -> Ran {
        let first = self.first.load(Relaxed);
        Ran {
            count: self.runs.load(Relaxed),
            bad: self.bad.load(Relaxed),
            first: (first > 0).then_some(first),
        }
    }
}

/// Whose the bytes are: of the read, or of the function that is called next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Read,
    Victim,
}

#[derive(Debug)]
struct World {
    started: bool,
    timed_out: bool,
    cancelled: bool,
    done: bool,
    owner: Owner,
    /// The I/O wrote memory that was not lent to it.
    corrupts: bool,
}

impl World {
    const NEW: World = World {
        started: false,
        timed_out: false,
        cancelled: false,
        done: false,
        owner: Owner::Read,
        corrupts: false,
    };

    /// The I/O writes the buffer or the status.
    fn write(&mut self) {
        self.corrupts |= self.owner != Owner::Read;
    }
}

/// The same text for both: their types have the same names.
macro_rules! scenario {
    ($name:ident, $tool:ident) => {
        mod $name {
            use std::sync::Arc as Std;

            use $tool::{
                sync::{Arc, Condvar, Mutex},
                thread,
            };

            use super::{Owner, Tally, World};

            struct Shared {
                world: Mutex<World>,
                changed: Condvar,
            }

            impl Shared {
                fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
                    let result = change(&mut self.world.lock().unwrap());
                    self.changed.notify_all();
                    result
                }

                fn wait_until(&self, ready: impl Fn(&World) -> bool) {
                    let mut world = self.world.lock().unwrap();
                    while !ready(&world) {
                        world = self.changed.wait(world).unwrap();
                    }
                }
            }

            fn device(shared: &Shared) {
                shared.wait_until(|world| world.started);
                // It takes the read, and looks whether it is still wanted.
                let cancelled = shared.change(|world| world.cancelled);
                if !cancelled {
                    shared.change(World::write);
                }
                shared.change(World::write);
                shared.change(|world| world.done = true);
            }

            /// `ReadFile`, a wait of a second, `CancelIo`, with the fix another wait, `return`; then
            /// the victim, in the same bytes.
            fn program(shared: &Shared, fixed: bool) {
                shared.change(|world| world.started = true);
                shared.wait_until(|world| world.done || world.timed_out);
                let done = shared.world.lock().unwrap().done;
                if !done {
                    shared.change(|world| world.cancelled = true);
                    if fixed {
                        shared.wait_until(|world| world.done);
                    }
                }
                shared.change(|world| world.owner = Owner::Victim);
            }

            pub(super) fn run(tally: &Std<Tally>, fixed: bool) {
                let shared =
                    Arc::new(Shared { world: Mutex::new(World::NEW), changed: Condvar::new() });
                let (for_device, for_clock) = (Arc::clone(&shared), Arc::clone(&shared));
                let device = thread::spawn(move || device(&for_device));
                // Neither's wait_timeout ever times out: a clock does.
                let clock = thread::spawn(move || for_clock.change(|world| world.timed_out = true));
                program(&shared, fixed);
                device.join().unwrap();
                clock.join().unwrap();
                tally.note(shared.world.lock().unwrap().corrupts);
            }
        }
    };
}

scenario!(in_loom, loom);
scenario!(in_shuttle, shuttle);

fn loom(fixed: bool, most: u64, preemptions: Option<usize>) -> Ran {
    let tally = Arc::<Tally>::default();
    let counts = Arc::clone(&tally);
    let mut builder = loom::model::Builder::new();
    builder.max_permutations = usize::try_from(most).ok();
    builder.preemption_bound = preemptions;
    builder.check(move || in_loom::run(&counts, fixed));
    tally.ran()
}

fn shuttle_dfs(fixed: bool, most: u64) -> Ran {
    shuttle(fixed, |run| {
        shuttle::check_dfs(run, usize::try_from(most).ok());
    })
}

fn shuttle(fixed: bool, check: impl FnOnce(Box<dyn Fn() + Send + Sync>)) -> Ran {
    let tally = Arc::<Tally>::default();
    let counts = Arc::clone(&tally);
    check(Box::new(move || in_shuttle::run(&counts, fixed)));
    tally.ran()
}

fn shuttle_random(count: u64, seed: u64) -> Ran {
    shuttle(false, |run| {
        shuttle::check_random_with_seed(run, seed, count as usize);
    })
}

fn shuttle_pct(count: u64, _: u64) -> Ran {
    shuttle(false, |run| shuttle::check_pct(run, count as usize, 3))
}

pub(crate) fn benches() -> [Bench; 5] {
    let search = |name, run, count, whole| Bench {
        table: Table::Search,
        name,
        own: false,
        run,
        count,
        whole: Some(whole),
    };
    let chance = |name, run| Bench {
        table: Table::Chance,
        name,
        own: false,
        run,
        count: 50_000,
        whole: None,
    };
    [
        search(
            "loom",
            |count, _| loom(false, count, None),
            30_000,
            |fixed, most| loom(fixed, most, None),
        ),
        search(
            "loom, at most 2 preemptions",
            |_, _| loom(false, u64::MAX, Some(2)),
            1,
            |fixed, most| loom(fixed, most, Some(2)),
        ),
        search("shuttle, depth first", |count, _| shuttle_dfs(false, count), 50_000, shuttle_dfs),
        chance("shuttle, random", shuttle_random),
        chance("shuttle, PCT(3)", shuttle_pct),
    ]
}
