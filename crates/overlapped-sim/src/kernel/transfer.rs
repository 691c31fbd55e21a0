//! Transfers at an offset. A device moves them in two steps, so that whatever comes between finds
//! memory and file half written.

use overlapped::backend::{Cause, Entry, Op, OpenHow, Raw, Value};

use super::{
    State, Trouble,
    devices::What,
    disk::{Content, Inode},
    errno::{EBADF, EFBIG, EINVAL, EISDIR, ENOSPC, ESPIPE},
    faults::Fault,
    flying::{Stage, mark},
    numbers::{self, ROOM},
};
use crate::explore::{Access, Kind};

impl State {
    /// The device takes the operation and moves the first half; or it is over at once.
    pub(super) fn begin(
        &mut self,
        place: usize,
        op: Op,
        at: u64,
        fault: Option<Fault>,
    ) -> Result<(), Result<Value, Cause>> {
        let reads = matches!(op, Op::Read { .. });
        let (inode, how) = self.file(op.handle(), reads).map_err(Err)?;
        let at = match fault {
            Some(Fault::Misdirected) => at ^ 512,
            _ if how.append && !reads => self.file_len(inode),
            _ => at,
        };
        check(&mut self.flying[place].entry, at, how, reads).map_err(Err)?;
        let most = self.most(place, fault);
        let len = if reads { self.readable(inode, at).min(most) } else { most };
        if len == 0 {
            return Err(Ok(Value::Count(0)));
        }
        if let Some(Fault::Breaks(cause)) = fault {
            self.flying[place].breaks = Some(cause);
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

    /// How many bytes move at most.
    pub(super) fn most(&self, place: usize, fault: Option<Fault>) -> usize {
        match fault {
            Some(Fault::Short(most)) => most,
            _ => self.flying[place].entry.len(),
        }
    }

    /// The device moves the rest, and is done.
    pub(super) fn complete(&mut self, place: usize) {
        let Stage::Taken { len, moved, mark: before, .. } = self.flying[place].stage else {
            return;
        };
        self.look_at_memory(place, moved, before);
        if let Some(cause) = self.flying[place].breaks {
            return self.land(place, Err(cause));
        }
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
    pub(super) fn move_bytes(&mut self, place: usize, len: usize) -> Result<usize, Cause> {
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
        let object = numbers::file(inode);
        let disk = &mut self.devices.disk;
        if let Some(bytes) = disk.random(inode, if reads { len } else { 0 }) {
            self.choice.touch(object, Access::Write);
            fill(&mut flying.entry, moved, &bytes);
            return Ok(len);
        }
        self.choice.touch(object, if reads { Access::Read } else { Access::Write });
        match (&disk.node(inode).what, reads) {
            (Content::File(bytes), true) => {
                let from = usize::try_from(at).unwrap_or(usize::MAX).min(bytes.cached.len());
                let end = from.saturating_add(len).min(bytes.cached.len());
                fill(&mut flying.entry, moved, &bytes.cached[from..end]);
                Ok(end - from)
            }
            (Content::File(_), false) => {
                let bytes = gather(&flying.entry, moved, len);
                if disk.is_bounded() {
                    self.choice.touch(ROOM, Access::Write);
                }
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
            (Content::Fifo(_) | Content::Terminal(_) | Content::Random(_), _) => Err(ESPIPE),
        }
    }

    /// The file that an operation may work on.
    pub(super) fn file(&self, raw: Option<Raw>, reads: bool) -> Result<(Inode, OpenHow), Cause> {
        let handle = self.devices.handle(raw.ok_or(EBADF)?)?;
        let may = if reads { handle.how.read } else { handle.how.write || handle.how.append };
        match handle.what {
            _ if !may => Err(EBADF),
            What::Node(inode) => Ok((inode, handle.how)),
            What::ReadEnd(_) | What::WriteEnd(_) | What::Terminal(_) => Err(ESPIPE),
        }
    }

    pub(super) fn file_len(&self, inode: Inode) -> u64 {
        match &self.devices.disk.node(inode).what {
            Content::File(bytes) => bytes.cached.len() as u64,
            _ => 0,
        }
    }

    pub(super) fn readable(&self, inode: Inode, at: u64) -> usize {
        match &self.devices.disk.node(inode).what {
            Content::File(bytes) => {
                bytes.cached.len().saturating_sub(usize::try_from(at).unwrap_or(usize::MAX))
            }
            Content::Null => 0,
            // What else is wrong with it is told when bytes are to move.
            _ => usize::MAX,
        }
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

/// Puts `bytes` into the lent memory, `skip` bytes from its start.
pub(super) fn fill(entry: &mut Entry, mut skip: usize, mut bytes: &[u8]) {
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
pub(super) fn gather(entry: &Entry, mut skip: usize, len: usize) -> Vec<u8> {
    let mut gathered = Vec::with_capacity(len.min(entry.len()));
    for slice in entry.slices() {
        let from = skip.min(slice.len());
        skip -= from;
        let rest = &slice[from..];
        gathered.extend_from_slice(&rest[..rest.len().min(len - gathered.len())]);
    }
    gathered
}
