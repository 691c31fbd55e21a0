//! Win32's own numbers, and what the laboratory's answers are in them.

use crate::{objects, rules::Status};

/// `GetLastError`.
pub mod error {
    /// `ERROR_SUCCESS`, which routines are given.
    pub const SUCCESS: u32 = 0;
    /// `ERROR_INVALID_HANDLE`.
    pub const INVALID_HANDLE: u32 = 6;
    /// `ERROR_HANDLE_EOF`.
    pub const HANDLE_EOF: u32 = 38;
    /// `ERROR_INVALID_PARAMETER`.
    pub const INVALID_PARAMETER: u32 = 87;
    /// `ERROR_BROKEN_PIPE`.
    pub const BROKEN_PIPE: u32 = 109;
    /// `ERROR_MORE_DATA`.
    pub const MORE_DATA: u32 = 234;
    /// `ERROR_PIPE_CONNECTED`.
    pub const PIPE_CONNECTED: u32 = 535;
    /// `ERROR_ABANDONED_WAIT_0`.
    pub const ABANDONED_WAIT_0: u32 = 735;
    /// `ERROR_OPERATION_ABORTED`.
    pub const OPERATION_ABORTED: u32 = 995;
    /// `ERROR_IO_INCOMPLETE`.
    pub const IO_INCOMPLETE: u32 = 996;
    /// `ERROR_IO_PENDING`.
    pub const IO_PENDING: u32 = 997;
    /// `ERROR_IO_DEVICE`.
    pub const IO_DEVICE: u32 = 1117;
    /// `ERROR_NOT_FOUND`.
    pub const NOT_FOUND: u32 = 1168;
}

/// What waits come back with.
pub mod wait {
    /// `WAIT_OBJECT_0`; `SleepEx` says the same when its time is over.
    pub const OBJECT_0: u32 = 0;
    /// `WAIT_IO_COMPLETION`.
    pub const IO_COMPLETION: u32 = 192;
    /// `WAIT_TIMEOUT`.
    pub const TIMEOUT: u32 = 258;
    /// Nobody is left who could end the wait; on a real system, it was given up.
    pub const HANGS: u32 = u32::MAX;
}

/// NTSTATUS, as it stands in an OVERLAPPED.
pub mod status {
    /// `STATUS_SUCCESS`.
    pub const SUCCESS: u32 = 0;
    /// `STATUS_PENDING`.
    pub const PENDING: u32 = 0x103;
    /// `STATUS_BUFFER_OVERFLOW`: there is more of the message.
    pub const BUFFER_OVERFLOW: u32 = 0x8000_0005;
    /// `STATUS_END_OF_FILE`.
    pub const END_OF_FILE: u32 = 0xC000_0011;
    /// `STATUS_CANCELLED`.
    pub const CANCELLED: u32 = 0xC000_0120;
    /// `STATUS_PIPE_BROKEN`.
    pub const PIPE_BROKEN: u32 = 0xC000_014B;
    /// `STATUS_IO_DEVICE_ERROR`.
    pub const IO_DEVICE_ERROR: u32 = 0xC000_0185;
    /// `STATUS_PIPE_CONNECTED`.
    pub const PIPE_CONNECTED: u32 = 0xC000_00B2;
}

/// NTSTATUS and Win32 code of each status of the laboratory.
const CODES: [(Status, u32, u32); 9] = [
    (Status::Pending, status::PENDING, error::IO_PENDING),
    (Status::Success, status::SUCCESS, error::SUCCESS),
    (Status::Cancelled, status::CANCELLED, error::OPERATION_ABORTED),
    (Status::BrokenPipe, status::PIPE_BROKEN, error::BROKEN_PIPE),
    (Status::EndOfFile, status::END_OF_FILE, error::HANDLE_EOF),
    (Status::DeviceError, status::IO_DEVICE_ERROR, error::IO_DEVICE),
    // Which error it is, is left open (U11).
    (Status::Closed, status::PIPE_BROKEN, error::BROKEN_PIPE),
    (Status::MoreData, status::BUFFER_OVERFLOW, error::MORE_DATA),
    (Status::Connected, status::PIPE_CONNECTED, error::PIPE_CONNECTED),
];

/// What stands in a cell of the laboratory, as an NTSTATUS.
pub(super) fn ntstatus(cell: u8) -> u32 {
    let found = CODES.iter().find(|(status, ..)| *status as u8 == cell);
    found.map(|(_, ntstatus, _)| *ntstatus).expect("a status stands there")
}

pub(super) fn win32(status: Status) -> u32 {
    let found = CODES.iter().find(|(known, ..)| *known == status);
    found.map(|(.., win32)| *win32).expect("every status has a code")
}

/// FALSE and this, or TRUE.
pub(super) fn failure(answer: objects::Answer) -> Option<u32> {
    use objects::Answer as A;
    Some(match answer {
        A::Pending => error::IO_PENDING,
        A::Timeout => wait::TIMEOUT,
        A::IoCompletion => wait::IO_COMPLETION,
        A::NotFound => error::NOT_FOUND,
        A::Incomplete => error::IO_INCOMPLETE,
        A::InvalidHandle => error::INVALID_HANDLE,
        A::InvalidParameter => error::INVALID_PARAMETER,
        A::Abandoned => error::ABANDONED_WAIT_0,
        A::Failed(status) => win32(status),
        _ => return None,
    })
}
