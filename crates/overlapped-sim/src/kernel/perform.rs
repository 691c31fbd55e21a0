//! What each verb does to the devices. A positional transfer takes two steps, of which each moves
//! a half, so that whatever comes between finds memory and file half written.

use std::sync::Arc;

use overlapped::{
    backend::{Cause, Completion, Entry, Interest, Op, OpenHow, Raw, Value},
    fs::{Kind as Sort, Metadata},
};

use super::{
    FILES, Kernel, NAMES, PIPES, QUEUES, State, Trouble,
    devices::{Devices, What},
    disk::{Content, EBADF, ECANCELED, EFBIG, EINVAL, EIO, EISDIR, ENOSPC, EPIPE, ESPIPE, Inode},
    flying::{Stage, mark},
};
use crate::explore::{Access, Kind, Object};

/// What goes wrong in a step.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    Short(usize),
    Error(Cause),
    Misdirected,
    LyingSync,
}

const EMFILE: Cause = Cause::Os(24);

impl Kernel {
    /// A device takes the next step for the operation at `place`.
    pub(super) fn step(self: &Arc<Self>, state: &mut State, place: usize) {
        let flying = &state.flying[place];
        let (object, cancel) = (flying.object(), flying.cancel_object());
        state.touch(object, Access::Write);
        state.touch(cancel, Access::Read);
        match state.flying[place].stage {
            Stage::Queued if state.flying[place].cancelled => {
                state.heeded(place);
                state.land(place, Err(ECANCELED));
            }
            Stage::Queued => self.take(state, place),
            Stage::Taken { deaf: false, moved, .. } if state.flying[place].cancelled => {
                // The device may heed it, tell what it has done so far, or go on.
                match state.choose(if moved > 0 { 3 } else { 2 }, Kind::Outcome) {
                    0 => {
                        state.heeded(place);
                        state.land(place, Err(ECANCELED));
                    }
                    1 => state.complete(place),
                    _ => {
                        state.heeded(place);
                        state.land(place, Ok(Value::Count(moved)));
                    }
                }
            }
            Stage::Taken { .. } => state.complete(place),
        }
    }

    fn take(self: &Arc<Self>, state: &mut State, place: usize) {
        let op = state.flying[place].entry.op();
        let len = state.flying[place].entry.len();
        let fault = state.fault(place, &op, len);
        if let Some(Fault::Error(cause)) = fault {
            return state.land(place, Err(cause));
        }
        match op {
            Op::Read { at: Some(at), .. } | Op::Write { at: Some(at), .. } => {
                if let Err(answer) = state.begin(place, op, at, fault) {
                    state.land(place, answer);
                }
            }
            Op::Open(how) => {
                let answer = self.open(state, place, how);
                state.land(place, answer);
            }
            _ => {
                let answer = state.at_once(place, op, fault);
                state.land(place, answer);
            }
        }
    }

    fn open(
        self: &Arc<Self>,
        state: &mut State,
        place: usize,
        how: OpenHow,
    ) -> Result<Value, Cause> {
        state.touch(NAMES, if how.create || how.create_new { Access::Write } else { Access::Read });
        let path = path(&state.flying[place].entry)?;
        let raw = state.devices.open(&path, how)?;
        let has_offsets = match state.devices.handle(raw)?.what {
            What::Node(inode) => {
                !matches!(state.devices.disk.node(inode).what, Content::Fifo(_) | Content::Zero)
            }
            What::ReadEnd(_) | What::WriteEnd(_) => false,
        };
        Ok(Value::handle(self.owned(raw, has_offsets, how.direct)))
    }
}

impl State {
    /// Whether the operation's next step would not wait for somebody else.
    pub(super) fn is_able(&self, place: usize) -> bool {
        let flying = &self.flying[place];
        if flying.cancelled || !flying.is_stream() {
            return true;
        }
        let op = flying.entry.op();
        let Some(Ok(handle)) = op.handle().map(|raw| self.devices.handle(raw)) else {
            return true;
        };
        let reads = matches!(op, Op::Read { .. } | Op::Poll { interest: Interest::Readable, .. });
        match handle.what {
            What::ReadEnd(pipe) if reads => self.devices.pipes[pipe as usize].is_readable(),
            What::WriteEnd(pipe) if !reads => self.devices.pipes[pipe as usize].is_writable(),
            _ => true,
        }
    }

    /// Lands the operation at `place`: from here on its port may reap it.
    pub(super) fn land(&mut self, place: usize, answer: Result<Value, Cause>) {
        let flying = self.flying.remove(place);
        self.devices.release(flying.entry.op().handle());
        self.counts.over += 1;
        self.log.landed(self.now, flying.number, &answer);
        let queue = flying.queue;
        self.touch(Object(QUEUES + queue as u32), Access::Add);
        self.queues[queue].flying -= 1;
        let completion = Completion { entry: flying.entry, answer };
        self.queues[queue].landed.push((flying.number, completion));
    }

    fn heeded(&mut self, place: usize) {
        self.log.heeded(self.now, self.flying[place].number);
    }

    /// A fault for this step, or none.
    fn fault(&mut self, place: usize, op: &Op, len: usize) -> Option<Fault> {
        if self.faults_left == 0 {
            return None;
        }
        let faults = &self.settings.faults;
        let mut ways = [None; 8];
        let mut count = 1;
        let mut offer = |fault, may: bool| {
            if may {
                ways[count] = Some(fault);
                count += 1;
            }
        };
        let moves = matches!(op, Op::Read { .. } | Op::Write { .. });
        let (reads, writes) = (matches!(op, Op::Read { .. }), matches!(op, Op::Write { .. }));
        offer(Fault::Short(len / 2), faults.short && moves && len > 3);
        offer(Fault::Short(1), faults.short && moves && len > 1);
        let plain = !matches!(op, Op::Nop | Op::Poll { .. } | Op::Open(_));
        offer(Fault::Error(EIO), faults.errors && plain);
        offer(Fault::Error(ENOSPC), faults.errors && (writes || matches!(op, Op::Allocate { .. })));
        offer(Fault::Error(EMFILE), faults.errors && matches!(op, Op::Open(_)));
        offer(Fault::Misdirected, faults.misdirected && reads && is_positional(op));
        offer(Fault::LyingSync, faults.lying_sync && matches!(op, Op::Sync { .. }));
        let fault = ways[self.choose(count, Kind::Fault)]?;
        self.faults_left -= 1;
        self.log.injected(self.now, self.flying[place].number, &fault);
        Some(fault)
    }

    // --- positional transfers ---------------------------------------------------------------

    /// The device takes the operation and moves the first half; or it is over at once.
    fn begin(
        &mut self,
        place: usize,
        op: Op,
        at: u64,
        fault: Option<Fault>,
    ) -> Result<(), Result<Value, Cause>> {
        let reads = matches!(op, Op::Read { .. });
        let (inode, how) = self.file(op.handle(), reads).map_err(Err)?;
        let asked = self.flying[place].entry.len();
        let at = match fault {
            Some(Fault::Misdirected) => at ^ 512,
            _ if how.append && !reads => self.file_len(inode),
            _ => at,
        };
        check(&mut self.flying[place].entry, at, how, reads).map_err(Err)?;
        let most = match fault {
            Some(Fault::Short(most)) => most,
            _ => asked,
        };
        let len = if reads { self.readable(inode, at).min(most) } else { most };
        if len == 0 {
            return Err(Ok(Value::Count(0)));
        }
        self.flying[place].stage = Stage::Taken { at, len, moved: 0, mark: 0, deaf: false };
        self.log.taken(self.now, self.flying[place].number);
        let quarters =
            if self.settings.tears { [2, 1, 3][self.choose(3, Kind::Length)] } else { 2 };
        let moved = self.move_bytes(place, len * quarters / 4).map_err(Err)?;
        let entry = &mut self.flying[place].entry;
        let mark = if reads {
            mark(entry.slices_mut().map(|slice| &*slice), moved)
        } else {
            mark(entry.slices(), moved)
        };
        self.flying[place].stage = Stage::Taken { at, len, moved, mark, deaf: false };
        Ok(())
    }

    /// The device moves the rest, and is done.
    fn complete(&mut self, place: usize) {
        let Stage::Taken { len, moved, mark: before, .. } = self.flying[place].stage else {
            return;
        };
        self.look_at_memory(place, moved, before);
        let answer = match self.move_bytes(place, len - moved) {
            Ok(more) => Ok(Value::Count(moved + more)),
            Err(_) if moved > 0 => Ok(Value::Count(moved)),
            Err(cause) => Err(cause),
        };
        self.land(place, answer);
    }

    // [C1] what is lent is changed by the device alone, and is still there.
    fn look_at_memory(&mut self, place: usize, moved: usize, before: u64) {
        let flying = &mut self.flying[place];
        let now = match flying.entry.op() {
            Op::Read { .. } => mark(flying.entry.slices_mut().map(|slice| &*slice), moved),
            _ => mark(flying.entry.slices(), moved),
        };
        if now != before {
            let number = flying.number;
            let text =
                format!("the memory of #{number} was written while it was lent to the device");
            self.fail(Trouble::oracle("C1", text));
        }
    }

    /// Moves the next `len` bytes; how many did.
    fn move_bytes(&mut self, place: usize, len: usize) -> Result<usize, Cause> {
        let flying = &mut self.flying[place];
        let Stage::Taken { at, moved, .. } = flying.stage else {
            return Ok(0);
        };
        let (op, at) = (flying.entry.op(), at + moved as u64);
        let reads = matches!(op, Op::Read { .. });
        let raw = op.handle().ok_or(EBADF)?;
        let What::Node(inode) = self.devices.handle(raw)?.what else {
            return Err(ESPIPE);
        };
        let object = Object(FILES + inode);
        self.choice.touch(object, if reads { Access::Read } else { Access::Write });
        let disk = &mut self.devices.disk;
        match (&disk.node(inode).what, reads) {
            (Content::File(bytes), true) => {
                let from = usize::try_from(at).unwrap_or(usize::MAX).min(bytes.cached.len());
                let end = from.saturating_add(len).min(bytes.cached.len());
                fill(&mut flying.entry, moved, &bytes.cached[from..end]);
                Ok(end - from)
            }
            (Content::File(_), false) => {
                let bytes = gather(&flying.entry, moved, len);
                if bytes.is_empty() { Ok(0) } else { disk.write(inode, at, &bytes) }
            }
            (Content::Zero | Content::Full, true) => {
                fill(&mut flying.entry, moved, &vec![0; len]);
                Ok(len)
            }
            (Content::Null, true) => Ok(0),
            (Content::Full, false) => Err(ENOSPC),
            (Content::Zero | Content::Null, false) => Ok(len),
            (Content::Directory, _) => Err(EISDIR),
            (Content::Fifo(_), _) => Err(ESPIPE),
        }
    }

    /// The file that an operation may work on.
    fn file(&self, raw: Option<Raw>, reads: bool) -> Result<(Inode, OpenHow), Cause> {
        let handle = self.devices.handle(raw.ok_or(EBADF)?)?;
        let may = if reads { handle.how.read } else { handle.how.write || handle.how.append };
        match handle.what {
            _ if !may => Err(EBADF),
            What::Node(inode) => Ok((inode, handle.how)),
            What::ReadEnd(_) | What::WriteEnd(_) => Err(ESPIPE),
        }
    }

    fn file_len(&self, inode: Inode) -> u64 {
        match &self.devices.disk.node(inode).what {
            Content::File(bytes) => bytes.cached.len() as u64,
            _ => 0,
        }
    }

    fn readable(&self, inode: Inode, at: u64) -> usize {
        match &self.devices.disk.node(inode).what {
            Content::File(bytes) => {
                bytes.cached.len().saturating_sub(usize::try_from(at).unwrap_or(usize::MAX))
            }
            Content::Null => 0,
            // What else is wrong with it is told when bytes are to move.
            _ => usize::MAX,
        }
    }

    // --- everything else --------------------------------------------------------------------

    fn at_once(&mut self, place: usize, op: Op, fault: Option<Fault>) -> Result<Value, Cause> {
        const DONE: Value = Value::Count(0);
        match op {
            Op::Nop | Op::Poll { .. } => Ok(DONE),
            Op::Read { from, .. } => self.read_stream(place, from, fault).map(Value::Count),
            Op::Write { to, .. } => self.write_stream(place, to, fault).map(Value::Count),
            Op::Sync { of, .. } => {
                let inode = self.inode(of)?;
                self.touch(Object(FILES + inode), Access::Write);
                if !matches!(fault, Some(Fault::LyingSync)) {
                    self.devices.disk.sync(inode);
                }
                Ok(DONE)
            }
            Op::SetLen { of, len } => {
                let (inode, _) = self.file(Some(of), false).map_err(|_| EINVAL)?;
                self.touch(Object(FILES + inode), Access::Write);
                self.devices.disk.set_len(inode, len).map(|()| DONE)
            }
            Op::Allocate { of, at, len } => {
                let (inode, _) = self.file(Some(of), false)?;
                let end = at.checked_add(len).filter(|_| len > 0).ok_or(EINVAL)?;
                self.touch(Object(FILES + inode), Access::Write);
                let len = self.file_len(inode).max(end);
                self.devices.disk.set_len(inode, len).map(|()| DONE)
            }
            Op::Stat { of } => {
                let metadata = self.metadata(place, of)?;
                self.flying[place].entry.set_metadata(metadata);
                Ok(DONE)
            }
            Op::Rename => {
                self.touch(NAMES, Access::Write);
                let entry = &self.flying[place].entry;
                let to = entry.second_path().ok_or(EINVAL)?.to_bytes();
                self.devices.disk.rename(&path(entry)?, to).map(|()| DONE)
            }
            Op::Unlink { directory } => {
                self.touch(NAMES, Access::Write);
                let path = path(&self.flying[place].entry)?;
                self.devices.disk.unlink(&path, directory).map(|()| DONE)
            }
            Op::CreateDir { mode } => {
                self.touch(NAMES, Access::Write);
                let path = path(&self.flying[place].entry)?;
                self.devices.create_dir(&path, mode).map(|()| DONE)
            }
            Op::Open(_) | Op::Timer { .. } => Err(EINVAL),
        }
    }

    fn inode(&self, raw: Raw) -> Result<Inode, Cause> {
        match self.devices.handle(raw)?.what {
            What::Node(inode) => Ok(inode),
            What::ReadEnd(_) | What::WriteEnd(_) => Err(EINVAL),
        }
    }

    fn read_stream(
        &mut self,
        place: usize,
        from: Raw,
        fault: Option<Fault>,
    ) -> Result<usize, Cause> {
        let asked = self.flying[place].entry.len();
        let most = match fault {
            Some(Fault::Short(most)) => most,
            _ => asked,
        };
        let handle = self.devices.handle(from)?;
        match handle.what {
            What::WriteEnd(_) => Err(EBADF),
            What::ReadEnd(pipe) => {
                self.touch(Object(PIPES + pipe), Access::Write);
                let bytes = &mut self.devices.pipes[pipe as usize].bytes;
                let len = most.min(bytes.len());
                let taken: Vec<u8> = bytes.drain(..len).collect();
                fill(&mut self.flying[place].entry, 0, &taken);
                Ok(len)
            }
            What::Node(inode) => {
                let at = self.devices.advance(from, 0);
                let len = most.min(self.readable(inode, at));
                self.flying[place].stage = Stage::Taken { at, len, moved: 0, mark: 0, deaf: true };
                let len = self.move_bytes(place, len)?;
                self.devices.advance(from, len as u64);
                Ok(len)
            }
        }
    }

    fn write_stream(
        &mut self,
        place: usize,
        to: Raw,
        fault: Option<Fault>,
    ) -> Result<usize, Cause> {
        let asked = self.flying[place].entry.len();
        let most = match fault {
            Some(Fault::Short(most)) => most,
            _ => asked,
        };
        let handle = self.devices.handle(to)?;
        let append = handle.how.append;
        match handle.what {
            What::ReadEnd(_) => Err(EBADF),
            What::WriteEnd(number) => {
                self.touch(Object(PIPES + number), Access::Write);
                let pipe = &mut self.devices.pipes[number as usize];
                if pipe.readers == 0 {
                    return Err(EPIPE);
                }
                let bytes = gather(&self.flying[place].entry, 0, most.min(pipe.room()));
                pipe.bytes.extend(&bytes);
                Ok(bytes.len())
            }
            What::Node(inode) => {
                let at = if append { self.file_len(inode) } else { self.devices.advance(to, 0) };
                let len = most;
                self.flying[place].stage = Stage::Taken { at, len, moved: 0, mark: 0, deaf: true };
                let len = self.move_bytes(place, len)?;
                self.devices.advance(to, len as u64);
                Ok(len)
            }
        }
    }

    fn metadata(&mut self, place: usize, of: Option<Raw>) -> Result<Metadata, Cause> {
        let inode = match of {
            None => {
                self.touch(NAMES, Access::Read);
                self.devices.disk.find(&path(&self.flying[place].entry)?)?
            }
            Some(raw) => match self.devices.handle(raw)?.what {
                What::Node(inode) => inode,
                What::ReadEnd(_) | What::WriteEnd(_) => return Ok(Metadata::new(Sort::Pipe, 0)),
            },
        };
        self.touch(Object(FILES + inode), Access::Read);
        let node = self.devices.disk.node(inode);
        let (sort, len) = match &node.what {
            Content::File(bytes) => (Sort::File, bytes.cached.len() as u64),
            Content::Directory => (Sort::Directory, 0),
            Content::Fifo(_) => (Sort::Pipe, 0),
            Content::Zero | Content::Null | Content::Full => (Sort::CharDevice, 0),
        };
        let mut metadata = Metadata::new(sort, len);
        metadata.mode = node.mode;
        metadata.inode = u64::from(inode) + 1;
        metadata.links = self.devices.disk.links(inode);
        Ok(metadata)
    }
}

/// What direct I/O asks for, and what no offset may be.
fn check(entry: &mut Entry, at: u64, how: OpenHow, reads: bool) -> Result<(), Cause> {
    let len = entry.len() as u64;
    if at.checked_add(len).is_none_or(|end| end > i64::MAX as u64) {
        return Err(if reads { EINVAL } else { EFBIG });
    }
    let is_odd = |slice: &[u8]| slice.as_ptr().addr() % 512 != 0;
    let odd = entry.slices().any(is_odd) || entry.slices_mut().any(|slice| is_odd(slice));
    if how.direct && (odd || at % 512 != 0 || len % 512 != 0) {
        return Err(EINVAL);
    }
    Ok(())
}

fn is_positional(op: &Op) -> bool {
    matches!(op, Op::Read { at: Some(_), .. } | Op::Write { at: Some(_), .. })
}

fn path(entry: &Entry) -> Result<Vec<u8>, Cause> {
    entry.path().map(|path| path.to_bytes().to_vec()).ok_or(EINVAL)
}

/// Puts `bytes` into the lent memory, `skip` bytes from its start.
fn fill(entry: &mut Entry, mut skip: usize, mut bytes: &[u8]) {
    for slice in entry.slices_mut() {
        let from = skip.min(slice.len());
        skip -= from;
        let room = &mut slice[from..];
        let len = room.len().min(bytes.len());
        let (now, later) = bytes.split_at(len);
        room[..len].copy_from_slice(now);
        bytes = later;
    }
}

/// At most `len` bytes of the lent memory, `skip` bytes from its start.
fn gather(entry: &Entry, mut skip: usize, len: usize) -> Vec<u8> {
    let mut gathered = Vec::with_capacity(len.min(entry.len()));
    for slice in entry.slices() {
        let from = skip.min(slice.len());
        skip -= from;
        let rest = &slice[from..];
        gathered.extend_from_slice(&rest[..rest.len().min(len - gathered.len())]);
    }
    gathered
}

impl Devices {
    fn create_dir(&mut self, path: &[u8], mode: u32) -> Result<(), Cause> {
        match self.disk.find(path) {
            Ok(_) => Err(super::disk::EEXIST),
            Err(super::disk::ENOENT) => {
                self.disk.parent(path)?;
                self.disk.add(path, Content::Directory, mode);
                Ok(())
            }
            Err(cause) => Err(cause),
        }
    }
}
