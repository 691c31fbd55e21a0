//! What a program's variables are called and where they are.

use crate::{
    calls::{Ms, Ptr, WaitOn},
    memory::OVERLAPPED,
};
use std::fmt;

/// An OVERLAPPED (or an aiocb) at an address.
#[derive(Clone, Copy, Debug)]
pub struct Overlapped {
    pub(crate) ptr: Ptr,
    pub(crate) name: &'static str,
    pub(crate) within: Option<&'static str>,
}

impl Overlapped {
    /// The event in it: what to wait for.
    #[must_use]
    pub const fn h_event(self) -> Event {
        Event::Of(self)
    }
}

/// As an argument: `&o`, `&ctx->o`.
impl fmt::Display for Overlapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.within {
            Some(within) => write!(f, "&{within}->{}", self.name),
            None => write!(f, "&{}", self.name),
        }
    }
}

/// A buffer at an address.
#[derive(Clone, Copy, Debug)]
pub struct Buffer {
    pub(crate) ptr: Ptr,
    pub(crate) len: u8,
    pub(crate) name: &'static str,
    pub(crate) within: Option<&'static str>,
}

impl fmt::Display for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.within {
            Some(within) => write!(f, "{within}->{}", self.name),
            None => f.write_str(self.name),
        }
    }
}

/// A block of the heap with an OVERLAPPED and a buffer in it, by the variable that points to it.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    pub(crate) var: Option<u8>,
    pub(crate) name: &'static str,
    pub(crate) len: u8,
}

impl Block {
    /// The OVERLAPPED, which comes first.
    #[must_use]
    pub const fn o(self) -> Overlapped {
        Overlapped { ptr: self.at(0), name: "o", within: Some(self.name) }
    }

    /// The buffer.
    #[must_use]
    pub const fn buffer(self) -> Buffer {
        let ptr = self.at(OVERLAPPED);
        Buffer { ptr, len: self.len, name: "buffer", within: Some(self.name) }
    }

    pub(crate) const fn at(self, offset: u8) -> Ptr {
        match self.var {
            Some(var) => Ptr::Var { var, offset },
            None => Ptr::Got { offset },
        }
    }
}

/// A handle to a file, a pipe, a thread.
#[derive(Clone, Copy, Debug)]
pub struct Handle {
    pub(crate) index: u8,
    pub(crate) name: &'static str,
}

/// A port, a ring's completion queue, or a context of the kernel's AIO.
#[derive(Clone, Copy, Debug)]
pub struct PortHandle {
    pub(crate) index: u8,
    pub(crate) name: &'static str,
}

/// Something to wait for.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    /// A handle.
    Handle(Handle),
    /// The `hEvent` of an OVERLAPPED.
    Of(Overlapped),
}

impl Event {
    pub(crate) const fn on(self) -> WaitOn {
        match self {
            Self::Handle(handle) => WaitOn::Handle(handle.index),
            Self::Of(o) => WaitOn::EventOf(o.ptr),
        }
    }
}

impl From<Handle> for Event {
    fn from(handle: Handle) -> Event {
        Event::Handle(handle)
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Handle(handle) => f.write_str(handle.name),
            Event::Of(Overlapped { name, within: None, .. }) => write!(f, "{name}.hEvent"),
            Event::Of(Overlapped { name, within: Some(within), .. }) => {
                write!(f, "{within}->{name}.hEvent")
            }
        }
    }
}

/// A variable that threads and routines share.
#[derive(Clone, Copy, Debug)]
pub struct Var {
    pub(crate) index: u8,
    pub(crate) name: &'static str,
}

/// An operation, by the call that starts it.
#[derive(Clone, Copy, Debug)]
pub struct Read {
    pub(crate) slot: u8,
}

/// How long to wait.
#[derive(Clone, Copy, Debug)]
pub struct Timeout(pub(crate) Ms);

/// `INFINITE`.
pub const FOREVER: Timeout = Timeout(Ms::Forever);

/// So many milliseconds; 0 is a look.
#[must_use]
pub const fn ms(ms: u16) -> Timeout {
    Timeout(if ms == 0 { Ms::Now } else { Ms::After(ms) })
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Ms::Now => f.write_str("0"),
            Ms::After(ms) => write!(f, "{ms}"),
            Ms::Rest => f.write_str("remaining"),
            Ms::Forever => f.write_str("INFINITE"),
        }
    }
}
