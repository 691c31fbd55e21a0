//! The thread pool's calls, as a program writes them.

use super::{Body, Buffer, Event, Handle, Overlapped, Read, Routine, Timeout};
use crate::{
    calls::Call,
    op::{Queued, Verb},
};
use std::panic::Location;

/// A wait that the thread pool keeps for the program.
#[derive(Clone, Copy, Debug)]
pub struct Registration(u8);

impl Body<'_> {
    /// `RegisterWaitForSingleObject(&wait, event, callback, .., timeout, WT_EXECUTEONLYONCE)`. The
    /// callback's last answer tells whether the event was set or time was over.
    #[track_caller]
    pub fn register_wait(
        &mut self,
        event: impl Into<Event>,
        timeout: Timeout,
        callback: Routine,
    ) -> Registration {
        let event: Event = event.into();
        let wait = self.outline.wait_slot();
        let text =
            format!("RegisterWaitForSingleObject(&wait, {event}, {}, {timeout})", callback.name);
        let event = event.on();
        let call = Call::RegisterWait { wait, event, ms: timeout.0, callback: callback.pc };
        self.step(call, text, Location::caller());
        Registration(wait)
    }

    /// `UnregisterWait(wait)`: no completion.
    #[track_caller]
    pub fn unregister_wait(&mut self, Registration(wait): Registration) {
        let text = "UnregisterWait(wait)".to_owned();
        self.step(Call::UnregisterWait(wait), text, Location::caller());
    }

    /// `StartThreadpoolIo(io); ReadFile(h, buffer, sizeof(buffer), NULL, &o)`
    #[track_caller]
    pub fn read_file_in_pool(
        &mut self,
        h: Handle,
        buffer: &Buffer,
        o: &Overlapped,
        callback: Routine,
    ) -> Read {
        let text = format!("StartThreadpoolIo(io); ReadFile({}, {buffer}, {o})", h.name);
        self.start(h, Verb::Read, buffer, o, Queued::Callback(callback.pc), text)
    }

    /// `WaitForThreadpoolIoCallbacks(io, cancel)`
    #[track_caller]
    pub fn wait_for_threadpool_io_callbacks(&mut self, cancel: bool) {
        let text = format!("WaitForThreadpoolIoCallbacks(io, {cancel})");
        self.step(Call::WaitForCallbacks { cancel }, text, Location::caller());
    }
}
