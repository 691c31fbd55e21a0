//! The orderings of a block, every one of them: land × take × register × drop × recycle, and the
//! tally of a scope.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Wake, Waker},
};

use loom::thread;

use super::{Entry, Half, Landing, lease, split, split_lent};
use crate::{
    backend::Value,
    buf::Fill,
    error::Cause,
    op::{Cancel, Goal, Heir, Op, Plan, Read},
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
    fn bytes(&self, _origin: u64, bytes: &[u8]) {
        assert_eq!(bytes, b"ab", "the heir sees what the kernel wrote");
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn error(&self, _cause: Cause) {
        unreachable!("the read succeeds");
    }
}

fn start(heir: &Arc<Count>) -> (Half<Read<Vec<u8>>>, Entry) {
    let heir: Arc<dyn Heir> = Arc::<Count>::clone(heir);
    let read = Read { buf: Fill(vec![0; 2]), heir: Some(heir) };
    split(READ, Plan::new(Goal::Once), read)
}

/// The kernel: writes, then says its last word; then does what is left to do.
fn kernel(mut entry: Entry) {
    for slice in entry.slices_mut() {
        slice.copy_from_slice(b"ab");
    }
    let answer = Ok(Value::Count(2));
    let crate::op::Next::Over(answer) = entry.step(answer, false) else {
        panic!("a read of one transfer is over after it");
    };
    finish(entry.land(answer, "model", Cancel::None));
}

fn finish(landing: Landing) {
    match landing {
        Landing::Told(waiter, scope) => {
            for waker in [waiter, scope].into_iter().flatten() {
                waker.wake();
            }
        }
        Landing::Orphan(orphan) => {
            if let Some(waker) = orphan.bury() {
                waker.wake();
            }
        }
    }
}

fn check_taken(half: Half<Read<Vec<u8>>>) {
    let (read, outcome) = half.take();
    assert_eq!(read.buf.0, b"ab");
    assert_eq!(outcome.moved, 2);
    assert!(matches!(outcome.answer, Ok(Value::Count(2))));
}

// [C1] [C3] the outcome and the bytes are seen by who takes them, and the waker is called if it
// was left in time.
#[test]
fn loom_land_take() {
    loom::model(|| {
        let (heir, woken) = (Arc::new(Count::default()), Arc::new(Count::default()));
        let (mut half, entry) = start(&heir);
        let kernel = thread::spawn(move || kernel(entry));
        let over = half.register(&Waker::from(Arc::clone(&woken)));
        if over {
            check_taken(half);
            kernel.join().unwrap();
            assert_eq!(woken.get(), 0);
        } else {
            kernel.join().unwrap();
            assert_eq!(woken.get(), 1);
            check_taken(half);
        }
        assert_eq!(heir.get(), 0);
    });
}

// [C12] a task that moved leaves its new waker; that one is called, once.
#[test]
fn loom_land_register_twice() {
    loom::model(|| {
        let heir = Arc::new(Count::default());
        let (first, second) = (Arc::new(Count::default()), Arc::new(Count::default()));
        let (mut half, entry) = start(&heir);
        let kernel = thread::spawn(move || kernel(entry));
        let over = half.register(&Waker::from(Arc::clone(&first)));
        let over_later = half.register(&Waker::from(Arc::clone(&second)));
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
        let heir = Arc::new(Count::default());
        let (half, entry) = start(&heir);
        let kernel = thread::spawn(move || kernel(entry));
        drop(half);
        kernel.join().unwrap();
        assert_eq!(heir.get(), 1);
    });
}

// [C8] as above, with a waker left behind: it is dropped and not called after the drop returned.
#[test]
fn loom_land_register_drop() {
    loom::model(|| {
        let (heir, woken) = (Arc::new(Count::default()), Arc::new(Count::default()));
        let (mut half, entry) = start(&heir);
        let kernel = thread::spawn(move || kernel(entry));
        half.register(&Waker::from(Arc::clone(&woken)));
        drop(half);
        kernel.join().unwrap();
        assert_eq!(heir.get(), 1);
        assert_eq!(Arc::strong_count(&woken), 1, "no waker stays in a recycled block");
    });
}

// [C13] a block that is taken while its kernel's half still leaves is not reused too early, and
// its next operation has another identity.
#[test]
fn loom_land_take_recycle() {
    loom::model(|| {
        let heir = Arc::new(Count::default());
        let (mut half, entry) = start(&heir);
        let old = half.id();
        let other = thread::spawn(move || kernel(entry));
        let woken = Arc::new(Count::default());
        if half.register(&Waker::from(woken)) {
            check_taken(half);
            let (next, entry) = start(&heir);
            assert_ne!(next.id(), old);
            kernel(entry);
            check_taken(next);
        }
        other.join().unwrap();
    });
}

// [C10] a scope that saw the tally at zero lends nothing any more, and a joiner is woken.
#[test]
fn loom_tally() {
    loom::model(|| {
        let heir = Arc::new(Count::default());
        let woken = Arc::new(Count::default());
        let threads = std::cell::RefCell::new(Vec::new());
        lease(
            |lease| {
                for _ in 0..2 {
                    let heir: Arc<dyn Heir> = Arc::<Count>::clone(&heir);
                    let read = Read { buf: Fill(vec![0; 2]), heir: Some(heir) };
                    let (half, entry) = split_lent(lease, READ, Plan::new(Goal::Once), read);
                    threads.borrow_mut().push(thread::spawn(move || kernel(entry)));
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
        assert_eq!(heir.get(), 2, "the wills ran before the tally fell");
        for thread in threads.take() {
            thread.join().unwrap();
        }
    });
}
