//! The system's own word behind Win32's code.

#[cfg(windows)]
pub(crate) use nt::NtStatus;

/// Nothing: this system has no second word.
#[cfg(not(windows))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NtStatus;

#[cfg(not(windows))]
impl NtStatus {
    pub(crate) const NONE: Self = Self;

    pub(crate) fn failure(self) -> Option<u32> {
        None
    }
}

#[cfg(windows)]
mod nt {
    /// An [NTSTATUS]; 0, a success, where none is known.
    ///
    /// [NTSTATUS]: https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-erref/596a1078-e883-4972-9bbc-49e60bebca55
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct NtStatus(u32);

    impl NtStatus {
        pub(crate) const NONE: Self = Self(0);

        pub(crate) fn new(status: i32) -> Self {
            Self(status as u32)
        }

        pub(crate) fn to_bits(self) -> u32 {
            self.0
        }

        /// The status, if it is a warning's or an error's: its first bit says so.
        pub(crate) fn failure(self) -> Option<u32> {
            (self.0 >> 31 != 0).then_some(self.0)
        }
    }
}
