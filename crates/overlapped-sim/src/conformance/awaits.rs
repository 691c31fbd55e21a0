//! A `Pending` is a future like any other: any executor, any thread, woken by its waker alone.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use overlapped::{Pending, request::Operation};

use super::{
    Env, table,
    tools::{
        LONG, MOMENT, block_on, bytes, eventually, must, numbered, on_a_thread, poll_once, waits,
    },
    world,
};

table! {
    Bytes "C12" every_verb_can_be_awaited;
    Bytes "C12" a_select_that_leaves_a_read_loses_nothing;
    Bytes "C12" a_select_that_drops_a_read_loses_nothing;
    Bytes "C12" the_last_waker_is_called;
    Bytes "C12" polled_on_one_thread_and_finished_on_another;
    Bytes "C12" many_tasks_on_many_threads;
    Bytes "C12" awaiting_and_blocking_go_together;
    Bytes "C12" closing_can_be_awaited;
}

fn every_verb_can_be_awaited(env: &Env) {
    let port = env.port();
    let path = env.path("awaited");
    let outcome = block_on(async {
        let file = overlapped::fs::File::create(&port, &path).await?;
        file.write_all_at(numbered(0, 100), 0).await?;
        file.sync_all().await?;
        assert_eq!(file.metadata().await?.len, 100);
        let read = file.read_exact_at(vec![0; 100], 0).await?;
        assert_eq!(read.buf, numbered(0, 100));
        file.set_len(10).await?;
        port.sleep(Duration::from_millis(1)).await?;
        overlapped::fs::remove_file(&port, &path).await?;
        file.close().await?;
        std::io::Result::Ok(())
    });
    outcome.expect("all of it");
}

/// The first of two that is over, `None` if that is the second.
async fn select<A: Operation, B: Operation>(
    first: &mut Pending<'_, A>,
    second: &mut Pending<'_, B>,
) -> Option<A::Output> {
    poll_fn(|cx| match Pin::new(&mut *first).poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Pin::new(&mut *second).poll(cx).map(|_| None),
    })
    .await
}

fn a_select_that_leaves_a_read_loses_nothing(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    block_on(async {
        let mut read = reader.read(vec![0; 5]);
        for _ in 0..3 {
            let mut tick = port.sleep(MOMENT / 3);
            assert!(select(&mut read, &mut tick).await.is_none(), "nothing to read");
        }
        writer.write_all(numbered(0, 5)).await.expect("a write");
        let mut tick = port.sleep(LONG);
        let outcome = select(&mut read, &mut tick).await.expect("the bytes are there");
        assert_eq!(bytes(outcome), numbered(0, 5));
    });
}

fn a_select_that_drops_a_read_loses_nothing(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let records = world::rounds(100);
    let writing = world::spawn(move || {
        for i in 0..records {
            must(writer.write_all(numbered(10 * i, 10))).expect("a write");
            world::sleep(Duration::from_micros(300));
        }
    });
    let mut got = Vec::new();
    block_on(async {
        while got.len() < 10 * records {
            // Sometimes the bytes win, sometimes the tick.
            let mut tick = port.sleep(Duration::from_micros(got.len() as u64 % 400));
            let mut read = reader.read(vec![0; 7]);
            if let Some(outcome) = select(&mut read, &mut tick).await {
                got.extend(bytes(outcome));
            }
        }
    });
    assert_eq!(got, numbered(0, 10 * records));
    writing.join();
}

/// Counts how often it is called.
struct Count(AtomicU32);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn the_last_waker_is_called(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let mut read = reader.read(vec![0; 5]);
    let counts: Vec<_> = (0..3).map(|_| Arc::new(Count(AtomicU32::new(0)))).collect();
    for count in &counts {
        let waker = Waker::from(Arc::clone(count));
        let poll = Pin::new(&mut read).poll(&mut Context::from_waker(&waker));
        assert!(poll.is_pending());
    }
    must(writer.write_all(numbered(0, 5))).expect("a write");
    eventually("the last waker is called", || counts[2].0.load(Ordering::SeqCst) > 0);
    assert_eq!(counts[2].0.load(Ordering::SeqCst), 1, "and once");
    let Poll::Ready(outcome) = poll_once(&mut read) else {
        panic!("woken, so it is over");
    };
    assert_eq!(bytes(outcome), numbered(0, 5));
}

fn polled_on_one_thread_and_finished_on_another(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let mut read = on_a_thread(move || {
        let mut read = reader.read(vec![0; 5]);
        assert!(poll_once(&mut read).is_pending());
        read
    });
    // The first thread is gone, and its waker with it.
    let finishing = world::spawn(move || match poll_once(&mut read) {
        Poll::Ready(outcome) => bytes(outcome),
        Poll::Pending => bytes(block_on(read)),
    });
    must(writer.write_all(numbered(0, 5))).expect("a write");
    assert_eq!(finishing.join(), numbered(0, 5));
}

fn many_tasks_on_many_threads(env: &Env) {
    let port = env.port();
    let file = env.file(&port, 4000);
    world::scope(|threads| {
        for thread in 0..world::rounds(4) {
            let ((reader, writer), port, file) = (env.pipe(&port), &port, &file);
            threads.spawn("another", move || {
                for i in 0..world::rounds(100) {
                    let from = (thread * 1000 + i * 7) % 3900;
                    let read = file.read_exact_at(vec![0; 100], from as u64);
                    let through = reader.read(vec![0; 100]);
                    block_on(async {
                        let done = read.await.expect("a read");
                        writer.write_all(done.buf).await.expect("a write");
                        port.sleep(Duration::from_micros(10)).await.expect("a sleep");
                        assert_eq!(bytes(through.await), numbered(from, 100));
                    });
                }
            });
        }
    });
    assert!(port.in_flight().is_empty());
}

fn awaiting_and_blocking_go_together(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    // One thread blocks for the first read, and so drives the port; the other awaits the second.
    let (first, second) = (reader.read(vec![0; 5]), reader.read(vec![0; 5]));
    let awaiting = world::spawn(move || bytes(block_on(second)));
    let blocking = world::spawn(move || bytes(must(waits(first))));
    must(port.sleep(MOMENT * 2)).expect("a sleep");
    must(writer.write_all(numbered(0, 10))).expect("a write");
    assert_eq!(blocking.join(), numbered(0, 5));
    assert_eq!(awaiting.join(), numbered(5, 5));
}

fn closing_can_be_awaited(env: &Env) {
    let port = env.port();
    let file = env.file(&port, world::len(100_000));
    let (reader, writer) = env.pipe(&port);
    let reads: Vec<_> = (0..10).map(|i| file.read_at(vec![0; world::len(50_000)], i)).collect();
    let idle = reader.read(vec![0; 5]);
    block_on(async {
        file.close().await.expect("nothing is owed");
        reader.into_parts().await;
        writer.close().await.expect("nothing is owed");
    });
    assert!(port.in_flight().is_empty());
    assert!(idle.is_over() && reads.iter().all(Pending::is_over));
}
