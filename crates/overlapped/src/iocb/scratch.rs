//! What the OS keeps in a block while it has the operation: on Windows the OVERLAPPED, whose
//! address is the operation's name there; elsewhere nothing.

#[cfg(windows)]
pub(super) use windows::Scratch;

#[cfg(not(windows))]
pub(super) struct Scratch;

#[cfg(not(windows))]
impl Scratch {
    #[inline]
    pub(super) fn new() -> Self {
        Self
    }

    #[inline]
    pub(super) fn status(&self) -> crate::error::NtStatus {
        crate::error::NtStatus::NONE
    }
}

#[cfg(windows)]
mod windows {
    use std::mem::offset_of;

    use windows_sys::Win32::System::IO::OVERLAPPED;

    use crate::{
        error::NtStatus,
        iocb::{ADDRESS, Block, Entry, Id},
    };

    #[repr(transparent)]
    pub(in crate::iocb) struct Scratch(OVERLAPPED);

    impl Scratch {
        pub(in crate::iocb) fn new() -> Self {
            Self(OVERLAPPED::default())
        }

        /// What the OS has said last of the operation.
        pub(in crate::iocb) fn status(&self) -> NtStatus {
            NtStatus::new(self.0.Internal as i32)
        }
    }

    impl Entry {
        /// Where the OVERLAPPED lies. It is the entry's own, and the OS's while that has a call of
        /// the operation: then nobody else touches it, and the entry must not be let go of.
        pub(crate) fn overlapped(&self) -> *mut OVERLAPPED {
            self.block().scratch.with_mut(<*mut _>::cast)
        }

        /// Notes what the OS has said of a call that has left no word in the OVERLAPPED.
        pub(crate) fn set_status(&mut self, status: NtStatus) {
            self.block().scratch.with_mut(|place| {
                // SAFETY: the entry is borrowed exclusively, and the OS has no call of it.
                let scratch = unsafe { &mut *place };
                scratch.0.Internal = status.to_bits() as usize;
            });
        }
    }

    impl Id {
        /// Where the operation's OVERLAPPED lies: to be compared, never followed.
        pub(crate) fn overlapped(self) -> usize {
            (self.to_bits() & ADDRESS) as usize + offset_of!(Block, scratch)
        }
    }
}
