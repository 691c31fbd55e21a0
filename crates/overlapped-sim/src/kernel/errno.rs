//! What goes wrong, in this system's own numbers: a simulated kernel says what the real one would.

use overlapped::backend::Cause;
#[cfg(unix)]
use rustix::io::Errno;
#[cfg(windows)]
use win32::Errno;

pub(super) const EAGAIN: Cause = cause(Errno::AGAIN);
pub(super) const EBADF: Cause = cause(Errno::BADF);
pub(super) const ECANCELED: Cause = cause(Errno::CANCELED);
pub(super) const EDQUOT: Cause = cause(Errno::DQUOT);
pub(super) const EEXIST: Cause = cause(Errno::EXIST);
pub(super) const EFBIG: Cause = cause(Errno::FBIG);
pub(super) const EINTR: Cause = cause(Errno::INTR);
pub(super) const EINVAL: Cause = cause(Errno::INVAL);
pub(super) const EIO: Cause = cause(Errno::IO);
pub(super) const EISDIR: Cause = cause(Errno::ISDIR);
pub(super) const EMFILE: Cause = cause(Errno::MFILE);
pub(super) const ENFILE: Cause = cause(Errno::NFILE);
pub(super) const ENODEV: Cause = cause(Errno::NODEV);
pub(super) const ENOENT: Cause = cause(Errno::NOENT);
pub(super) const ENOMEM: Cause = cause(Errno::NOMEM);
pub(super) const ENOSPC: Cause = cause(Errno::NOSPC);
pub(super) const ENOTDIR: Cause = cause(Errno::NOTDIR);
pub(super) const ENOTEMPTY: Cause = cause(Errno::NOTEMPTY);
pub(super) const ENXIO: Cause = cause(Errno::NXIO);
pub(super) const EOPNOTSUPP: Cause = cause(Errno::OPNOTSUPP);
pub(super) const EPIPE: Cause = cause(Errno::PIPE);
pub(super) const ESPIPE: Cause = cause(Errno::SPIPE);

const fn cause(errno: Errno) -> Cause {
    Cause::Os(errno.raw_os_error())
}

#[cfg(windows)]
mod win32 {
    /// A system error code of Windows, by the name that it has elsewhere.
    pub(super) struct Errno(i32);

    impl Errno {
        /// No call of this system says so; the number is the library's.
        pub(super) const AGAIN: Self = Self(-2);
        /// `ERROR_INVALID_HANDLE`.
        pub(super) const BADF: Self = Self(6);
        /// `ERROR_OPERATION_ABORTED`.
        pub(super) const CANCELED: Self = Self(995);
        /// `ERROR_DISK_QUOTA_EXCEEDED`.
        pub(super) const DQUOT: Self = Self(1295);
        /// `ERROR_FILE_EXISTS`.
        pub(super) const EXIST: Self = Self(80);
        /// `ERROR_FILE_TOO_LARGE`.
        pub(super) const FBIG: Self = Self(223);
        /// No call of this system says so; the number is the library's.
        pub(super) const INTR: Self = Self(-1);
        /// `ERROR_INVALID_PARAMETER`.
        pub(super) const INVAL: Self = Self(87);
        /// `ERROR_IO_DEVICE`.
        pub(super) const IO: Self = Self(1117);
        /// `ERROR_DIRECTORY_NOT_SUPPORTED`.
        pub(super) const ISDIR: Self = Self(336);
        /// `ERROR_TOO_MANY_OPEN_FILES`.
        pub(super) const MFILE: Self = Self(4);
        /// `ERROR_NO_SYSTEM_RESOURCES`.
        pub(super) const NFILE: Self = Self(1450);
        /// `ERROR_DEV_NOT_EXIST`.
        pub(super) const NODEV: Self = Self(55);
        /// `ERROR_FILE_NOT_FOUND`.
        pub(super) const NOENT: Self = Self(2);
        /// `ERROR_NOT_ENOUGH_MEMORY`.
        pub(super) const NOMEM: Self = Self(8);
        /// `ERROR_DISK_FULL`.
        pub(super) const NOSPC: Self = Self(112);
        /// `ERROR_DIRECTORY`.
        pub(super) const NOTDIR: Self = Self(267);
        /// `ERROR_DIR_NOT_EMPTY`.
        pub(super) const NOTEMPTY: Self = Self(145);
        /// `ERROR_PIPE_NOT_CONNECTED`.
        pub(super) const NXIO: Self = Self(233);
        /// `ERROR_NOT_SUPPORTED`.
        pub(super) const OPNOTSUPP: Self = Self(50);
        /// `ERROR_BROKEN_PIPE`.
        pub(super) const PIPE: Self = Self(109);
        /// `ERROR_INVALID_FUNCTION`.
        pub(super) const SPIPE: Self = Self(1);

        pub(super) const fn raw_os_error(self) -> i32 {
            self.0
        }
    }
}
