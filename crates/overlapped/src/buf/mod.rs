//! Buffers that an operation may own, and the memory that it lends to the OS.
#![allow(unsafe_code, reason = "a buffer's promise to stay where it is cannot be checked")]

mod aligned;
pub(crate) mod lent;
mod pool;
mod range;

pub use aligned::AlignedBuf;
pub use lent::{
    Drain, DrainMany, Exchange, Fill, FillMany, Fixed, Lend, LentMemory, NoMemory, PathPair,
    PathText, StatOut,
};
pub(crate) use pool::Registered;
pub use pool::{BufPool, PoolBuf, PoolMemory};
pub use range::RangeBuf;
pub(crate) use range::Slabs;

use std::sync::Arc;

/// A buffer whose bytes the OS may read while it is lent.
///
/// Implemented for `Vec<u8>`, `Box<[u8]>`, `Arc<[u8]>`, `String`, [`AlignedBuf`], [`PoolBuf`],
/// [`RangeBuf`], `&[u8]`, `&'static str` and `&mut [u8]`. A borrowed buffer
/// can be lent for `'static`, or inside [`Port::scope`](crate::Port::scope).
///
/// # Safety
///
/// [`IoBuf::as_slice`] must return the same memory each time until the value is next accessed
/// mutably; that memory stays valid and in its place while the value is *moved*; and nobody
/// writes to it while the value exists but through the value itself.
#[expect(clippy::len_without_is_empty, reason = "a buffer is lent as a slice, which has is_empty")]
pub unsafe trait IoBuf: Send {
    /// The bytes.
    fn as_slice(&self) -> &[u8];

    /// How many bytes it holds.
    fn len(&self) -> usize {
        self.as_slice().len()
    }

    /// Its place in a backend's table of buffers.
    #[doc(hidden)]
    fn fixed(&self) -> Option<Fixed> {
        None
    }
}

/// A buffer whose bytes the OS may write while it is lent.
///
/// Only bytes that exist are lent: a `Vec` lends its length, not its capacity. Make room with
/// `vec![0; n]` or `resize`.
///
/// # Safety
///
/// As [`IoBuf`]; [`IoBufMut::as_mut_slice`] must return the memory that `as_slice` returns, and
/// nobody else may read or write it while the value exists.
pub unsafe trait IoBufMut: IoBuf {
    /// The bytes, to be written.
    fn as_mut_slice(&mut self) -> &mut [u8];
}

// SAFETY: a vector's bytes are on the heap; moving the vector does not move them.
unsafe impl IoBuf for Vec<u8> {
    fn as_slice(&self) -> &[u8] {
        self
    }
}
// SAFETY: the vector owns its bytes alone.
unsafe impl IoBufMut for Vec<u8> {
    fn as_mut_slice(&mut self) -> &mut [u8] {
        self
    }
}

// SAFETY: the bytes are on the heap; moving the box does not move them.
unsafe impl IoBuf for Box<[u8]> {
    fn as_slice(&self) -> &[u8] {
        self
    }
}
// SAFETY: the box owns its bytes alone.
unsafe impl IoBufMut for Box<[u8]> {
    fn as_mut_slice(&mut self) -> &mut [u8] {
        self
    }
}

// SAFETY: the bytes are on the heap, shared, and `u8` has no interior mutability.
unsafe impl IoBuf for Arc<[u8]> {
    fn as_slice(&self) -> &[u8] {
        self
    }
}

// SAFETY: a string's bytes are on the heap; moving the string does not move them.
unsafe impl IoBuf for String {
    fn as_slice(&self) -> &[u8] {
        self.as_bytes()
    }
}

// SAFETY: the bytes are borrowed, so they outlive the reference and nobody writes to them.
unsafe impl IoBuf for &[u8] {
    fn as_slice(&self) -> &[u8] {
        self
    }
}

// SAFETY: as for a byte slice.
unsafe impl IoBuf for &str {
    fn as_slice(&self) -> &[u8] {
        self.as_bytes()
    }
}

// SAFETY: the bytes are borrowed exclusively; moving the reference does not move them.
unsafe impl IoBuf for &mut [u8] {
    fn as_slice(&self) -> &[u8] {
        self
    }
}
// SAFETY: the borrow is exclusive.
unsafe impl IoBufMut for &mut [u8] {
    fn as_mut_slice(&mut self) -> &mut [u8] {
        self
    }
}
