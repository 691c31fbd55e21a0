//! The orderings of the book of a port, of its helm, of what is left outside for the owner of a
//! shard, and of a handle that is watched: every one of them.

use std::{
    sync::{
        Arc, Mutex as StdMutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Wake, Waker},
};

use loom::{
    sync::{
        Notify,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use super::{
    book::{Book, Cancelled, Landed},
    held::Held,
    helm::{Call, Helm, Seat},
    limit::Limit,
    outside::Outside,
};
use crate::{
    backend::{Bell, Completion, Submit},
    buf::Fill,
    error::{Cause, EAGAIN},
    handle,
    iocb::{Entry, Half, Id, Split, asked, split},
    op::{Goal, Op, Plan, Read},
    sync::{Guard, Guarded},
};

/// What the backend was given. A plain `std` lock: it is only used under the book's.
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
    book: Guarded<Book>,
    seen: Arc<StdMutex<Seen>>,
    landed: StdMutex<Vec<Landed>>,
}

type ReadHalf = Half<Read<Vec<u8>>>;

/// One read, entered into the book and not yet handed on, as in a handle's own queue.
fn admitted() -> (Arc<World>, ReadHalf, Entry, u32) {
    let seen = Arc::new(StdMutex::new(Seen::default()));
    let book = Book::new(Box::new(Device(Arc::clone(&seen))), Arc::new(Limit::new(10)));
    let book = Guarded::shared(book);
    let world = Arc::new(World { book, seen, landed: StdMutex::default() });
    let asked = asked(&Op::Read { from: 0, at: None }, Plan::new(Goal::Once), None);
    let Split { half, entry, line } = split(asked, Read { buf: Fill(vec![0; 2]) });
    assert_eq!(world.book().refusal(), None);
    world.book().enter(line);
    let key = entry.key();
    (world, half, entry, key)
}

impl World {
    fn book(&self) -> Guard<'_, Book> {
        self.book.lock().expect("all threads share it")
    }

    fn launch(&self, entry: Entry) {
        let back = self.book().launch(entry);
        self.landed.lock().unwrap().extend(back);
    }

    fn cancel(&self, key: u32, id: Id) {
        if let Cancelled::Here(landed) = self.book().cancel(key, id) {
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
            std::mem::forget((landed.entry, landed.line));
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
        let back = world.book().answer(again);
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
        world.book().flush();
        canceller.join().unwrap();
        world.check(half);
    });
}

struct Alarm(Notify);

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.0.notify();
    }
}

/// Threads that wait for one operation each.
struct Crew {
    helm: Helm,
    bells: Vec<Arc<Alarm>>,
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
            match self.helm.board(|| self.waker(sailor)) {
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
        bells: order.iter().map(|_| Arc::new(Alarm(Notify::new()))).collect(),
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

impl Bell for Alarm {
    fn ring(&self) {
        self.0.notify();
    }
}

/// A shard of one thread, seen from outside.
struct Owned {
    outside: Outside<Self>,
    alarm: Arc<Alarm>,
    ran: AtomicUsize,
    finished: AtomicBool,
}

impl Owned {
    fn new() -> Arc<Self> {
        let alarm = Arc::new(Alarm(Notify::new()));
        let outside = Outside::new(Arc::<Alarm>::clone(&alarm));
        let finished = AtomicBool::new(false);
        Arc::new(Self { outside, alarm, ran: AtomicUsize::new(0), finished })
    }

    /// What `Shard::post` does; whether it was taken.
    fn post(&self, number: usize) -> bool {
        let post = move |owned: &Arc<Self>| {
            assert_eq!(owned.ran.fetch_add(1, SeqCst), number, "posts run in their order");
        };
        self.outside.open().map(|mut posts| posts.push(post)).is_some()
    }

    /// What `Shard::run_posts` does.
    fn run_posts(self: &Arc<Self>) -> bool {
        let Some(count) = self.outside.waiting() else {
            return false;
        };
        for _ in 0..count {
            self.outside.next().into_iter().for_each(|post| post(self));
        }
        true
    }

    /// What `Shard::turn` does.
    fn turn(self: &Arc<Self>) {
        let done = self.run_posts();
        self.outside.rest(|called| {
            if !(done || called) {
                self.alarm.0.wait();
            }
        });
    }
}

// [C5] whatever is left outside is done, and the owner never sleeps while something is there.
#[test]
fn loom_outside_posts() {
    loom::model(|| {
        let owned = Owned::new();
        let other = Arc::clone(&owned);
        let poster = thread::spawn(move || assert!(other.post(0) && other.post(1)));
        while owned.ran.load(SeqCst) < 2 {
            owned.turn();
        }
        poster.join().unwrap();
    });
}

// [C3] a wake-up that leaves nothing is a reason not to sleep, too.
#[test]
fn loom_outside_wake() {
    loom::model(|| {
        let owned = Owned::new();
        let other = Arc::clone(&owned);
        let waker = thread::spawn(move || {
            other.finished.store(true, Ordering::SeqCst);
            other.outside.call();
        });
        while !owned.finished.load(Ordering::SeqCst) {
            owned.turn();
        }
        waker.join().unwrap();
    });
}

// [C9] what comes while the owner goes is done, or comes back.
#[test]
fn loom_outside_end() {
    loom::model(|| {
        let owned = Owned::new();
        let other = Arc::clone(&owned);
        let poster = thread::spawn(move || {
            let first = other.post(0);
            let second = other.post(1);
            assert!(first || !second, "an owner does not come back");
            let posted = usize::from(first) + usize::from(second);
            assert!(second || other.ran.load(SeqCst) == posted, "closed before all is done");
            posted
        });
        owned.run_posts();
        while !owned.outside.end() {
            owned.outside.next().into_iter().for_each(|post| post(&owned));
        }
        let taken = poster.join().unwrap();
        assert_eq!(owned.ran.load(SeqCst), taken, "a post was lost");
    });
}

// [C7] who waits until nothing flies on a handle is woken by the last landing, or sees that it is
// over; the last waker left is the one.
fn watched(looks: usize) {
    let file = Arc::new(handle::Owned::from(std::fs::File::open("/dev/null").unwrap()));
    loom::model(move || {
        let held = Arc::new(Held::new(handle::raw(&file), Arc::clone(&file)));
        held.enter();
        held.enter();
        let other = Arc::clone(&held);
        let lander = thread::spawn(move || {
            for _ in 0..2 {
                other.leave().into_iter().for_each(Waker::wake);
            }
        });
        let mut alarm = None;
        let over = (0..looks).any(|_| {
            let new = alarm.insert(Arc::new(Alarm(Notify::new())));
            held.watch(&Waker::from(Arc::clone(new)))
        });
        if let Some(alarm) = alarm.filter(|_| !over) {
            alarm.0.wait();
        }
        lander.join().unwrap();
        assert!(held.is_drained());
    });
}

#[test]
fn loom_held() {
    watched(1);
    watched(2);
}
