//! An OVERLAPPED with its buffer. It is never freed: whatever a case gets wrong, the system writes
//! into memory that is still there.

use std::{
    cell::UnsafeCell,
    mem::offset_of,
    ptr,
    sync::atomic::{Ordering, fence},
};
use windows_sys::Win32::{Foundation::HANDLE, System::IO::OVERLAPPED};

/// What a buffer holds before anybody writes into it.
const EMPTY: u8 = 0x40;
/// What the peer sends.
pub(super) const SENT: u8 = 0x50;

#[repr(C)]
pub(super) struct Block {
    overlapped: UnsafeCell<OVERLAPPED>,
    buffer: UnsafeCell<[u8; 16]>,
    pub(super) len: u32,
}

// SAFETY: all fields are read and written through raw pointers, as the system does, too; a case
// makes one call after the other.
unsafe impl Sync for Block {}
// SAFETY: no field belongs to a thread.
unsafe impl Send for Block {}

impl Block {
    pub(super) fn new(len: u8) -> &'static Block {
        assert!(len <= 16, "a buffer has 16 bytes at most");
        Box::leak(Box::new(Block {
            overlapped: UnsafeCell::new(OVERLAPPED::default()),
            buffer: UnsafeCell::new([EMPTY; 16]),
            len: len.into(),
        }))
    }

    pub(super) fn renew(&self, event: usize) {
        let new = OVERLAPPED { hEvent: event as HANDLE, ..OVERLAPPED::default() };
        // SAFETY: the block is never freed, and the case says that it is not in flight.
        unsafe { ptr::write_volatile(self.overlapped.get(), new) };
        // SAFETY: as above.
        unsafe { ptr::write_volatile(self.buffer.get(), [EMPTY; 16]) };
    }

    pub(super) fn overlapped(&self) -> *mut OVERLAPPED {
        self.overlapped.get()
    }

    pub(super) fn buffer(&self) -> *mut u8 {
        self.buffer.get().cast()
    }

    pub(super) fn internal(&self) -> u32 {
        let status = self.read(offset_of!(OVERLAPPED, Internal));
        // What the status tells is read after it.
        fence(Ordering::Acquire);
        status as u32
    }

    pub(super) fn internal_high(&self) -> u32 {
        self.read(offset_of!(OVERLAPPED, InternalHigh)) as u32
    }

    pub(super) fn event(&self) -> usize {
        self.read(offset_of!(OVERLAPPED, hEvent))
    }

    pub(super) fn set_event(&self, event: usize) {
        let field = self.field(offset_of!(OVERLAPPED, hEvent));
        // SAFETY: the block is never freed, and the system reads the field at the issue only.
        unsafe { ptr::write_volatile(field, event) };
    }

    fn read(&self, offset: usize) -> usize {
        // SAFETY: the block is never freed; the system may write meanwhile, hence volatile.
        unsafe { ptr::read_volatile(self.field(offset)) }
    }

    /// A field of the OVERLAPPED that is as large as a pointer.
    fn field(&self, offset: usize) -> *mut usize {
        self.overlapped.get().cast::<usize>().wrapping_byte_add(offset)
    }

    /// How many bytes were written. They are what the peer sent, and come first.
    pub(super) fn filled(&self) -> u32 {
        // SAFETY: as in `read`.
        let bytes = unsafe { ptr::read_volatile(self.buffer.get()) };
        let filled = bytes.iter().take_while(|byte| **byte == SENT).count();
        assert!(
            bytes[filled..].iter().all(|byte| *byte == EMPTY),
            "a buffer has holes: {bytes:x?}"
        );
        filled as u32
    }
}
