//! Who is got up, and in which order: C11, C12, C14, C16.

use std::{
    cell::Cell,
    collections::BTreeSet,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Wake, Waker},
    time::Duration,
};

use overlapped::{Event, alertable, pipe, wait_any};
use overlapped_sim::{Check, Faults, Sim};

use crate::{SECOND, all, file};

// [C14] what finds no room waits its turn, in whatever order room is found.
#[test]
fn what_finds_no_room_is_done_all_the_same() {
    let faults = Faults::none().budget(3).refusals(true);
    all(&Check::new().faults(faults), |sim| {
        sim.depth(2);
        let file = file(sim);
        let reads: Vec<_> = (0..4).map(|at| file.read_at(vec![0; 10], at * 10)).collect();
        for (at, read) in (0..).zip(reads) {
            assert_eq!(read.wait().expect("a read").buf[0], at * 10);
        }
    });
}

// [C11] a waker is called with no lock held: it may use the port itself.
#[test]
fn a_waker_may_use_the_port() {
    struct Nosy(overlapped::Port, AtomicUsize);
    impl Wake for Nosy {
        fn wake(self: Arc<Self>) {
            let _ = (self.0.stats(), self.0.in_flight());
            self.1.fetch_add(1, Ordering::SeqCst);
        }
    }
    let report = all(&Check::new(), |sim| {
        let file = file(sim);
        let nosy = Arc::new(Nosy(sim.port().clone(), AtomicUsize::new(0)));
        let waker = Waker::from(Arc::clone(&nosy));
        let mut read = file.read_at(vec![0; 10], 0);
        let polled = std::pin::Pin::new(&mut read).poll(&mut Context::from_waker(&waker));
        if polled.is_pending() {
            sim.sleep(SECOND).wait().expect("a sleep");
            assert_eq!(nosy.1.load(Ordering::SeqCst), 1, "it was woken, once");
            assert!(read.wait().is_ok());
        }
        polled.is_pending()
    });
    assert!(report.outcomes().any(|pending| *pending));
}

// [C12] a future is woken by its waker alone, whatever else is awaited.
#[test]
fn tasks_are_woken_by_their_wakers() {
    let report = all(&Check::new(), |sim| {
        let (reader, writer) = pipe::pair(sim).expect("a pipe");
        sim.block_on(async {
            let task = sim.spawn(async move { reader.read(vec![0; 4]).await.expect("a read").n });
            writer.write_all(b"ping".to_vec()).await.expect("a write");
            assert_eq!(task.await, 4);
        });
    });
    assert!(report.is_complete());
}

// [C16] which ready task of a runtime runs is chosen, too.
#[test]
fn a_runtime_s_tasks_run_in_every_order() {
    let report = all(&Check::new(), |sim| {
        let runtime = sim.runtime();
        let order = std::rc::Rc::new(std::cell::RefCell::new(String::new()));
        let tasks = ["a", "b"].map(|name| {
            let order = std::rc::Rc::clone(&order);
            runtime.spawn(async move { order.borrow_mut().push_str(name) })
        });
        runtime.block_on(async {
            for task in tasks {
                task.await;
            }
        });
        order.take()
    });
    assert!(report.outcomes().eq(["ab", "ba"]) && report.is_complete());
}

// [C8] an automatic event lets one pass for each setting.
#[test]
fn an_automatic_event_lets_one_pass() {
    let report = all(&Check::new(), |sim| {
        let event = Event::automatic();
        event.set();
        let theirs = event.clone();
        let other = sim.thread("other", move || theirs.wait_timeout(SECOND));
        let mine = event.wait_timeout(SECOND);
        assert!(mine != other.join(), "one of them");
        mine
    });
    assert!(report.outcomes().eq(&[false, true]));
}

// [C14] who follows at the helm is got up when the leader leaves.
#[test]
fn whoever_follows_is_got_up() {
    all(&Check::new().runs(5000), |sim| {
        let (first, write_first) = pipe::pair(sim).expect("a pipe");
        let (second, write_second) = pipe::pair(sim).expect("a pipe");
        let waiter = sim.thread("follower", move || second.read(vec![0; 1]).wait().is_ok());
        let writer = sim.thread("writer", move || {
            write_first.write(vec![1]).wait().expect("a write");
            write_second.write(vec![1]).wait().expect("a write");
        });
        assert_eq!(first.read(vec![0; 1]).wait().expect("a byte").n, 1);
        writer.join();
        assert!(waiter.join());
    });
}

// [C16] the same seed and program give the same run.
#[test]
fn the_same_seed_gives_the_same_run() {
    let body = |sim: &Sim| {
        let file = file(sim);
        let (reader, writer) = pipe::pair(sim).expect("a pipe");
        let other = sim.thread("writer", move || writer.write_all(vec![1; 10]).wait().is_ok());
        let (a, b) = (file.read_at(vec![0; 10], 0), reader.read(vec![0; 10]));
        let _ = a.wait_timeout(Duration::from_millis(1));
        drop(b);
        other.join();
    };
    let mut distinct = BTreeSet::new();
    for seed in 0..20 {
        let run = || {
            let report = Check::new().random(seed).runs(1).run(body);
            assert!(report.failure().is_none());
            (report.steps(), report.digest())
        };
        assert_eq!(run(), run(), "seed {seed}");
        let token = format!("s{seed:x}");
        let drawn = || overlapped_sim::replay(&token, body).expect("a token").to_string();
        assert_eq!(drawn(), drawn(), "to the byte");
        distinct.insert(run());
    }
    assert!(distinct.len() > 10, "another seed, another run");
}

// [C8] [C14] threads, events and routines: nobody waits for what has come.
#[test]
fn whoever_waits_is_got_up() {
    let report = Check::new().runs(3000).run(|sim| {
        let (reader, writer) = pipe::pair(sim).expect("a pipe");
        let event = Event::automatic();
        let (set, read) = (event.clone(), Cell::new(0));
        let other = sim.thread("other", move || {
            set.set();
            writer.write_all(b"xy".to_vec()).wait().is_ok()
        });
        let mut first = reader.read(vec![0; 2]);
        let mut gate = event.clone();
        let ready = wait_any(&mut [&mut first, &mut gate], None).expect("one of them");
        read.set(first.wait().expect("a read").n);
        if ready == 0 {
            event.wait();
        }
        assert!(other.join());
        let ran = Arc::new(AtomicUsize::new(0));
        let mark = Arc::clone(&ran);
        sim.nop().then(move |_| {
            mark.fetch_add(1, Ordering::SeqCst);
        });
        assert_eq!(alertable::wait(Some(SECOND)), 1);
        assert_eq!(ran.load(Ordering::SeqCst), 1);
        ready
    });
    assert!(report.outcomes().count() == 2);
}

/// Writes its name down when it is called.
struct Named(char, Arc<std::sync::Mutex<String>>);

impl Wake for Named {
    fn wake(self: Arc<Self>) {
        self.1.lock().expect("nobody panics").push(self.0);
    }
}

// [C11] [C16] in which order wakers are called is nobody's promise: somebody else's executor sees
// each of them.
#[test]
fn wakers_are_called_in_every_order() {
    let report = all(&Check::new(), |sim| {
        let file = file(sim);
        let told = Arc::new(std::sync::Mutex::new(String::new()));
        let reads = ['a', 'b', 'c'].map(|name| {
            let mut read = file.read_at(vec![0; 1], 0);
            let waker = Waker::from(Arc::new(Named(name, Arc::clone(&told))));
            let _ = std::pin::Pin::new(&mut read).poll(&mut Context::from_waker(&waker));
            read
        });
        // All are over when one turn of the port tells them.
        sim.sleep(SECOND).wait().expect("a sleep");
        assert!(reads.iter().all(overlapped::Pending::is_over));
        told.lock().expect("nobody panics").clone()
    });
    let orders: Vec<_> = report.outcomes().filter(|told| told.len() == 3).cloned().collect();
    assert_eq!(orders, ["abc", "acb", "bac", "bca", "cab", "cba"], "{} runs", report.runs());
}
