//! Win32's calls on events, handles, ports and blocking calls, as a program writes them.

use super::{Body, Buffer, Event, FOREVER, Handle, Overlapped, PortHandle, Read, Routine, Timeout};
use crate::{
    calls::{Call, LOW_BIT, Ms, Ptr, Start},
    memory::NULL,
    op::{Api, Queued, Verb},
};
use std::panic::Location;

impl Body<'_> {
    /// `CreateEvent(NULL, !auto_reset, FALSE, NULL)`
    pub fn create_event(&mut self, name: &'static str, auto_reset: bool) -> Handle {
        let index = self.outline.event(name.to_owned());
        self.quiet(Call::CreateEvent { handle: index, auto: auto_reset });
        Handle { index, name }
    }

    /// `o.hEvent = event`
    pub fn with_event(&mut self, o: &Overlapped, event: Handle) {
        self.quiet(Call::Init { ov: o.ptr, event: event.index + 1 });
    }

    /// `o.hEvent = (HANDLE)((ULONG_PTR)event | 1)`: signal it, but queue no packet (S46).
    pub fn with_tagged_event(&mut self, o: &Overlapped, event: Handle) {
        self.quiet(Call::Init { ov: o.ptr, event: (event.index + 1) | LOW_BIT });
    }

    /// `SetEvent(event)`
    #[track_caller]
    pub fn set_event(&mut self, event: Handle) {
        let text = format!("SetEvent({})", event.name);
        self.step(Call::SetEvent(event.index), text, Location::caller());
    }

    /// `ResetEvent(event)`
    #[track_caller]
    pub fn reset_event(&mut self, event: Handle) {
        let text = format!("ResetEvent({})", event.name);
        self.step(Call::ResetEvent(event.index), text, Location::caller());
    }

    /// `DuplicateHandle(.., from, .., &to, ..)`
    #[track_caller]
    pub fn duplicate_handle(&mut self, from: Handle, to: Handle) {
        let call = Call::Duplicate { from: from.index, to: to.index };
        let text = format!("DuplicateHandle({}, &{})", from.name, to.name);
        self.step(call, text, Location::caller());
    }

    /// `SetFileCompletionNotificationModes(h, FILE_SKIP_COMPLETION_PORT_ON_SUCCESS)`
    #[track_caller]
    pub fn skip_completion_port_on_success(&mut self, h: Handle) {
        let call = Call::Modes { handle: h.index, event: false, port: true };
        let text = format!("SetFileCompletionNotificationModes({}, SKIP_PORT)", h.name);
        self.step(call, text, Location::caller());
    }

    /// `GetQueuedCompletionStatusEx(port, .., timeout, TRUE)`, for one packet.
    #[track_caller]
    pub fn get_queued_completion_status_ex(&mut self, port: PortHandle, timeout: Timeout) {
        let call = Call::Dequeue { port: port.index, ms: timeout.0, alertable: true };
        let text = format!("GetQueuedCompletionStatusEx({}, {timeout}, TRUE)", port.name);
        self.step(call, text, Location::caller());
    }

    /// `PostQueuedCompletionStatus(port, 0, key, NULL)`
    #[track_caller]
    pub fn post_queued_completion_status(&mut self, port: PortHandle, key: u8) {
        let call = Call::Post { port: port.index, key };
        let text = format!("PostQueuedCompletionStatus({}, {key})", port.name);
        self.step(call, text, Location::caller());
    }

    /// `ConnectNamedPipe(h, &o)`
    #[track_caller]
    pub fn connect_named_pipe(&mut self, h: Handle, o: &Overlapped) -> Read {
        let read = self.outline.new_op(Verb::Connect, o.to_string(), String::new());
        let start = Start {
            slot: read.slot,
            api: Api::Overlapped,
            verb: Verb::Connect,
            handle: h.index,
            ov: o.ptr,
            buffer: Ptr::Null,
            queued: Queued::Nothing,
            tag: 0,
            timed: false,
        };
        let text = format!("ConnectNamedPipe({}, {o})", h.name);
        self.step(Call::Start(start), text, Location::caller());
        read
    }

    /// `WriteFileEx(h, buffer, sizeof(buffer), &o, routine)`
    #[track_caller]
    pub fn write_file_ex(
        &mut self,
        h: Handle,
        buffer: &Buffer,
        o: &Overlapped,
        routine: Routine,
    ) -> Read {
        let text = format!("WriteFileEx({}, {buffer}, {o}, {})", h.name, routine.name);
        self.start(h, Verb::Write, buffer, o, Queued::Routine(routine.pc), text)
    }

    /// `ReadFile(h, buffer, sizeof(buffer), &n, NULL)` on an overlapped handle: the call has a
    /// status block on its own stack, and waits for the handle (S12).
    #[track_caller]
    pub fn read_file_without_overlapped(&mut self, h: Handle, buffer: &Buffer) {
        let source = Location::caller();
        self.call_at("ReadFile", source, |c| {
            let iosb = c.overlapped("iosb");
            c.zero_overlapped(&iosb);
            let text = format!("NtReadFile({}, {buffer}, {iosb})", h.name);
            c.start(h, Verb::Read, buffer, &iosb, Queued::Nothing, text);
            c.wait_for_single_object(h, FOREVER);
            c.use_result(&iosb);
        });
    }

    /// `ReadFile(h, buffer, sizeof(buffer), &n, NULL)` on a synchronous handle: it blocks.
    #[track_caller]
    pub fn blocking_read_file(&mut self, h: Handle, buffer: &Buffer) -> Read {
        let source = Location::caller();
        let read = self.outline.new_op(Verb::Read, String::new(), buffer.to_string());
        let start = Start {
            slot: read.slot,
            api: Api::Blocking,
            verb: Verb::Read,
            handle: h.index,
            ov: Ptr::Null,
            buffer: buffer.ptr,
            queued: Queued::Nothing,
            tag: 0,
            timed: false,
        };
        self.step(Call::Start(start), format!("ReadFile({}, {buffer})", h.name), source);
        self.step(Call::Returned(read.slot), "ReadFile() returns".to_owned(), source);
        read
    }

    /// `CancelIoEx(h, NULL)`
    #[track_caller]
    pub fn cancel_all(&mut self, h: Handle) {
        let call = Call::CancelIoEx { handle: h.index, ov: Ptr::Null, meant: NULL };
        self.step(call, format!("CancelIoEx({}, NULL)", h.name), Location::caller());
    }

    /// `CancelSynchronousIo(thread)`
    #[track_caller]
    pub fn cancel_synchronous_io(&mut self, thread: Handle) {
        let call = Call::CancelSynchronousIo(self.outline.thread_target(thread));
        let text = format!("CancelSynchronousIo({})", thread.name);
        self.step(call, text, Location::caller());
    }

    /// `WaitForMultipleObjects(2, events, all, timeout)`
    #[track_caller]
    pub fn wait_for_multiple_objects(&mut self, events: [Event; 2], all: bool, timeout: Timeout) {
        let [one, two] = events;
        let text = format!("WaitForMultipleObjects({{{one}, {two}}}, {all}, {timeout})");
        let on = events.map(Event::on);
        let call = Call::Wait { on, n: 2, all, ms: timeout.0, alertable: false };
        self.step(call, text, Location::caller());
    }

    /// `Sleep(timeout)`: not alertable.
    #[track_caller]
    pub fn sleep(&mut self, timeout: Timeout) {
        let call = Call::Sleep { ms: timeout.0, alertable: false };
        self.step(call, format!("Sleep({timeout})"), Location::caller());
    }

    /// `GetOverlappedResult(h, &o, &n, FALSE)`
    #[track_caller]
    pub fn poll_overlapped_result(&mut self, h: Handle, o: &Overlapped) {
        let call = Call::Result { ov: o.ptr, handle: h.index, wait: false };
        let text = format!("GetOverlappedResult({}, {o}, FALSE)", h.name);
        self.step(call, text, Location::caller());
    }

    /// `GetOverlappedResultEx(h, &o, &n, timeout, alertable)`
    #[track_caller]
    pub fn get_overlapped_result_ex(
        &mut self,
        h: Handle,
        o: &Overlapped,
        timeout: Timeout,
        alertable: bool,
    ) {
        let (ov, handle, ms) = (o.ptr, h.index, timeout.0);
        let source = Location::caller();
        let text = format!("GetOverlappedResultEx({}, {o}, {timeout}, {alertable})", h.name);
        let wait = ms != Ms::Now;
        self.step(Call::Result { ov, handle, wait }, text.clone(), source);
        if wait {
            let rest = Call::ResultWait { ov, handle, ms, alertable };
            self.step(rest, text, source);
        }
    }
}
