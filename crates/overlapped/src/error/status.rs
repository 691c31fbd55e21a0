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

        /// Whether it says that something was done, and what is to be known of it. Those before are
        /// exceptions, and nothing was begun.
        pub(crate) fn is_warning(self) -> bool {
            (0x8000_0005..0xC000_0000).contains(&self.0)
        }

        /// The status, if it is a warning's or an error's: its first bit says so.
        pub(crate) fn failure(self) -> Option<u32> {
            (self.0 >> 31 != 0).then_some(self.0)
        }
    }
    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_warning_is_neither_an_error_nor_an_exception() {
            let is_warning = |status: u32| NtStatus::new(status as i32).is_warning();
            // `STATUS_BUFFER_OVERFLOW`, `STATUS_NO_MORE_ENTRIES`, `STATUS_FILEMARK_DETECTED`
            assert!([0x8000_0005, 0x8000_001A, 0x8000_001B].into_iter().all(is_warning));
            // `STATUS_PENDING`, `STATUS_DATATYPE_MISALIGNMENT`, `STATUS_INVALID_PARAMETER`
            assert!(![0, 0x103, 0x8000_0002, 0xC000_000D].into_iter().any(is_warning));
        }
    }
}
