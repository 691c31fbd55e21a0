//! The orderings of the queue into a port and of its helm, every one of them.

use std::{
    sync::{Arc, Mutex as StdMutex},
    task::{Wake, Waker},
    time::Instant,
};

use loom::{
    sync::{
        Notify,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use super::{
    helm::{Call, Helm, Seat},
    inbox::{Cancelled, Flight, Inbox, Landed, Limit},
};
use crate::{
    backend::{Completion, Submit},
    buf::Fill,
    error::{Cause, EAGAIN},
    iocb::{Entry, Half, Id, split},
    op::{Goal, Op, Plan, Read},
};

/// What the backend was given. A plain `std` lock: it is only used under the inbox's.
#[derive(Default)]
struct Seen {
    flying: Option<Entry>,
    asked: bool,
    full: bool,
}

struct Device(Arc<StdMutex<Seen>>);

impl Submit for Device {
    fn submit(&mut self, entry: Entry) -> Result<(), Entry> {
        let mut seen = self.0.lock().unwrap();
        if std::mem::take(&mut seen.full) {
            return Err(entry);
        }
        seen.flying = Some(entry);
        Ok(())
    }

    fn cancel(&mut self, id: Id) {
        let mut seen = self.0.lock().unwrap();
        seen.asked |= seen.flying.as_ref().is_some_and(|entry| entry.id() == id);
    }

    fn wake(&mut self) {}
}

struct World {
    inbox: Inbox,
    seen: Arc<StdMutex<Seen>>,
    landed: StdMutex<Vec<Landed>>,
}

type ReadHalf = Half<Read<Vec<u8>>>;

/// One read, entered into the book and not yet handed on, as in a handle's own queue.
fn admitted() -> (Arc<World>, ReadHalf, Entry, u32) {
    let seen = Arc::new(StdMutex::new(Seen::default()));
    let inbox = Inbox::new(Box::new(Device(Arc::clone(&seen))), Arc::new(Limit::new(10)));
    let world = Arc::new(World { inbox, seen, landed: StdMutex::default() });
    let request = Read { buf: Fill(vec![0; 2]), heir: None };
    let (half, mut entry) = split(Op::Read { from: 0, at: None }, Plan::new(Goal::Once), request);
    let flight = Flight::new(&entry, Instant::now(), None, None);
    let key = world.inbox.lock().admit(&mut entry, flight).unwrap();
    (world, half, entry, key)
}

impl World {
    fn launch(&self, entry: Entry) {
        let back = self.inbox.lock().launch(entry);
        self.landed.lock().unwrap().extend(back);
    }

    fn cancel(&self, key: u32, id: Id) {
        if let Cancelled::Here(landed) = self.inbox.lock().cancel(key, id) {
            self.landed.lock().unwrap().push(landed);
        }
    }

    /// Either the operation is over, once, or the backend has it and was asked to stop it.
    fn check(&self, half: ReadHalf) {
        let landed = std::mem::take(&mut *self.landed.lock().unwrap());
        let mut seen = self.seen.lock().unwrap();
        match seen.flying.take() {
            Some(entry) => {
                assert!(landed.is_empty());
                assert!(seen.asked, "a cancel was lost");
                std::mem::forget(entry);
            }
            None => assert_eq!(landed.len(), 1, "an operation was lost or landed twice"),
        }
        for landed in landed {
            std::mem::forget(landed.entry);
        }
        std::mem::forget(half);
    }
}

// [C5] a cancel meets an operation that is just being handed on by its handle's queue.
#[test]
fn loom_cancel_launch() {
    loom::model(|| {
        let (world, half, entry, key) = admitted();
        let (other, id) = (Arc::clone(&world), half.id());
        let canceller = thread::spawn(move || other.cancel(key, id));
        world.launch(entry);
        canceller.join().unwrap();
        world.check(half);
    });
}

// [C5] a cancel meets an operation between two of its steps.
#[test]
fn loom_cancel_step() {
    loom::model(|| {
        let (world, half, entry, key) = admitted();
        world.launch(entry);
        let entry = world.seen.lock().unwrap().flying.take().unwrap();
        let (other, id) = (Arc::clone(&world), half.id());
        let canceller = thread::spawn(move || other.cancel(key, id));
        let again = Completion { entry, answer: Err(Cause::Os(EAGAIN)) };
        let back = world.inbox.lock().answer(again);
        world.landed.lock().unwrap().extend(back);
        canceller.join().unwrap();
        world.check(half);
    });
}

// [C5] [C14] a cancel meets an operation that found the backend full.
#[test]
fn loom_cancel_backlog() {
    loom::model(|| {
        let (world, half, entry, key) = admitted();
        world.seen.lock().unwrap().full = true;
        world.launch(entry);
        let (other, id) = (Arc::clone(&world), half.id());
        let canceller = thread::spawn(move || other.cancel(key, id));
        world.inbox.lock().flush();
        canceller.join().unwrap();
        world.check(half);
    });
}

struct Bell(Notify);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.notify();
    }
}

/// Threads that wait for one operation each.
struct Crew {
    helm: Helm,
    bells: Vec<Arc<Bell>>,
    done: Vec<AtomicBool>,
    /// The operations that the kernel has finished, in its order.
    kernel: StdMutex<Vec<usize>>,
}

impl Crew {
    fn waker(&self, sailor: usize) -> Waker {
        Waker::from(Arc::clone(&self.bells[sailor]))
    }

    /// What `Shard::drive` does.
    fn drive(&self, sailor: usize) {
        while !self.done[sailor].load(Ordering::Acquire) {
            match self.helm.board(&self.waker(sailor)) {
                Seat::Lead => self.turn(sailor),
                Seat::Follow(ticket) => {
                    if !self.done[sailor].load(Ordering::Acquire) {
                        self.bells[sailor].0.wait();
                    }
                    assert_eq!(self.helm.disembark(ticket, || false), Call::Nobody);
                }
            }
        }
    }

    fn turn(&self, sailor: usize) {
        let mut landed = None;
        if !self.done[sailor].load(Ordering::Acquire) {
            landed = self.kernel.lock().unwrap().pop();
        }
        if let Some(other) = landed {
            self.done[other].store(true, Ordering::Release);
        }
        assert_eq!(self.helm.leave(|| false), Call::Nobody);
        if let Some(other) = landed {
            self.waker(other).wake();
        }
    }
}

/// Everybody drives until its own operation is over; loom finds it if somebody sleeps for ever.
fn sail(order: Vec<usize>) {
    let crew = Arc::new(Crew {
        helm: Helm::new(),
        bells: order.iter().map(|_| Arc::new(Bell(Notify::new()))).collect(),
        done: order.iter().map(|_| AtomicBool::new(false)).collect(),
        kernel: StdMutex::new(order.clone()),
    });
    let sailors: Vec<_> = (1..order.len())
        .map(|sailor| {
            let crew = Arc::clone(&crew);
            thread::spawn(move || crew.drive(sailor))
        })
        .collect();
    crew.drive(0);
    for sailor in sailors {
        sailor.join().unwrap();
    }
}

// [C3] nobody sleeps for ever, whoever leads and in whichever order the kernel finishes.
#[test]
fn loom_helm() {
    loom::model(|| sail(vec![0, 1]));
    loom::model(|| sail(vec![1, 0]));
}

// [C3] who is promoted and has no need of the helm passes it on: that takes three.
#[test]
fn loom_helm_passed_on() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(2);
    model.check(|| sail(vec![0, 1, 2]));
    model.check(|| sail(vec![1, 0, 2]));
}
