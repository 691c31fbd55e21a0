//! The local shards of a thread. While it sleeps for something else it serves them: nobody else
//! can.

use std::{
    cell::RefCell,
    sync::{Arc, Weak},
};

use super::Shard;

thread_local! {
    static MINE: RefCell<Vec<Weak<Shard>>> = const { RefCell::new(Vec::new()) };
}

/// The calling thread has another shard to serve.
pub(super) fn add(shard: &Arc<Shard>) {
    let _locals_are_gone = MINE.try_with(|mine| mine.borrow_mut().push(Arc::downgrade(shard)));
}

/// The shard is over.
pub(super) fn remove(shard: &Arc<Shard>) {
    let gone = MINE.try_with(|mine| {
        let others = |known: &Weak<Shard>| !std::ptr::eq(known.as_ptr(), Arc::as_ptr(shard));
        mine.borrow_mut().retain(others);
    });
    let _locals_are_gone = gone;
}

/// Whether the calling thread has any.
#[inline]
pub(super) fn any() -> bool {
    MINE.try_with(|mine| !mine.borrow().is_empty()).unwrap_or(false)
}

/// The shards that the calling thread serves.
pub(super) fn all() -> Vec<Arc<Shard>> {
    let all = MINE.try_with(|mine| {
        let mine = mine.borrow();
        mine.iter().filter_map(Weak::upgrade).collect()
    });
    all.unwrap_or_default()
}
