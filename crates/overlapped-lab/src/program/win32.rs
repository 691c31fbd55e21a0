//! Win32's calls, as a program writes them.

use std::panic::Location;

use super::{Body, Buffer, Event, Handle, Overlapped, PortHandle, Read, Routine, Timeout};
use crate::{
    calls::{Call, Ms, Start},
    op::{Api, Queued, Verb},
};

impl Body<'_> {
    /// `InitializeOverlapped(&o)`: all zero, with an event of its own that stays set until reset.
    pub fn initialize_overlapped(&mut self, o: &Overlapped) {
        let handle = self.outline.event(format!("{}.hEvent", o.name));
        self.quiet(Call::CreateEvent { handle, auto: false });
        self.quiet(Call::Init { ov: o.ptr, event: handle + 1 });
    }

    /// The same, and each wait that it ends resets the event.
    pub fn initialize_with_auto_reset(&mut self, o: &Overlapped) {
        let handle = self.outline.event(format!("{}.hEvent", o.name));
        self.quiet(Call::CreateEvent { handle, auto: true });
        self.quiet(Call::Init { ov: o.ptr, event: handle + 1 });
    }

    /// `o = {}`: no event.
    pub fn zero_overlapped(&mut self, o: &Overlapped) {
        self.quiet(Call::Init { ov: o.ptr, event: 0 });
    }

    /// `ReadFile(h, buffer, sizeof(buffer), NULL, &o)`
    #[track_caller]
    pub fn read_file(&mut self, h: Handle, buffer: &Buffer, o: &Overlapped) -> Read {
        let text = format!("ReadFile({}, {buffer}, {o})", h.name);
        self.start(h, Verb::Read, buffer, o, Queued::Nothing, text)
    }

    /// `WriteFile(h, buffer, sizeof(buffer), NULL, &o)`
    #[track_caller]
    pub fn write_file(&mut self, h: Handle, buffer: &Buffer, o: &Overlapped) -> Read {
        let text = format!("WriteFile({}, {buffer}, {o})", h.name);
        self.start(h, Verb::Write, buffer, o, Queued::Nothing, text)
    }

    /// `ReadFileEx(h, buffer, sizeof(buffer), &o, routine)`
    #[track_caller]
    pub fn read_file_ex(
        &mut self,
        h: Handle,
        buffer: &Buffer,
        o: &Overlapped,
        routine: Routine,
    ) -> Read {
        let text = format!("ReadFileEx({}, {buffer}, {o}, {})", h.name, routine.name);
        self.start(h, Verb::Read, buffer, o, Queued::Routine(routine.pc), text)
    }

    #[track_caller]
    pub(super) fn start(
        &mut self,
        h: Handle,
        verb: Verb,
        buffer: &Buffer,
        o: &Overlapped,
        queued: Queued,
        text: String,
    ) -> Read {
        let read = self.outline.new_op(verb, o.to_string(), buffer.to_string());
        let start = Start {
            slot: read.slot,
            api: Api::Overlapped,
            verb,
            handle: h.index,
            ov: o.ptr,
            buffer: buffer.ptr,
            queued,
            tag: 0,
            timed: false,
        };
        self.step(Call::Start(start), text, Location::caller());
        read
    }

    /// `CancelIo(h)`
    #[track_caller]
    pub fn cancel_io(&mut self, h: Handle) {
        self.step(Call::CancelIo(h.index), format!("CancelIo({})", h.name), Location::caller());
    }

    /// `CancelIoEx(h, &o)`, meant for `read`.
    #[track_caller]
    pub fn cancel_io_ex(&mut self, h: Handle, o: &Overlapped, read: Read) {
        let call = Call::CancelIoEx { handle: h.index, ov: o.ptr, meant: read.slot };
        self.step(call, format!("CancelIoEx({}, {o})", h.name), Location::caller());
    }

    /// `WaitForSingleObject(event, timeout)`
    #[track_caller]
    pub fn wait_for_single_object(&mut self, event: impl Into<Event>, timeout: Timeout) {
        let event = event.into();
        let text = format!("WaitForSingleObject({event}, {timeout})");
        self.wait(event, timeout, false, text);
    }

    /// `WaitForSingleObjectEx(event, timeout, TRUE)`
    #[track_caller]
    pub fn wait_for_single_object_ex(&mut self, event: impl Into<Event>, timeout: Timeout) {
        let event = event.into();
        let text = format!("WaitForSingleObjectEx({event}, {timeout}, TRUE)");
        self.wait(event, timeout, true, text);
    }

    #[track_caller]
    fn wait(&mut self, event: Event, timeout: Timeout, alertable: bool, text: String) {
        let on = event.on();
        let call = Call::Wait { on: [on, on], n: 1, all: false, ms: timeout.0, alertable };
        self.step(call, text, Location::caller());
    }

    /// `SleepEx(timeout, TRUE)`
    #[track_caller]
    pub fn sleep_ex(&mut self, timeout: Timeout) {
        let call = Call::Sleep { ms: timeout.0, alertable: true };
        self.step(call, format!("SleepEx({timeout}, TRUE)"), Location::caller());
    }

    /// `GetOverlappedResult(h, &o, &n, TRUE)`
    #[track_caller]
    pub fn get_overlapped_result(&mut self, h: Handle, o: &Overlapped) {
        let call = Call::Result { ov: o.ptr, handle: h.index, wait: true };
        let text = format!("GetOverlappedResult({}, {o}, TRUE)", h.name);
        let source = Location::caller();
        self.step(call, text.clone(), source);
        // Not over yet: it waits, for the event or for the file object.
        let rest =
            Call::ResultWait { ov: o.ptr, handle: h.index, ms: Ms::Forever, alertable: false };
        self.step(rest, text, source);
    }

    /// `while (o.Internal == STATUS_PENDING) {}`
    #[track_caller]
    pub fn spin_on_status(&mut self, o: &Overlapped) {
        let text = format!("while ({}.Internal == STATUS_PENDING)", o.name);
        self.step(Call::Poll(o.ptr), text, Location::caller());
    }

    /// `QueueUserAPC` to this thread by somebody else's doing.
    #[track_caller]
    pub fn queue_user_apc(&mut self, routine: Routine) {
        let index = self.outline.user_apc(routine);
        let call = Call::QueueApc { thread: self.thread, index };
        self.step(call, format!("QueueUserAPC({})", routine.name), Location::caller());
    }

    /// `CloseHandle(h)`
    #[track_caller]
    pub fn close_handle(&mut self, h: Handle) {
        self.step(Call::Close(h.index), format!("CloseHandle({})", h.name), Location::caller());
    }

    /// `ExitThread(0)`
    #[track_caller]
    pub fn exit_thread(&mut self) {
        self.step(Call::ExitThread, "ExitThread()".to_owned(), Location::caller());
    }

    /// `SetFileCompletionNotificationModes(h, FILE_SKIP_SET_EVENT_ON_HANDLE)`
    #[track_caller]
    pub fn skip_set_event_on_handle(&mut self, h: Handle) {
        let call = Call::Modes { handle: h.index, event: true, port: false };
        let text = format!("SetFileCompletionNotificationModes({}, SKIP_SET_EVENT)", h.name);
        self.step(call, text, Location::caller());
    }

    /// `CreateIoCompletionPort(h, port)`
    #[track_caller]
    pub fn create_io_completion_port(&mut self, h: Handle, port: PortHandle) {
        let call = Call::Bind { handle: h.index, port: port.index };
        let text = format!("CreateIoCompletionPort({}, {})", h.name, port.name);
        self.step(call, text, Location::caller());
    }

    /// `GetQueuedCompletionStatus(port, timeout)`
    #[track_caller]
    pub fn get_queued_completion_status(&mut self, port: PortHandle, timeout: Timeout) {
        let call = Call::Dequeue { port: port.index, ms: timeout.0, alertable: false };
        let text = format!("GetQueuedCompletionStatus({}, {timeout})", port.name);
        self.step(call, text, Location::caller());
    }

    /// `CloseHandle(port)`
    #[track_caller]
    pub fn close_port(&mut self, port: PortHandle) {
        let call = Call::ClosePort(port.index);
        self.step(call, format!("CloseHandle({})", port.name), Location::caller());
    }
}
