//! Waiting for several things at once, events among them.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use overlapped::{Event, Waitable, wait_all, wait_any};

use super::{
    Env, table,
    tools::{LONG, MOMENT, bytes, cancelled, must},
    world,
};

table! {
    Time "C6" an_event_lets_pass_as_its_kind_says;
    Time "C6" the_first_thing_that_is_ready_is_told;
    Time "C6" waiting_for_any_ends_at_its_timeout;
    Time "C6" waiting_for_all_takes_events_only_together;
    Bytes "C6" an_operation_stays_with_its_handle;
    Bytes "C6" an_event_ends_a_wait_for_an_operation;
    Time "C14" no_setting_of_an_event_is_lost;
    Time "C14" no_setting_is_lost_between_those_who_wait_for_any;
    Time "C14" no_setting_is_lost_between_those_who_wait_for_all;
}

fn an_event_lets_pass_as_its_kind_says(_env: &Env) {
    let manual = Event::manual();
    assert!(!manual.wait_timeout(MOMENT));
    manual.set();
    assert!(manual.wait_timeout(Duration::ZERO) && manual.wait_timeout(Duration::ZERO));
    assert!(manual.is_set());
    manual.reset();
    assert!(!manual.wait_timeout(Duration::ZERO));

    let automatic = Event::automatic();
    automatic.set();
    automatic.set();
    assert!(automatic.is_set() && automatic.is_set(), "looking resets nothing");
    assert!(automatic.wait_timeout(Duration::ZERO));
    assert!(!automatic.wait_timeout(Duration::ZERO), "two settings of a set event are one");
    world::scope(|threads| {
        let waiting = threads.spawn("another", || automatic.wait());
        automatic.clone().set();
        waiting.join();
    });
    assert!(!automatic.is_set());
}

fn the_first_thing_that_is_ready_is_told(env: &Env) {
    let port = env.port();
    let (mut a, mut b) = (Event::automatic(), Event::automatic());
    let mut nap = port.sleep(Duration::ZERO);
    let any = |things: &mut [&mut dyn Waitable]| wait_any(things, Some(LONG));
    assert_eq!(any(&mut [&mut a, &mut b, &mut nap]), Some(2));
    must(nap).expect("a sleep");
    a.set();
    b.set();
    assert_eq!(any(&mut [&mut a, &mut b]), Some(0));
    assert!(!a.is_set() && b.is_set(), "only the one that was told is reset");
    assert_eq!(any(&mut [&mut a, &mut b]), Some(1));
    assert!(!b.is_set());
}

fn waiting_for_any_ends_at_its_timeout(env: &Env) {
    let port = env.port();
    let (mut nap, mut event) = (port.sleep(LONG * 100), Event::manual());
    let start = world::now();
    assert_eq!(wait_any(&mut [&mut nap, &mut event], Some(MOMENT)), None);
    assert!(!wait_all(&mut [&mut nap, &mut event], Some(MOMENT)));
    assert!(world::now() - start >= MOMENT * 2);
    assert_eq!(wait_any(&mut [&mut nap, &mut event], Some(Duration::ZERO)), None);
    assert_eq!(wait_any(&mut [], Some(Duration::ZERO)), None);
    assert!(wait_all(&mut [], Some(Duration::ZERO)), "all of nothing");
    assert!(!nap.is_over());
}

fn waiting_for_all_takes_events_only_together(env: &Env) {
    let port = env.port();
    let (mut a, mut b) = (Event::automatic(), Event::automatic());
    a.set();
    assert!(!wait_all(&mut [&mut a, &mut b], Some(MOMENT)));
    assert!(a.is_set(), "not taken alone");
    let (other, mut nap) = (b.clone(), port.sleep(Duration::from_millis(2)));
    world::scope(|threads| {
        threads.spawn("another", move || other.set());
        assert!(wait_all(&mut [&mut a, &mut b, &mut nap], Some(LONG)));
    });
    assert!(!a.is_set() && !b.is_set());
    must(nap).expect("a sleep");
}

fn an_operation_stays_with_its_handle(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let (idle, _idle_writer) = env.pipe(&port);
    let (mut read, mut waiting) = (reader.read(vec![0; 8]), idle.read(vec![0; 8]));
    assert_eq!(wait_any(&mut [&mut waiting, &mut read], Some(MOMENT)), None);
    must(writer.write_all(b"here".to_vec())).expect("a write");
    assert_eq!(wait_any(&mut [&mut waiting, &mut read], Some(LONG)), Some(1));
    assert!(read.is_over() && !waiting.is_over());
    assert_eq!(bytes(must(read)), b"here");
    let mut other = reader.read(vec![0; 8]);
    assert!(!wait_all(&mut [&mut waiting, &mut other], Some(MOMENT)));
    waiting.cancel();
    other.cancel();
    assert!(wait_all(&mut [&mut waiting, &mut other], Some(LONG)));
    cancelled(must(waiting));
    cancelled(must(other));
}

fn an_event_ends_a_wait_for_an_operation(env: &Env) {
    let port = env.port();
    let (reader, _writer) = env.pipe(&port);
    let (mut read, mut stop) = (reader.read(vec![0; 8]), Event::manual());
    let stopping = stop.clone();
    world::scope(|threads| {
        threads.spawn("another", move || stopping.set());
        assert_eq!(wait_any(&mut [&mut read, &mut stop], Some(LONG)), Some(1));
    });
    read.cancel();
    cancelled(must(read));
}

/// Each of several threads passes many times by `pass`; the event is set once for each, and
/// again only when somebody has passed.
fn every_setting_lets_one_pass(event: &Event, pass: impl Fn(&Event) -> bool + Sync) {
    let (many, rounds) = (world::rounds(4), world::rounds(1000));
    let passed = AtomicUsize::new(0);
    world::scope(|threads| {
        for _ in 0..many {
            threads.spawn("another", || {
                for _ in 0..rounds {
                    if !pass(event) {
                        return;
                    }
                    passed.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        for setting in 1..=many * rounds {
            event.set();
            let start = world::now();
            while passed.load(Ordering::SeqCst) < setting {
                assert!(world::now() - start < LONG, "setting {setting} lets nobody pass");
                world::pause();
            }
        }
    });
    assert!(!event.is_set());
}

fn no_setting_of_an_event_is_lost(_env: &Env) {
    every_setting_lets_one_pass(&Event::automatic(), |event| event.wait_timeout(LONG));
}

fn no_setting_is_lost_between_those_who_wait_for_any(_env: &Env) {
    every_setting_lets_one_pass(&Event::automatic(), |event| {
        let mut never = Event::manual();
        wait_any(&mut [&mut never, &mut event.clone()], Some(LONG)) == Some(1)
    });
}

fn no_setting_is_lost_between_those_who_wait_for_all(_env: &Env) {
    every_setting_lets_one_pass(&Event::automatic(), |event| {
        let mut always = Event::manual();
        always.set();
        wait_all(&mut [&mut always, &mut event.clone()], Some(LONG))
    });
}
