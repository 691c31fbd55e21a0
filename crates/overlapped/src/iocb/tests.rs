//! The block without any backend, under Miri too: who frees what, in which order of events.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use super::{Asked, Entry, Half, Holder, Id, Landing, Line, Parting, Split, asked, split};
use crate::{
    backend::Value,
    buf::{Exchange, Fill, FillMany, IoBuf, IoBufMut, NoMemory},
    error::{Cause, ECANCELED, Reply},
    op::{Cancel, Control, Goal, Heir, Nap, Op, Operation, Plan, Read, ReadMany},
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

fn parts<O: Operation>(split: Split<O>) -> (Half<O>, Flying) {
    let Split { half, entry, line } = split;
    (half, Flying(entry, line))
}

/// What the port and the kernel have of an operation.
struct Flying(Entry, Line);

fn once(op: &Op) -> Asked<'_> {
    asked(op, Plan::new(Goal::Once), None)
}

fn start(freed: &Arc<AtomicUsize>) -> (Half<Read<Watched>>, Flying) {
    let buf = Fill(Watched(vec![0; 8], Arc::clone(freed)));
    parts(split(once(&READ), Read { buf }))
}

fn land(Flying(mut entry, line): Flying, answer: Result<Value, Cause>) {
    entry.settle(answer);
    end(entry, line);
}

fn end(entry: Entry, line: Line) {
    match entry.land(line, |_| {}) {
        Landing::Told(waiter, scope) => assert!(waiter.is_none() && scope.is_none()),
        Landing::Orphan(orphan) => assert!(orphan.bury(|_, _, _| {}).is_none()),
    }
}

fn write(entry: &mut Entry) {
    entry.slices_mut().for_each(|slice| slice.fill(7));
}

// [C1] the buffer of a dropped operation lives until the kernel's last word, and can be written.
#[test]
fn a_dropped_operation_keeps_its_buffer_until_it_lands() {
    let freed = Arc::default();
    let (half, mut flying) = start(&freed);
    drop(half);
    assert!(flying.0.is_orphan());
    write(&mut flying.0);
    assert_eq!(freed.load(Ordering::SeqCst), 0);
    land(flying, Ok(Value::Count(8)));
    assert_eq!(freed.load(Ordering::SeqCst), 1);
}

// [C4] the buffer comes back with success and with failure.
#[test]
fn the_outcome_gives_the_buffer_back() {
    for answer in [Ok(Value::Count(8)), Err(Cause::Os(5)), Err(Cause::Os(125))] {
        let freed = Arc::default();
        let (half, mut flying) = start(&freed);
        write(&mut flying.0);
        land(flying, answer);
        let buf = match half.finish("test") {
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
    let (half, mut flying) = start(&freed);
    let half = std::mem::ManuallyDrop::new(half);
    write(&mut flying.0);
    land(flying, Ok(Value::Count(8)));
    assert_eq!(freed.load(Ordering::SeqCst), 0);
    drop(std::mem::ManuallyDrop::into_inner(half));
    assert_eq!(freed.load(Ordering::SeqCst), 1);
}

// [C3] an entry that a backend drops by mistake is an outcome too.
#[test]
fn an_entry_that_is_dropped_abandons_its_operation() {
    let freed = Arc::default();
    let (half, Flying(entry, line)) = start(&freed);
    drop(entry);
    let answer = half.take("test", |_, outcome| outcome.answer);
    assert_eq!(answer.unwrap_err(), Cause::Abandoned);
    drop(line);
}

#[derive(Default)]
struct Log(Mutex<Vec<String>>);

impl Heir for Log {
    fn bytes(&self, _origin: u64, bytes: &[u8], _more: bool) {
        self.0.lock().unwrap().push(format!("{bytes:?}"));
    }

    fn error(&self, _origin: u64, cause: Cause) {
        self.0.lock().unwrap().push(format!("{cause:?}"));
    }
}

impl Holder for Log {
    fn started(&self) {}

    fn landed(&self, _id: Id, moved: usize) -> Parting {
        self.0.lock().unwrap().push(format!("landed {moved}"));
        Parting::default()
    }

    fn heir(&self) -> &dyn Heir {
        self
    }
}

impl Log {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

fn start_at(holder: &Arc<Log>) -> (Half<Read<Vec<u8>>>, Flying) {
    let holder: Arc<dyn Holder> = Arc::<Log>::clone(holder);
    let read = Read { buf: Fill(vec![0; 4]) };
    parts(split(asked(&READ, Plan::new(Goal::Once), Some(holder)), read))
}

fn over(entry: &mut Entry, answer: Result<Value, Cause>) {
    assert!(entry.step(answer, false), "one step is enough");
}

// [C7] what an abandoned read took goes to its heir, whether it was dropped before the landing or
// after; only the bytes that the OS counted.
#[test]
fn the_heir_gets_the_bytes_of_an_abandoned_read() {
    for dropped_first in [true, false] {
        let heir = Arc::default();
        let (half, mut flying) = start_at(&heir);
        write(&mut flying.0);
        over(&mut flying.0, Ok(Value::Count(3)));
        let Flying(entry, line) = flying;
        if dropped_first {
            drop(half);
            end(entry, line);
        } else {
            end(entry, line);
            drop(half);
        }
        assert_eq!(heir.take(), ["[7, 7, 7]"]);
        assert_eq!(Arc::strong_count(&heir), 1, "the handle is given back");
    }
}

// [C7] what was asked to stop, and did, is no error that anybody is owed.
#[test]
fn the_heir_hears_of_errors_but_not_of_cancels() {
    let heir = Arc::default();
    let requests =
        [(ECANCELED, Cancel::ByProgram), (ECANCELED, Cancel::ByPort), (32, Cancel::None)];
    for (cause, cancel) in requests {
        let (half, Flying(mut entry, mut line)) = start_at(&heir);
        drop(half);
        line.marks_mut().cancelled = cancel != Cancel::None;
        line.marks_mut().recalled = cancel == Cancel::ByPort;
        assert_eq!(line.marks().cancel(), cancel);
        entry.settle(Err(Cause::Os(cause)));
        assert_eq!(entry.failure(), Some(Cause::Os(cause)));
        let Landing::Orphan(orphan) = entry.land(line, |_| {}) else {
            panic!("it was dropped");
        };
        assert!(orphan.bury(|_, _, _| {}).is_none());
    }
    assert_eq!(heir.take(), ["Os(32)"]);
}

// [C13] a block that is reused has another identity each time.
#[test]
fn a_reused_block_has_another_identity() {
    let mut seen = std::collections::HashSet::new();
    for _ in 0..100 {
        let (half, flying) = parts(split(once(&Op::Nop), Nap(NoMemory)));
        let Flying(entry, line) = &flying;
        assert_eq!((half.id(), half.id()), (entry.id(), line.id()));
        assert!(seen.insert(half.id()), "an identity came twice");
        land(flying, Ok(Value::Count(0)));
        drop(half);
    }
}

// [C1] several buffers, and a step that moved only some of their bytes.
#[test]
fn a_partly_filled_vector_of_buffers_goes_on_where_it_stopped() {
    let bufs = FillMany::new(vec![vec![0u8; 2], vec![0u8; 3]]);
    let op = Op::Read { from: 0, at: Some(10) };
    let (half, mut flying) =
        parts(split(asked(&op, Plan::new(Goal::All), None), ReadMany { bufs }));
    let entry = &mut flying.0;
    for (slice, byte) in entry.slices_mut().zip(1..) {
        slice.fill(byte);
    }
    assert!(!entry.step(Ok(Value::Count(3)), false));
    assert_eq!(entry.op(), Op::Read { from: 0, at: Some(13) });
    assert_eq!(entry.slices_mut().map(|slice| slice.len()).collect::<Vec<_>>(), [2]);
    entry.slices_mut().for_each(|slice| slice.fill(9));
    over(entry, Ok(Value::Count(2)));
    end(flying.0, flying.1);
    let done = half.finish("test").unwrap();
    assert_eq!((done.n, done.buf), (5, vec![vec![1, 1], vec![2, 9, 9]]));
}

// [C1] [C4] one buffer that is read and one that is written; both come back with every outcome.
#[test]
fn an_exchange_lends_two_buffers_and_gives_both_back() {
    let op = Op::Control { of: 0, code: 7 };
    for answer in [Ok(Value::Part(3)), Ok(Value::Count(4)), Err(Cause::Os(5))] {
        let bufs = Exchange::new(b"ask".to_vec(), vec![0u8; 3]);
        let (half, mut flying) = parts(split(once(&op), Control { bufs }));
        let entry = &mut flying.0;
        assert_eq!(entry.slices().collect::<Vec<_>>(), [b"ask"]);
        assert_eq!(entry.len(), 3);
        write(entry);
        over(entry, answer);
        end(flying.0, flying.1);
        let (input, output) = match half.finish("test") {
            Ok(Reply { n: 3, more: true, input, output }) => (input, output),
            Ok(other) => panic!("{other:?}"),
            Err(failed) => failed.buf,
        };
        assert_eq!((&input[..], &output[..]), (&b"ask"[..], &[7; 3][..]));
    }
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
        let (half, mut flying) = parts(split(once(&READ), Read { buf }));
        write(&mut flying.0);
        let kept = (!dropped).then_some(half);
        land(flying, Ok(Value::Count(4)));
        if let Some(half) = kept {
            let read = half.take("test", |read, _| read);
            assert_eq!((read.buf.0.0[19], read.buf.0.1), (3, vec![7; 4]));
        }
    }
}

// [C7] the handle is told once that its operation is over, and stays until the outcome is taken.
#[test]
fn the_handle_goes_with_the_last_owner() {
    let holder = Arc::default();
    let (half, Flying(mut entry, line)) = start_at(&holder);
    entry.settle(Ok(Value::Count(0)));
    let mut told = 0;
    let landing = entry.land(line, |_| told += 1);
    assert!(matches!(landing, Landing::Told(None, None)), "the program's half is here");
    assert_eq!((told, Arc::strong_count(&holder)), (1, 2));
    drop(half.finish("test"));
    assert_eq!(Arc::strong_count(&holder), 1);
}

#[test]
fn an_orphans_handle_hears_of_it_after_the_will() {
    let holder = Arc::default();
    let (half, mut flying) = start_at(&holder);
    drop(half);
    write(&mut flying.0);
    over(&mut flying.0, Ok(Value::Count(2)));
    let Flying(entry, line) = flying;
    let Landing::Orphan(orphan) = entry.land(line, |_| {}) else {
        panic!("it was dropped");
    };
    let tell = |holder: &Arc<dyn Holder>, id, moved| drop(holder.landed(id, moved));
    assert!(orphan.bury(tell).is_none());
    assert_eq!(holder.take(), ["[7, 7]", "landed 2"]);
    assert_eq!(Arc::strong_count(&holder), 1);
}

// [C3] what a faulty backend drops leaves its line in the book; whoever goes last gives all back.
#[test]
fn a_line_that_outlives_its_entry_keeps_the_block() {
    for order in 0..3 {
        let (freed, holder) = (Arc::default(), Arc::<Log>::default());
        let buf = Fill(Watched(vec![0; 8], Arc::clone(&freed)));
        let held: Arc<dyn Holder> = Arc::<Log>::clone(&holder);
        let plan = Plan::new(Goal::Once);
        let Split { half, entry, line } = split(asked(&READ, plan, Some(held)), Read { buf });
        match order {
            0 => {
                drop(entry);
                drop(half);
                assert_eq!((freed.load(Ordering::SeqCst), Arc::strong_count(&holder)), (1, 2));
                assert!(!line.marks().cancelled, "the line can still be read");
                drop(line);
            }
            1 => {
                drop(half);
                drop(entry);
                drop(line);
            }
            _ => {
                drop(line);
                drop(half);
                assert_eq!(freed.load(Ordering::SeqCst), 0, "the kernel has it");
                drop(entry);
            }
        }
        assert_eq!((freed.load(Ordering::SeqCst), Arc::strong_count(&holder)), (1, 1));
        assert!(holder.take().is_empty());
    }
}

#[test]
#[should_panic(expected = "with its own line")]
fn another_operations_line() {
    let freed = Arc::default();
    let (_half, Flying(entry, _line)) = start(&freed);
    let (_other, Flying(_entry, line)) = start(&freed);
    drop(entry.land(line, |_| {}));
}
