//! What a port has its backends know beforehand: pools of buffers, and files.
//!
//! All shards of a port share one numbering, so a place means the same on each of them; the number
//! of the tables tells the places of one port from those of another. A place is used again once
//! every shard has forgotten what stood there. Only the thread that a shard belongs to may change
//! its tables: for others the change is posted, and what the change is about is kept until then.

use std::{
    io,
    num::NonZeroU16,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU32, Ordering},
    },
};

use super::{Port, Shard, shard::lock};
use crate::{
    backend::{Cause, Fixed, Resource, Table},
    buf::{BufPool, Registered},
    error::{Error, Object},
    handle::{self, Owned},
};

/// The numbers of the tables of all ports.
static NUMBERS: Mutex<Indices> = Mutex::new(Indices { next: 1, free: Vec::new() });

/// Which places of a port's tables are taken.
pub(super) struct Tables {
    /// Nobody else's while anything has a place here: each [`Registration`] holds it.
    number: NonZeroU16,
    buffers: Mutex<Indices>,
    files: Mutex<Indices>,
}

/// Small numbers, the lowest first.
struct Indices {
    next: u16,
    free: Vec<u16>,
}

impl Indices {
    fn take(&mut self) -> Option<u16> {
        self.free.pop().or_else(|| {
            let taken = self.next;
            self.next = taken.checked_add(1)?;
            Some(taken)
        })
    }
}

impl Tables {
    pub(super) fn new() -> Option<Self> {
        let number = NonZeroU16::new(lock(&NUMBERS).take()?)?;
        let indices = || Mutex::new(Indices { next: 0, free: Vec::new() });
        Some(Self { number, buffers: indices(), files: indices() })
    }

    fn indices(&self, table: Table) -> &Mutex<Indices> {
        match table {
            Table::Buffers => &self.buffers,
            Table::Files => &self.files,
        }
    }
}

impl Drop for Tables {
    fn drop(&mut self) {
        lock(&NUMBERS).free.push(self.number.get());
    }
}

/// Something stands at a place, on every shard of a port. To be undone, else the place is lost.
pub(crate) struct Registration {
    table: Table,
    place: Fixed,
    /// A shard that is gone has forgotten everything.
    shards: Vec<Weak<Shard>>,
    tables: Arc<Tables>,
}

impl Port {
    /// Registers with every shard, or with none.
    fn register(&self, resource: Resource<'_>) -> Result<Registration, Cause> {
        let full = Cause::Unsupported("every place of the port's table is taken");
        let tables = Arc::clone(self.core().tables().ok_or(full)?);
        let table = match resource {
            Resource::Buffers(_) => Table::Buffers,
            Resource::File(_) => Table::Files,
        };
        let index = lock(tables.indices(table)).take().ok_or(full)?;
        let place = Fixed { table: tables.number, index };
        let mut registration = Registration { table, place, shards: Vec::new(), tables };
        for shard in &self.core().shards {
            if let Err(cause) = shard.register(place, resource) {
                registration.undo(());
                return Err(cause);
            }
            registration.shards.push(Arc::downgrade(shard));
        }
        Ok(registration)
    }
}

impl Registration {
    /// Undoes it, here or where it can be done; then `last` is dropped.
    pub(crate) fn undo(self, last: impl Send + 'static) {
        let shards: Vec<_> = self.shards.iter().filter_map(Weak::upgrade).collect();
        match shards.iter().find(|shard| !shard.is_mine()) {
            Some(shard) => shard.post(move |shard| self.undo_here(&[Arc::clone(shard)], last)),
            None => self.undo_here(&shards, last),
        }
    }

    fn undo_here(self, shards: &[Arc<Shard>], last: impl Send) {
        // A place that some shard has not forgotten is not given to another.
        let mut free = true;
        for shard in shards {
            free &= shard.unregister(self.table, self.place).is_ok();
        }
        if free {
            lock(self.tables.indices(self.table)).free.push(self.place.index);
        }
        drop(last);
    }
}

impl BufPool {
    // [C15] what cannot be registered works without, and says why.
    /// A pool of `count` buffers of `len` bytes each, registered with `port` if it can be; if not,
    /// [`fallback`](Self::fallback) says why. The pool does not keep the port.
    ///
    /// A [`Runtime`](crate::Runtime)'s port is told of it on the runtime's thread only: a pool that
    /// another thread makes there is a plain one.
    ///
    /// # Errors
    ///
    /// If there is no memory for it, or `count` or `len` is zero or 2^32 and more.
    pub fn new(port: &Port, count: usize, len: usize) -> io::Result<Self> {
        Self::with(count, len, |memory| match port.register(Resource::Buffers(memory)) {
            Ok(registration) => Ok(Registered::new(registration.place, Undo(Some(registration)))),
            Err(cause) => {
                let object = Object::Memory(memory.size());
                Err(Error::unregistered(cause, object, port.backend().name()))
            }
        })
    }
}

/// A registration that is undone when it is dropped.
struct Undo(Option<Registration>);

impl Drop for Undo {
    fn drop(&mut self) {
        if let Some(registration) = self.0.take() {
            registration.undo(());
        }
    }
}

/// Where a handle stands in its port's table, if it does.
#[derive(Default)]
pub(super) struct Slot {
    /// The place as bits, for each operation that starts; 0 if there is none.
    place: AtomicU32,
    registration: Mutex<Option<Registration>>,
}

impl Slot {
    #[inline]
    pub(super) fn place(&self) -> Option<Fixed> {
        Fixed::from_bits(self.place.load(Ordering::Acquire))
    }

    /// Registers `handle` with `port`, unless it is registered.
    pub(super) fn register(&self, port: &Port, handle: &Owned) -> Result<(), Error> {
        let mut registration = lock(&self.registration);
        if registration.is_some() {
            return Ok(());
        }
        let made = port.register(Resource::File(handle)).map_err(|cause| {
            let object = Object::Handle(handle::number(handle::raw(handle)));
            Error::unregistered(cause, object, port.backend().name())
        })?;
        self.place.store(made.place.to_bits(), Ordering::Release);
        *registration = Some(made);
        Ok(())
    }

    /// To be called when no operation carries the place, and none will.
    pub(super) fn take(&self) -> Option<Registration> {
        if self.place.swap(0, Ordering::AcqRel) == 0 {
            return None;
        }
        self.registration.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_are_used_again_and_end() {
        let mut indices = Indices { next: 0, free: Vec::new() };
        assert_eq!((indices.take(), indices.take()), (Some(0), Some(1)));
        indices.free.push(0);
        assert_eq!((indices.take(), indices.take()), (Some(0), Some(2)));
        indices.next = u16::MAX;
        assert_eq!(indices.take(), None);
    }

    #[test]
    fn tables_have_numbers_of_their_own_while_they_live() {
        let (a, b) = (Tables::new().expect("a"), Tables::new().expect("b"));
        assert_ne!(a.number, b.number);
    }

    #[test]
    fn a_place_survives_as_bits() {
        let place = Fixed { table: NonZeroU16::MAX, index: 7 };
        assert_eq!(Fixed::from_bits(place.to_bits()), Some(place));
        assert_eq!(Fixed::from_bits(0), None);
    }
}
