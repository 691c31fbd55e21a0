//! Devices beside the disk: terminals on which somebody types, bytes by chance, clocks.

use std::time::{Duration, SystemTime};

use overlapped::{
    Event,
    pipe::{self, Reader, Writer},
    wait_any,
};
use overlapped_sim::{Check, Faults, Sim, explore};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

fn reader(sim: &Sim, path: &str) -> Reader {
    Reader::open(sim, path).wait().expect("it is there")
}

#[test]
fn a_terminal_is_read_line_by_line_as_it_is_typed() {
    let report = explore(|sim| {
        let typed =
            [(SECOND, "yes\n"), (2 * SECOND, "no\n"), (3 * SECOND, ""), (4 * SECOND, "x\n")];
        sim.terminal("/dev/tty1", typed);
        let tty = reader(sim, "/dev/tty1");
        let line = |most| {
            let done = tty.read(vec![0; most]).wait().expect("a line");
            String::from_utf8(done.buf[..done.n].to_vec()).expect("text")
        };
        let began = sim.now();
        let lines = [line(100), line(2), line(100), line(100), line(100)];
        assert!(sim.now() - began >= 4 * SECOND, "nothing is there before it is typed");
        lines.map(|line| line.trim_end().to_owned())
    });
    assert!(report.is_complete());
    // The end of the input is told once, and more may be typed after it.
    assert!(report.outcomes().eq(&[["yes", "no", "", "", "x"]]), "{:?}", report.outcomes().next());
}

// A question with a timeout, as it is asked on a terminal: nothing that is typed later is lost.
#[test]
fn an_answer_that_comes_as_the_time_is_nearly_over_is_never_lost() {
    let report = explore(|sim| {
        sim.terminal("/dev/tty1", [(SECOND - SECOND / 200, "yes\n")]);
        let tty = reader(sim, "/dev/tty1");
        match tty.read(vec![0; 10]).wait_timeout(SECOND) {
            Ok(done) => (true, done.expect("a line").n),
            Err(late) => {
                drop(late);
                (false, tty.read(vec![0; 10]).wait().expect("a line").n)
            }
        }
    });
    assert!(report.is_complete());
    assert!(report.outcomes().eq(&[(false, 4), (true, 4)]));
}

#[test]
fn what_is_written_to_a_terminal_is_shown_and_who_waits_for_nobody_hangs() {
    let report = Check::new().run(|sim| {
        sim.terminal("/dev/tty1", [(SECOND, "")]);
        let tty = Writer::open(sim, "/dev/tty1").wait().expect("it is there");
        tty.write_all(b"name? ".to_vec()).wait().expect("a write");
        assert_eq!(sim.shown("/dev/tty1").as_deref(), Some(&b"name? "[..]));
        let tty = reader(sim, "/dev/tty1");
        assert_eq!(tty.read(vec![0; 10]).wait().expect("the end").n, 0);
        let _never = tty.read(vec![0; 10]).wait();
    });
    let failure = report.failure().expect("nobody types any more");
    assert!(failure.is_hang(), "{failure}");
}

#[test]
fn chance_has_a_seed_and_two_readers_never_get_the_same() {
    let bytes = |seed| {
        explore(move |sim| {
            sim.seed_random(seed);
            let readers = [reader(sim, "/dev/random"), reader(sim, "/dev/random")];
            let reads = readers.each_ref().map(|random| random.read(vec![0; 8]));
            let [a, b] = reads.map(|read| read.wait().expect("bytes").buf);
            assert_ne!(a, b);
            if a < b { [a, b].concat() } else { [b, a].concat() }
        })
    };
    let (first, again, other) = (bytes(1), bytes(1), bytes(2));
    assert!(first.is_complete());
    assert!(first.outcomes().eq(again.outcomes()) && !first.outcomes().eq(other.outcomes()));
}

/// Everything that waits for an hour of a port's clock; how long each of them took.
fn waits(sim: &Sim, meddle: impl Fn()) -> Vec<Duration> {
    let (reader, _writer) = pipe::pair(sim).expect("a pipe");
    let began = |what: &dyn Fn()| {
        let from = sim.now();
        meddle();
        what();
        sim.now() - from
    };
    let sleeps = began(&|| sim.sleep(HOUR).wait().expect("a sleep"));
    let deadline = began(&|| {
        let read = reader.read(vec![0; 1]).deadline(HOUR).wait();
        assert!(read.is_err_and(|failed| failed.error.is_cancelled()));
    });
    let timeout = began(&|| drop(reader.read(vec![0; 1]).wait_timeout(HOUR).expect_err("nothing")));
    let event = began(&|| assert!(!Event::automatic().wait_timeout(HOUR)));
    let any = began(&|| {
        let mut read = reader.read(vec![0; 1]);
        assert_eq!(wait_any(&mut [&mut read], Some(HOUR)), None);
    });
    vec![sleeps, deadline, timeout, event, any]
}

// [C14] deadlines go by the monotone clock: whoever sets the other one reaches none of them.
#[test]
fn no_deadline_is_reached_by_a_step_or_a_drift_of_the_wall_clock() {
    let exact = |meddle: fn(&Sim)| {
        let report = Check::new()
            .latency(Duration::ZERO, Duration::ZERO)
            .runs(1000)
            .run(|sim| waits(sim, || meddle(sim)));
        assert!(report.failure().is_none(), "{:?}", report.failure());
        let waits: Vec<_> = report.outcomes().cloned().collect();
        waits
    };
    let plain = exact(|_| ());
    assert_eq!(plain, [vec![HOUR; 5]], "an hour is an hour");
    assert_eq!(exact(|sim| sim.set_wall_clock(sim.wall_clock() + 2 * HOUR)), plain);
    assert_eq!(exact(|sim| sim.set_wall_clock(SystemTime::UNIX_EPOCH)), plain);
    assert_eq!(exact(|sim| sim.drift(500_000)), plain);
}

/// A program that goes by the wrong clock: it waits until the wall clock says that it is time.
fn waits_by_the_wall(sim: &Sim) {
    let until = sim.wall_clock() + SECOND;
    let began = sim.now();
    while sim.wall_clock() < until {
        sim.sleep(SECOND / 2).wait().expect("a sleep");
    }
    assert!(sim.now() - began >= SECOND, "woken too early");
}

#[test]
fn a_wait_by_the_wall_clock_is_found_by_a_step_of_it() {
    explore(waits_by_the_wall);
    let check = Check::new().faults(Faults::none().clocks(true).budget(1));
    let report = check.run(waits_by_the_wall);
    let failure = report.failure().expect("the clock is set forward").to_string();
    assert!(failure.contains("woken too early"), "{failure}");
    assert!(failure.contains("the wall clock is set forward by an hour"), "{failure}");
}

#[test]
fn a_drift_is_a_rate_and_a_step_stays() {
    explore(|sim| {
        sim.latency(Duration::ZERO, Duration::ZERO);
        let began = sim.wall_clock();
        sim.drift(100);
        sim.sleep(10_000 * SECOND).wait().expect("a sleep");
        assert_eq!(sim.wall_clock().duration_since(began).expect("later"), 10_001 * SECOND);
        sim.drift(-100);
        sim.set_wall_clock(began);
        sim.sleep(10_000 * SECOND).wait().expect("a sleep");
        assert_eq!(sim.wall_clock().duration_since(began).expect("later"), 9_999 * SECOND);
    });
}

#[test]
fn there_is_no_network_and_it_says_so() {
    explore(|sim| {
        let refused = sim.net().expect_err("the library has no sockets yet");
        assert!(refused.to_string().contains("no sockets yet"), "{refused}");
    });
}
