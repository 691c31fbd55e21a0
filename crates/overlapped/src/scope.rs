//! Lending borrowed memory: a scope does not end while anything that it lent is in flight.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{
    iocb::{self, Lease, Tally},
    op::Operation,
    pending::{Ask, Pending, Route},
    port::{Parker, Port, Shard},
};

/// A scope in which operations may borrow buffers; made by [`Port::scope`]. The verbs are those of
/// the handles, with the handle as first argument.
#[derive(Clone)]
pub struct Scope<'scope, 'env: 'scope> {
    lease: &'scope Lease<'scope, 'env>,
    /// Where its operations went; handles of several ports may be used in one scope.
    shards: Arc<Shards>,
}

#[derive(Default)]
struct Shards(Mutex<Vec<Arc<Shard>>>);

impl Port {
    /// Runs `body`, which may start operations on buffers that it borrows from outside. When it is
    /// over, by returning, by `?` or by a panic, what is still in flight is asked to stop (writes
    /// run to their end), and `scope` returns only when nothing is in flight that it lent; a
    /// forgotten [`Pending`] changes nothing about that (C10).
    ///
    /// ```
    /// use overlapped::{Port, fs::File};
    ///
    /// # fn main() -> std::io::Result<()> {
    /// let port = Port::shared()?;
    /// let file = File::open(&port, "Cargo.toml").wait()?;
    /// let (mut head, mut tail) = ([0; 8], [0; 8]);
    /// port.scope(|s| {
    ///     let a = s.read_at(&file, &mut head, 0);
    ///     let b = s.read_at(&file, &mut tail, 8);
    ///     a.wait()?;
    ///     b.wait()
    /// })?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// What is started inside [`Port::batch`] reaches the OS in one submission, in a scope as
    /// outside:
    ///
    /// ```
    /// # use overlapped::{Port, fs::File};
    /// # fn main() -> std::io::Result<()> {
    /// # let port = Port::shared()?;
    /// # let file = File::open(&port, "Cargo.toml").wait()?;
    /// let mut pages = [[0; 16]; 4];
    /// port.scope(|s| {
    ///     let reads: Vec<_> = port.batch(|_| {
    ///         let pages = (0..).step_by(16).zip(&mut pages);
    ///         pages.map(|(at, page)| s.read_at(&file, page, at)).collect()
    ///     });
    ///     reads.into_iter().try_for_each(|read| read.wait().map(drop))
    /// })?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A buffer that does not outlive the scope is refused by the compiler:
    ///
    /// ```compile_fail,E0597
    /// # use overlapped::{Port, fs::File};
    /// # let port = Port::shared().unwrap();
    /// # let file = File::open(&port, "Cargo.toml").wait().unwrap();
    /// port.scope(|s| {
    ///     let mut short_lived = [0; 8];
    ///     let pending = s.read_at(&file, &mut short_lived, 0);
    ///     std::mem::forget(pending);
    /// });
    /// ```
    ///
    /// The scope blocks the calling thread: do not use it on an executor's thread.
    pub fn scope<'env, R>(&self, body: impl for<'scope> FnOnce(Scope<'scope, 'env>) -> R) -> R {
        let shards = Arc::new(Shards::default());
        iocb::lease(
            |lease| body(Scope { lease, shards: Arc::clone(&shards) }),
            |tally| shards.join(tally),
        )
    }
}

impl<'scope> Scope<'scope, '_> {
    /// Starts an operation that borrows; what every verb of a scope comes down to.
    pub(crate) fn start<O: Operation + 'scope>(
        &self,
        route: impl Route,
        ask: Ask<'_, O>,
    ) -> Pending<'scope, O> {
        self.shards.note(ask.shard);
        Pending::start_lent(self.lease, route, ask)
    }
}

impl Shards {
    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Shard>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, shard: &Arc<Shard>) {
        let mut known = self.lock();
        if !known.iter().any(|other| Arc::ptr_eq(other, shard)) {
            known.push(Arc::clone(shard));
        }
    }

    /// Waits until nothing flies that counts in `tally`, after asking it to stop.
    fn join(&self, tally: &Arc<Tally>) {
        let shards = self.lock().clone();
        shards.iter().for_each(|shard| shard.recall(tally));
        let parker = Parker::current();
        tally.register(parker.own_waker());
        let Some((first, others)) = shards.split_first() else {
            return;
        };
        // A thread drives one shard; the others have their background threads.
        for other in others {
            other.attend_lent(tally);
        }
        if !others.is_empty() && shards.iter().any(|shard| shard.is_local()) {
            // It serves those that are its own.
            first.attend_lent(tally);
            parker.wait(&|| tally.is_zero(), None);
        } else {
            first.drive(&parker, &|| tally.is_zero(), None);
        }
    }
}

impl std::fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scope").field("flying", &self.lease.tally().flying()).finish()
    }
}
