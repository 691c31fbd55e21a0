use std::{
    mem::{MaybeUninit, align_of, size_of},
    ptr,
};

use crate::op::{Heir, Operation, Outcome};

/// Room for the common requests (a `Vec`) without an allocation.
type Room = [u64; 3];

/// A typed request whose type is forgotten, kept in place: in the room if it fits, else boxed.
///
/// It does not drop its content: exactly one of [`Payload::take`] and [`Payload::abandon`] ends it.
pub(super) struct Payload {
    room: MaybeUninit<Room>,
    will: unsafe fn(*mut u8, Outcome<'_>, Option<&dyn Heir>),
}

impl Payload {
    #[inline]
    pub(super) fn new<O: Operation>(request: O) -> Self {
        let mut room = MaybeUninit::<Room>::uninit();
        if fits::<O>() {
            // SAFETY: the room is as large and as aligned as `O` needs, and writable.
            unsafe { room.as_mut_ptr().cast::<O>().write(request) };
        } else {
            let boxed = Box::into_raw(Box::new(request));
            // SAFETY: a pointer fits the room.
            unsafe { room.as_mut_ptr().cast::<*mut O>().write(boxed) };
        }
        Self { room, will: execute::<O> }
    }

    /// # Safety
    ///
    /// The payload was made from an `O`, and has not been taken or abandoned.
    #[inline]
    pub(super) unsafe fn as_mut<O: Operation>(&mut self) -> &mut O {
        let place = self.place();
        if fits::<O>() {
            // SAFETY: `new` wrote an `O` here, and `self` is borrowed exclusively.
            unsafe { &mut *place.cast::<O>() }
        } else {
            // SAFETY: `new` wrote the box's address here.
            let boxed = unsafe { place.cast::<*mut O>().read() };
            // SAFETY: the box lives until the payload is taken or abandoned.
            unsafe { &mut *boxed }
        }
    }

    /// # Safety
    ///
    /// As [`Payload::as_mut`]; afterwards the payload is empty and must not be used.
    #[inline]
    pub(super) unsafe fn take<O: Operation>(&mut self) -> O {
        // SAFETY: the caller's promise is the callee's.
        unsafe { take_from(self.place()) }
    }

    /// Lets the request execute its will.
    ///
    /// # Safety
    ///
    /// The payload has not been taken or abandoned; afterwards it is empty and must not be used.
    pub(super) unsafe fn abandon(&mut self, outcome: Outcome<'_>, heir: Option<&dyn Heir>) {
        let place = self.place();
        // SAFETY: `will` was made for the type that `new` wrote.
        unsafe { (self.will)(place, outcome, heir) };
    }

    #[inline]
    fn place(&mut self) -> *mut u8 {
        self.room.as_mut_ptr().cast()
    }
}

const fn fits<O>() -> bool {
    size_of::<O>() <= size_of::<Room>() && align_of::<O>() <= align_of::<Room>()
}

/// # Safety
///
/// `place` is the room of a payload made from an `O`, which is not used afterwards.
#[inline]
unsafe fn take_from<O: Operation>(place: *mut u8) -> O {
    if fits::<O>() {
        // SAFETY: `new` wrote an `O` here, and it is read once.
        unsafe { ptr::read(place.cast::<O>()) }
    } else {
        // SAFETY: `new` wrote the box's address here.
        let boxed = unsafe { place.cast::<*mut O>().read() };
        // SAFETY: the address came from `Box::into_raw`, and becomes a box once.
        *unsafe { Box::from_raw(boxed) }
    }
}

/// # Safety
///
/// As [`take_from`].
unsafe fn execute<O: Operation>(place: *mut u8, outcome: Outcome<'_>, heir: Option<&dyn Heir>) {
    // SAFETY: the caller's promise is the callee's.
    let request: O = unsafe { take_from(place) };
    request.abandoned(outcome, heir);
}
