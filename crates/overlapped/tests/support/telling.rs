//! A buffer that tells when it is dropped.
#![allow(unsafe_code, reason = "a buffer's promise to stay where it is cannot be checked")]

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use overlapped::{IoBuf, IoBufMut};

/// A buffer that tells when it is dropped.
#[derive(Debug)]
pub(crate) struct Telling {
    bytes: Vec<u8>,
    dropped: Arc<AtomicBool>,
}

impl Telling {
    pub(crate) fn new(len: usize) -> (Self, Arc<AtomicBool>) {
        let dropped = Arc::new(AtomicBool::new(false));
        (Self { bytes: vec![0; len], dropped: Arc::clone(&dropped) }, dropped)
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        self.dropped.store(true, Ordering::SeqCst);
    }
}

// SAFETY: a vector's bytes are on the heap; moving the vector does not move them.
unsafe impl IoBuf for Telling {
    fn as_slice(&self) -> &[u8] {
        &self.bytes
    }
}
// SAFETY: the vector owns its bytes alone.
unsafe impl IoBufMut for Telling {
    fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.bytes
    }
}
