use std::path::Path;

use super::File;
use crate::{
    handle::set_blocking,
    op::{Open, OpenHow},
    pending::{self, Pending},
    port::Port,
};

/// How a file is opened, as [`std::fs::OpenOptions`], with direct I/O.
///
/// ```
/// use overlapped::{Port, fs::OpenOptions};
///
/// # fn main() -> std::io::Result<()> {
/// # let path = std::env::temp_dir().join(format!("overlapped-doc-open-{}", std::process::id()));
/// let port = Port::shared()?;
/// let file = OpenOptions::new().write(true).create(true).open(&port, &path).wait()?;
/// file.write_all_at(b"hello".to_vec(), 0).wait()?;
/// # std::fs::remove_file(path)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct OpenOptions(OpenHow);

impl Default for OpenOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl OpenOptions {
    /// Nothing set; new files get mode `0o666`, before the process's mask.
    pub fn new() -> Self {
        Self(OpenHow { mode: 0o666, ..OpenHow::default() })
    }

    /// For reading.
    pub fn read(&mut self, read: bool) -> &mut Self {
        self.0.read = read;
        self
    }

    /// For writing.
    pub fn write(&mut self, write: bool) -> &mut Self {
        self.0.write = write;
        self
    }

    /// For writing at the end only: the offset of each write is ignored (`O_APPEND`).
    pub fn append(&mut self, append: bool) -> &mut Self {
        self.0.append = append;
        self
    }

    /// An existing file is emptied.
    pub fn truncate(&mut self, truncate: bool) -> &mut Self {
        self.0.truncate = truncate;
        self
    }

    /// A missing file is made.
    pub fn create(&mut self, create: bool) -> &mut Self {
        self.0.create = create;
        self
    }

    /// The file is made, and must not exist yet.
    pub fn create_new(&mut self, create_new: bool) -> &mut Self {
        self.0.create_new = create_new;
        self
    }

    /// Past the page cache (`O_DIRECT`, `FILE_FLAG_NO_BUFFERING`): buffer, offset and length must
    /// be aligned as [`File::alignment`] says; [`AlignedBuf`](crate::AlignedBuf) makes such
    /// buffers.
    pub fn direct(&mut self, direct: bool) -> &mut Self {
        self.0.direct = direct;
        self
    }

    /// Permission bits of a new file, before the process's mask.
    pub fn mode(&mut self, mode: u32) -> &mut Self {
        self.0.mode = mode;
        self
    }

    /// Opens `path`. Gives a [`File`], or an [`Error`](crate::Error) that names the path.
    ///
    /// Does not wait for the other end of a FIFO or for a terminal's carrier; for those see
    /// [`pipe`](crate::pipe). Dropped in flight, a cancel is requested and a handle that comes all
    /// the same is closed. See [open(2)].
    ///
    /// [open(2)]: https://man7.org/linux/man-pages/man2/open.2.html
    pub fn open(&self, port: &Port, path: impl AsRef<Path>) -> Pending<'static, Open<File>> {
        let how = OpenHow { nonblocking: true, ..self.0 };
        let owner = port.clone();
        pending::open(port, how, path.as_ref(), move |handle| {
            set_blocking(&handle);
            File::from_owned(&owner, handle)
        })
    }
}
