//! Routines run on the thread that gave them, in an alertable wait of it, and nowhere else.

use std::{
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    rc::Rc,
    sync::mpsc,
    thread,
    time::Duration,
};

use overlapped::{Port, alertable};

use super::{
    Env, table,
    tools::{LONG, MOMENT, bytes, cancelled, eventually, must, numbered, on_a_thread, waits},
    world,
};

table! {
    Bytes "C11" a_routine_runs_in_an_alertable_wait_and_nowhere_else;
    Time "C11" a_routine_runs_on_its_own_thread;
    Time "C11" a_routine_may_go_on_with_operations_and_routines;
    Time "C11" a_panic_in_a_routine_unwinds_and_the_others_stay;
    Time "C6" an_alertable_wait_ends_at_its_timeout;
    Bytes "C4" a_routine_gets_the_outcome_and_the_buffer;
    Bytes "C7" a_thread_that_ends_drops_its_routines_and_no_byte_is_lost;
    Time "C11" what_a_routine_holds_is_dropped_on_its_thread;
}

/// Until `count` routines have run.
fn run(count: usize) {
    let start = world::now();
    let mut ran = 0;
    while ran < count {
        assert!(world::now() - start < LONG, "{ran} of {count} routines ran");
        ran += alertable::wait(Some(LONG));
    }
    assert_eq!(ran, count);
}

fn a_routine_runs_in_an_alertable_wait_and_nowhere_else(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 100);
    let ran = Rc::new(Cell::new(false));
    let note = Rc::clone(&ran);
    // A routine need not be `Send`.
    file.read_at(vec![0; 10], 0).then(move |_| note.set(true));
    eventually("the read is over", || port.in_flight().is_empty());
    // Other waits of the same thread are not alertable.
    must(port.sleep(Duration::from_millis(1))).expect("a sleep");
    must(file.read_at(vec![0; 10], 0)).expect("a read");
    assert!(!ran.get());
    assert_eq!(alertable::queued(), 1);
    run(1);
    assert!(ran.get());
    assert_eq!(alertable::queued(), 0);
}

fn a_routine_runs_on_its_own_thread(env: &Env) {
    let port = env.port();
    let ran_on = Rc::new(Cell::new(None));
    let note = Rc::clone(&ran_on);
    port.sleep(Duration::ZERO).then(move |_| note.set(Some(thread::current().id())));
    // Another thread has no routines, so its wait has nothing to wait for.
    on_a_thread(|| assert_eq!((alertable::wait(None), alertable::queued()), (0, 0)));
    assert!(ran_on.get().is_none());
    run(1);
    assert_eq!(ran_on.get(), Some(thread::current().id()));
}

fn a_routine_may_go_on_with_operations_and_routines(env: &Env) {
    /// Each sleep's routine starts the next.
    fn go_on(port: Port, left: u32, log: Rc<RefCell<Vec<u32>>>) {
        port.sleep(Duration::from_micros(100)).then(move |outcome| {
            outcome.expect("a sleep");
            log.borrow_mut().push(left);
            if left > 0 {
                must(port.sleep(Duration::from_micros(10))).expect("a sleep in a routine");
                go_on(port, left - 1, log);
            }
        });
    }
    let log = Rc::new(RefCell::new(Vec::new()));
    go_on(env.port(), 5, Rc::clone(&log));
    for left in (0..=5).rev() {
        // One that was given in a routine waits for the next alertable wait.
        assert_eq!(alertable::wait(Some(LONG)), 1);
        assert_eq!(log.borrow().last(), Some(&left));
    }
    assert_eq!(alertable::wait(Some(LONG)), 0, "none is left, so nothing is waited for");
}

fn a_panic_in_a_routine_unwinds_and_the_others_stay(env: &Env) {
    let port = env.port();
    let ran = Rc::new(Cell::new(0));
    for i in 0..4 {
        let note = Rc::clone(&ran);
        port.sleep(Duration::ZERO).then(move |_| {
            if i == 1 {
                resume_unwind(Box::new("planned"));
            }
            note.set(note.get() + 1);
        });
    }
    eventually("all are over", || port.in_flight().is_empty());
    let mut panics = 0;
    eventually("the others have run", || {
        let wait = catch_unwind(AssertUnwindSafe(|| alertable::wait(Some(MOMENT))));
        panics += usize::from(wait.is_err());
        ran.get() == 3
    });
    assert_eq!(panics, 1, "it came out of an alertable wait, once");
    assert_eq!(alertable::queued(), 0);
    must(port.sleep(Duration::ZERO)).expect("the port has not noticed");
}

fn an_alertable_wait_ends_at_its_timeout(env: &Env) {
    let port = env.port();
    let start = world::now();
    assert_eq!(alertable::wait(Some(LONG)), 0, "there is nothing to wait for");
    assert!(world::now() - start < LONG / 2);
    port.sleep(LONG * 100).then(|_| {});
    let start = world::now();
    assert_eq!(alertable::wait(Some(MOMENT)), 0);
    assert!(world::now() - start >= MOMENT);
    assert_eq!(alertable::wait(Some(Duration::ZERO)), 0);
    assert_eq!(alertable::queued(), 1, "it waits on");
}

fn a_routine_gets_the_outcome_and_the_buffer(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let got = Rc::new(RefCell::new(Vec::new()));
    let note = Rc::clone(&got);
    reader.read(vec![0; 8]).then(move |outcome| note.borrow_mut().push(bytes(outcome)));
    let note = Rc::clone(&got);
    let deadline = reader.read(vec![5; 2]).deadline(MOMENT);
    deadline.then(move |outcome| {
        note.borrow_mut().push(cancelled(outcome));
    });
    writer.write_all(b"first".to_vec()).then(|outcome| assert_eq!(outcome.unwrap().n, 5));
    run(3);
    got.borrow_mut().sort();
    assert_eq!(*got.borrow(), [vec![5; 2], b"first".to_vec()]);
}

fn a_thread_that_ends_drops_its_routines_and_no_byte_is_lost(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let reader = on_a_thread(move || {
        waits(reader.read(vec![0; 5])).then(|_| panic!("its thread never waits alertably"));
        reader
    });
    must(writer.write_all(numbered(0, 5))).expect("a write");
    must(writer.write_all(numbered(5, 5))).expect("a write");
    assert_eq!(bytes(must(reader.read_exact(vec![0; 10]))), numbered(0, 10));
}

fn what_a_routine_holds_is_dropped_on_its_thread(env: &Env) {
    /// Tells where it was dropped.
    struct Noted(mpsc::Sender<thread::ThreadId>);
    impl Drop for Noted {
        fn drop(&mut self) {
            let _ = self.0.send(thread::current().id());
        }
    }
    let port = env.port();
    let (tell, told) = mpsc::channel();
    let mine = on_a_thread(move || {
        let held = Noted(tell);
        port.sleep(Duration::ZERO).then(move |_| drop(held));
        eventually("it is over", || port.in_flight().is_empty());
        thread::current().id()
    });
    let mut dropped_on = None;
    eventually("it is dropped", || {
        dropped_on = told.try_recv().ok();
        dropped_on.is_some()
    });
    assert_eq!(dropped_on, Some(mine));
}
