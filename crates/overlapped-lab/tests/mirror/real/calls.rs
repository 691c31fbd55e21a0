//! The calls, made for real. Each is made by the thread whose turn it is, on a block that is never
//! freed and handles that stay open meanwhile.

use super::{
    FOREVER, Real,
    memory::{Block, SENT},
    system, threads,
};
use overlapped_lab::mirror::{Answer, Handle, Overlapped, Packet, Port, Wait, Win32, wait};
use std::{ffi::c_void, os::windows::io::AsRawHandle, ptr, sync::mpsc::Sender};
use windows_sys::{
    Win32::{
        Foundation::{GetLastError, HANDLE},
        Storage::FileSystem::{ReadFile, ReadFileEx, SetFileCompletionNotificationModes},
        System::{
            IO::{
                CancelIo, CancelIoEx, CancelSynchronousIo, CreateIoCompletionPort,
                GetOverlappedResult, GetOverlappedResultEx, GetQueuedCompletionStatus, OVERLAPPED,
            },
            Pipes::{ConnectNamedPipe, TransactNamedPipe},
            Threading::{
                GetCurrentThread, INFINITE, QueueUserAPC, RegisterWaitForSingleObject, SleepEx,
                WT_EXECUTEONLYONCE, WaitForSingleObjectEx,
            },
        },
    },
    core::BOOL,
};

const SKIP_PORT_ON_SUCCESS: u8 = 1;
const SKIP_EVENT_ON_HANDLE: u8 = 2;

impl Real {
    /// The current thread makes a call.
    pub(super) fn run<R: Send + 'static>(
        &mut self,
        call: impl FnOnce() -> R + Send + 'static,
    ) -> R {
        self.workers.run(self.current, call)
    }

    /// The value of a handle, which is open.
    pub(super) fn raw(&self, h: Handle) -> usize {
        self.handles[h.0].as_ref().map(system::raw).expect("a case uses handles that are open")
    }

    pub(super) fn open(&mut self, object: system::Object, peer: Option<std::fs::File>) -> Handle {
        self.handles.push(Some(object));
        self.peers.push(peer);
        Handle(self.handles.len() - 1)
    }

    fn modes(&mut self, h: Handle, flags: u8) {
        let h = self.raw(h);
        // SAFETY: the handle is open.
        let done = unsafe { SetFileCompletionNotificationModes(h as HANDLE, flags) };
        assert_ne!(done, 0, "SetFileCompletionNotificationModes");
    }

    /// Which OVERLAPPED has this address.
    pub(super) fn at(&self, address: usize) -> Option<Overlapped> {
        self.blocks.iter().position(|block| block.overlapped() as usize == address).map(Overlapped)
    }
}

/// TRUE and a count, or what went wrong in this thread.
pub(super) fn answer(done: BOOL, count: u32) -> Answer {
    if done != 0 {
        return Ok(count);
    }
    // SAFETY: it has no conditions.
    Err(unsafe { GetLastError() })
}

fn ms(wait: Wait) -> u32 {
    match wait {
        Wait::No => 0,
        Wait::Ms(ms) => ms.into(),
        Wait::Forever => FOREVER,
    }
}

/// What had to come and did not is a hang.
fn hangs(waited: u32, over: u32, wait: Wait) -> u32 {
    if wait == Wait::Forever && waited == over { wait::HANGS } else { waited }
}

fn read(h: usize, block: &'static Block) -> Answer {
    let mut count = 0;
    // SAFETY: the block is never freed; the count is written before the call comes back.
    let done = unsafe {
        ReadFile(h as HANDLE, block.buffer(), block.len, &raw mut count, block.overlapped())
    };
    answer(done, count)
}

extern "system" fn routine(error: u32, count: u32, o: *mut OVERLAPPED) {
    threads::note((Some(o as usize), error, count));
}

extern "system" fn apc(_: usize) {
    threads::note((None, 0, 0));
}

/// A registered wait calls back.
///
/// # Safety
///
/// The context is a boxed sender, and this is its only call.
unsafe extern "system" fn callback(context: *mut c_void, timed_out: bool) {
    // SAFETY: the caller's promise.
    let tell = unsafe { Box::from_raw(context.cast::<Sender<bool>>()) };
    tell.send(timed_out).ok();
}

impl Win32 for Real {
    fn create_event(&mut self, auto_reset: bool, set: bool) -> Handle {
        self.open(system::event(auto_reset, set), None)
    }

    fn duplicate(&mut self, h: Handle) -> Handle {
        let object = self.handles[h.0].as_ref().expect("it is open");
        let twin = object.try_clone().expect("DuplicateHandle");
        let peer = self.peers[h.0].as_ref().map(|peer| peer.try_clone().expect("DuplicateHandle"));
        self.open(twin, peer)
    }

    fn close(&mut self, h: Handle) -> Answer {
        let object = self.handles[h.0].take();
        self.run(move || drop(object));
        Ok(0)
    }

    fn read(&mut self, h: Handle, o: Overlapped) -> Answer {
        let (h, block) = (self.raw(h), self.blocks[o.0]);
        self.run(move || read(h, block))
    }

    fn read_ex(&mut self, h: Handle, o: Overlapped) -> Answer {
        let (h, block) = (self.raw(h), self.blocks[o.0]);
        self.run(move || {
            let (buffer, o) = (block.buffer(), block.overlapped());
            // SAFETY: the block is never freed.
            let done = unsafe { ReadFileEx(h as HANDLE, buffer, block.len, o, Some(routine)) };
            answer(done, 0)
        })
    }

    fn connect(&mut self, h: Handle, o: Overlapped) -> Answer {
        let (h, block) = (self.raw(h), self.blocks[o.0]);
        self.run(move || {
            // SAFETY: the block is never freed.
            let done = unsafe { ConnectNamedPipe(h as HANDLE, block.overlapped()) };
            answer(done, 0)
        })
    }

    fn transact(&mut self, h: Handle, o: Overlapped) -> Answer {
        let (h, block) = (self.raw(h), self.blocks[o.0]);
        self.run(move || {
            let (sent, len, o, mut count) = ([SENT; 16], block.len, block.overlapped(), 0);
            let (buffer, out) = (block.buffer().cast(), sent.as_ptr().cast());
            // SAFETY: the block is never freed; what is sent is taken, and the count written,
            // before the call comes back: the pipe has room.
            let done =
                unsafe { TransactNamedPipe(h as HANDLE, out, len, buffer, len, &raw mut count, o) };
            answer(done, count)
        })
    }

    fn cancel_io(&mut self, h: Handle) -> Answer {
        let h = self.raw(h);
        // SAFETY: the handle is open.
        self.run(move || answer(unsafe { CancelIo(h as HANDLE) }, 0))
    }

    fn cancel_io_ex(&mut self, h: Handle, o: Option<Overlapped>) -> Answer {
        let h = self.raw(h);
        let o = o.map_or(0, |o| self.blocks[o.0].overlapped() as usize);
        // SAFETY: the address is compared, and nothing more.
        self.run(move || answer(unsafe { CancelIoEx(h as HANDLE, o as *const OVERLAPPED) }, 0))
    }

    fn result(&mut self, h: Handle, o: Overlapped, wait: bool) -> Answer {
        let (h, block) = (self.raw(h), self.blocks[o.0]);
        self.run(move || {
            let (o, mut count) = (block.overlapped(), 0);
            // SAFETY: the block is never freed; the count is written before the call comes back.
            let done = unsafe { GetOverlappedResult(h as HANDLE, o, &raw mut count, wait.into()) };
            answer(done, count)
        })
    }

    fn result_ex(&mut self, h: Handle, o: Overlapped, wait: Wait, alertable: bool) -> Answer {
        let (h, block) = (self.raw(h), self.blocks[o.0]);
        self.run(move || {
            let (o, mut count) = (block.overlapped(), 0);
            // SAFETY: the block is never freed; the count is written before the call comes back.
            let done = unsafe {
                let alertable = alertable.into();
                GetOverlappedResultEx(h as HANDLE, o, &raw mut count, ms(wait), alertable)
            };
            answer(done, count).map_err(|error| hangs(error, wait::TIMEOUT, wait))
        })
    }

    fn wait(&mut self, h: Handle, wait: Wait, alertable: bool) -> u32 {
        let h = self.raw(h);
        self.run(move || {
            // SAFETY: the handle is open.
            let waited = unsafe { WaitForSingleObjectEx(h as HANDLE, ms(wait), alertable.into()) };
            hangs(waited, wait::TIMEOUT, wait)
        })
    }

    fn sleep(&mut self, wait: Wait, alertable: bool) -> u32 {
        self.run(move || {
            // SAFETY: routines that may run have blocks that are never freed.
            let slept = unsafe { SleepEx(ms(wait), alertable.into()) };
            hangs(slept, wait::OBJECT_0, wait)
        })
    }

    fn queue_apc(&mut self) {
        let queued = self.run(|| {
            // SAFETY: it is a pseudo handle.
            let thread = unsafe { GetCurrentThread() };
            // SAFETY: the routine is a function that takes any number.
            unsafe { QueueUserAPC(Some(apc), thread, 0) }
        });
        assert_ne!(queued, 0, "QueueUserAPC");
    }

    fn create_port(&mut self) -> Port {
        self.ports.push(system::port());
        Port(self.ports.len() - 1)
    }

    fn bind(&mut self, h: Handle, port: Port, key: usize) -> Answer {
        let (h, port) = (self.raw(h), system::raw(&self.ports[port.0]));
        self.run(move || {
            // SAFETY: both handles are open.
            let bound = unsafe { CreateIoCompletionPort(h as HANDLE, port as HANDLE, key, 0) };
            answer((!bound.is_null()).into(), 0)
        })
    }

    fn skip_port_on_success(&mut self, h: Handle) {
        self.modes(h, SKIP_PORT_ON_SUCCESS);
    }

    fn skip_event_on_handle(&mut self, h: Handle) {
        self.modes(h, SKIP_EVENT_ON_HANDLE);
    }

    fn dequeue(&mut self, port: Port, wait: Wait) -> Packet {
        let port = system::raw(&self.ports[port.0]);
        let (answer, key, address) = self.run(move || {
            let (mut count, mut key, mut o) = (0, 0, ptr::null_mut());
            // SAFETY: all three are written before the call comes back.
            let done = unsafe {
                let (count, key, o) = (&raw mut count, &raw mut key, &raw mut o);
                GetQueuedCompletionStatus(port as HANDLE, count, key, o, ms(wait))
            };
            (answer(done, count), key, o as usize)
        });
        match answer {
            Err(error) if address == 0 => Packet::nothing(hangs(error, wait::TIMEOUT, wait)),
            answer => Packet { answer, key, overlapped: self.at(address) },
        }
    }

    fn cancel_synchronous_io(&mut self, thread: usize) -> Answer {
        let h = self.workers.handle(thread).as_raw_handle() as usize;
        // SAFETY: the thread has not been joined.
        self.run(move || answer(unsafe { CancelSynchronousIo(h as HANDLE) }, 0))
    }

    fn register_wait(&mut self, event: Handle, wait: Wait) {
        let tell = Box::into_raw(Box::new(self.callbacks.0.clone())).cast::<c_void>();
        let (mut registered, event) = (ptr::null_mut(), self.raw(event));
        let ms = if wait == Wait::Forever { INFINITE } else { ms(wait) };
        // SAFETY: the callback runs once, and takes the box.
        let done = unsafe {
            let (wait, call) = (&raw mut registered, Some(callback as _));
            RegisterWaitForSingleObject(wait, event as HANDLE, call, tell, ms, WT_EXECUTEONLYONCE)
        };
        assert_ne!(done, 0, "RegisterWaitForSingleObject");
    }
}
