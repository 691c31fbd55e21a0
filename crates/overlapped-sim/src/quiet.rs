//! Panics that nobody is to hear: a failing run is tried again and again until it is simple, and
//! each try panics as the first one did.

use std::{
    cell::Cell,
    panic::{set_hook, take_hook},
    sync::Once,
};

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Until this is dropped the calling thread's panics are not told, if that is asked for.
pub(crate) struct Quiet(bool);

impl Quiet {
    pub(crate) fn new(quiet: bool) -> Self {
        static HOOK: Once = Once::new();
        if quiet {
            // The hook that is there stays, and hears all the others.
            HOOK.call_once(|| {
                let told = take_hook();
                set_hook(Box::new(move |info| {
                    if !QUIET.try_with(Cell::get).unwrap_or(false) {
                        told(info);
                    }
                }));
            });
        }
        Self(QUIET.replace(quiet))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        QUIET.set(self.0);
    }
}
