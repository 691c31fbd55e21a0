//! Buffers that panic harm nobody but themselves, and each is dropped in time.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::Ordering,
};

use overlapped_sim::conformance::{
    Env, table,
    tools::{LONG, MOMENT, block_on, bytes, eventually, must, numbered, waits},
    world,
};

use crate::{
    hostile::{Bomb, Shy},
    telling::Telling,
};

table! {
    Bytes "C11" a_buffer_whose_destructor_panics_harms_no_other;
    Bytes "C11" a_buffer_that_panics_when_it_is_lent_starts_nothing;
    Bytes "C4" a_buffer_is_dropped_once_its_operation_is_over;
}

fn a_buffer_whose_destructor_panics_harms_no_other(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 100);
    let (reader, writer) = env.pipe(&port);
    for i in 0..world::rounds(20) as u64 {
        // Where the landing comes before the drop, the destructor panics here, as any would.
        let drop_it = || drop(file.read_at(Bomb(vec![0; 100]), i));
        let _ = catch_unwind(AssertUnwindSafe(drop_it));
    }
    // Here it most likely panics where the bytes are landed, which are kept all the same.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(reader.read(Bomb(vec![0; 5])))));
    must(writer.write_all(numbered(0, 5))).expect("a write");
    must(writer.write_all(numbered(5, 5))).expect("a write");
    assert_eq!(bytes(block_on(reader.read_exact(vec![0; 10]))), numbered(0, 10));
    eventually("nothing is in flight", || port.in_flight().is_empty());
    block_on(port.sleep(MOMENT)).expect("the background thread lives");
    block_on(file.close()).expect("nothing is owed");
    assert_eq!(port.shutdown(LONG).leaked, 0);
}

fn a_buffer_that_panics_when_it_is_lent_starts_nothing(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 100);
    let (reader, writer) = env.pipe(&port);
    let before = port.stats().started;
    let starts: [&dyn Fn(); 4] = [
        &|| drop(file.read_at(Shy, 0)),
        &|| drop(file.write_at(Shy, 0)),
        &|| drop(reader.read(Shy)),
        &|| drop(writer.write_all(Shy)),
    ];
    for start in starts {
        catch_unwind(AssertUnwindSafe(start)).expect_err("the panic is the caller's");
    }
    assert_eq!(port.stats().started, before);
    must(writer.write_all(numbered(0, 5))).expect("a write");
    assert_eq!(bytes(must(reader.read(vec![0; 5]))), numbered(0, 5));
    // Nothing is in flight, so closing does not wait.
    block_on(file.close()).expect("nothing is owed");
    block_on(reader.close()).expect("nothing is owed");
    block_on(writer.close()).expect("nothing is owed");
}

fn a_buffer_is_dropped_once_its_operation_is_over(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let (buf, dropped) = Telling::new(8);
    let is_dropped = || dropped.load(Ordering::SeqCst);
    let read = waits(reader.read(buf));
    assert!(!is_dropped(), "it is in flight, and belongs to the system");
    drop(read);
    drop(reader);
    eventually("it is over, and its buffer gone", is_dropped);

    // One that was written from: it goes on without its handle, and keeps its bytes.
    let (reader, other) = env.pipe(&port);
    let len = world::len(200_000);
    let (buf, dropped) = Telling::new(len);
    let is_dropped = || dropped.load(Ordering::SeqCst);
    drop(other.write_all(buf));
    must(port.sleep(MOMENT)).expect("a sleep");
    assert!(!is_dropped(), "the pipe does not hold it all");
    assert_eq!(bytes(must(reader.read_exact(vec![9; len]))), vec![0; len]);
    eventually("it is over, and its buffer gone", is_dropped);
    drop(writer);
}
