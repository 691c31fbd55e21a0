//! What handles lead to, and who has them open.

use std::sync::{Arc, Weak};

use overlapped::backend::{Cause, OpenHow, Owned, Raw, Simulated};

use super::{
    Kernel, State, Time,
    disk::{Bytes, Content, Disk, Inode},
    errno::{EBADF, EEXIST, EISDIR, ENOENT, ENOTDIR, ENXIO},
    numbers,
    pipe::{Pipe, ROOM},
    terminal::Terminal,
};
use crate::explore::Access;

/// Numbers of handles begin here: no OS gives such ones.
const FIRST: Raw = 1 << 30;

#[derive(Default)]
pub(crate) struct Devices {
    pub(super) disk: Disk,
    pub(super) pipes: Vec<Pipe>,
    pub(super) terminals: Vec<Terminal>,
    /// How many bytes a new pipe holds.
    pipe_room: usize,
    handles: Vec<Handle>,
}

/// An open handle, or one that was.
#[derive(Debug)]
pub(super) struct Handle {
    pub(super) what: What,
    pub(super) how: OpenHow,
    /// The program has it.
    open: bool,
    /// Operations that work on it: they keep it, whoever closes it.
    busy: usize,
    /// Where a stream of a file stands.
    stands: u64,
    /// Made by the program itself, and not by an operation that may have been abandoned.
    given: bool,
}

/// What it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Node(Inode),
    ReadEnd(u32),
    WriteEnd(u32),
    Terminal(u32),
}

impl Devices {
    /// As they are when a simulation begins.
    pub(super) fn set_up(&mut self) {
        let Self { disk, pipes, pipe_room, terminals, handles } = self;
        disk.set_up();
        *pipe_room = ROOM;
        pipes.clear();
        terminals.clear();
        handles.clear();
    }

    pub(super) fn handle(&self, raw: Raw) -> Result<&Handle, Cause> {
        let place = usize::try_from(raw.checked_sub(FIRST).ok_or(EBADF)?).map_err(|_| EBADF)?;
        self.handles.get(place).filter(|handle| handle.open || handle.busy > 0).ok_or(EBADF)
    }

    fn handle_mut(&mut self, raw: Raw) -> Option<&mut Handle> {
        let place = usize::try_from(raw.checked_sub(FIRST)?).ok()?;
        self.handles.get_mut(place)
    }

    fn add(&mut self, what: What, how: OpenHow, given: bool) -> Raw {
        self.handles.push(Handle { what, how, open: true, busy: 0, stands: 0, given });
        FIRST + Raw::try_from(self.handles.len() - 1).expect("fewer handles than numbers")
    }

    /// An operation begins to work on the handle.
    pub(super) fn hold(&mut self, raw: Option<Raw>) {
        if let Some(handle) = raw.and_then(|raw| self.handle_mut(raw)) {
            handle.busy += 1;
        }
    }

    /// The operation is over. The pipe whose end is gone by that, if one is.
    fn release(&mut self, raw: Option<Raw>) -> Option<u32> {
        let handle = self.handle_mut(raw?)?;
        handle.busy -= 1;
        self.gone(raw?)
    }

    /// Where a stream of a file stands, after it went on by `len`.
    pub(super) fn advance(&mut self, raw: Raw, len: u64) -> u64 {
        let Some(handle) = self.handle_mut(raw) else {
            return 0;
        };
        handle.stands += len;
        handle.stands
    }

    /// The program has closed it. The pipe whose end is gone by that, if one is.
    fn close(&mut self, raw: Raw) -> Option<u32> {
        self.handle_mut(raw)?.open = false;
        self.gone(raw)
    }

    fn gone(&mut self, raw: Raw) -> Option<u32> {
        let handle = self.handle_mut(raw)?;
        let (what, used) = (handle.what, handle.open || handle.busy > 0);
        match what {
            _ if used => None,
            What::ReadEnd(pipe) => {
                self.pipes[pipe as usize].readers -= 1;
                Some(pipe)
            }
            What::WriteEnd(pipe) => {
                self.pipes[pipe as usize].writers -= 1;
                Some(pipe)
            }
            What::Node(_) | What::Terminal(_) => None,
        }
    }

    /// A handle that an operation has made and that is still open, if there is one.
    pub(super) fn left_open(&self) -> Option<String> {
        let place = self.handles.iter().position(|handle| handle.open && !handle.given)?;
        Some(format!("handle {} ({:?})", place + 1, self.handles[place].what))
    }

    /// The number that is shown for a handle: the same in each run.
    pub(super) fn shown(raw: Raw) -> Raw {
        raw - FIRST + 1
    }

    pub(super) fn open(&mut self, path: &[u8], how: OpenHow) -> Result<Raw, Cause> {
        let inode = match self.disk.find(path) {
            Ok(_) if how.create_new => return Err(EEXIST),
            Ok(inode) => inode,
            Err(ENOENT) if how.create || how.create_new => {
                self.disk.parent(path)?;
                if path.ends_with(b"/") {
                    return Err(EISDIR);
                }
                self.disk.add(path, Content::File(Bytes::default()), how.mode)
            }
            Err(cause) => return Err(cause),
        };
        let writes = how.write || how.append;
        match &self.disk.node(inode).what {
            Content::Directory if writes => return Err(EISDIR),
            Content::File(_) if path.ends_with(b"/") => return Err(ENOTDIR),
            Content::Fifo(pipe) => return self.open_fifo(*pipe, how),
            Content::Terminal(number) => return Ok(self.add(What::Terminal(*number), how, false)),
            Content::File(_) if how.truncate && writes => self.disk.set_len(inode, 0)?,
            _ => {}
        }
        Ok(self.add(What::Node(inode), how, false))
    }

    fn open_fifo(&mut self, number: u32, how: OpenHow) -> Result<Raw, Cause> {
        let pipe = &mut self.pipes[number as usize];
        if how.write {
            if pipe.readers == 0 {
                return Err(ENXIO);
            }
            pipe.writers += 1;
            pipe.had_writer = true;
            return Ok(self.add(What::WriteEnd(number), how, false));
        }
        pipe.readers += 1;
        Ok(self.add(What::ReadEnd(number), how, false))
    }

    pub(crate) fn put_file(&mut self, path: &[u8], bytes: Vec<u8>) {
        self.disk.put(path, Content::File(Bytes::with(bytes)), 0o644);
    }

    pub(crate) fn put_directory(&mut self, path: &[u8]) {
        self.disk.put(path, Content::Directory, 0o755);
    }

    pub(crate) fn set_capacity(&mut self, bytes: u64) {
        self.disk.capacity = bytes;
    }

    pub(crate) fn set_pipe_room(&mut self, bytes: usize) {
        self.pipe_room = bytes.max(1);
    }

    pub(crate) fn contents(&self, path: &[u8]) -> Option<Vec<u8>> {
        match &self.disk.node(self.disk.find(path).ok()?).what {
            Content::File(bytes) => Some(bytes.cached.to_vec()),
            _ => None,
        }
    }

    /// `typed`: what, and when.
    pub(crate) fn put_terminal(&mut self, path: &[u8], mut typed: Vec<(Time, Vec<u8>)>) {
        typed.sort_by_key(|(at, _)| *at);
        let number = u32::try_from(self.terminals.len()).expect("fewer terminals than numbers");
        self.terminals.push(Terminal::new(typed));
        self.disk.put(path, Content::Terminal(number), 0o620);
    }

    /// What was written to the terminal.
    pub(crate) fn shown_on(&self, path: &[u8]) -> Option<Vec<u8>> {
        match &self.disk.node(self.disk.find(path).ok()?).what {
            Content::Terminal(number) => Some(self.terminals[*number as usize].shown.clone()),
            _ => None,
        }
    }

    pub(crate) fn seed_random(&mut self, seed: u64) {
        self.disk.put_random(seed);
    }

    pub(crate) fn fifo(&mut self, path: &[u8]) {
        let number = u32::try_from(self.pipes.len()).expect("fewer pipes than numbers");
        self.pipes.push(Pipe { capacity: self.pipe_room, ..Pipe::default() });
        self.disk.put(path, Content::Fifo(number), 0o644);
    }
}

/// What the program has of a handle.
#[derive(Debug)]
struct Open {
    raw: Raw,
    has_offsets: bool,
    direct: bool,
    kernel: Weak<Kernel>,
}

impl Kernel {
    pub(super) fn owned(self: &Arc<Self>, raw: Raw, has_offsets: bool, direct: bool) -> Owned {
        Owned::simulated(Box::new(Open { raw, has_offsets, direct, kernel: Arc::downgrade(self) }))
    }

    pub(super) fn pipe(self: &Arc<Self>) -> (Owned, Owned) {
        let mut state = self.lock();
        let devices = &mut state.devices;
        let number = u32::try_from(devices.pipes.len()).expect("fewer pipes than numbers");
        let capacity = devices.pipe_room;
        let pipe = Pipe { capacity, readers: 1, writers: 1, had_writer: true, ..Pipe::default() };
        devices.pipes.push(pipe);
        let how = OpenHow::default();
        let reader = devices.add(What::ReadEnd(number), OpenHow { read: true, ..how }, true);
        let writer = devices.add(What::WriteEnd(number), OpenHow { write: true, ..how }, true);
        drop(state);
        (self.owned(reader, false, false), self.owned(writer, false, false))
    }
}

impl State {
    /// An operation that worked on the handle is over.
    pub(super) fn release(&mut self, raw: Option<Raw>) {
        let pipe = self.devices.release(raw);
        self.lost_an_end(pipe);
    }

    fn close(&mut self, raw: Raw) {
        let pipe = self.devices.close(raw);
        self.lost_an_end(pipe);
    }

    /// What waits at the other end may go on by it.
    fn lost_an_end(&mut self, pipe: Option<u32>) {
        if let Some(pipe) = pipe {
            self.touch(numbers::pipe(pipe), Access::Write);
        }
    }
}

impl std::fmt::Debug for Kernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kernel").finish_non_exhaustive()
    }
}

impl Simulated for Open {
    fn raw(&self) -> Raw {
        self.raw
    }

    fn has_offsets(&self) -> bool {
        self.has_offsets
    }

    fn direct_alignment(&self) -> Option<usize> {
        self.direct.then_some(512)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(kernel) = self.kernel.upgrade() {
            kernel.lock().close(self.raw);
        }
    }
}
