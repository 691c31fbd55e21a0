//! Work is bounded, and a port says what it is and what it does.

use std::{thread, time::Duration};

use overlapped::Cause;

use super::{
    Env, table,
    tools::{LONG, MOMENT, bytes, cancelled, must, numbered, waits},
    world,
};

table! {
    Time "C14" at_the_limit_a_start_is_refused;
    Time "C14" the_limit_is_the_port_s_whatever_its_shape;
    Bytes "C14" a_refused_operation_gives_its_buffer_back;
    Bytes "C14" more_operations_than_any_queue_holds;
    Bytes "C14" what_is_in_flight_is_listed;
    Bytes "C14" starts_and_landings_are_counted;
    Time "C15" a_port_says_what_it_is;
    Bytes "C15" what_a_backend_lacks_is_done_all_the_same;
    Bytes "C15" an_offset_beyond_every_file_is_refused;
}

fn at_the_limit_a_start_is_refused(env: &Env) {
    let port = env.port_with(|settings| settings.shards(1).max_in_flight(2));
    let naps = [port.sleep(LONG * 100), port.sleep(LONG * 100)];
    let refused = must(port.sleep(LONG)).expect_err("two are in flight");
    assert_eq!(refused.cause(), Cause::Full(2));
    assert_eq!(refused.kind(), std::io::ErrorKind::WouldBlock);
    let text = refused.to_string();
    assert!(text.contains('2') && text.contains("max_in_flight"), "says what to do: {text}");
    for nap in naps {
        nap.cancel();
        assert!(must(nap).expect_err("cancelled").is_cancelled());
        must(port.sleep(Duration::ZERO)).expect("there is room again");
    }
}

fn the_limit_is_the_port_s_whatever_its_shape(env: &Env) {
    let port = env.port_with(|settings| settings.shards(3).max_in_flight(4));
    let naps: Vec<_> = (0..4).map(|_| port.sleep(LONG * 100)).collect();
    let refused = must(port.sleep(LONG)).expect_err("four are in flight");
    assert_eq!(refused.cause(), Cause::Full(4));
    assert_eq!(port.stats().in_flight, 4);
    world::scope(|threads| {
        // Nor has another thread more room.
        let other =
            threads.spawn("another", || must(port.sleep(LONG)).expect_err("four are in flight"));
        assert_eq!(other.join().cause(), Cause::Full(4));
    });
    naps.iter().for_each(overlapped::Pending::cancel);
}

fn a_refused_operation_gives_its_buffer_back(env: &Env) {
    let port = env.port_with(|settings| settings.shards(1).max_in_flight(3));
    let file = env.file(&port, 100);
    let (reader, writer) = env.pipe(&port);
    let reads = [(); 3].map(|()| reader.read(vec![0; 8]));
    for failed in [must(file.write_at(vec![7; 10], 0)), must(reader.read(vec![7; 10]))] {
        let failed = failed.expect_err("three are in flight");
        assert_eq!((failed.error.cause(), failed.buf), (Cause::Full(3), vec![7; 10]));
    }
    let failed = must(writer.write_all("stays")).expect_err("three are in flight");
    assert_eq!((failed.error.cause(), failed.buf), (Cause::Full(3), "stays"));
    for read in reads {
        read.cancel();
        cancelled(must(read));
    }
    assert_eq!(bytes(must(file.read_at(vec![0; 10], 0))), numbered(0, 10));
    must(writer.write_all("goes")).expect("there is room again");
    assert_eq!(bytes(must(reader.read(vec![0; 8]))), b"goes");
    file.close().wait().expect("nothing is owed, and nothing in flight");
}

fn more_operations_than_any_queue_holds(env: &Env) {
    let port = env.port();
    let many = world::crowd(10_000);
    let file = env.file(&port, many + 16);
    let reads: Vec<_> = (0..many as u64).map(|i| file.read_at(vec![0; 16], i)).collect();
    for (i, read) in reads.into_iter().enumerate() {
        assert_eq!(bytes(must(read)), numbered(i, 16));
    }
    let stats = port.stats();
    assert_eq!((stats.in_flight, stats.backlog), (0, 0));
}

fn what_is_in_flight_is_listed(env: &Env) {
    let port = env.port();
    let (reader, _writer) = env.pipe(&port);
    let first = waits(reader.read(vec![0; 33]));
    let nap = port.sleep(LONG * 100);
    nap.cancel();
    assert!(must(nap).expect_err("cancelled").is_cancelled());
    let second = reader.read(vec![0; 44]);
    let flying = port.in_flight();
    assert_eq!(flying.len(), 2, "{flying:?}");
    assert_eq!((flying[0].operation, flying[0].len), ("read", 33), "the oldest first");
    assert_eq!((flying[1].operation, flying[1].len), ("read", 44));
    // Told by a clock that ticks some milliseconds apart.
    assert!(flying[0].age >= MOMENT / 2);
    assert!(flying[0].handle.is_some() && flying[0].handle == flying[1].handle);
    assert_eq!(flying[0].thread, thread::current().id());
    assert!(!flying[0].cancel_requested);
    let text = flying[0].to_string();
    assert!(text.contains("read of 33 bytes on handle"), "{text}");
    for read in [first, second] {
        read.cancel();
        cancelled(must(read));
    }
    assert!(port.in_flight().is_empty());
}

fn starts_and_landings_are_counted(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 100);
    let (reader, _writer) = env.pipe(&port);
    let before = port.stats();
    assert_eq!((before.started, before.in_flight), (before.landed, 0));
    for i in 0..10 {
        must(file.read_at(vec![0; 10], i)).expect("a read");
    }
    let idle = waits(reader.read(vec![0; 10]));
    let stats = port.stats();
    assert_eq!(stats.started - before.started, 11);
    assert_eq!(stats.landed - before.landed, 10);
    assert_eq!((stats.in_flight, stats.cancels, stats.panics), (1, 0, 0));
    idle.cancel();
    cancelled(must(idle));
    let stats = port.stats();
    assert_eq!((stats.started, stats.in_flight, stats.cancels), (stats.landed, 0, 1));
}

fn a_port_says_what_it_is(env: &Env) {
    let port = env.port();
    assert_eq!(port.features().kind, port.backend());
    assert_eq!(port.backend().to_string(), port.backend().name());
    assert_eq!(port.features().fallback, None, "it is the one that was asked for");
    let text = format!("{port:?}");
    assert!(text.contains("stats"), "{text}");
}

fn what_a_backend_lacks_is_done_all_the_same(env: &Env) {
    let port = env.port();
    // Whatever is missing, the verbs work; files.rs and names.rs try them one by one.
    let file = env.file(&port, 100);
    must(file.set_len(50)).expect("set_len");
    assert_eq!(must(file.metadata()).expect("metadata").len, 50);
    must(overlapped::fs::rename(&port, env.path("file"), env.path("other"))).expect("rename");
    must(overlapped::fs::remove_file(&port, env.path("other"))).expect("remove_file");
}

fn an_offset_beyond_every_file_is_refused(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 100);
    for offset in [u64::MAX, u64::MAX - 1, 1 << 63] {
        let failed = must(file.read_at(vec![9; 8], offset)).expect_err("no file is that long");
        assert_eq!(failed.error.kind(), std::io::ErrorKind::InvalidInput, "read at {offset:#x}");
        assert_eq!(failed.buf, [9; 8]);
        let failed = must(file.write_at(vec![9; 8], offset)).expect_err("no file is that long");
        assert_eq!(failed.error.kind(), std::io::ErrorKind::InvalidInput, "write at {offset:#x}");
        let failed = must(file.read_exact_at(vec![9; 8], offset)).expect_err("as above");
        assert_eq!(
            failed.error.kind(),
            std::io::ErrorKind::InvalidInput,
            "read exactly at {offset:#x}"
        );
    }
    assert_eq!(bytes(must(file.read_at(vec![0; 200], 0))), numbered(0, 100), "untouched");
}
