//! Threads of a program, on the OS's own: simulated, or as the OS has them.

use std::{
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::Arc,
    thread::{self, JoinHandle, Scope, ScopedJoinHandle},
};

use crate::{
    Sim,
    kernel::{Kernel, Trouble, Unwound},
};

impl Sim {
    /// Starts a thread of the program. Threads take turns: one overtakes another only at a point,
    /// where something was started or asked for, or is waited for.
    pub fn thread<R: Send + 'static>(
        &self,
        name: &str,
        body: impl FnOnce() -> R + Send + 'static,
    ) -> Thread<'static, R> {
        spawn(Some(self.kernel()), name, body)
    }

    /// Threads that may borrow from the calling one, which waits until they are over: as
    /// [`std::thread::scope`].
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
    ///
    /// overlapped_sim::explore(|sim| {
    ///     let count = AtomicU32::new(0);
    ///     sim.threads(|threads| {
    ///         threads.spawn("one", || count.fetch_add(1, SeqCst));
    ///         threads.spawn("other", || count.fetch_add(1, SeqCst));
    ///     });
    ///     assert_eq!(count.into_inner(), 2);
    /// });
    /// ```
    ///
    /// # Panics
    ///
    /// If `body` does, when all of them are over.
    pub fn threads<'env, R>(
        &self,
        body: impl for<'scope> FnOnce(&Threads<'scope, 'env>) -> R,
    ) -> R {
        scope(Some(self.kernel()), body)
    }
}

/// A thread of the program.
pub struct Thread<'scope, R> {
    simulated: Option<(Arc<Kernel>, usize)>,
    os: Os<'scope, R>,
}

/// The OS's thread behind it. It returns nothing if it was unwound, and has told why.
enum Os<'scope, R> {
    Own(JoinHandle<Option<R>>),
    Lent(ScopedJoinHandle<'scope, Option<R>>),
}

impl<R> Thread<'_, R> {
    /// Waits until the thread is over, and gives what it returned.
    ///
    /// # Panics
    ///
    /// If it panicked. Then the simulation is over, too.
    pub fn join(self) -> R {
        if let Some((kernel, number)) = &self.simulated {
            kernel.join(*number);
        }
        let ended = match self.os {
            Os::Own(thread) => thread.join(),
            Os::Lent(thread) => thread.join(),
        };
        let output = ended.unwrap_or_else(|panic| resume_unwind(panic));
        output.expect("a thread that did not panic has returned")
    }

    /// Whether it is over.
    pub fn is_finished(&self) -> bool {
        match (&self.simulated, &self.os) {
            (Some((kernel, number)), _) => kernel.is_over(*number),
            (None, Os::Own(thread)) => thread.is_finished(),
            (None, Os::Lent(thread)) => thread.is_finished(),
        }
    }
}

/// Starts a thread, of the simulation if there is one.
pub(crate) fn spawn<R: Send + 'static>(
    kernel: Option<&Arc<Kernel>>,
    name: &str,
    body: impl FnOnce() -> R + Send + 'static,
) -> Thread<'static, R> {
    let simulated = kernel.map(|kernel| (Arc::clone(kernel), kernel.add_thread(name.to_owned())));
    let os = thread::Builder::new().name(name.to_owned()).spawn(living(simulated.clone(), body));
    started(Thread { simulated, os: Os::Own(os.expect("the OS has a thread left")) })
}

fn living<R: Send>(
    simulated: Option<(Arc<Kernel>, usize)>,
    body: impl FnOnce() -> R + Send,
) -> impl FnOnce() -> Option<R> + Send {
    move || match simulated {
        Some((kernel, number)) => kernel.live(number, body),
        None => Some(body()),
    }
}

/// It may run at once.
fn started<R>(thread: Thread<'_, R>) -> Thread<'_, R> {
    if let Some((kernel, _)) = &thread.simulated {
        kernel.pass();
    }
    thread
}

/// Starts threads that may borrow: see [`Sim::threads`].
pub struct Threads<'scope, 'env: 'scope> {
    kernel: Option<Arc<Kernel>>,
    scope: &'scope Scope<'scope, 'env>,
    started: RefCell<Vec<usize>>,
}

impl<'scope> Threads<'scope, '_> {
    /// Starts one more, which is over when [`Sim::threads`] is.
    pub fn spawn<R: Send + 'scope>(
        &self,
        name: &str,
        body: impl FnOnce() -> R + Send + 'scope,
    ) -> Thread<'scope, R> {
        let added = |kernel: &Arc<Kernel>| (Arc::clone(kernel), kernel.add_thread(name.to_owned()));
        let simulated = self.kernel.as_ref().map(added);
        let os = thread::Builder::new().name(name.to_owned());
        let os = os.spawn_scoped(self.scope, living(simulated.clone(), body));
        self.started.borrow_mut().extend(simulated.as_ref().map(|(_, number)| *number));
        started(Thread { simulated, os: Os::Lent(os.expect("the OS has a thread left")) })
    }
}

/// Runs `body`, and waits for the threads that it starts: of the simulation, if there is one.
pub(crate) fn scope<'env, R>(
    kernel: Option<&Arc<Kernel>>,
    body: impl for<'scope> FnOnce(&Threads<'scope, 'env>) -> R,
) -> R {
    thread::scope(|scope| {
        let kernel = kernel.cloned();
        let threads = Threads { kernel, scope, started: RefCell::default() };
        let output = catch_unwind(AssertUnwindSafe(|| body(&threads)));
        if let Some(kernel) = &threads.kernel {
            kernel.outlive(&threads.started.borrow());
            if let Err(panic) = output.as_ref().map_err(|panic| &**panic) {
                kernel.explain(panic);
            }
        }
        output.unwrap_or_else(|panic| resume_unwind(panic))
    })
}

impl Kernel {
    /// If nobody could go on, it was because a thread that others waited for had panicked.
    fn explain(&self, panic: &(dyn std::any::Any + Send)) {
        let mut state = self.lock();
        if matches!(state.trouble, Some(Trouble::Hang(_))) && !panic.is::<Unwound>() {
            state.trouble = Some(Trouble::panic(panic));
        }
    }
}
