use std::{fmt, path::Path, sync::Arc};

use super::{Alignment, Close, IntoParts, OpenOptions, cache::Cache, toll::Toll};
use crate::{
    buf::{Drain, DrainMany, Fill, FillMany, IoBuf, IoBufMut, NoMemory, StatOut},
    error::{Cause, Done, ESPIPE, Error},
    handle::{self, Owned},
    iocb::{Holder, Id, Parting},
    op::{Goal, Heir, Op, Open, Operation, Plain, Plan, Read, ReadMany, Stat, Write, WriteMany},
    pending::{Ask, Gate, Pending},
    port::{Held, Port},
    scope::Scope,
};

/// An open file: bytes at offsets.
///
/// Every verb starts an operation at once and returns its [`Pending`]; any number may overlap, in
/// any order. A file holds its [`Port`]. Dropping it leaves what is in flight to finish as the
/// table at [`Pending`] says, and closes the descriptor after the last of it.
///
/// ```
/// use overlapped::{Port, fs::File};
///
/// # fn main() -> std::io::Result<()> {
/// let port = Port::shared()?;
/// let file = File::open(&port, "Cargo.toml").wait()?;
/// let a = file.read_at(vec![0; 64], 0); // started now
/// let b = file.read_at(vec![0; 64], 64); // overlapped with the first
/// let (a, b) = (a.wait()?, b.wait()?);
/// assert!(a.n + b.n > 64);
/// # Ok(())
/// # }
/// ```
pub struct File {
    inner: Arc<FileInner>,
    /// For what can be done at once; operations in flight go by the number.
    handle: Arc<Owned>,
    /// It is no stream: some systems would take an offset there, and ignore it.
    has_offsets: bool,
    cache: Cache,
    port: Port,
}

/// What operations in flight keep of a file.
pub(super) struct FileInner(Held);

impl AsRef<Held> for FileInner {
    fn as_ref(&self) -> &Held {
        &self.0
    }
}

impl Holder for FileInner {
    #[inline]
    fn started(&self) {
        self.0.enter();
    }

    #[inline]
    fn landed(&self, _id: Id, _moved: usize) -> Parting {
        Parting { waker: self.0.leave(), resume: false }
    }

    fn heir(&self) -> &dyn Heir {
        self
    }
}

impl Heir for FileInner {
    fn bytes(&self, _origin: u64, _bytes: &[u8], _more: bool) {
        // A positional read consumes nothing: its bytes are still in the file.
    }

    fn error(&self, _origin: u64, cause: Cause) {
        self.0.owe(cause);
    }
}

impl File {
    /// Opens an existing file for reading. For more see [`OpenOptions`].
    pub fn open(port: &Port, path: impl AsRef<Path>) -> Pending<'static, Open<Self>> {
        OpenOptions::new().read(true).open(port, path)
    }

    /// Opens a file for reading and writing, made if it is missing, emptied if it is not.
    pub fn create(port: &Port, path: impl AsRef<Path>) -> Pending<'static, Open<Self>> {
        OpenOptions::new().read(true).write(true).create(true).truncate(true).open(port, path)
    }

    /// Takes over an open file. Its flags stay as they are; another handle to it stays valid.
    pub fn from_owned(port: &Port, handle: impl Into<Owned>) -> Self {
        let handle = handle.into();
        port.adopt(&handle);
        let has_offsets = handle::has_offsets(&handle);
        let cache = Cache::of(port, &handle, has_offsets);
        let handle = Arc::new(handle);
        let held = Held::new(handle::raw(&handle), Arc::clone(&handle));
        let inner = Arc::new(FileInner(held));
        Self { inner, handle, has_offsets, cache, port: port.clone() }
    }

    /// The port that the file's operations go to.
    pub fn port(&self) -> &Port {
        &self.port
    }

    /// Reads at `offset`, in bytes, into `buf`. Gives the count, which may be short, and the
    /// buffer; 0 is the end of the file. See [pread(2)].
    ///
    /// Dropped in flight, a cancel is requested; nothing is consumed either way.
    ///
    /// [pread(2)]: https://man7.org/linux/man-pages/man2/pread.2.html
    pub fn read_at<B: IoBufMut + 'static>(&self, buf: B, offset: u64) -> Pending<'static, Read<B>> {
        self.read_cached(buf, offset).unwrap_or_else(|buf| {
            Pending::start_by(self.reach(offset), self.read(Goal::Once, buf, offset))
        })
    }

    /// Reads until `buf` is full. The end of the file before that is an error
    /// ([`Cause::UnexpectedEnd`]), which tells how many bytes came.
    pub fn read_exact_at<B: IoBufMut + 'static>(
        &self,
        buf: B,
        offset: u64,
    ) -> Pending<'static, Read<B>> {
        self.read_cached(buf, offset).unwrap_or_else(|buf| {
            Pending::start_by(self.reach(offset), self.read(Goal::All, buf, offset))
        })
    }

    /// Reads at `offset` into several buffers, one after the other. See [preadv(2)].
    ///
    /// [preadv(2)]: https://man7.org/linux/man-pages/man2/readv.2.html
    pub fn read_vectored_at<B: IoBufMut + 'static>(
        &self,
        bufs: Vec<B>,
        offset: u64,
    ) -> Pending<'static, ReadMany<B>> {
        let request = ReadMany { bufs: FillMany::new(bufs) };
        Pending::start_by(self.reach(offset), self.ask(self.read_op(offset), Goal::Once, request))
    }

    /// Writes `buf` at `offset`, in bytes. Gives the count, which may be short, and the buffer.
    /// See [pwrite(2)].
    ///
    /// Dropped in flight, it runs to its end; an error is told by the next write, sync or close.
    ///
    /// [pwrite(2)]: https://man7.org/linux/man-pages/man2/pwrite.2.html
    pub fn write_at<B: IoBuf + 'static>(&self, buf: B, offset: u64) -> Pending<'static, Write<B>> {
        let write = self.write(Goal::Once, buf, offset);
        Pending::start_by(self.write_toll(offset), write)
    }

    /// Writes all of `buf`, going on after each short write.
    pub fn write_all_at<B: IoBuf + 'static>(
        &self,
        buf: B,
        offset: u64,
    ) -> Pending<'static, Write<B>> {
        let write = self.write(Goal::All, buf, offset);
        Pending::start_by(self.write_toll(offset), write)
    }

    /// Writes all of `buf` and then brings it to the device, as one operation: it survives partial
    /// writes, and its success means that the bytes are safe. With `data_only`, metadata that is
    /// not needed to read them back may come later. See [fsync(2)].
    ///
    /// [fsync(2)]: https://man7.org/linux/man-pages/man2/fsync.2.html
    pub fn write_all_sync_at<B: IoBuf + 'static>(
        &self,
        buf: B,
        offset: u64,
        data_only: bool,
    ) -> Pending<'static, Write<B>> {
        let write = self.write(Goal::AllThenSync { data_only }, buf, offset);
        Pending::start_by(self.write_toll(offset), write)
    }

    /// Writes several buffers at `offset`, one after the other. See [pwritev(2)].
    ///
    /// [pwritev(2)]: https://man7.org/linux/man-pages/man2/writev.2.html
    pub fn write_vectored_at<B: IoBuf + 'static>(
        &self,
        bufs: Vec<B>,
        offset: u64,
    ) -> Pending<'static, WriteMany<B>> {
        let request = WriteMany { bufs: DrainMany::new(bufs) };
        let ask = self.ask(self.write_op(offset), Goal::Once, request);
        Pending::start_by(self.write_toll(offset), ask)
    }

    /// Brings data and metadata to the device. See [fsync(2)].
    ///
    /// Covers the writes that are over; one that is still in flight may come later. After an error
    /// the kernel may have dropped the pages: a second sync that succeeds proves nothing.
    ///
    /// [fsync(2)]: https://man7.org/linux/man-pages/man2/fsync.2.html
    pub fn sync_all(&self) -> Pending<'static, Plain> {
        self.plain(Op::Sync { of: self.raw(), data_only: false })
    }

    /// As [`sync_all`](Self::sync_all), without metadata that is not needed to read the data back.
    pub fn sync_data(&self) -> Pending<'static, Plain> {
        self.plain(Op::Sync { of: self.raw(), data_only: true })
    }

    /// Sets the file's length in bytes: cut off, or grown with zeros. See [ftruncate(2)].
    ///
    /// [ftruncate(2)]: https://man7.org/linux/man-pages/man2/ftruncate.2.html
    pub fn set_len(&self, len: u64) -> Pending<'static, Plain> {
        self.plain(Op::SetLen { of: self.raw(), len })
    }

    /// Reserves room for `len` bytes from `offset`; the file grows to hold them, and later writes
    /// there cannot fail for want of space. See [fallocate(2)].
    ///
    /// Windows has no such call: room is reserved ([`FILE_ALLOCATION_INFO`]) and the length set, so
    /// what others write beyond the range at the same moment may be cut off again; and the holes of
    /// a sparse file stay.
    ///
    /// [fallocate(2)]: https://man7.org/linux/man-pages/man2/fallocate.2.html
    /// [`FILE_ALLOCATION_INFO`]: https://learn.microsoft.com/en-us/windows/win32/api/winbase/ns-winbase-file_allocation_info
    pub fn allocate(&self, offset: u64, len: u64) -> Pending<'static, Plain> {
        self.plain(Op::Allocate { of: self.raw(), at: offset, len })
    }

    /// What the OS says about the file. See [statx(2)].
    ///
    /// [statx(2)]: https://man7.org/linux/man-pages/man2/statx.2.html
    pub fn metadata(&self) -> Pending<'static, Stat> {
        let op = Op::Stat { of: Some(self.raw()) };
        let request = Stat { out: StatOut::new(None) };
        Pending::start(self.ask(op, Goal::Once, request))
    }

    /// What direct I/O asks of buffers and offsets of this file; blocks for one operation. 4096
    /// bytes for both if the file system does not say. [`read_ranges`](Self::read_ranges) aligns
    /// its buffers itself.
    ///
    /// # Errors
    ///
    /// As [`metadata`](Self::metadata).
    pub fn alignment(&self) -> Result<Alignment, Error> {
        let unsaid = Alignment { memory: 4096, offset: 4096 };
        Ok(self.metadata().wait()?.direct.unwrap_or(unsaid))
    }

    // [C15] said, and of no other consequence.
    /// Registers the file with its port: the OS then looks it up once, and not for each operation.
    /// Worth it for a file that many operations work on; nothing else about them changes. It lasts
    /// until the file is closed or taken apart.
    ///
    /// Calling it again does nothing. A [`Runtime`](crate::Runtime)'s port can be told on the
    /// runtime's thread only. How many files can be registered at once is told in
    /// [the platforms](crate::_documents::platforms).
    ///
    /// ```
    /// use overlapped::{Port, fs::File};
    ///
    /// # fn main() -> std::io::Result<()> {
    /// let port = Port::shared()?;
    /// let file = File::open(&port, "Cargo.toml").wait()?;
    /// if let Err(why) = file.register() {
    ///     eprintln!("goes on without: {why}");
    /// }
    /// assert!(file.read_at(vec![0; 64], 0).wait()?.n > 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Why it is not registered: this backend has nothing to register with, the kernel is too old,
    /// a limit is reached. The file works all the same.
    pub fn register(&self) -> Result<(), Error> {
        self.inner.0.register(&self.port, &self.handle)
    }

    /// Waits until nothing is in flight on the file, and closes it. Operations that only read are
    /// asked to stop; writes run to their end. Tells the error of an abandoned write, if one is
    /// owed.
    pub fn close(self) -> Close {
        Close::new(self.into_parts())
    }

    /// Takes the file apart, once nothing is in flight on it: its handle, and what it still owed.
    /// Operations that only read are asked to stop; writes run to their end.
    pub fn into_parts(self) -> IntoParts {
        IntoParts::new(&self.inner, &self.port)
    }

    /// Where buffers for reads of this file should start: at a multiple of this.
    pub(super) fn buffer_alignment(&self) -> usize {
        match handle::is_direct(&self.handle) {
            true => handle::direct_alignment(&self.handle).unwrap_or(4096),
            // A line of the processor's cache, so that no two reads write to one.
            false => 64,
        }
    }

    fn raw(&self) -> handle::Raw {
        self.inner.0.raw()
    }

    fn read_op(&self, offset: u64) -> Op {
        Op::Read { from: self.raw(), at: Some(offset) }
    }

    fn write_op(&self, offset: u64) -> Op {
        Op::Write { to: self.raw(), at: Some(offset) }
    }

    /// Before a further write or sync an error that is owed is told.
    #[inline]
    fn toll(&self) -> Toll<'_> {
        Toll { held: &self.inner, trouble: None }
    }

    /// Copies what the page cache holds, without an operation; or gives the buffer back.
    #[inline]
    fn read_cached<'io, B: IoBufMut + 'io>(
        &self,
        mut buf: B,
        offset: u64,
    ) -> Result<Pending<'io, Read<B>>, B> {
        let room = buf.as_mut_slice();
        let n = room.len();
        if self.cache.read(&self.handle, offset, room) {
            Ok(Pending::over(Ok(Done { n, buf })))
        } else {
            Err(buf)
        }
    }

    #[inline]
    fn reach(&self, offset: u64) -> Gate {
        Gate::unless(self.trouble(offset))
    }

    #[inline]
    fn write_toll(&self, offset: u64) -> Toll<'_> {
        Toll { held: &self.inner, trouble: self.trouble(offset) }
    }

    /// The OS takes offsets as signed numbers, and -1 as "where the stream stands".
    #[inline]
    fn trouble(&self, offset: u64) -> Option<Cause> {
        match (self.has_offsets, i64::try_from(offset)) {
            (true, Ok(_)) => None,
            (false, _) => Some(Cause::Os(ESPIPE)),
            (true, Err(_)) => Some(Cause::Invalid("an offset is at most 2^63 - 1 bytes")),
        }
    }

    fn plain(&self, op: Op) -> Pending<'static, Plain> {
        Pending::start_by(self.toll(), self.ask(op, Goal::Once, Plain(NoMemory)))
    }

    #[inline]
    fn read<B: IoBufMut>(&self, goal: Goal, buf: B, offset: u64) -> Ask<'_, Read<B>> {
        self.ask(self.read_op(offset), goal, Read { buf: Fill(buf) })
    }

    #[inline]
    fn write<B: IoBuf>(&self, goal: Goal, buf: B, offset: u64) -> Ask<'_, Write<B>> {
        self.ask(self.write_op(offset), goal, Write { buf: Drain(buf) })
    }

    #[inline]
    fn ask<O: Operation>(&self, op: Op, goal: Goal, request: O) -> Ask<'_, O> {
        Ask {
            shard: self.port.shard_for(&op),
            op,
            plan: Plan::new(goal),
            request,
            holder: Some(Arc::<FileInner>::clone(&self.inner)),
            fixed: self.inner.0.place(),
        }
    }
}

/// The verbs on borrowed buffers; those of [`File`] tell what they do.
impl<'scope, 'env: 'scope> Scope<'scope, 'env> {
    /// As [`File::read_at`].
    pub fn read_at(
        &self,
        file: &File,
        buf: &'env mut [u8],
        offset: u64,
    ) -> Pending<'scope, Read<&'env mut [u8]>> {
        file.read_cached(buf, offset).unwrap_or_else(|buf| {
            self.start(file.reach(offset), file.read(Goal::Once, buf, offset))
        })
    }

    /// As [`File::read_exact_at`].
    pub fn read_exact_at(
        &self,
        file: &File,
        buf: &'env mut [u8],
        offset: u64,
    ) -> Pending<'scope, Read<&'env mut [u8]>> {
        file.read_cached(buf, offset)
            .unwrap_or_else(|buf| self.start(file.reach(offset), file.read(Goal::All, buf, offset)))
    }

    /// As [`File::write_at`].
    pub fn write_at(
        &self,
        file: &File,
        buf: &'env [u8],
        offset: u64,
    ) -> Pending<'scope, Write<&'env [u8]>> {
        self.start(file.write_toll(offset), file.write(Goal::Once, buf, offset))
    }

    /// As [`File::write_all_at`].
    pub fn write_all_at(
        &self,
        file: &File,
        buf: &'env [u8],
        offset: u64,
    ) -> Pending<'scope, Write<&'env [u8]>> {
        self.start(file.write_toll(offset), file.write(Goal::All, buf, offset))
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File").field("handle", &handle::number(self.raw())).finish_non_exhaustive()
    }
}
