//! What goes wrong, in this system's own numbers: a simulated kernel says what the real one would.

use overlapped::backend::Cause;
use rustix::io::Errno;

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
