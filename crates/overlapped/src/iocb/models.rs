//! The orderings of a block, every one of them: land × take × register × drop × recycle, and the
//! tally of a scope.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Wake, Waker},
};

use loom::thread;

use crate::sync::{Mutex, become_thread, lock, this_thread};

use super::{
    Entry, Half, Holder, Id, Landing, Left, Line, Parting, Split, asked, lease, split, split_lent,
};
use crate::{
    backend::Value,
    buf::{Fill, IoBuf, IoBufMut},
    error::Cause,
    op::{Goal, Heir, Op, Operation, Plan, Read},
};

const READ: Op = Op::Read { from: 0, at: None };

/// Counts calls. Plain `std` atomics: loom need not explore what only the checks look at.
#[derive(Default)]
struct Count(AtomicUsize);

impl Count {
    fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Heir for Count {
    fn bytes(&self, _origin: u64, bytes: &[u8], _more: bool) {
        assert_eq!(bytes, b"ab", "the heir sees what the kernel wrote");
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn error(&self, _origin: u64, cause: Cause) {
        assert_eq!(cause, Cause::Abandoned, "a read succeeds unless its entry is dropped");
    }
}

/// A handle that counts what it is told.
#[derive(Default)]
struct Handle {
    heir: Count,
    landed: AtomicUsize,
}

impl Handle {
    fn landed(&self) -> usize {
        self.landed.load(Ordering::SeqCst)
    }
}

impl Holder for Handle {
    fn started(&self) {}

    fn landed(&self, _id: Id, moved: usize) -> Parting {
        assert_eq!(moved, 2);
        self.landed.fetch_add(1, Ordering::SeqCst);
        Parting::default()
    }

    fn heir(&self) -> &dyn Heir {
        &self.heir
    }
}

type Reading = Half<Read<Vec<u8>>>;

fn start(handle: &Arc<Handle>) -> (Reading, Flying) {
    let holder: Arc<dyn Holder> = Arc::<Handle>::clone(handle);
    let asked = asked(&READ, Plan::new(Goal::Once), Some(holder));
    parts(split(asked, Read { buf: Fill(vec![0; 2]) }))
}

/// What the port and the kernel have of an operation.
struct Flying(Entry, Line);

fn parts<O: Operation>(split: Split<O>) -> (Half<O>, Flying) {
    let Split { half, entry, line } = split;
    (half, Flying(entry, line))
}

/// The kernel: writes, then says its last word; then does what is left to do.
fn kernel(Flying(mut entry, line): Flying) {
    for slice in entry.slices_mut() {
        slice.copy_from_slice(b"ab");
    }
    assert!(entry.step(Ok(Value::Count(2)), false), "a read of one transfer is over after it");
    let moved = entry.moved();
    finish(entry.land(line, |holder| drop(holder.landed(Id(0), moved))));
}

fn finish(landing: Landing) {
    match landing {
        Landing::Told(waiter, scope) => {
            for waker in [waiter, scope].into_iter().flatten() {
                waker.wake();
            }
        }
        Landing::Orphan(orphan) => {
            let tell = |holder: &Arc<dyn Holder>, id, moved| drop(holder.landed(id, moved));
            if let Some(waker) = orphan.bury(tell) {
                waker.wake();
            }
        }
    }
}

/// Everything of `handle`'s operations is over, and none holds it.
fn check_told(handle: &Arc<Handle>, landed: usize) {
    assert_eq!(handle.landed(), landed, "each landing is told once");
    assert_eq!(Arc::strong_count(handle), 1, "no note stays in a recycled block, or goes twice");
}

fn check_taken(half: Reading) {
    half.take("model", |read, outcome| {
        assert_eq!(read.buf.0, b"ab");
        assert_eq!(outcome.about.plan.moved, 2);
        assert!(matches!(outcome.answer, Ok(Value::Count(2))));
    });
}

// [C1] [C3] the outcome and the bytes are seen by who takes them, and the waker is called if it
// was left in time.
#[test]
fn loom_land_take() {
    loom::model(|| {
        let (handle, woken) = (Arc::new(Handle::default()), Arc::new(Count::default()));
        let (mut half, flying) = start(&handle);
        let kernel = thread::spawn(move || kernel(flying));
        let over = half.register(&Waker::from(Arc::clone(&woken))) == Left::Landed;
        if over {
            check_taken(half);
            kernel.join().unwrap();
            assert_eq!(woken.get(), 0);
        } else {
            kernel.join().unwrap();
            assert_eq!(woken.get(), 1);
            check_taken(half);
        }
        assert_eq!(handle.heir.get(), 0);
        check_told(&handle, 1);
    });
}

// [C12] a task that moved leaves its new waker; that one is called, once.
#[test]
fn loom_land_register_twice() {
    loom::model(|| {
        let handle = Arc::new(Handle::default());
        let (first, second) = (Arc::new(Count::default()), Arc::new(Count::default()));
        let (mut half, flying) = start(&handle);
        let kernel = thread::spawn(move || kernel(flying));
        let over = half.register(&Waker::from(Arc::clone(&first))) == Left::Landed;
        let over_later = half.register(&Waker::from(Arc::clone(&second))) == Left::Landed;
        kernel.join().unwrap();
        assert!(over_later || !over, "an operation does not take off again");
        if !over_later {
            assert_eq!((first.get(), second.get()), (0, 1));
        }
        assert_eq!(second.get(), usize::from(!over_later));
        check_taken(half);
    });
}

// [C7] [C8] dropped before, during or after the landing: the heir gets the bytes, once.
#[test]
fn loom_land_drop() {
    loom::model(|| {
        let handle = Arc::new(Handle::default());
        let (half, flying) = start(&handle);
        let kernel = thread::spawn(move || kernel(flying));
        drop(half);
        kernel.join().unwrap();
        assert_eq!(handle.heir.get(), 1);
        check_told(&handle, 1);
    });
}

// [C8] as above, with a waker left behind: it is dropped and not called after the drop returned.
#[test]
fn loom_land_register_drop() {
    loom::model(|| {
        let (handle, woken) = (Arc::new(Handle::default()), Arc::new(Count::default()));
        let (mut half, flying) = start(&handle);
        let kernel = thread::spawn(move || kernel(flying));
        half.register(&Waker::from(Arc::clone(&woken)));
        drop(half);
        kernel.join().unwrap();
        assert_eq!(handle.heir.get(), 1);
        check_told(&handle, 1);
        assert_eq!(Arc::strong_count(&woken), 1, "no waker stays in a recycled block");
    });
}

// [C13] a block that is taken while its kernel's half still leaves is not reused too early, and
// its next operation has another identity.
#[test]
fn loom_land_take_recycle() {
    loom::model(|| {
        let handle = Arc::new(Handle::default());
        let (mut half, flying) = start(&handle);
        let old = half.id();
        let other = thread::spawn(move || kernel(flying));
        let woken = Arc::new(Count::default());
        if half.register(&Waker::from(woken)) == Left::Landed {
            check_taken(half);
            let (next, flying) = start(&handle);
            assert_ne!(next.id(), old);
            kernel(flying);
            check_taken(next);
        }
        other.join().unwrap();
    });
}

/// As [`start`], of a port that belongs to the calling thread.
fn start_here(handle: &Arc<Handle>) -> (Reading, Flying) {
    let holder: Arc<dyn Holder> = Arc::<Handle>::clone(handle);
    let mut asked = asked(&READ, Plan::new(Goal::Once), Some(holder));
    asked.thread = u32::try_from(this_thread()).ok().and_then(NonZeroU32::new);
    parts(split(asked, Read { buf: Fill(vec![0; 2]) }))
}

// [C1] [C3] [C13] a block that lives on a thread, which lands it by stores: another thread looks,
// and takes it and gives it back, or leaves its half to be dropped where the block lives.
#[test]
fn loom_local_take_or_stray() {
    loom::model(|| {
        let handle = Arc::new(Handle::default());
        let (half, flying) = start_here(&handle);
        let other = thread::spawn(move || {
            become_thread(2);
            if half.is_astray() {
                return Some(half.into_stray());
            }
            check_taken(half);
            None
        });
        kernel(flying);
        let stray = other.join().unwrap();
        let (taken, is_stray) = (handle.heir.get(), stray.is_some());
        drop(stray);
        assert_eq!((taken, handle.heir.get()), (0, usize::from(is_stray)));
        check_told(&handle, 1);
    });
}

// [C12] its waker is left on the thread that the block lives on, before the landing or after.
#[test]
fn loom_local_waker() {
    loom::model(|| {
        let (handle, woken) = (Arc::new(Handle::default()), Arc::new(Count::default()));
        let (mut half, Flying(entry, mut line)) = start_here(&handle);
        let (post, theirs) = (Arc::new(Mutex::new(None)), Arc::clone(&woken));
        let posted = Arc::clone(&post);
        let other = thread::spawn(move || {
            become_thread(2);
            let waker = Waker::from(theirs);
            let elsewhere = half.register(&waker) == Left::Elsewhere;
            if elsewhere {
                *lock(&posted) = Some(waker);
            }
            (half, elsewhere)
        });
        let old = lock(&post).take().and_then(|waker| line.leave(waker));
        assert!(old.is_none());
        kernel(Flying(entry, line));
        let (half, elsewhere) = other.join().unwrap();
        check_taken(half);
        let late = lock(&post).take();
        assert_eq!(elsewhere, woken.get() == 1 || late.is_some(), "a waker is lost");
        assert_eq!(Arc::strong_count(&woken), 1 + usize::from(late.is_some()));
        check_told(&handle, 1);
    });
}

// [C10] a scope that saw the tally at zero lends nothing any more, and a joiner is woken.
#[test]
fn loom_tally() {
    loom::model(|| {
        let handle = Arc::new(Handle::default());
        let woken = Arc::new(Count::default());
        let threads = std::cell::RefCell::new(Vec::new());
        lease(
            |lease| {
                for _ in 0..2 {
                    let holder: Arc<dyn Holder> = Arc::<Handle>::clone(&handle);
                    let asked = asked(&READ, Plan::new(Goal::Once), Some(holder));
                    let read = Read { buf: Fill(vec![0; 2]) };
                    let (half, flying) = parts(split_lent(lease, asked, read));
                    threads.borrow_mut().push(thread::spawn(move || kernel(flying)));
                    drop(half);
                }
            },
            |tally| {
                tally.register(&Waker::from(Arc::clone(&woken)));
                if !tally.is_zero() {
                    for thread in threads.take() {
                        thread.join().unwrap();
                    }
                    assert!(tally.is_zero());
                    assert_eq!(woken.get(), 1, "who registered before the last landing is woken");
                }
            },
        );
        assert_eq!(handle.heir.get(), 2, "the wills ran before the tally fell");
        for thread in threads.take() {
            thread.join().unwrap();
        }
    });
}

// [C7] the handle is told while the program takes or drops the outcome; the note goes with the
// later of the two.
#[test]
fn loom_told_take() {
    for takes in [true, false] {
        loom::model(move || {
            let handle = Arc::new(Handle::default());
            let (half, flying) = start(&handle);
            let kernel = thread::spawn(move || kernel(flying));
            let landed = half.is_landed();
            if landed && takes {
                check_taken(half);
            } else {
                drop(half);
            }
            kernel.join().unwrap();
            assert_eq!(handle.heir.get(), usize::from(!(landed && takes)));
            check_told(&handle, 1);
        });
    }
}

/// A buffer that can be missed.
struct Missed(Vec<u8>, Arc<Count>);

// SAFETY: the bytes are a vector's, on the heap.
unsafe impl IoBuf for Missed {
    fn as_slice(&self) -> &[u8] {
        &self.0
    }
}
// SAFETY: the vector is owned.
unsafe impl IoBufMut for Missed {
    fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.0
    }
}
impl Drop for Missed {
    fn drop(&mut self) {
        self.1.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Whether the program's half waits for the outcome and takes it, or is dropped.
fn faulty(fault: fn(Flying), takes: bool) {
    loom::model(move || {
        let (handle, freed) = (Arc::new(Handle::default()), Arc::new(Count::default()));
        let woken = Arc::new(Count::default());
        let holder: Arc<dyn Holder> = Arc::<Handle>::clone(&handle);
        let asked = asked(&READ, Plan::new(Goal::Once), Some(holder));
        let buf = Fill(Missed(vec![0; 2], Arc::clone(&freed)));
        let (mut half, flying) = parts(split(asked, Read { buf }));
        let kernel = thread::spawn(move || fault(flying));
        if takes && half.register(&Waker::from(Arc::clone(&woken))) == Left::Landed {
            let answer = half.take("model", |_, outcome| outcome.answer);
            assert!(matches!(answer, Err(Cause::Abandoned)));
            kernel.join().unwrap();
        } else {
            drop(half);
            kernel.join().unwrap();
        }
        assert_eq!(freed.get(), 1, "what was lent is freed once");
        assert_eq!((Arc::strong_count(&handle), Arc::strong_count(&woken)), (1, 1));
    });
}

// [C3] a faulty backend drops an entry whose line is still in the book.
#[test]
fn loom_entry_dropped() {
    let entry_first = |Flying(entry, line)| {
        drop(entry);
        assert!(!line.marks().cancelled, "the line keeps the block");
        drop(line);
    };
    faulty(entry_first, true);
    faulty(entry_first, false);
}

// [C2] a book goes before the kernel is done with what flies.
#[test]
fn loom_line_dropped() {
    let line_first = |Flying(entry, line)| {
        drop(line);
        drop(entry);
    };
    faulty(line_first, true);
    faulty(line_first, false);
}

// [C5] what was noted of it while it flew is told, to who takes it and to its heir.
#[test]
fn loom_marks() {
    loom::model(|| {
        let handle = Arc::new(Handle::default());
        let (half, Flying(mut entry, mut line)) = start(&handle);
        let kernel = thread::spawn(move || {
            line.marks_mut().cancelled = true;
            entry.slices_mut().for_each(|slice| slice.copy_from_slice(b"ab"));
            assert!(entry.step(Ok(Value::Count(2)), true));
            let moved = entry.moved();
            finish(entry.land(line, |holder| drop(holder.landed(Id(0), moved))));
        });
        if half.is_landed() {
            let cancel = half.take("model", |_, outcome| outcome.about.cancel);
            assert_eq!(cancel, crate::op::Cancel::ByProgram);
        } else {
            drop(half);
        }
        kernel.join().unwrap();
        check_told(&handle, 1);
    });
}

// [C1] [C13] what the program makes of an outcome panics while the kernel's half still leaves, and
// the block is used again.
#[test]
fn loom_a_panic_when_it_is_taken() {
    loom::model(|| {
        let handle = Arc::new(Handle::default());
        let (half, flying) = start(&handle);
        let id = half.id();
        let other = thread::spawn(move || kernel(flying));
        let mut landed = 1;
        if half.is_landed() {
            let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                half.take("model", |request, _| {
                    assert_eq!(request.buf.0, b"ab");
                    std::panic::resume_unwind(Box::new(()));
                });
            }));
            assert!(panic.is_err());
            let (next, flying) = start(&handle);
            assert_ne!(next.id(), id);
            drop(next);
            kernel(flying);
            landed = 2;
        } else {
            drop(half);
        }
        other.join().unwrap();
        check_told(&handle, landed);
    });
}
