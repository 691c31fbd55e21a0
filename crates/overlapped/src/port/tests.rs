//! A shard that belongs to one thread, over a kernel that does nothing but keep what it is given.

use std::{
    io,
    sync::{Arc, Condvar, Mutex, mpsc},
    task::{Wake, Waker},
    thread,
    time::{Duration, Instant},
};

use super::{Parker, Shard, limit::Limit};
use crate::{
    backend::{
        Backend, Bell, Cause, Completion, Entry, Features, Id, Kind, RealClock, Reap, Submit,
    },
    buf::NoMemory,
    iocb::{Asked, Half, Split, split},
    op::{Goal, Nap, Op, Operation, Plan},
};

/// No test sleeps longer for what must come.
const LIMIT: Duration = Duration::from_secs(20);

#[derive(Default)]
struct World {
    flying: Vec<Entry>,
    done: Vec<Entry>,
    rung: bool,
}

#[derive(Clone, Default)]
struct Device(Arc<(Mutex<World>, Condvar)>);

impl Submit for Device {
    fn submit(&mut self, entry: Entry) -> Result<(), Entry> {
        self.0.0.lock().unwrap().flying.push(entry);
        Ok(())
    }

    fn cancel(&mut self, id: Id) {
        let mut world = self.0.0.lock().unwrap();
        if let Some(place) = world.flying.iter().position(|entry| entry.id() == id) {
            let entry = world.flying.remove(place);
            world.done.push(entry);
        }
    }

    fn wake(&mut self) {
        self.ring();
    }
}

impl Reap for Device {
    fn wait(&mut self, until: Option<Instant>, out: &mut Vec<Completion>) -> io::Result<()> {
        let last = Instant::now() + LIMIT;
        let mut world = self.0.0.lock().unwrap();
        while world.done.is_empty() && !std::mem::take(&mut world.rung) {
            let now = Instant::now();
            if until.is_some_and(|until| until <= now) {
                return Ok(());
            }
            assert!(now < last, "it sleeps for ever");
            let until = until.map_or(last, |until| until.min(last));
            world = self.0.1.wait_timeout(world, until - now).unwrap().0;
        }
        let canceled = crate::error::ECANCELED;
        let over = |entry| Completion { entry, answer: Err(Cause::Os(canceled)) };
        out.extend(world.done.drain(..).map(over));
        Ok(())
    }
}

impl Bell for Device {
    fn ring(&self) {
        self.0.0.lock().unwrap().rung = true;
        self.0.1.notify_all();
    }
}

fn shard() -> (Arc<Shard>, Device) {
    let device = Device::default();
    let backend = Backend {
        features: Features::all_native(Kind::Custom("kept")),
        submit: Box::new(device.clone()),
        reap: Box::new(device.clone()),
        clock: Box::new(RealClock::default()),
        cheap: None,
        simulator: None,
        bell: Some(Arc::new(device.clone())),
    };
    (Shard::local(0, backend, Arc::new(Limit::new(100))), device)
}

fn start(shard: &Arc<Shard>) -> Half<Nap> {
    start_op(shard, Op::Nop)
}

/// What never reaches the kernel: a cancel lands it at once.
fn sleep(shard: &Arc<Shard>) -> Half<Nap> {
    start_op(shard, Op::Timer { due: shard.now() + LIMIT * 2 })
}

fn start_op(shard: &Arc<Shard>, op: Op) -> Half<Nap> {
    let plan = Plan::new(Goal::Once);
    let asked = Asked {
        op: &op,
        plan,
        fixed: None,
        note: shard.note(None),
        attended: false,
        thread: shard.thread(),
    };
    let Split { half, entry, line } = split(asked, Nap(NoMemory));
    shard.start(entry, line);
    half
}

fn start_elsewhere(shard: &Arc<Shard>) -> Half<Nap> {
    thread::scope(|scope| scope.spawn(|| start(shard)).join().unwrap())
}

/// What a wait does.
fn wait<O: Operation>(shard: &Arc<Shard>, mut half: Half<O>) -> Cause {
    let parker = Parker::current();
    half.register(parker.own_waker());
    assert!(shard.drive(&parker, &|| half.is_landed(), None));
    half.take("kept", |_, outcome| outcome.answer).expect_err("all are cancelled")
}

fn over(device: &Device) -> bool {
    let world = device.0.0.lock().unwrap();
    world.flying.is_empty() && world.done.is_empty()
}

// [C5] asked by the owner or by others, before the owner has seen the start or after.
#[test]
fn a_cancel_meets_what_was_started_elsewhere() {
    for by_owner in [true, false] {
        for seen in [true, false] {
            let (shard, device) = shard();
            let half = start_elsewhere(&shard);
            if seen {
                shard.turn(Some(shard.now()));
            }
            let (key, id) = (half.key(), half.id());
            assert_eq!(key == u32::MAX, !seen);
            if by_owner {
                shard.cancel(key, id);
            } else {
                thread::scope(|scope| scope.spawn(|| shard.cancel(key, id)).join().unwrap());
            }
            assert_eq!(wait(&shard, half), Cause::Os(crate::error::ECANCELED));
            assert!(over(&device) && shard.busy() == 0);
        }
    }
}

// [C6] the same for a deadline.
#[test]
fn a_deadline_meets_what_was_started_elsewhere() {
    for by_owner in [true, false] {
        let (shard, device) = shard();
        let half = start_elsewhere(&shard);
        let (key, id, at) = (half.key(), half.id(), shard.now() + Duration::from_millis(5));
        if by_owner {
            shard.deadline(key, id, at);
        } else {
            thread::scope(|scope| scope.spawn(|| shard.deadline(key, id, at)).join().unwrap());
        }
        assert_eq!(wait(&shard, half), Cause::Os(crate::error::ECANCELED));
        assert!(over(&device));
    }
}

// [C3] what was left outside may end what the owner waits for, without the kernel.
#[test]
fn a_post_that_lands_what_the_owner_waits_for() {
    let (shard, _device) = shard();
    let half = sleep(&shard);
    let (key, id) = (half.key(), half.id());
    thread::scope(|scope| scope.spawn(|| shard.cancel(key, id)).join().unwrap());
    assert_eq!(wait(&shard, half), Cause::Os(crate::error::ECANCELED));
}

/// A waker that is somebody's code: it cancels `other` from outside, and drives the shard.
struct Nested {
    shard: Arc<Shard>,
    other: Mutex<Option<(u32, Id)>>,
}

impl Wake for Nested {
    fn wake(self: Arc<Self>) {
        let (key, id) = self.other.lock().unwrap().take().expect("called once");
        thread::scope(|scope| scope.spawn(|| self.shard.cancel(key, id)).join().unwrap());
        self.shard.turn(Some(self.shard.now()));
    }
}

// [C5] [C11] posts are done in the order in which they were left, though doing one leads to
// another turn; so a cancel never comes before its start.
#[test]
fn a_post_that_drives_the_shard() {
    let (shard, device) = shard();
    let mut first = sleep(&shard);
    let nested = Arc::new(Nested { shard: Arc::clone(&shard), other: Mutex::default() });
    first.register(&Waker::from(Arc::clone(&nested)));
    let (key, id) = (first.key(), first.id());
    let outside = || {
        shard.cancel(key, id);
        let later = start(&shard);
        *nested.other.lock().unwrap() = Some((later.key(), later.id()));
        later
    };
    let later = thread::scope(|scope| scope.spawn(outside).join().unwrap());
    assert_eq!(wait(&shard, later), Cause::Os(crate::error::ECANCELED));
    assert!(first.is_landed());
    drop(first);
    assert!(over(&device) && shard.busy() == 0);
}

// [C9] once the owner has gone, what comes is refused, and what came is done.
#[test]
fn an_owner_that_goes() {
    let (shard, device) = shard();
    let flying = start(&shard);
    let outside = start_elsewhere(&shard);
    assert_eq!(shard.retire(Some(shard.now() + LIMIT)), 0);
    let late = start_elsewhere(&shard);
    assert!(flying.is_landed() && outside.is_landed() && late.is_landed());
    assert_eq!(late.take("kept", |_, outcome| outcome.answer).unwrap_err(), Cause::Closed);
    assert_eq!(
        flying.take("kept", |_, outcome| outcome.answer).unwrap_err(),
        Cause::Os(crate::error::ECANCELED)
    );
    drop(outside);
    assert!(over(&device));
}

// [C9] who drains from elsewhere, after the owner gave up, is told when the owner's second try
// succeeds.
#[test]
fn a_drain_after_the_owner_gave_up() {
    let (shard, device) = shard();
    let half = start(&shard);
    shard.turn(Some(shard.now()));
    // Nothing that cancels can find it.
    let kept = std::mem::take(&mut device.0.0.lock().unwrap().flying);
    assert_eq!(shard.retire(Some(shard.now())), 1);
    let (begun, begin) = mpsc::channel();
    let other = {
        let shard = Arc::clone(&shard);
        thread::spawn(move || {
            begun.send(()).unwrap();
            shard.drain(None)
        })
    };
    begin.recv().unwrap();
    // It may still be about to leave its waker, or sleep already.
    thread::sleep(Duration::from_millis(20));
    device.0.0.lock().unwrap().done.extend(kept);
    assert_eq!(shard.drain(Some(shard.now() + LIMIT)), 0);
    assert!(half.is_landed());
    assert_eq!(other.join().unwrap(), 0);
}
