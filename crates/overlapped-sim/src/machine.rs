//! What a body sets up around its program: files, FIFOs, a disk that is full, a power cut.

use std::{
    borrow::Cow,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::Path,
};

use crate::{
    Sim,
    kernel::{Unwound, here},
};

/// What is there before the program begins. Paths are counted from the root of the simulated disk,
/// with or without a slash in front; `/dev/zero`, `/dev/null` and `/dev/full` are there at first.
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

    /// How many bytes all files together may have; more is `ENOSPC`.
    pub fn capacity(&self, bytes: u64) {
        self.kernel().lock().devices.set_capacity(bytes);
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
