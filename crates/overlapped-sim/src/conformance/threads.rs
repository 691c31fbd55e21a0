//! Threads come and go; operations do not mind.

use std::time::Duration;

use overlapped::{wait_all, wait_any};

use super::{
    Env, table,
    tools::{
        LONG, MOMENT, block_on, bytes, eventually, must, numbered, on_a_thread, poll_once, waits,
    },
    world,
};

table! {
    Bytes "C2" a_read_outlives_the_thread_that_started_it;
    Bytes "C2" a_read_outlives_every_thread_that_drove_the_port;
    Bytes "C2" file_operations_outlive_their_thread;
    Bytes "C14" those_who_wait_do_not_stand_in_each_other_s_way;
    Bytes "C14" many_threads_share_a_port;
    Bytes "C14" who_waits_hands_over_what_was_collected;
}

fn who_waits_hands_over_what_was_collected(env: &Env) {
    let (port, other) = (env.port(), env.port());
    let (idle, wakes) = env.pipe(&port);
    let blocked = idle.read(vec![0; 1]);
    // It sleeps at the kernel, and will not hand over what comes now.
    let leads = world::spawn(move || bytes(must(blocked)));
    world::sleep(MOMENT);
    let (reader, writer) = env.pipe(&port);
    port.batch(|port| {
        let read = reader.read(vec![0; 5]);
        let write = writer.write_all(numbered(0, 5));
        assert_eq!(bytes(must(read)), numbered(0, 5));
        must(write).expect("a write");
        // Inside another's, and by other ways to wait.
        other.batch(|_| {
            let (mut read, write) = (reader.read(vec![0; 5]), writer.write_all(numbered(5, 5)));
            assert_eq!(wait_any(&mut [&mut read], Some(LONG)), Some(0));
            must(write).expect("a write");
            let mut nap = port.sleep(MOMENT / 10);
            assert!(wait_all(&mut [&mut nap], Some(LONG)));
        });
    });
    must(wakes.write_all(numbered(10, 1))).expect("a write");
    eventually("it is woken", || leads.is_finished());
    assert_eq!(leads.join(), numbered(10, 1));
}

fn a_read_outlives_the_thread_that_started_it(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let (read, reader) = on_a_thread(move || (waits(reader.read(vec![0; 5])), reader));
    must(writer.write_all(numbered(0, 5))).expect("a write");
    assert_eq!(bytes(must(read)), numbered(0, 5));

    // The same for one that is awaited, and for one that nobody looks at.
    let (read, reader) = on_a_thread(move || {
        let mut read = reader.read(vec![0; 5]);
        assert!(poll_once(&mut read).is_pending());
        drop(reader.read(vec![0; 5]));
        (read, reader)
    });
    must(writer.write_all(numbered(5, 10))).expect("a write");
    assert_eq!(bytes(block_on(read)), numbered(5, 5));
    assert_eq!(bytes(must(reader.read(vec![0; 5]))), numbered(10, 5));
}

fn a_read_outlives_every_thread_that_drove_the_port(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let mut read = reader.read(vec![0; 5]);
    for _ in 0..world::rounds(40) {
        let port = port.clone();
        read = on_a_thread(move || {
            must(port.sleep(Duration::from_millis(1))).expect("a sleep");
            read.wait_timeout(Duration::from_millis(1)).expect_err("nothing to read")
        });
    }
    let read = waits(read);
    must(writer.write_all(numbered(0, 5))).expect("a write");
    assert_eq!(bytes(must(read)), numbered(0, 5));
}

fn file_operations_outlive_their_thread(env: &Env) {
    let port = env.port();
    let (piece, step) = (world::len(50_000), world::len(10_000));
    let mut file = env.file(&port, 20 * piece);
    for round in 0..world::rounds(20) {
        let (reads, back) = on_a_thread(move || {
            let read = |i: usize| file.read_exact_at(vec![0; piece], (step * i) as u64);
            ((0..20).map(read).collect::<Vec<_>>(), file)
        });
        file = back;
        for (i, read) in reads.into_iter().enumerate() {
            let got = bytes(must(read));
            assert!(got == numbered(step * i, piece), "read {i} of round {round}");
        }
    }
}

fn those_who_wait_do_not_stand_in_each_other_s_way(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 200);
    let (reader, writer) = env.pipe(&port);
    world::scope(|threads| {
        // It sleeps at the kernel for all.
        let first = reader.read(vec![0; 5]);
        let waiting = threads.spawn("another", || bytes(must(first)));
        must(port.sleep(MOMENT)).expect("a sleep");
        for i in 0..world::rounds(100) as u64 {
            assert_eq!(bytes(must(file.read_at(vec![0; 10], i))), numbered(i as usize, 10));
        }
        // Three more, of which the last is over first.
        let naps = [90, 60, 30].map(|ms| port.sleep(Duration::from_millis(ms)));
        let naps = naps.map(|nap| threads.spawn("another", || must(nap)));
        for nap in naps {
            nap.join().expect("a sleep");
        }
        must(writer.write_all(numbered(0, 5))).expect("a write");
        assert_eq!(waiting.join(), numbered(0, 5));
    });
}

fn many_threads_share_a_port(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 2000);
    world::scope(|threads| {
        for thread in 0..world::rounds(8) {
            let (file, (reader, writer)) = (&file, env.pipe(&port));
            threads.spawn("another", move || {
                for i in 0..world::rounds(200) {
                    let from = (thread * 1117 + i * 13) % 1900;
                    let read = file.read_exact_at(vec![0; 100], from as u64);
                    let through = reader.read(vec![0; 100]);
                    let done = must(read).expect("a read");
                    must(writer.write_all(done.buf)).expect("a write");
                    assert_eq!(bytes(must(through)), numbered(from, 100));
                }
            });
        }
    });
    let stats = port.stats();
    assert_eq!((stats.started, stats.in_flight), (stats.landed, 0));
}
