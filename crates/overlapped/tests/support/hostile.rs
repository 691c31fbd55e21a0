//! Buffers that panic.
#![allow(unsafe_code, reason = "a buffer's promise to stay where it is cannot be checked")]

use std::panic::resume_unwind;

use overlapped::{IoBuf, IoBufMut};

/// A buffer whose destructor panics, without a word on standard error.
#[derive(Debug)]
pub(crate) struct Bomb(pub(crate) Vec<u8>);

impl Drop for Bomb {
    fn drop(&mut self) {
        resume_unwind(Box::new("planned: a buffer's destructor panics"));
    }
}

// SAFETY: a vector's bytes are on the heap; moving the vector does not move them.
unsafe impl IoBuf for Bomb {
    fn as_slice(&self) -> &[u8] {
        &self.0
    }
}
// SAFETY: the vector owns its bytes alone.
unsafe impl IoBufMut for Bomb {
    fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

/// A buffer that panics instead of showing its bytes.
#[derive(Debug)]
pub(crate) struct Shy;

// SAFETY: it never shows any memory.
unsafe impl IoBuf for Shy {
    fn as_slice(&self) -> &[u8] {
        resume_unwind(Box::new("planned: a buffer does not show its bytes"));
    }
}
// SAFETY: as above.
unsafe impl IoBufMut for Shy {
    fn as_mut_slice(&mut self) -> &mut [u8] {
        resume_unwind(Box::new("planned: a buffer does not show its bytes"));
    }
}
