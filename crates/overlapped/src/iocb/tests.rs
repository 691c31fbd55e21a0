//! The block without any backend, under Miri too: who frees what, in which order of events.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use super::{Entry, Half, Landing, split};
use crate::{
    backend::Value,
    buf::{Fill, FillMany, IoBuf, IoBufMut, NoMemory},
    error::Cause,
    op::{Cancel, Goal, Heir, Nap, Op, Operation, Plan, Read, ReadMany},
};

const READ: Op = Op::Read { from: 0, at: None };

/// Says when it is freed.
struct Watched(Vec<u8>, Arc<AtomicUsize>);

// SAFETY: the bytes are a vector's, on the heap.
unsafe impl IoBuf for Watched {
    fn as_slice(&self) -> &[u8] {
        &self.0
    }
}
// SAFETY: the vector is owned.
unsafe impl IoBufMut for Watched {
    fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.0
    }
}
impl Drop for Watched {
    fn drop(&mut self) {
        self.1.fetch_add(1, Ordering::SeqCst);
    }
}

fn start(freed: &Arc<AtomicUsize>) -> (Half<Read<Watched>>, Entry) {
    let buf = Fill(Watched(vec![0; 8], Arc::clone(freed)));
    split(READ, Plan::new(Goal::Once), Read { buf, heir: None })
}

fn land(entry: Entry, answer: Result<Value, Cause>) {
    match entry.land(answer, "test", Cancel::None) {
        Landing::Told(waiter, scope) => assert!(waiter.is_none() && scope.is_none()),
        Landing::Orphan(orphan) => assert!(orphan.bury().is_none()),
    }
}

fn write(entry: &mut Entry) {
    entry.slices_mut().for_each(|slice| slice.fill(7));
}

// [C1] the buffer of a dropped operation lives until the kernel's last word, and can be written.
#[test]
fn a_dropped_operation_keeps_its_buffer_until_it_lands() {
    let freed = Arc::default();
    let (half, mut entry) = start(&freed);
    drop(half);
    assert!(entry.is_orphan());
    write(&mut entry);
    assert_eq!(freed.load(Ordering::SeqCst), 0);
    land(entry, Ok(Value::Count(8)));
    assert_eq!(freed.load(Ordering::SeqCst), 1);
}

// [C4] the buffer comes back with success and with failure.
#[test]
fn the_outcome_gives_the_buffer_back() {
    for answer in [Ok(Value::Count(8)), Err(Cause::Os(5)), Err(Cause::Os(125))] {
        let freed = Arc::default();
        let (half, mut entry) = start(&freed);
        write(&mut entry);
        land(entry, answer);
        let (read, outcome) = half.take();
        let buf = match read.finish(outcome) {
            Ok(done) => done.buf,
            Err(failed) => failed.buf,
        };
        assert_eq!(buf.0, [7; 8]);
        assert_eq!(freed.load(Ordering::SeqCst), 0);
        drop(buf);
        assert_eq!(freed.load(Ordering::SeqCst), 1);
    }
}

// [C8] forgetting the program's half is sound: the memory leaks and can still be written.
#[test]
fn a_forgotten_operation_is_leaked_and_not_freed() {
    let freed = Arc::default();
    let (half, mut entry) = start(&freed);
    let half = std::mem::ManuallyDrop::new(half);
    write(&mut entry);
    land(entry, Ok(Value::Count(8)));
    assert_eq!(freed.load(Ordering::SeqCst), 0);
    drop(std::mem::ManuallyDrop::into_inner(half));
    assert_eq!(freed.load(Ordering::SeqCst), 1);
}

// [C3] an entry that a backend drops by mistake is an outcome too.
#[test]
fn an_entry_that_is_dropped_abandons_its_operation() {
    let freed = Arc::default();
    let (half, entry) = start(&freed);
    drop(entry);
    let (_, outcome) = half.take();
    assert_eq!(outcome.answer.unwrap_err(), Cause::Abandoned);
}

#[derive(Default)]
struct Log(Mutex<Vec<String>>);

impl Heir for Log {
    fn bytes(&self, _origin: u64, bytes: &[u8]) {
        self.0.lock().unwrap().push(format!("{bytes:?}"));
    }

    fn error(&self, cause: Cause) {
        self.0.lock().unwrap().push(format!("{cause:?}"));
    }
}

fn start_with_heir(heir: &Arc<Log>) -> (Half<Read<Vec<u8>>>, Entry) {
    let heir: Arc<dyn Heir> = Arc::<Log>::clone(heir);
    let read = Read { buf: Fill(vec![0; 4]), heir: Some(heir) };
    split(READ, Plan::new(Goal::Once), read)
}

fn over(entry: &mut Entry, answer: Result<Value, Cause>) -> Result<Value, Cause> {
    match entry.step(answer, false) {
        crate::op::Next::Over(answer) => answer,
        crate::op::Next::Again => panic!("one step is enough"),
    }
}

// [C7] what an abandoned read took goes to its heir, whether it was dropped before the landing or
// after; only the bytes that the OS counted.
#[test]
fn the_heir_gets_the_bytes_of_an_abandoned_read() {
    for dropped_first in [true, false] {
        let heir = Arc::default();
        let (half, mut entry) = start_with_heir(&heir);
        write(&mut entry);
        let answer = over(&mut entry, Ok(Value::Count(3)));
        if dropped_first {
            drop(half);
            land(entry, answer);
        } else {
            land(entry, answer);
            drop(half);
        }
        assert_eq!(*heir.0.lock().unwrap(), ["[7, 7, 7]"]);
    }
}

// [C7] what was asked to stop, and did, is no error that anybody is owed.
#[test]
fn the_heir_hears_of_errors_but_not_of_cancels() {
    let heir = Arc::default();
    for (cause, cancel) in [(125, Cancel::ByProgram), (125, Cancel::ByPort), (32, Cancel::None)] {
        let (half, entry) = start_with_heir(&heir);
        drop(half);
        let Landing::Orphan(orphan) = entry.land(Err(Cause::Os(cause)), "test", cancel) else {
            panic!("it was dropped");
        };
        assert!(orphan.bury().is_none());
    }
    assert_eq!(*heir.0.lock().unwrap(), ["Os(32)"]);
}

// [C13] a block that is reused has another identity each time.
#[test]
fn a_reused_block_has_another_identity() {
    let mut seen = std::collections::HashSet::new();
    for _ in 0..100 {
        let (half, entry) = split(Op::Nop, Plan::new(Goal::Once), Nap(NoMemory));
        assert_eq!(half.id(), entry.id());
        assert!(seen.insert(half.id()), "an identity came twice");
        land(entry, Ok(Value::Count(0)));
        drop(half);
    }
}

// [C1] several buffers, and a step that moved only some of their bytes.
#[test]
fn a_partly_filled_vector_of_buffers_goes_on_where_it_stopped() {
    let bufs = FillMany::new(vec![vec![0u8; 2], vec![0u8; 3]]);
    let op = Op::Read { from: 0, at: Some(10) };
    let (half, mut entry) = split(op, Plan::new(Goal::All), ReadMany { bufs });
    for (slice, byte) in entry.slices_mut().zip(1..) {
        slice.fill(byte);
    }
    assert!(matches!(entry.step(Ok(Value::Count(3)), false), crate::op::Next::Again));
    assert_eq!(entry.op(), Op::Read { from: 0, at: Some(13) });
    assert_eq!(entry.slices_mut().map(|slice| slice.len()).collect::<Vec<_>>(), [2]);
    entry.slices_mut().for_each(|slice| slice.fill(9));
    let answer = over(&mut entry, Ok(Value::Count(2)));
    land(entry, answer);
    let (read, outcome) = half.take();
    let done = read.finish(outcome).unwrap();
    assert_eq!((done.n, done.buf), (5, vec![vec![1, 1], vec![2, 9, 9]]));
}

// [C1] a request that does not fit the block's room is boxed, and treated the same.
#[test]
fn a_large_request_is_boxed() {
    struct Large([u64; 20], Vec<u8>);
    // SAFETY: the lent bytes are the vector's, on the heap.
    unsafe impl IoBuf for Large {
        fn as_slice(&self) -> &[u8] {
            &self.1
        }
    }
    // SAFETY: the vector is owned.
    unsafe impl IoBufMut for Large {
        fn as_mut_slice(&mut self) -> &mut [u8] {
            &mut self.1
        }
    }
    for dropped in [true, false] {
        let buf = Fill(Large([3; 20], vec![0; 4]));
        let (half, mut entry) = split(READ, Plan::new(Goal::Once), Read { buf, heir: None });
        write(&mut entry);
        let kept = (!dropped).then_some(half);
        land(entry, Ok(Value::Count(4)));
        if let Some(half) = kept {
            let (read, _) = half.take();
            assert_eq!((read.buf.0.0[19], read.buf.0.1), (3, vec![7; 4]));
        }
    }
}
