use std::{
    fmt,
    path::Path,
    sync::{Arc, PoisonError},
};

use windows_sys::Win32::Storage::FileSystem::{
    FILE_NOTIFY_CHANGE, FILE_NOTIFY_CHANGE_ATTRIBUTES, FILE_NOTIFY_CHANGE_CREATION,
    FILE_NOTIFY_CHANGE_DIR_NAME, FILE_NOTIFY_CHANGE_FILE_NAME, FILE_NOTIFY_CHANGE_LAST_ACCESS,
    FILE_NOTIFY_CHANGE_LAST_WRITE, FILE_NOTIFY_CHANGE_SECURITY, FILE_NOTIFY_CHANGE_SIZE,
};

use crate::{
    buf::{AlignedBuf, Fill},
    handle::{self, Owned},
    lane::{Direction, Lane},
    op::{Goal, Op, Open, OpenHow, Plan, Spare, Watch},
    pending::{self, Ask, Pending},
    port::{Held, Port},
};

/// A directory whose changes are told.
///
/// The OS takes note of changes from the first [`next`](Self::next) on, also while nobody asks, as
/// far as it has room. Dropping the watcher leaves what is in flight to its [`Pending`]; changes
/// that nobody has been told go with it.
///
/// ```
/// use overlapped::{Port, fs::{Action, Changes, Watcher}};
///
/// # fn main() -> std::io::Result<()> {
/// # let dir = std::env::temp_dir().join(format!("overlapped-doc-watch-{}", std::process::id()));
/// # std::fs::create_dir(&dir)?;
/// let port = Port::shared()?;
/// let watcher = Watcher::open(&port, &dir).wait()?;
/// let next = watcher.next(); // from here on
/// std::fs::write(dir.join("new"), "hello")?;
/// match next.wait()? {
///     Changes::Told(changes) => {
///         assert_eq!(changes[0].action, Action::Added);
///         assert_eq!(changes[0].path.to_str(), Some("new"));
///     }
///     Changes::Lost => println!("too many: look for yourself"),
/// }
/// # std::fs::remove_dir_all(dir)?;
/// # Ok(())
/// # }
/// ```
pub struct Watcher {
    lane: Arc<Lane>,
    port: Port,
    options: WatchOptions,
    spare: Spare,
}

impl Watcher {
    /// Opens the directory `dir`, to be watched as [`WatchOptions`] has it by default: names,
    /// lengths and contents, of everything below it.
    pub fn open(port: &Port, dir: impl AsRef<Path>) -> Pending<'static, Open<Self>> {
        WatchOptions::new().open(port, dir)
    }

    fn new(port: &Port, handle: Owned, options: WatchOptions) -> Self {
        port.adopt_device(&handle);
        let lane = Lane::new(Arc::new(handle), Direction::Read, port.shard_for(&Op::Nop));
        // What an abandoned call was told is kept by itself, "nothing" too.
        lane.set_messages(true);
        Self { lane, port: port.clone(), options, spare: Spare::default() }
    }

    /// The port that its operations go to.
    pub fn port(&self) -> &Port {
        &self.port
    }

    /// Waits until something has changed since the call before, and tells what. See
    /// [ReadDirectoryChangesW].
    ///
    /// Calls are answered in the order in which they were started. Cancelled, it has told nothing,
    /// and the changes are told to the next. Dropped in flight, a cancel is requested; what it was
    /// told all the same is told to the next, by itself.
    ///
    /// # Errors
    ///
    /// The OS's: that the directory is gone (`ERROR_ACCESS_DENIED`, 5), that its file system tells
    /// no changes (`ERROR_INVALID_FUNCTION`, 1). More changes than there is room for are none:
    /// that is [`Changes::Lost`](super::Changes::Lost).
    ///
    /// [ReadDirectoryChangesW]: https://learn.microsoft.com/en-us/windows/win32/api/winbase/nf-winbase-readdirectorychangesw
    pub fn next(&self) -> Pending<'static, Watch> {
        let kept = self.spare.lock().unwrap_or_else(PoisonError::into_inner).take();
        let buf = kept.unwrap_or_else(|| AlignedBuf::new(self.options.room, align_of::<u32>()));
        let WatchOptions { changes, tree, .. } = self.options;
        let ask = Ask {
            shard: self.lane.shard(),
            op: Op::Watch { of: self.raw(), changes, tree },
            plan: Plan::new(Goal::Once),
            request: Watch { buf: Fill(buf), spare: Arc::clone(&self.spare) },
            holder: Some(Arc::<Lane>::clone(&self.lane)),
            fixed: None,
        };
        Pending::start_by(&self.lane, ask)
    }

    fn raw(&self) -> handle::Raw {
        let held: &Held = (*self.lane).as_ref();
        held.raw()
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watcher")
            .field("handle", &handle::number(self.raw()))
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// Which changes of a directory are told, and how many at a time.
#[derive(Clone, Debug)]
pub struct WatchOptions {
    changes: FILE_NOTIFY_CHANGE,
    tree: bool,
    room: usize,
}

impl Default for WatchOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl WatchOptions {
    /// Names, lengths and contents, of everything below the directory; room for 64 KiB.
    pub fn new() -> Self {
        let names = FILE_NOTIFY_CHANGE_FILE_NAME | FILE_NOTIFY_CHANGE_DIR_NAME;
        let contents = FILE_NOTIFY_CHANGE_SIZE | FILE_NOTIFY_CHANGE_LAST_WRITE;
        Self { changes: names | contents, tree: true, room: 64 << 10 }
    }

    /// Also what changes in the directories below it.
    pub fn tree(&mut self, tree: bool) -> &mut Self {
        self.tree = tree;
        self
    }

    /// Files that are made, removed or renamed.
    pub fn file_names(&mut self, told: bool) -> &mut Self {
        self.set(FILE_NOTIFY_CHANGE_FILE_NAME, told)
    }

    /// Directories that are made, removed or renamed.
    pub fn dir_names(&mut self, told: bool) -> &mut Self {
        self.set(FILE_NOTIFY_CHANGE_DIR_NAME, told)
    }

    /// Files whose length changes, once that reaches the device.
    pub fn lengths(&mut self, told: bool) -> &mut Self {
        self.set(FILE_NOTIFY_CHANGE_SIZE, told)
    }

    /// Files that are written, once that reaches the device.
    pub fn contents(&mut self, told: bool) -> &mut Self {
        self.set(FILE_NOTIFY_CHANGE_LAST_WRITE, told)
    }

    /// Files that are read.
    pub fn reads(&mut self, told: bool) -> &mut Self {
        self.set(FILE_NOTIFY_CHANGE_LAST_ACCESS, told)
    }

    /// Files whose attributes change, their time of creation, or who may do what with them.
    pub fn attributes(&mut self, told: bool) -> &mut Self {
        self.set(FILE_NOTIFY_CHANGE_ATTRIBUTES, told);
        self.set(FILE_NOTIFY_CHANGE_CREATION, told);
        self.set(FILE_NOTIFY_CHANGE_SECURITY, told)
    }

    fn set(&mut self, changes: FILE_NOTIFY_CHANGE, told: bool) -> &mut Self {
        self.changes = if told { self.changes | changes } else { self.changes & !changes };
        self
    }

    /// How many bytes the changes may take that are told at a time, at least 1024. A change takes
    /// 12 and two for each letter of its path. Of a directory on another machine at most 64 KiB.
    pub fn room(&mut self, bytes: usize) -> &mut Self {
        self.room = bytes.max(1024).next_multiple_of(4);
        self
    }

    /// Opens the directory `dir`. Dropped in flight, a cancel is requested and a handle that comes
    /// all the same is closed. Names what is no directory (`ERROR_DIRECTORY`, 267).
    pub fn open(&self, port: &Port, dir: impl AsRef<Path>) -> Pending<'static, Open<Watcher>> {
        let how = OpenHow { read: true, directory: true, ..OpenHow::default() };
        let (owner, options) = (port.clone(), self.clone());
        let make = move |handle| Watcher::new(&owner, handle, options);
        pending::open(port, how, dir.as_ref(), make)
    }
}
