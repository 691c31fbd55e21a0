//! Transfers without an offset: pipes, terminals, and files as streams.

use overlapped::backend::{Cause, Raw};

use super::{
    State,
    devices::What,
    errno::{EBADF, EPIPE},
    faults::Fault,
    flying::Stage,
    numbers,
    transfer::{fill, gather},
};
use crate::explore::Access;

impl State {
    pub(super) fn read_stream(
        &mut self,
        place: usize,
        from: Raw,
        fault: Option<Fault>,
    ) -> Result<usize, Cause> {
        let most = self.most(place, fault);
        let handle = self.devices.handle(from)?;
        match handle.what {
            What::WriteEnd(_) => Err(EBADF),
            What::ReadEnd(pipe) => {
                self.touch(numbers::pipe(pipe), Access::Write);
                let bytes = &mut self.devices.pipes[pipe as usize].bytes;
                let len = most.min(bytes.len());
                let taken: Vec<u8> = bytes.drain(..len).collect();
                fill(&mut self.flying[place].entry, 0, &taken);
                Ok(len)
            }
            What::Terminal(number) => {
                self.touch(numbers::terminal(number as usize), Access::Write);
                let read = self.devices.terminals[number as usize].read(most);
                fill(&mut self.flying[place].entry, 0, &read);
                Ok(read.len())
            }
            What::Node(inode) => {
                let at = self.devices.advance(from, 0);
                let len = most.min(self.readable(inode, at));
                self.move_on(place, from, at, len)
            }
        }
    }

    pub(super) fn write_stream(
        &mut self,
        place: usize,
        to: Raw,
        fault: Option<Fault>,
    ) -> Result<usize, Cause> {
        let most = self.most(place, fault);
        let handle = self.devices.handle(to)?;
        let append = handle.how.append;
        match handle.what {
            What::ReadEnd(_) => Err(EBADF),
            What::WriteEnd(number) => {
                self.touch(numbers::pipe(number), Access::Write);
                let pipe = &mut self.devices.pipes[number as usize];
                // To write nothing succeeds always.
                if pipe.readers == 0 && !self.flying[place].entry.is_empty() {
                    return Err(EPIPE);
                }
                let bytes = gather(&self.flying[place].entry, 0, most.min(pipe.room()));
                pipe.bytes.extend(&bytes);
                Ok(bytes.len())
            }
            What::Terminal(number) => {
                self.touch(numbers::terminal(number as usize), Access::Write);
                let bytes = gather(&self.flying[place].entry, 0, most);
                self.devices.terminals[number as usize].shown.extend(&bytes);
                Ok(bytes.len())
            }
            What::Node(inode) => {
                let at = if append { self.file_len(inode) } else { self.devices.advance(to, 0) };
                self.move_on(place, to, at, most)
            }
        }
    }

    /// Moves bytes of a file where its stream stands, or at its end, and the stream goes on.
    fn move_on(&mut self, place: usize, raw: Raw, at: u64, len: usize) -> Result<usize, Cause> {
        self.flying[place].stage = Stage::Taken { at, len, moved: 0, mark: 0, deaf: true };
        let len = self.move_bytes(place, len)?;
        self.devices.advance(raw, len as u64);
        Ok(len)
    }
}
