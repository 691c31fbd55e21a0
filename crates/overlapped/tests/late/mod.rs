//! A kernel that is late. Each turn it does one thing, chosen by a seed: write half of what is
//! asked into the lent memory, heed a cancel or not, or finish some operation.

use std::{
    collections::HashSet,
    future::Future,
    io,
    pin::{Pin, pin},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread::Thread,
    time::Instant,
};

use overlapped::{
    Port,
    backend::{
        Backend, Bell, Cause, Completion, Entry, Features, Id, Kind, Op, RealClock, Reap, Submit,
        Value,
    },
};

/// What this system calls an operation that was cancelled.
const ECANCELED: i32 = if cfg!(windows) { 995 } else { 125 };

/// What decides how the kernel behaves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Script(u64);

impl Script {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn seed(self) -> u64 {
        self.0
    }
}

/// What the file or stream holds at an offset.
pub(crate) fn pattern(at: u64, len: usize) -> Vec<u8> {
    (at..at + len as u64).map(byte).collect()
}

fn byte(at: u64) -> u8 {
    (at % 251) as u8 + 1
}

/// How many bytes the streams of this port's kernel have given.
pub(crate) fn taken(_port: &Port) -> u64 {
    TAKEN.with(|taken| taken.load(Ordering::SeqCst))
}

thread_local! {
    /// The stream of the port that this thread made last.
    static TAKEN: Arc<AtomicU64> = Arc::default();
}

#[derive(Default)]
struct World {
    flying: Vec<Flying>,
    cancelled: HashSet<Id>,
    woken: bool,
    chance: u64,
}

struct Flying {
    entry: Entry,
    /// Half of the bytes are in the buffer already.
    begun: bool,
}

struct Shared {
    world: Mutex<World>,
    changed: Condvar,
    taken: Arc<AtomicU64>,
}

/// Both halves of the late kernel.
pub(crate) struct Late(Arc<Shared>);

impl Late {
    pub(crate) fn backend(script: Script) -> Backend {
        let taken = TAKEN.with(Arc::clone);
        taken.store(0, Ordering::SeqCst);
        let world = World { chance: script.0, ..World::default() };
        let shared = Arc::new(Shared { world: Mutex::new(world), changed: Condvar::new(), taken });
        Backend {
            features: Features::all_native(Kind::Custom("late")),
            submit: Box::new(Self(Arc::clone(&shared))),
            bell: Some(Arc::<Shared>::clone(&shared)),
            reap: Box::new(Self(shared)),
            clock: Box::new(RealClock::default()),
            cheap: None,
            simulator: None,
        }
    }
}

impl World {
    /// A number below `n`, by a small linear generator: the same seed, the same behaviour.
    fn choose(&mut self, n: usize) -> usize {
        self.chance = self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695);
        (self.chance >> 33) as usize % n
    }

    /// One thing that a kernel may do next.
    fn step(&mut self, taken: &AtomicU64) -> Option<Completion> {
        let index = self.choose(self.flying.len());
        let heeds = self.choose(2) == 0;
        let flying = &mut self.flying[index];
        let cancelled = self.cancelled.contains(&flying.entry.id());
        if cancelled && heeds && !(flying.begun && is_stream(&flying.entry)) {
            return Some(self.finish(index, Err(Cause::Os(ECANCELED))));
        }
        if !flying.begun {
            flying.begun = true;
            let len = flying.entry.len() / 2;
            write(&mut flying.entry, len, taken.load(Ordering::SeqCst));
            return None;
        }
        let asked = flying.entry.len();
        let short = self.choose(asked.max(1));
        let n = if self.choose(3) == 0 && asked > 0 { short.max(1) } else { asked };
        let entry = &mut self.flying[index].entry;
        write(entry, n, taken.load(Ordering::SeqCst));
        if is_stream(entry) {
            taken.fetch_add(n as u64, Ordering::SeqCst);
        }
        Some(self.finish(index, Ok(Value::Count(n))))
    }

    fn finish(&mut self, index: usize, answer: Result<Value, Cause>) -> Completion {
        let entry = self.flying.swap_remove(index).entry;
        self.cancelled.remove(&entry.id());
        Completion { entry, answer }
    }
}

fn is_stream(entry: &Entry) -> bool {
    matches!(entry.op(), Op::Read { at: None, .. })
}

/// Writes the first `n` bytes of what is asked.
fn write(entry: &mut Entry, n: usize, stream_at: u64) {
    let at = match entry.op() {
        Op::Read { at: Some(at), .. } => at,
        _ => stream_at,
    };
    for (at, to) in (at..).zip(entry.slices_mut().flatten().take(n)) {
        *to = byte(at);
    }
}

impl Submit for Late {
    fn submit(&mut self, entry: Entry) -> Result<(), Entry> {
        let mut world = self.0.world.lock().unwrap();
        if world.flying.len() >= 3 {
            return Err(entry);
        }
        world.flying.push(Flying { entry, begun: false });
        self.0.changed.notify_one();
        Ok(())
    }

    fn cancel(&mut self, id: Id) {
        let mut world = self.0.world.lock().unwrap();
        if world.flying.iter().any(|flying| flying.entry.id() == id) {
            world.cancelled.insert(id);
        }
    }

    fn wake(&mut self) {
        self.0.ring();
    }
}

impl Bell for Shared {
    fn ring(&self) {
        self.world.lock().unwrap().woken = true;
        self.changed.notify_one();
    }
}

impl Reap for Late {
    fn wait(&mut self, until: Option<Instant>, out: &mut Vec<Completion>) -> io::Result<()> {
        let mut world = self.0.world.lock().unwrap();
        while world.flying.is_empty() && !world.woken {
            let Some(until) = until else {
                world = self.0.changed.wait(world).unwrap();
                continue;
            };
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            world = self.0.changed.wait_timeout(world, left).unwrap().0;
        }
        world.woken = false;
        if !world.flying.is_empty() {
            out.extend(world.step(&self.0.taken));
        }
        Ok(())
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The smallest executor.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        std::thread::park();
    }
}

/// One poll, with a waker that leads nowhere.
pub(crate) fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    match Pin::new(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// As `mem::forget`, but where a leak checker still finds it.
pub(crate) fn forget(thing: impl std::any::Any + Send) {
    static FORGOTTEN: Mutex<Vec<Box<dyn std::any::Any + Send>>> = Mutex::new(Vec::new());
    FORGOTTEN.lock().unwrap().push(Box::new(thing));
}
