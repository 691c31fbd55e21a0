use std::{ops::Deref, sync::Arc, time::Duration};

use overlapped::{Port, Runtime, backend::Backend};

use crate::kernel::{Kernel, here};

/// A simulated system, from inside: its port, its disk, its threads and tasks.
///
/// It is a [`Port`] wherever one is asked for.
pub struct Sim {
    kernel: Arc<Kernel>,
    port: Port,
}

impl Deref for Sim {
    type Target = Port;

    fn deref(&self) -> &Port {
        &self.port
    }
}

impl Sim {
    pub(crate) fn new(kernel: &Arc<Kernel>) -> Self {
        Self { kernel: Arc::clone(kernel), port: Port::with_backend(kernel.backend()) }
    }

    pub(crate) fn kernel(&self) -> &Arc<Kernel> {
        &self.kernel
    }

    /// The system's own port.
    pub fn port(&self) -> &Port {
        &self.port
    }

    /// A backend on the same kernel, for a further port: `Port::with_backend(sim.backend())`.
    pub fn backend(&self) -> Backend {
        self.kernel.backend()
    }

    /// A runtime of the calling thread, on the same kernel.
    pub fn runtime(&self) -> Runtime {
        Runtime::with_backend(self.kernel.backend())
    }

    /// Lets others go on, if the choice falls on them.
    pub fn yield_now(&self) {
        self.kernel.yield_now();
    }

    /// Says something in the timeline.
    pub fn say(&self, text: &str) {
        self.kernel.say(here().unwrap_or(0), text);
    }

    /// One of `n` ways, 0 being the plain one: a choice of the program's own.
    pub fn choose(&self, n: usize) -> usize {
        self.kernel.lock().choose(n, crate::explore::Kind::Program)
    }

    /// How long a device takes, at least and at most; up to 10 ms at first.
    pub fn latency(&self, least: Duration, most: Duration) {
        self.kernel.lock().settings.set_latency(least, most);
    }

    /// A transfer to or from a file may be overtaken after a quarter and after three quarters, and
    /// not only half-way: for programs that read what is being written.
    pub fn tears(&self) {
        self.kernel.lock().settings.tears = true;
    }

    /// The program forgets things on purpose (`mem::forget`): handles that stay open because of it
    /// are no failure.
    pub fn forgets(&self) {
        self.kernel.lock().settings.forgets = true;
    }

    /// How many operations the kernel takes before it says that it is full.
    pub fn depth(&self, most: usize) {
        self.kernel.lock().settings.depth = most.max(1);
    }
}
