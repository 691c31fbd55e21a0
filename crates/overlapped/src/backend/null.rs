//! The smallest backend: everything completes at once, and nothing moves.

use std::{
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use super::{
    Backend, Bell, Completion, Entry, Features, Id, Kind, Op, RealClock, Reap, Submit, Value,
};
use crate::error::Cause;

/// A backend that answers each operation at the next wait, with the count that was asked for, and
/// moves no byte. It measures what the library itself costs, and is the smallest complete
/// statement of what a backend must do.
pub fn null() -> Backend {
    let shared = Arc::new(Shared::default());
    Backend {
        features: Features::all_native(Kind::Null),
        submit: Box::new(NullSubmit(Arc::clone(&shared))),
        bell: Some(Arc::<Shared>::clone(&shared)),
        reap: Box::new(NullReap(shared)),
        clock: Box::new(RealClock::default()),
        cheap: None,
        simulator: None,
    }
}

#[derive(Default)]
struct Shared {
    inner: Mutex<Inner>,
    changed: Condvar,
}

#[derive(Default)]
struct Inner {
    done: Vec<Entry>,
    woken: bool,
    /// Somebody sleeps in `wait`; without it nobody need be called.
    sleeps: bool,
}

impl Shared {
    fn call(&self, inner: &Inner) {
        if inner.sleeps {
            self.changed.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct NullSubmit(Arc<Shared>);

impl Submit for NullSubmit {
    fn submit(&mut self, entry: Entry) -> Result<(), Entry> {
        let mut inner = self.0.lock();
        inner.done.push(entry);
        self.0.call(&inner);
        Ok(())
    }

    fn cancel(&mut self, _id: Id) {
        // Everything has completed already.
    }

    fn wake(&mut self) {
        self.0.ring();
    }
}

impl Bell for Shared {
    fn ring(&self) {
        let mut inner = self.lock();
        inner.woken = true;
        self.call(&inner);
    }
}

struct NullReap(Arc<Shared>);

impl Reap for NullReap {
    fn wait(&mut self, until: Option<Instant>, out: &mut Vec<Completion>) -> io::Result<()> {
        let mut inner = self.0.lock();
        while inner.done.is_empty() && !inner.woken {
            inner.sleeps = true;
            inner = match until {
                None => self.0.changed.wait(inner).unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        break;
                    }
                    let waited = self.0.changed.wait_timeout(inner, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        inner.woken = false;
        inner.sleeps = false;
        out.extend(inner.done.drain(..).map(|entry| {
            let answer = answer(&entry);
            Completion { entry, answer }
        }));
        Ok(())
    }
}

fn answer(entry: &Entry) -> Result<Value, Cause> {
    match entry.op() {
        Op::Open(_) | Op::Stat { .. } => {
            Err(Cause::Unsupported("the null backend has no files; use another backend"))
        }
        _ => Ok(Value::Count(entry.len())),
    }
}
