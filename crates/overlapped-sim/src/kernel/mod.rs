//! The simulated kernel: a table of operations in flight, devices, threads that take turns, and a
//! clock that stands still until somebody has to wait.
//!
//! Everything that is not determined is asked of one [`Choice`](crate::explore::Choice): who takes
//! the next step, how an operation ends, how many bytes move, which fault comes. A step is taken at
//! a *point*: where the program has just started or asked for something, and where it waits. At a
//! point anybody may go on: the program, another of its threads, an operation in the hands of a
//! device, time.

mod backend;
mod devices;
mod disk;
mod end;
mod errno;
mod faults;
mod flying;
mod log;
mod names;
mod numbers;
mod perform;
mod pipe;
mod points;
mod services;
mod streams;
mod terminal;
mod threads;
mod transfer;
mod wall;

pub(crate) use end::Left;
pub use faults::Faults;
pub(crate) use log::{Log, Trouble};
pub(crate) use threads::{Enter, Unwound, Wait, here, system};

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use overlapped::backend::{Completion, Id};

use self::{
    devices::Devices, flying::Flying, numbers::CLOCK, services::Service, threads::Thread,
    wall::Wall,
};
use crate::explore::{Access, Actor, Kind, Object, Search};

/// A point in virtual time: nanoseconds since the simulation began.
pub(crate) type Time = u64;

/// A whole simulated system. Everything of it is behind one lock, which is never held while code
/// of the program or of the port runs.
pub(crate) struct Kernel {
    state: Mutex<State>,
    start: Instant,
    /// `State::now`, for who does not have the lock.
    now: AtomicU64,
}

pub(crate) struct State {
    pub(crate) choice: Decider,
    pub(crate) settings: Settings,
    now: Time,
    /// In the order in which they came.
    flying: Vec<Flying>,
    /// The first so many are in use; what is beyond them is room for later runs.
    ports: usize,
    queues: Vec<Queue>,
    pub(crate) devices: Devices,
    wall: Wall,
    threads: Vec<Thread>,
    services: Vec<Service>,
    /// Steps of anybody but them.
    moves: u64,
    /// The service whose turn at the port has just begun.
    serving: Option<usize>,
    /// Whose turn it is, of the threads.
    turn: usize,
    pub(crate) log: Log,
    /// Once set, whoever comes to a point is unwound.
    pub(crate) trouble: Option<Trouble>,
    faults_left: u32,
    counts: Counts,
    /// Room for those who can go on, so that a point does not allocate.
    candidates: Vec<points::Candidate>,
    enabled: Vec<Actor>,
    /// How often threads that are unwound have waited.
    patience: u32,
    /// The run is over: what is still used of it by mistake does nothing.
    ended: bool,
}

/// A search outlives a run, and goes from thread to thread with it.
pub(crate) type Decider = Box<dyn Search + Send>;

/// How the system behaves.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// How long a device takes, at least and at most.
    pub(crate) latency: (Time, Time),
    /// How many operations a queue takes before it says that it is full.
    pub(crate) depth: usize,
    pub(crate) faults: Faults,
    /// A transfer may be overtaken after a quarter and after three, and not only half-way.
    pub(crate) tears: bool,
    /// What stays open was forgotten on purpose.
    pub(crate) forgets: bool,
    /// The power may be cut before any step of a device.
    pub(crate) power: bool,
    /// Panics are expected, and not to be told.
    pub(crate) quiet: bool,
}

impl Default for Settings {
    fn default() -> Self {
        let latency =
            (0, Time::try_from(Duration::from_millis(10).as_nanos()).unwrap_or(Time::MAX));
        Self {
            latency,
            depth: usize::MAX,
            faults: Faults::none(),
            tears: false,
            forgets: false,
            power: false,
            quiet: false,
        }
    }
}

impl Settings {
    pub(crate) fn set_latency(&mut self, least: Duration, most: Duration) {
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.latency = (nanos(least), nanos(most.max(least)));
    }
}

/// What one backend has: its completions, and whether somebody rang.
#[derive(Default)]
struct Queue {
    landed: Vec<(u32, Completion)>,
    woken: bool,
    flying: usize,
}

impl Queue {
    fn clear(&mut self) {
        let Self { landed, woken, flying } = self;
        landed.clear();
        (*woken, *flying) = (false, 0);
    }
}

/// What the oracles compare at the end.
#[derive(Default)]
struct Counts {
    started: u64,
    over: u64,
}

impl Kernel {
    pub(crate) fn new(choice: Decider, settings: Settings, traced: bool) -> Self {
        let state = Mutex::new(State::new(choice, settings, traced));
        Self { state, start: Instant::now(), now: AtomicU64::new(0) }
    }

    /// As new, once nobody uses it any more.
    pub(crate) fn renew(&mut self, choice: Decider, settings: Settings, traced: bool) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        state.renew(choice, settings, traced);
        self.now = AtomicU64::new(0);
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Instant {
        self.start + Duration::from_nanos(self.now.load(Ordering::Relaxed))
    }

    /// The program says something in the timeline.
    pub(crate) fn say(&self, thread: usize, text: &str) {
        let mut state = self.lock();
        let now = state.now;
        state.log.said(now, thread, text);
    }

    fn time(&self, instant: Instant) -> Time {
        let since = instant.saturating_duration_since(self.start);
        Time::try_from(since.as_nanos()).unwrap_or(Time::MAX)
    }

    fn pass_time(&self, state: &mut State, to: Time) {
        if to > state.now {
            state.log.passed(state.now, to);
            state.now = to;
            state.touch(CLOCK, Access::Write);
            self.now.store(to, Ordering::Relaxed);
        }
    }
}

impl State {
    fn new(choice: Decider, settings: Settings, traced: bool) -> Self {
        let mut state = Self {
            choice,
            settings,
            now: 0,
            flying: Vec::new(),
            ports: 0,
            queues: Vec::new(),
            devices: Devices::default(),
            wall: Wall::default(),
            threads: Vec::new(),
            services: Vec::new(),
            moves: 0,
            serving: None,
            turn: 0,
            log: Log::new(traced),
            trouble: None,
            faults_left: 0,
            counts: Counts::default(),
            candidates: Vec::new(),
            enabled: Vec::new(),
            patience: 0,
            ended: false,
        };
        state.set_up();
        state
    }

    // [C16] all is as new; what goes over from one run to the next is room.
    fn renew(&mut self, choice: Decider, settings: Settings, traced: bool) {
        // Each field by its name, so that none is forgotten.
        let Self {
            choice: _,
            settings: _,
            now,
            flying,
            ports,
            queues,
            devices: _,
            wall,
            threads,
            services,
            moves,
            serving,
            turn,
            log: _,
            trouble,
            faults_left: _,
            counts,
            candidates,
            enabled,
            patience,
            ended,
        } = self;
        flying.clear();
        queues.iter_mut().for_each(Queue::clear);
        threads.clear();
        services.clear();
        candidates.clear();
        enabled.clear();
        (*now, *ports, *moves, *turn, *patience, *ended) = (0, 0, 0, 0, 0, false);
        *wall = Wall::default();
        (*serving, *trouble, *counts) = (None, None, Counts::default());
        (self.choice, self.settings, self.log) = (choice, settings, Log::new(traced));
        self.set_up();
    }

    fn set_up(&mut self) {
        self.devices.set_up();
        self.faults_left = self.settings.faults.budget;
        self.threads.push(Thread::new("program"));
    }

    fn touch(&mut self, object: Object, access: Access) {
        self.choice.touch(object, access);
    }

    pub(crate) fn now(&self) -> Time {
        self.now
    }

    pub(crate) fn choose(&mut self, n: usize, kind: Kind) -> usize {
        if n < 2 { 0 } else { self.choice.choose(n, kind) }
    }

    /// A cancel is a request: what has landed is not asked any more, and a device may not heed it.
    fn cancel(&mut self, id: Id) {
        let Some(flying) = self.flying.iter_mut().find(|flying| flying.entry.id() == id) else {
            return;
        };
        flying.cancelled = true;
        let (number, object) = (flying.number, flying.cancel_object());
        self.touch(object, Access::Write);
        self.log.cancel(self.now, number);
    }

    /// Everything in flight lands as cancelled: the simulation is over, its destructors are not.
    fn cancel_all(&mut self) {
        while !self.flying.is_empty() {
            self.land(0, Err(errno::ECANCELED));
        }
    }

    /// The first thing that went wrong is what is reported.
    pub(crate) fn fail(&mut self, trouble: Trouble) {
        self.trouble.get_or_insert(trouble);
    }
}
