//! The files and descriptors that the workloads work on.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::{
        fd::{AsRawFd, FromRawFd, OwnedFd},
        unix::fs::OpenOptionsExt,
    },
    path::{Path, PathBuf},
};

/// How long each file is.
pub const LEN: u64 = 256 << 20;

/// Over how many eventfds the idle reads are spread.
pub const IDLE_FDS: usize = 100;

/// Two files in one folder: one that stays in the page cache, one for direct I/O.
#[derive(Clone, Debug)]
pub struct Files {
    dir: PathBuf,
}

impl Files {
    /// Those in `dir`, which [`Files::make`] has made.
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    /// Makes both files.
    pub fn make(&self) -> io::Result<()> {
        fs::create_dir_all(&self.dir)?;
        let block: Vec<u8> =
            (0..1 << 20).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for path in [self.cached(), self.direct()] {
            let mut file = File::create(path)?;
            for _ in 0..LEN / block.len() as u64 {
                file.write_all(&block)?;
            }
            file.sync_all()?;
        }
        Ok(())
    }

    /// Reads the cached file once, and drops the other from the cache.
    pub fn warm(&self) -> io::Result<()> {
        let mut block = vec![0; 1 << 20];
        let mut cached = File::open(self.cached())?;
        while cached.read(&mut block)? > 0 {}
        let direct = File::open(self.direct())?;
        // SAFETY: a call without pointers on a descriptor that is open.
        unsafe { libc::posix_fadvise(direct.as_raw_fd(), 0, 0, libc::POSIX_FADV_DONTNEED) };
        Ok(())
    }

    /// Removes both, and the folder.
    pub fn remove(&self) -> io::Result<()> {
        fs::remove_dir_all(&self.dir)
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn cached(&self) -> PathBuf {
        self.dir.join("cached")
    }

    pub fn direct(&self) -> PathBuf {
        self.dir.join("direct")
    }

    pub fn open_cached(&self) -> File {
        File::open(self.cached()).expect("the file was made")
    }

    pub fn open_direct(&self) -> File {
        let mut options = OpenOptions::new();
        options.read(true).write(true).custom_flags(libc::O_DIRECT);
        options.open(self.direct()).expect("the file was made, and its file system knows O_DIRECT")
    }
}

/// The null device, for writing.
pub fn null() -> File {
    OpenOptions::new().write(true).open("/dev/null").expect("the null device can be written")
}

/// Eventfds that nobody signals.
pub fn idle() -> Vec<OwnedFd> {
    (0..IDLE_FDS).map(|_| eventfd()).collect()
}

fn eventfd() -> OwnedFd {
    // SAFETY: a call without pointers.
    let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC) };
    assert!(fd >= 0, "no eventfd: {}", io::Error::last_os_error());
    // SAFETY: the descriptor is new and nobody else's.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// An idle pipe: `n` descriptors of its readable end, and the writable end that keeps it open.
pub fn idle_pipe(n: usize) -> io::Result<(Vec<OwnedFd>, OwnedFd)> {
    let (reader, writer) = io::pipe()?;
    let reader = OwnedFd::from(reader);
    let readers = (0..n).map(|_| reader.try_clone()).collect::<io::Result<_>>()?;
    Ok((readers, writer.into()))
}

/// As many idle pipes: the readable end first, and the writable end that keeps it open.
pub fn idle_pipes() -> Vec<(OwnedFd, OwnedFd)> {
    let pipe = || io::pipe().expect("the limit of descriptors is high enough");
    let ends = |(reader, writer): (io::PipeReader, io::PipeWriter)| (reader.into(), writer.into());
    (0..IDLE_FDS).map(|_| ends(pipe())).collect()
}

/// As many descriptors as the process may have.
pub fn raise_limit() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the struct is ours and writable.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } == 0 {
        limit.rlim_cur = limit.rlim_max;
        // SAFETY: the struct is ours. Where it fails, what needs more says so.
        unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
    }
}
