//! What a device's step does for an operation: what takes two steps and what takes one, what a
//! cancel finds, and each verb that moves no bytes.

use std::{ffi::CStr, sync::Arc};

use overlapped::{
    backend::{Cause, Completion, Entry, Interest, Op, OpenHow, Raw, Value},
    fs::{Kind as Sort, Metadata},
};

use super::{
    Kernel, State, Trouble,
    devices::{Devices, What},
    disk::{Content, Inode},
    errno::{ECANCELED, EINVAL},
    faults::Fault,
    flying::Stage,
    numbers::{self, CLOCK, NAMES, ROOM},
};
use crate::explore::{Access, Kind};

impl Kernel {
    /// A device takes the next step for the operation at `place`.
    pub(super) fn step(self: &Arc<Self>, state: &mut State, place: usize) {
        // Only a device changes what is on the disk: before each of its steps is every point.
        if state.settings.power && state.choose(2, Kind::Fault) == 1 {
            let now = state.now;
            state.log.power(now);
            return state.fail(Trouble::PowerCut);
        }
        // Whose time is over, and what a device does in time, depend on one another.
        state.touch(CLOCK, Access::Read);
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
            if let Op::Sync { of, .. } = op {
                state.lose_what_is_unsynced(of);
            }
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
        let raw = state.devices.open(path(&state.flying[place].entry)?, how)?;
        let has_offsets = match state.devices.handle(raw)?.what {
            What::Node(inode) => {
                // It may have been emptied.
                let access = if how.truncate { Access::Write } else { Access::Read };
                state.touch(numbers::file(inode), access);
                let what = &state.devices.disk.node(inode).what;
                !matches!(what, Content::Fifo(_) | Content::Zero | Content::Random(_))
            }
            What::ReadEnd(_) | What::WriteEnd(_) | What::Terminal(_) => false,
        };
        Ok(Value::handle(self.owned(raw, has_offsets, how.direct)))
    }
}

impl State {
    /// Whether the operation's next step would not wait for somebody else.
    pub(super) fn is_able(&self, place: usize) -> bool {
        let flying = &self.flying[place];
        if flying.cancelled || !flying.stream {
            return true;
        }
        let op = flying.entry.op();
        if matches!(op, Op::Read { .. } | Op::Write { .. }) && flying.entry.is_empty() {
            return true;
        }
        let Some(Ok(handle)) = op.handle().map(|raw| self.devices.handle(raw)) else {
            return true;
        };
        let reads = matches!(op, Op::Read { .. } | Op::Poll { interest: Interest::Readable, .. });
        match handle.what {
            What::ReadEnd(pipe) if reads => self.devices.pipes[pipe as usize].is_readable(),
            What::WriteEnd(pipe) if !reads => self.devices.pipes[pipe as usize].is_writable(),
            What::Terminal(number) if reads => {
                self.devices.terminals[number as usize].is_readable()
            }
            _ => true,
        }
    }

    /// Lands the operation at `place`: from here on its port may reap it.
    pub(super) fn land(&mut self, place: usize, answer: Result<Value, Cause>) {
        let flying = self.flying.remove(place);
        self.release(flying.entry.op().handle());
        self.counts.over += 1;
        self.log.landed(self.now, flying.number, &answer, !flying.entry.is_empty());
        let queue = flying.queue;
        self.touch(numbers::queue(queue), Access::Add);
        self.queues[queue].flying -= 1;
        let completion = Completion { entry: flying.entry, answer };
        self.queues[queue].landed.push((flying.number, completion));
    }

    fn heeded(&mut self, place: usize) {
        self.log.heeded(self.now, self.flying[place].number);
    }

    fn at_once(&mut self, place: usize, op: Op, fault: Option<Fault>) -> Result<Value, Cause> {
        const DONE: Value = Value::Count(0);
        match op {
            Op::Nop | Op::Poll { .. } => Ok(DONE),
            Op::Read { from, .. } => self.read_stream(place, from, fault).map(Value::Count),
            Op::Write { to, .. } => self.write_stream(place, to, fault).map(Value::Count),
            Op::Sync { of, .. } => {
                let inode = self.inode(of)?;
                self.touch(numbers::file(inode), Access::Write);
                if !matches!(fault, Some(Fault::LyingSync)) {
                    self.devices.disk.sync(inode);
                }
                Ok(DONE)
            }
            Op::SetLen { of, len } => {
                let (inode, _) = self.file(Some(of), false).map_err(|_| EINVAL)?;
                self.touch(numbers::file(inode), Access::Write);
                self.set_len(inode, len).map(|()| DONE)
            }
            Op::Allocate { of, at, len } => {
                let (inode, _) = self.file(Some(of), false)?;
                let end = at.checked_add(len).filter(|_| len > 0).ok_or(EINVAL)?;
                self.touch(numbers::file(inode), Access::Write);
                let len = self.file_len(inode).max(end);
                self.set_len(inode, len).map(|()| DONE)
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
                self.devices.disk.rename(path(entry)?, to).map(|()| DONE)
            }
            Op::Unlink { directory } => {
                self.touch(NAMES, Access::Write);
                let path = path(&self.flying[place].entry)?;
                self.devices.disk.unlink(path, directory).map(|()| DONE)
            }
            Op::CreateDir { mode } => {
                self.touch(NAMES, Access::Write);
                let path = path(&self.flying[place].entry)?;
                self.devices.create_dir(path, mode).map(|()| DONE)
            }
            Op::ConnectPipe { .. } | Op::Control { .. } | Op::Watch { .. } => {
                Err(op.of_windows().unwrap_or(EINVAL))
            }
            Op::Open(_) | Op::Timer { .. } => Err(EINVAL),
        }
    }

    /// The sync has failed: what is in the cache counts as written, and never reached the device.
    fn lose_what_is_unsynced(&mut self, of: Raw) {
        if let Ok(inode) = self.inode(of) {
            self.touch(numbers::file(inode), Access::Write);
            self.devices.disk.lose_what_is_unsynced(inode);
        }
    }

    fn set_len(&mut self, inode: Inode, len: u64) -> Result<(), Cause> {
        if self.devices.disk.is_bounded() {
            self.touch(ROOM, Access::Write);
        }
        self.devices.disk.set_len(inode, len)
    }

    fn inode(&self, raw: Raw) -> Result<Inode, Cause> {
        match self.devices.handle(raw)?.what {
            What::Node(inode) => Ok(inode),
            What::ReadEnd(_) | What::WriteEnd(_) | What::Terminal(_) => Err(EINVAL),
        }
    }

    fn metadata(&mut self, place: usize, of: Option<Raw>) -> Result<Metadata, Cause> {
        let inode = match of {
            None => {
                self.touch(NAMES, Access::Read);
                self.devices.disk.find(path(&self.flying[place].entry)?)?
            }
            Some(raw) => match self.devices.handle(raw)?.what {
                What::Node(inode) => inode,
                What::ReadEnd(_) | What::WriteEnd(_) => return Ok(Metadata::new(Sort::Pipe, 0)),
                What::Terminal(_) => return Ok(Metadata::new(Sort::CharDevice, 0)),
            },
        };
        self.touch(numbers::file(inode), Access::Read);
        let node = self.devices.disk.node(inode);
        let (sort, len) = match &node.what {
            Content::File(bytes) => (Sort::File, bytes.cached.len() as u64),
            Content::Directory => (Sort::Directory, 0),
            Content::Fifo(_) => (Sort::Pipe, 0),
            Content::Zero
            | Content::Null
            | Content::Full
            | Content::Terminal(_)
            | Content::Random(_) => (Sort::CharDevice, 0),
        };
        let mut metadata = Metadata::new(sort, len);
        metadata.mode = node.mode;
        metadata.inode = u64::from(inode) + 1;
        metadata.links = self.devices.disk.links(inode);
        Ok(metadata)
    }
}

fn path(entry: &Entry) -> Result<&[u8], Cause> {
    entry.path().map(CStr::to_bytes).ok_or(EINVAL)
}

impl Devices {
    fn create_dir(&mut self, path: &[u8], mode: u32) -> Result<(), Cause> {
        match self.disk.find(path) {
            Ok(_) => Err(super::errno::EEXIST),
            Err(super::errno::ENOENT) => {
                self.disk.parent(path)?;
                self.disk.add(path, Content::Directory, mode);
                Ok(())
            }
            Err(cause) => Err(cause),
        }
    }
}
