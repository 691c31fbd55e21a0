//! What a body sets up around its program: files, FIFOs, a disk that is full, a power cut.

use std::{
    borrow::Cow,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::Path,
    time::{Duration, SystemTime},
};

use crate::{
    Sim,
    kernel::{Unwound, here},
};

/// What is there before the program begins. Paths are counted from the root of the simulated disk,
/// with or without a slash in front; `/dev/zero`, `/dev/null`, `/dev/full`, `/dev/random` and
/// `/dev/urandom` are there at first.
impl Sim {
    /// Puts a file there, safe on the device.
    pub fn file(&self, path: impl AsRef<Path>, bytes: impl Into<Vec<u8>>) {
        self.kernel().lock().devices.put_file(&name(path.as_ref()), bytes.into());
    }

    /// Puts a directory there.
    pub fn directory(&self, path: impl AsRef<Path>) {
        self.kernel().lock().devices.put_directory(&name(path.as_ref()));
    }

    /// Puts a FIFO there.
    pub fn fifo(&self, path: impl AsRef<Path>) {
        self.kernel().lock().devices.fifo(&name(path.as_ref()));
    }

    /// Puts a terminal there, on which somebody types: what, and how long from now. A read brings
    /// one line at most, and waits for it; an empty one is the end of the input, which is told
    /// once. When everything is typed, reads wait for ever.
    pub fn terminal<B: Into<Vec<u8>>>(
        &self,
        path: impl AsRef<Path>,
        typed: impl IntoIterator<Item = (Duration, B)>,
    ) {
        let mut state = self.kernel().lock();
        let now = state.now();
        let nanos = |after: Duration| u64::try_from(after.as_nanos()).unwrap_or(u64::MAX);
        let typed =
            typed.into_iter().map(|(after, line)| (now.saturating_add(nanos(after)), line.into()));
        let typed = typed.collect();
        state.devices.put_terminal(&name(path.as_ref()), typed);
    }

    /// What was written to a terminal so far; `None` if there is none.
    pub fn shown(&self, path: impl AsRef<Path>) -> Option<Vec<u8>> {
        self.kernel().lock().devices.shown_on(&name(path.as_ref()))
    }

    /// Which bytes `/dev/random` and `/dev/urandom` give from now on: the same for the same seed.
    pub fn seed_random(&self, seed: u64) {
        self.kernel().lock().devices.seed_random(seed);
    }

    /// What the wall clock shows, as a program on this machine would see it. It begins with the
    /// year 2020, drifts and may be set; no deadline goes by it.
    pub fn wall_clock(&self) -> SystemTime {
        self.kernel().lock().wall()
    }

    /// Sets the wall clock, as an administrator or a time server would.
    pub fn set_wall_clock(&self, to: SystemTime) {
        self.kernel().lock().set_wall(to);
    }

    /// By how many parts in a million the wall clock is too fast; too slow, if negative.
    pub fn drift(&self, ppm: i32) {
        self.kernel().lock().set_drift(ppm);
    }

    /// How many bytes all files together may have; more is `ENOSPC`.
    pub fn capacity(&self, bytes: u64) {
        self.kernel().lock().devices.set_capacity(bytes);
    }

    /// How many bytes a pipe or FIFO holds that is made from now on; 64 KiB at first.
    pub fn pipe_room(&self, bytes: usize) {
        self.kernel().lock().devices.set_pipe_room(bytes);
    }

    /// What a read of the whole file would bring now; `None` if there is none.
    pub fn contents(&self, path: impl AsRef<Path>) -> Option<Vec<u8>> {
        self.kernel().lock().devices.contents(&name(path.as_ref()))
    }

    /// Runs `body` as a program whose power is cut: before any step of a device, or when it is
    /// over. What it gave is `None` if it did not come to its end.
    ///
    /// Of what was written and not synced, what survives is chosen, sector by sector and in no
    /// order; names that were made and not synced are gone. `body` is unwound, and so are all
    /// threads but the first. What it has acknowledged must be told outside, in a cell that `body`
    /// borrows: then look at the disk with `self`, as the program would after the reboot.
    ///
    /// # Panics
    ///
    /// If `body` does, with that panic; and on another thread than the simulation's first.
    pub fn until_power_cut<R>(&self, body: impl FnOnce(&Self) -> R) -> Option<R> {
        let kernel = self.kernel();
        let first = here() == Some(0);
        assert!(first, "the power is cut where the simulation began: on its first thread");
        let before = std::mem::replace(&mut kernel.lock().settings.power, true);
        let result = catch_unwind(AssertUnwindSafe(|| {
            let machine = Self::new(kernel);
            let output = body(&machine);
            // What is in flight when the program is over goes on until the power does.
            machine.yield_now();
            output
        }));
        kernel.lock().settings.power = before;
        match result {
            Ok(output) if kernel.lock().trouble.is_none() => {
                kernel.lose_power();
                Some(output)
            }
            Err(panic) if panic.is::<Unwound>() && kernel.lock().is_power_cut() => {
                kernel.lose_power();
                None
            }
            Ok(_) => resume_unwind(Box::new(Unwound)),
            Err(panic) => resume_unwind(panic),
        }
    }
}

#[cfg(unix)]
fn name(path: &Path) -> Cow<'_, [u8]> {
    use std::os::unix::ffi::OsStrExt;

    path.as_os_str().as_bytes().into()
}

#[cfg(not(unix))]
fn name(path: &Path) -> Cow<'_, [u8]> {
    path.to_string_lossy().into_owned().into_bytes().into()
}
