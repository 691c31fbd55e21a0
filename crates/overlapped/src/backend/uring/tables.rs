//! The ring's tables of buffers and files, and what they hold.
//!
//! A table is made with its first resource, sparse, and stays. A pool is one buffer to the kernel:
//! operations name a range of it.
#![allow(unsafe_code, reason = "the kernel keeps the address of registered memory")]

use std::{collections::HashMap, io, os::fd::AsRawFd, sync::Arc};

use io_uring::Submitter;
use rustix::process::{Resource as Limit, getrlimit};

use crate::backend::{Cause, PoolMemory, Resource, Table};

/// The most places of a table; how many files may be open bounds that of files, too.
const PLACES: u32 = 4096;
/// The kernel takes no more as one buffer.
const MOST_BYTES: usize = 1 << 30;

#[derive(Default)]
pub(super) struct Tables {
    /// How many places the table of buffers has, once it is made.
    buffers: Option<u32>,
    /// As above, of files.
    files: Option<u32>,
    /// What the kernel has the address of, by place.
    held: HashMap<u16, Arc<PoolMemory>>,
}

impl Tables {
    pub(super) fn register(
        &mut self,
        ring: &Submitter<'_>,
        index: u16,
        resource: Resource<'_>,
    ) -> Result<(), Cause> {
        match resource {
            Resource::Buffers(memory) => self.register_buffers(ring, index, memory),
            Resource::File(file) => {
                let make = |places| ring.register_files_sparse(places);
                within(index, made(&mut self.files, most_files(), make)?)?;
                set_file(ring, index, file.as_raw_fd())
            }
        }
    }

    // [C1] the memory is held before the kernel has its address, and until it has forgotten it.
    fn register_buffers(
        &mut self,
        ring: &Submitter<'_>,
        index: u16,
        memory: &Arc<PoolMemory>,
    ) -> Result<(), Cause> {
        if memory.size() > MOST_BYTES {
            return Err(Cause::Unsupported("a pool of more than 1 GiB; make several of it"));
        }
        let make = |places| ring.register_buffers_sparse(places);
        within(index, made(&mut self.buffers, PLACES, make)?)?;
        self.held.insert(index, Arc::clone(memory));
        let told = set_buffer(ring, index, memory);
        if told.is_err() {
            self.held.remove(&index);
        }
        told
    }

    pub(super) fn unregister(
        &mut self,
        ring: &Submitter<'_>,
        table: Table,
        index: u16,
    ) -> Result<(), Cause> {
        match table {
            // The kernel takes -1 for an empty place.
            Table::Files if self.files.is_some() => set_file(ring, index, -1),
            Table::Buffers if self.held.contains_key(&index) => {
                clear_buffer(ring, index)?;
                self.held.remove(&index);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Unmakes the tables. What the kernel does not forget is held until the ring is closed.
    pub(super) fn unregister_all(&mut self, ring: &Submitter<'_>) {
        if self.files.take().is_some() {
            let _until_closed = ring.unregister_files();
        }
        if self.buffers.take().is_some() && ring.unregister_buffers().is_ok() {
            self.held.clear();
        }
    }
}

/// How many places a table has; it is made if it is not there.
fn made(
    table: &mut Option<u32>,
    places: u32,
    make: impl FnOnce(u32) -> io::Result<()>,
) -> Result<u32, Cause> {
    if let Some(places) = *table {
        return Ok(places);
    }
    make(places).map_err(|error| cause(&error))?;
    Ok(*table.insert(places))
}

fn within(index: u16, places: u32) -> Result<(), Cause> {
    let full = Cause::Unsupported("every place of the ring's table is taken; let go of some first");
    if u32::from(index) < places { Ok(()) } else { Err(full) }
}

/// The kernel makes no table for more files than may be open.
fn most_files() -> u32 {
    let limit = getrlimit(Limit::Nofile).current.unwrap_or(u64::MAX);
    u32::try_from(limit).unwrap_or(PLACES).min(PLACES)
}

fn set_file(ring: &Submitter<'_>, index: u16, raw: i32) -> Result<(), Cause> {
    let set = ring.register_files_update(u32::from(index), &[raw]);
    set.map(drop).map_err(|error| cause(&error))
}

fn set_buffer(ring: &Submitter<'_>, index: u16, memory: &PoolMemory) -> Result<(), Cause> {
    let all = libc::iovec { iov_base: memory.start().cast(), iov_len: memory.size() };
    // SAFETY: `Tables::held` keeps the memory until the kernel has forgotten it or the ring is
    // closed; and the kernel reads and writes it for operations that lend parts of it only.
    let set = unsafe { ring.register_buffers_update(u32::from(index), &[all], None) };
    set.map_err(|error| cause(&error))
}

fn clear_buffer(ring: &Submitter<'_>, index: u16) -> Result<(), Cause> {
    let nothing = libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 };
    // SAFETY: an empty place points at nothing.
    let set = unsafe { ring.register_buffers_update(u32::from(index), &[nothing], None) };
    set.map_err(|error| cause(&error))
}

fn cause(error: &io::Error) -> Cause {
    Cause::Os(error.raw_os_error().unwrap_or(0))
}
