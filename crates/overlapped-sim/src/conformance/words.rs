//! What systems say each in their own way: the codes of what goes wrong, and how a pipe ends.

use overlapped::{Done, Failed};

pub use codes::*;

#[cfg(not(windows))]
mod codes {
    use overlapped::Cause;

    /// There is no such file.
    pub const MISSING: i32 = 2;
    /// Writing to what is open for reading.
    pub const READ_ONLY: i32 = 9;
    /// Making a directory whose name is taken.
    pub const TAKEN: i32 = 17;
    /// A path that goes through a file.
    pub const THROUGH_A_FILE: i32 = 20;
    /// Reading a directory, or removing it as a file.
    pub const DIRECTORY: i32 = 21;
    /// Writing to a pipe that nobody reads.
    pub const NO_READER: i32 = 32;
    /// Removing a directory that is not empty.
    pub const NOT_EMPTY: i32 = 39;
    /// A pipe that ends while a read of a whole buffer waits.
    pub const CUT_SHORT: Cause = Cause::UnexpectedEnd;
    /// The permissions of a file that was made with those of its owner alone.
    pub const MODE: u32 = 0o600;
}

#[cfg(windows)]
mod codes {
    use overlapped::Cause;

    /// There is no such file: `ERROR_FILE_NOT_FOUND`.
    pub const MISSING: i32 = 2;
    /// Writing to what is open for reading: `ERROR_ACCESS_DENIED`.
    pub const READ_ONLY: i32 = 5;
    /// Making a directory whose name is taken: `ERROR_ALREADY_EXISTS`.
    pub const TAKEN: i32 = 183;
    /// A path that goes through a file: `ERROR_PATH_NOT_FOUND`.
    pub const THROUGH_A_FILE: i32 = 3;
    /// Opening a directory, or removing it as a file: `ERROR_ACCESS_DENIED`.
    pub const DIRECTORY: i32 = 5;
    /// Writing to a pipe that nobody reads: `ERROR_NO_DATA`.
    pub const NO_READER: i32 = 232;
    /// Removing a directory that is not empty: `ERROR_DIR_NOT_EMPTY`.
    pub const NOT_EMPTY: i32 = 145;
    /// A pipe that ends while a read of a whole buffer waits: `ERROR_BROKEN_PIPE`.
    pub const CUT_SHORT: Cause = Cause::Os(109);
    /// The permissions of a file that may be written: there are no others here.
    pub const MODE: u32 = 0o666;
}

/// Whether a read of a pipe has met its end: no byte, and no error.
#[cfg(not(windows))]
pub fn is_end<B>(outcome: &Result<Done<B>, Failed<B>>) -> bool {
    matches!(outcome, Ok(done) if done.n == 0)
}

/// Whether a read of a pipe has met its end: `ERROR_BROKEN_PIPE`.
#[cfg(windows)]
pub fn is_end<B>(outcome: &Result<Done<B>, Failed<B>>) -> bool {
    matches!(outcome, Err(failed) if failed.error.raw_os_error() == Some(109))
}
