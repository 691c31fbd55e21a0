//! Win32's calls that no crate offers safely.
#![allow(unsafe_code, reason = "calls of Win32")]

use std::{
    io,
    net::SocketAddrV4,
    os::windows::io::{
        AsRawHandle, BorrowedHandle, FromRawHandle, FromRawSocket, OwnedHandle, OwnedSocket,
    },
    ptr,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use overlapped::{IoBufMut, Pending, device::Device, request::Control};
use windows_sys::Win32::{
    Foundation::{ERROR_IO_PENDING, INVALID_HANDLE_VALUE},
    Networking::WinSock::{
        AF_INET, IN_ADDR, IN_ADDR_0, INVALID_SOCKET, SOCK_STREAM, SOCKADDR_IN, WSASocketW, connect,
    },
    Storage::FileSystem::{
        FILE_FLAG_OVERLAPPED, PIPE_ACCESS_DUPLEX, ReadFile, ReadFileEx,
        SetFileCompletionNotificationModes,
    },
    System::{
        IO::{CreateIoCompletionPort, GetOverlappedResult, OVERLAPPED},
        Pipes::{
            CreateNamedPipeW, CreatePipe, NAMED_PIPE_MODE, PIPE_READMODE_MESSAGE, PIPE_TYPE_BYTE,
            PIPE_TYPE_MESSAGE,
        },
        Threading::{CreateEventW, GetCurrentThread, QueueUserAPC, SleepEx},
        WindowsProgramming::FILE_SKIP_COMPLETION_PORT_ON_SUCCESS,
    },
};

/// The server's end of a pipe of messages.
pub(crate) fn message_pipe(name: &str) -> io::Result<OwnedHandle> {
    server(name, PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE)
}

/// The server's end of a pipe of bytes.
pub(crate) fn byte_pipe(name: &str) -> io::Result<OwnedHandle> {
    server(name, PIPE_TYPE_BYTE)
}

fn server(name: &str, mode: NAMED_PIPE_MODE) -> io::Result<OwnedHandle> {
    let wide: Vec<u16> = name.encode_utf16().chain([0]).collect();
    let access = PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED;
    // SAFETY: the name ends with a NUL and outlives the call; no attributes are given.
    let made =
        unsafe { CreateNamedPipeW(wide.as_ptr(), access, mode, 1, 4096, 4096, 0, ptr::null()) };
    if made == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call has just made this handle, and nobody else has it.
    Ok(unsafe { OwnedHandle::from_raw_handle(made) })
}

/// Sends a control code of pipes, none of which takes an address.
pub(crate) fn control<B: IoBufMut + 'static>(
    device: &Device,
    code: u32,
    input: Vec<u8>,
    output: B,
) -> Pending<'static, Control<Vec<u8>, B>> {
    assert_eq!(code >> 16, 0x11, "a code of named pipes");
    // SAFETY: the codes of named pipes use the two buffers, and no other memory.
    unsafe { device.control(code, input, output) }
}

/// A pipe whose ends are synchronous: a read of it blocks its thread, and no port can have it.
pub(crate) fn synchronous_pipe() -> io::Result<(OwnedHandle, OwnedHandle)> {
    let (mut reader, mut writer) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: there is room for both handles, and no attributes are given.
    if unsafe { CreatePipe(&raw mut reader, &raw mut writer, ptr::null(), 4096) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call has just made this handle, and nobody else has it.
    let reader = unsafe { OwnedHandle::from_raw_handle(reader) };
    // SAFETY: as above.
    let writer = unsafe { OwnedHandle::from_raw_handle(writer) };
    Ok((reader, writer))
}

/// A socket that is synchronous, connected to `to`: what the standard library makes is overlapped.
pub(crate) fn synchronous_socket(to: SocketAddrV4) -> io::Result<OwnedSocket> {
    let (family, kind) = (i32::from(AF_INET), SOCK_STREAM);
    // SAFETY: no protocol is described; no flag makes it overlapped.
    let made = unsafe { WSASocketW(family, kind, 0, ptr::null(), 0, 0) };
    if made == INVALID_SOCKET {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call has just made this socket, and nobody else has it.
    let socket = unsafe { OwnedSocket::from_raw_socket(made as u64) };
    let address = SOCKADDR_IN {
        sin_family: AF_INET,
        sin_port: to.port().to_be(),
        sin_addr: IN_ADDR { S_un: IN_ADDR_0 { S_addr: u32::from_ne_bytes(to.ip().octets()) } },
        sin_zero: [0; 8],
    };
    let (place, len) = ((&raw const address).cast(), size_of::<SOCKADDR_IN>() as i32);
    // SAFETY: the address is there, and of this length.
    let failed = unsafe { connect(made, place, len) };
    if failed == 0 { Ok(socket) } else { Err(io::Error::last_os_error()) }
}

/// Whether no completion port has this handle. Now one has, which is gone already.
pub(crate) fn can_be_bound(handle: &OwnedHandle) -> bool {
    // SAFETY: the call takes any handle, makes a port and looks at no memory.
    let port = unsafe { CreateIoCompletionPort(handle.as_raw_handle(), ptr::null_mut(), 0, 0) };
    if port.is_null() {
        return false;
    }
    // SAFETY: the call has just made this handle, and nobody else has it.
    drop(unsafe { OwnedHandle::from_raw_handle(port) });
    true
}

/// Waits alertably for so many milliseconds; whether any routine has run.
pub(crate) fn sleep_alertably(milliseconds: u32) -> bool {
    // SAFETY: routines of this library may run anywhere, and that of `Guest` only counts.
    unsafe { SleepEx(milliseconds, 1) != 0 }
}

/// Queues routines of its own for the thread that it was made on.
pub(crate) struct Guest(OwnedHandle);

/// How often the routine of any guest has run.
pub(crate) static GUESTS: AtomicUsize = AtomicUsize::new(0);

extern "system" fn count(_: usize) {
    GUESTS.fetch_add(1, SeqCst);
}

impl Guest {
    pub(crate) fn of_this_thread() -> Self {
        // SAFETY: the call only gives a name that always means the calling thread.
        let this = unsafe { GetCurrentThread() };
        // SAFETY: the name is good as long as there is anybody to use it here.
        let this = unsafe { BorrowedHandle::borrow_raw(this) };
        Self(this.try_clone_to_owned().unwrap())
    }

    pub(crate) fn queue(&self) {
        // SAFETY: the thread's handle is open, and the routine takes no memory.
        assert_ne!(unsafe { QueueUserAPC(Some(count), self.0.as_raw_handle(), 0) }, 0);
    }
}

type Job = Box<dyn FnOnce()>;

/// Queues a routine of the calling thread's, which does this in an alertable wait of it.
pub(crate) fn queue_here(job: impl FnOnce() + 'static) {
    let job: *mut Job = Box::into_raw(Box::new(Box::new(job)));
    // SAFETY: the call only gives a name that always means the calling thread.
    let this = unsafe { GetCurrentThread() };
    // SAFETY: the box is leaked until the routine runs, on this thread.
    assert_ne!(unsafe { QueueUserAPC(Some(run), this, job.expose_provenance()) }, 0);
}

/// # Safety
///
/// `job` was leaked by [`queue_here`], for one run.
unsafe extern "system" fn run(job: usize) {
    let job = ptr::with_exposed_provenance_mut::<Job>(job);
    // SAFETY: by contract.
    let job = unsafe { Box::from_raw(job) };
    job();
}

/// A read of the program's own, of four bytes, with a routine of its own.
#[repr(C)]
struct OwnRead {
    block: OVERLAPPED,
    bytes: [u8; 4],
}

/// What the program's own reads have got.
pub(crate) static OWN_READS: Mutex<Vec<[u8; 4]>> = Mutex::new(Vec::new());

/// # Safety
///
/// It is the routine of a call that [`read_by_routine`] has made.
unsafe extern "system" fn own_read_is_over(code: u32, n: u32, block: *mut OVERLAPPED) {
    // SAFETY: the block is the beginning of what `read_by_routine` has leaked, and this is the end
    // of the call.
    let read = unsafe { Box::from_raw(block.cast::<OwnRead>()) };
    if (code, n) == (0, 4) {
        OWN_READS.lock().unwrap().push(read.bytes);
    }
}

/// Reads four bytes as a program does that knows nothing of this library.
pub(crate) fn read_by_routine(handle: &impl AsRawHandle) {
    let read = OwnRead { block: OVERLAPPED::default(), bytes: [0; 4] };
    let read = Box::into_raw(Box::new(read));
    let (raw, routine) = (handle.as_raw_handle(), Some(own_read_is_over as _));
    // SAFETY: the box is there until the routine runs.
    let bytes = unsafe { &raw mut (*read).bytes };
    // SAFETY: as above, and the block is its beginning.
    let good = unsafe { ReadFileEx(raw, bytes.cast(), 4, read.cast(), routine) };
    assert_ne!(good, 0);
}

/// How a call of the program's own hears of its end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OwnWay {
    /// By an event; a port that has the handle gets a packet as well.
    Event,
    /// By an event alone.
    TaggedEvent,
    /// By the handle; a port that has it gets a packet as well.
    Handle,
}

/// Reads into `bytes` as a program does that knows nothing of this library. `meanwhile` runs while
/// the call is in flight.
pub(crate) fn read_of_own(
    handle: &OwnedHandle,
    way: OwnWay,
    bytes: &mut [u8],
    meanwhile: impl FnOnce(),
) -> io::Result<usize> {
    let event = event();
    let field = match way {
        OwnWay::Event => event.as_raw_handle(),
        OwnWay::TaggedEvent => event.as_raw_handle().map_addr(|address| address | 1),
        OwnWay::Handle => ptr::null_mut(),
    };
    // Its packet may come later still, and so it is never freed.
    let block = Box::leak(Box::new(OVERLAPPED { hEvent: field, ..OVERLAPPED::default() }));
    let (raw, place, mut n) = (handle.as_raw_handle(), &raw mut *block, 0);
    let (start, len) = (bytes.as_mut_ptr(), bytes.len() as u32);
    // SAFETY: memory and event are there until the end of this function, and it does not end while
    // the call is in flight.
    let good = unsafe { ReadFile(raw, start, len, ptr::null_mut(), place) };
    let error = io::Error::last_os_error();
    if good == 0 && error.raw_os_error() != Some(ERROR_IO_PENDING as i32) {
        return Err(error);
    }
    meanwhile();
    // SAFETY: the block is that of the call, and this waits for its end.
    let good = unsafe { GetOverlappedResult(raw, place, &raw mut n, 1) };
    if good == 0 { Err(io::Error::last_os_error()) } else { Ok(n as usize) }
}

/// The flag that opens a file for overlapped calls.
pub(crate) const OVERLAPPED_FILE: u32 = FILE_FLAG_OVERLAPPED;

/// A number that names no handle, or a thing that is no file, as a handle.
pub(crate) fn no_handle(number: isize) -> OwnedHandle {
    // SAFETY: such numbers are the process itself, or nobody's: closing them does nothing.
    unsafe { OwnedHandle::from_raw_handle(ptr::without_provenance_mut(number as usize)) }
}

/// An event, which is no file.
pub(crate) fn event() -> OwnedHandle {
    // SAFETY: neither attributes nor a name are given.
    let made = unsafe { CreateEventW(ptr::null(), 1, 0, ptr::null()) };
    assert!(!made.is_null(), "{}", io::Error::last_os_error());
    // SAFETY: the call has just made this handle, and nobody else has it.
    unsafe { OwnedHandle::from_raw_handle(made) }
}

/// Has what succeeds at once on this handle send no packet, ever.
pub(crate) fn skip_packets(handle: &OwnedHandle) {
    let mode = FILE_SKIP_COMPLETION_PORT_ON_SUCCESS as u8;
    // SAFETY: the handle is open.
    let good = unsafe { SetFileCompletionNotificationModes(handle.as_raw_handle(), mode) };
    assert_ne!(good, 0, "{}", io::Error::last_os_error());
}
