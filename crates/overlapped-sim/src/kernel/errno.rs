//! What goes wrong, in this system's own numbers: a simulated kernel says what the real one would.

use overlapped::backend::Cause;

#[cfg(unix)]
mod codes {
    use rustix::io::Errno;

    pub(super) const EAGAIN: i32 = Errno::AGAIN.raw_os_error();
    pub(super) const EBADF: i32 = Errno::BADF.raw_os_error();
    pub(super) const ECANCELED: i32 = Errno::CANCELED.raw_os_error();
    pub(super) const EDQUOT: i32 = Errno::DQUOT.raw_os_error();
    pub(super) const EEXIST: i32 = Errno::EXIST.raw_os_error();
    pub(super) const EFBIG: i32 = Errno::FBIG.raw_os_error();
    pub(super) const EINTR: i32 = Errno::INTR.raw_os_error();
    pub(super) const EINVAL: i32 = Errno::INVAL.raw_os_error();
    pub(super) const EIO: i32 = Errno::IO.raw_os_error();
    pub(super) const EISDIR: i32 = Errno::ISDIR.raw_os_error();
    pub(super) const EMFILE: i32 = Errno::MFILE.raw_os_error();
    pub(super) const ENFILE: i32 = Errno::NFILE.raw_os_error();
    pub(super) const ENODEV: i32 = Errno::NODEV.raw_os_error();
    pub(super) const ENOENT: i32 = Errno::NOENT.raw_os_error();
    pub(super) const ENOMEM: i32 = Errno::NOMEM.raw_os_error();
    pub(super) const ENOSPC: i32 = Errno::NOSPC.raw_os_error();
    pub(super) const ENOTDIR: i32 = Errno::NOTDIR.raw_os_error();
    pub(super) const ENOTEMPTY: i32 = Errno::NOTEMPTY.raw_os_error();
    pub(super) const ENXIO: i32 = Errno::NXIO.raw_os_error();
    pub(super) const EOPNOTSUPP: i32 = Errno::OPNOTSUPP.raw_os_error();
    pub(super) const EPIPE: i32 = Errno::PIPE.raw_os_error();
    pub(super) const ESPIPE: i32 = Errno::SPIPE.raw_os_error();
}

/// What is nearest. The first two are nobody's here: they are what the library takes for them.
#[cfg(windows)]
mod codes {
    pub(super) const EAGAIN: i32 = -2;
    pub(super) const EINTR: i32 = -1;
    pub(super) const EBADF: i32 = 6;
    pub(super) const ECANCELED: i32 = 995;
    pub(super) const EDQUOT: i32 = 1295;
    pub(super) const EEXIST: i32 = 183;
    pub(super) const EFBIG: i32 = 223;
    pub(super) const EINVAL: i32 = 87;
    pub(super) const EIO: i32 = 1117;
    pub(super) const EISDIR: i32 = 5;
    pub(super) const EMFILE: i32 = 4;
    pub(super) const ENFILE: i32 = 1450;
    pub(super) const ENODEV: i32 = 55;
    pub(super) const ENOENT: i32 = 2;
    pub(super) const ENOMEM: i32 = 8;
    pub(super) const ENOSPC: i32 = 112;
    pub(super) const ENOTDIR: i32 = 267;
    pub(super) const ENOTEMPTY: i32 = 145;
    pub(super) const ENXIO: i32 = 2;
    pub(super) const EOPNOTSUPP: i32 = 50;
    pub(super) const EPIPE: i32 = 232;
    pub(super) const ESPIPE: i32 = 1;
}

pub(super) const EAGAIN: Cause = Cause::Os(codes::EAGAIN);
pub(super) const EBADF: Cause = Cause::Os(codes::EBADF);
pub(super) const ECANCELED: Cause = Cause::Os(codes::ECANCELED);
pub(super) const EDQUOT: Cause = Cause::Os(codes::EDQUOT);
pub(super) const EEXIST: Cause = Cause::Os(codes::EEXIST);
pub(super) const EFBIG: Cause = Cause::Os(codes::EFBIG);
pub(super) const EINTR: Cause = Cause::Os(codes::EINTR);
pub(super) const EINVAL: Cause = Cause::Os(codes::EINVAL);
pub(super) const EIO: Cause = Cause::Os(codes::EIO);
pub(super) const EISDIR: Cause = Cause::Os(codes::EISDIR);
pub(super) const EMFILE: Cause = Cause::Os(codes::EMFILE);
pub(super) const ENFILE: Cause = Cause::Os(codes::ENFILE);
pub(super) const ENODEV: Cause = Cause::Os(codes::ENODEV);
pub(super) const ENOENT: Cause = Cause::Os(codes::ENOENT);
pub(super) const ENOMEM: Cause = Cause::Os(codes::ENOMEM);
pub(super) const ENOSPC: Cause = Cause::Os(codes::ENOSPC);
pub(super) const ENOTDIR: Cause = Cause::Os(codes::ENOTDIR);
pub(super) const ENOTEMPTY: Cause = Cause::Os(codes::ENOTEMPTY);
pub(super) const ENXIO: Cause = Cause::Os(codes::ENXIO);
pub(super) const EOPNOTSUPP: Cause = Cause::Os(codes::EOPNOTSUPP);
pub(super) const EPIPE: Cause = Cause::Os(codes::EPIPE);
pub(super) const ESPIPE: Cause = Cause::Os(codes::ESPIPE);
