//! The calls of `io_uring`, of POSIX AIO and of the kernel's own AIO, as a program writes them.

use super::{Body, Buffer, FOREVER, Handle, Overlapped, PortHandle, Read, Routine, Timeout};
use crate::{
    calls::{Call, Ptr, Start},
    memory::NULL,
    op::{Api, Queued, Verb},
};
use std::panic::Location;

impl Body<'_> {
    /// `io_uring_prep_read(sqe, fd, buffer, ..)`, `user_data`, `io_uring_submit(ring)`
    #[track_caller]
    pub fn uring_read(
        &mut self,
        ring: PortHandle,
        fd: Handle,
        buffer: &Buffer,
        user_data: u8,
    ) -> Read {
        let text = format!("submit(read, {}, {buffer}, user_data {user_data})", fd.name);
        self.submit(ring, fd, Verb::Read, buffer, (Api::Uring, user_data, false), text)
    }

    /// The same with `IOSQE_IO_LINK` and an `IORING_OP_LINK_TIMEOUT` behind it.
    #[track_caller]
    pub fn uring_read_with_timeout(
        &mut self,
        ring: PortHandle,
        fd: Handle,
        buffer: &Buffer,
        user_data: u8,
    ) -> Read {
        let text = format!("submit(read, {}, {buffer}; link timeout)", fd.name);
        self.submit(ring, fd, Verb::Read, buffer, (Api::Uring, user_data, true), text)
    }

    /// `IORING_OP_SEND_ZC`
    #[track_caller]
    pub fn uring_send_zc(
        &mut self,
        ring: PortHandle,
        fd: Handle,
        buffer: &Buffer,
        user_data: u8,
    ) -> Read {
        let text = format!("submit(send_zc, {}, {buffer})", fd.name);
        self.submit(ring, fd, Verb::Write, buffer, (Api::ZeroCopy, user_data, false), text)
    }

    #[track_caller]
    fn submit(
        &mut self,
        ring: PortHandle,
        fd: Handle,
        verb: Verb,
        buffer: &Buffer,
        (api, tag, timed): (Api, u8, bool),
        text: String,
    ) -> Read {
        let read = self.outline.new_op(verb, String::new(), buffer.to_string());
        let start = Start {
            slot: read.slot,
            api,
            verb,
            handle: fd.index,
            ov: Ptr::Null,
            buffer: buffer.ptr,
            queued: Queued::Packet(ring.index),
            tag,
            timed,
        };
        self.step(Call::Start(start), text, Location::caller());
        read
    }

    /// `IORING_OP_ASYNC_CANCEL` by `user_data`.
    #[track_caller]
    pub fn uring_cancel(&mut self, ring: PortHandle, user_data: u8) {
        let call = Call::UringCancel { ring: ring.index, tag: user_data, meant: NULL };
        self.step(call, format!("submit(cancel, user_data {user_data})"), Location::caller());
    }

    /// The same, with this one in mind.
    #[track_caller]
    pub fn uring_cancel_for(&mut self, ring: PortHandle, user_data: u8, meant: Read) {
        let call = Call::UringCancel { ring: ring.index, tag: user_data, meant: meant.slot };
        self.step(call, format!("submit(cancel, user_data {user_data})"), Location::caller());
    }

    /// `io_uring_wait_cqe(ring, &cqe)`
    #[track_caller]
    pub fn wait_cqe(&mut self, ring: PortHandle) {
        self.dequeue(ring, FOREVER, "io_uring_wait_cqe", Location::caller());
    }

    /// `io_uring_wait_cqe_timeout(ring, &cqe, timeout)`
    #[track_caller]
    pub fn wait_cqe_timeout(&mut self, ring: PortHandle, timeout: Timeout) {
        self.dequeue(ring, timeout, "io_uring_wait_cqe_timeout", Location::caller());
    }

    /// `io_getevents(ctx, 1, 1, &event, timeout)`
    #[track_caller]
    pub fn io_getevents(&mut self, ctx: PortHandle, timeout: Timeout) {
        self.dequeue(ctx, timeout, "io_getevents", Location::caller());
    }

    fn dequeue(
        &mut self,
        port: PortHandle,
        timeout: Timeout,
        name: &str,
        source: &'static Location<'static>,
    ) {
        let call = Call::Dequeue { port: port.index, ms: timeout.0, alertable: false };
        self.step(call, format!("{name}({}, {timeout})", port.name), source);
    }

    /// `io_uring_queue_exit(ring)`: it returns before what is in flight ends.
    #[track_caller]
    pub fn io_uring_queue_exit(&mut self, ring: PortHandle) {
        let text = format!("io_uring_queue_exit({})", ring.name);
        self.step(Call::ClosePort(ring.index), text, Location::caller());
    }

    /// `io_submit(ctx, 1, &iocb)`: the iocb is copied, the buffer is not.
    #[track_caller]
    pub fn io_submit(&mut self, ctx: PortHandle, fd: Handle, buffer: &Buffer) -> Read {
        let text = format!("io_submit(read, {}, {buffer})", fd.name);
        self.submit(ctx, fd, Verb::Read, buffer, (Api::Libaio, 0, false), text)
    }

    /// `io_cancel(ctx, &iocb, &event)`: -EINVAL.
    #[track_caller]
    pub fn io_cancel(&mut self) {
        self.step(Call::IoCancel, "io_cancel(): EINVAL".to_owned(), Location::caller());
    }

    /// `io_destroy(ctx)`: blocks until nothing is in flight.
    #[track_caller]
    pub fn io_destroy(&mut self, ctx: PortHandle) {
        let text = format!("io_destroy({})", ctx.name);
        self.step(Call::IoDestroy(ctx.index), text, Location::caller());
    }

    /// `aio_read(&cb)` with `SIGEV_NONE`.
    #[track_caller]
    pub fn aio_read(&mut self, fd: Handle, buffer: &Buffer, cb: &Overlapped) -> Read {
        self.aio(fd, buffer, cb, Queued::Nothing, Location::caller())
    }

    /// `aio_read(&cb)` with `SIGEV_THREAD`: a function is given the aiocb on another thread.
    #[track_caller]
    pub fn aio_read_notified(
        &mut self,
        fd: Handle,
        buffer: &Buffer,
        cb: &Overlapped,
        function: Routine,
    ) -> Read {
        self.aio(fd, buffer, cb, Queued::Callback(function.pc), Location::caller())
    }

    fn aio(
        &mut self,
        fd: Handle,
        buffer: &Buffer,
        cb: &Overlapped,
        queued: Queued,
        source: &'static Location<'static>,
    ) -> Read {
        let read = self.outline.new_op(Verb::Read, cb.to_string(), buffer.to_string());
        let start = Start {
            slot: read.slot,
            api: Api::Aio,
            verb: Verb::Read,
            handle: fd.index,
            ov: cb.ptr,
            buffer: buffer.ptr,
            queued,
            tag: 0,
            timed: false,
        };
        self.step(Call::Start(start), format!("aio_read({cb})"), source);
        read
    }

    /// `aio_suspend({&cb}, 1, timeout)`
    #[track_caller]
    pub fn aio_suspend(&mut self, cb: &Overlapped, timeout: Timeout) {
        let call = Call::Suspend { cb: cb.ptr, ms: timeout.0 };
        self.step(call, format!("aio_suspend({cb}, {timeout})"), Location::caller());
    }

    /// `aio_cancel(fd, &cb)`
    #[track_caller]
    pub fn aio_cancel(&mut self, fd: Handle, cb: &Overlapped) {
        let text = format!("aio_cancel({}, {cb})", fd.name);
        self.step(Call::AioCancel(cb.ptr), text, Location::caller());
    }

    /// `aio_error(&cb)`
    #[track_caller]
    pub fn aio_error(&mut self, cb: &Overlapped) {
        let call = Call::Result { ov: cb.ptr, handle: 0, wait: false };
        self.step(call, format!("aio_error({cb})"), Location::caller());
    }

    /// `close(fd)`: nothing happens to what is in flight.
    #[track_caller]
    pub fn close(&mut self, fd: Handle) {
        self.step(Call::CloseFd(fd.index), format!("close({})", fd.name), Location::caller());
    }
}
