//! How a path is opened, in the words of open(2).

use rustix::fs::OFlags;

use super::OpenHow;

impl OpenHow {
    /// The flags of [open(2)]. `O_CLOEXEC` and `O_NOCTTY` always: an operation makes no terminal
    /// the process's own, and leaks no handle into a child.
    ///
    /// [open(2)]: https://man7.org/linux/man-pages/man2/open.2.html
    pub(crate) fn flags(self) -> OFlags {
        let mut flags = OFlags::CLOEXEC | OFlags::NOCTTY;
        flags |= match (self.read, self.write || self.append) {
            (true, true) => OFlags::RDWR,
            (false, true) => OFlags::WRONLY,
            (_, false) => OFlags::RDONLY,
        };
        flags.set(OFlags::APPEND, self.append);
        flags.set(OFlags::TRUNC, self.truncate);
        flags.set(OFlags::CREATE, self.create || self.create_new);
        flags.set(OFlags::EXCL, self.create_new);
        flags.set(OFlags::NONBLOCK, self.nonblocking);
        flags.set(OFlags::DIRECTORY, self.directory);
        flags |= direct(self.direct);
        flags
    }
}

/// Whether this system has `O_DIRECT`.
pub(crate) const HAS_DIRECT: bool =
    cfg!(any(target_os = "linux", target_os = "android", target_os = "freebsd"));

#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
fn direct(wanted: bool) -> OFlags {
    if wanted { OFlags::DIRECT } else { OFlags::empty() }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
fn direct(_wanted: bool) -> OFlags {
    OFlags::empty()
}
