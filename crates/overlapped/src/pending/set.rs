//! Waiting for several things at once: operations and events, the first of them or all.

use std::{task::Waker, time::Duration};

use super::{Event, Pending};
use crate::{op::Operation, port::Parker};

/// Something that [`wait_any`] and [`wait_all`] can wait for: `Pending` and `Event`.
pub trait Waitable: sealed::Sealed {
    /// Whether it is over or set now.
    #[doc(hidden)]
    fn is_ready(&self) -> bool;

    /// Leaves a waker; whether it is ready already.
    #[doc(hidden)]
    fn watch(&mut self, waker: &Waker) -> bool;

    /// Takes what being ready means: an automatic event is reset. Whether it was still ready.
    #[doc(hidden)]
    fn claim(&mut self) -> bool;

    /// Undoes a claim.
    #[doc(hidden)]
    fn unclaim(&mut self);
}

mod sealed {
    pub trait Sealed {}
}

impl<O: Operation> sealed::Sealed for Pending<'_, O> {}
impl<O: Operation> Waitable for Pending<'_, O> {
    fn is_ready(&self) -> bool {
        // Without a look at the port, which would forget a wake-up that this thread waits for.
        self.is_landed()
    }

    fn watch(&mut self, waker: &Waker) -> bool {
        self.attend(waker)
    }

    fn claim(&mut self) -> bool {
        self.is_landed()
    }

    fn unclaim(&mut self) {}
}

impl sealed::Sealed for Event {}
impl Waitable for Event {
    fn is_ready(&self) -> bool {
        self.is_set()
    }

    fn watch(&mut self, waker: &Waker) -> bool {
        self.register(waker)
    }

    fn claim(&mut self) -> bool {
        self.pass()
    }

    fn unclaim(&mut self) {
        self.give_back();
    }
}

/// Blocks until one of `things` is ready, at most for `timeout`; the index of the first that is.
/// An automatic event among them is reset only if it is the one. An operation stays with its
/// `Pending`, whose [`wait`](Pending::wait) then returns at once.
///
/// ```
/// use std::time::Duration;
/// use overlapped::{Event, Port, wait_any};
///
/// # fn main() -> std::io::Result<()> {
/// let port = Port::shared()?;
/// let mut nap = port.sleep(Duration::from_secs(60));
/// let mut stop = Event::manual();
/// stop.set();
/// assert_eq!(wait_any(&mut [&mut nap, &mut stop], None), Some(1));
/// # Ok(())
/// # }
/// ```
pub fn wait_any(things: &mut [&mut dyn Waitable], timeout: Option<Duration>) -> Option<usize> {
    block(things, timeout, |things| things.iter_mut().position(|thing| thing.claim()))
}

/// Blocks until all of `things` are ready at the same time, at most for `timeout`; whether they
/// are. Automatic events among them are reset only then, all at once.
pub fn wait_all(things: &mut [&mut dyn Waitable], timeout: Option<Duration>) -> bool {
    block(things, timeout, |things| claim_all(things).then_some(())).is_some()
}

fn claim_all(things: &mut [&mut dyn Waitable]) -> bool {
    if !things.iter().all(|thing| thing.is_ready()) {
        return false;
    }
    for index in 0..things.len() {
        if !things[index].claim() {
            // Somebody else was faster with an automatic event: give back what was taken.
            things[..index].iter_mut().for_each(|thing| thing.unclaim());
            return false;
        }
    }
    true
}

fn block<R>(
    things: &mut [&mut dyn Waitable],
    timeout: Option<Duration>,
    mut claim: impl FnMut(&mut [&mut dyn Waitable]) -> Option<R>,
) -> Option<R> {
    let parker = Parker::current();
    let until = timeout.and_then(|timeout| parker.now().checked_add(timeout));
    let waker = parker.waker();
    loop {
        parker.clear();
        // Watch first: what becomes ready after a failed claim wakes the parker.
        for thing in things.iter_mut() {
            thing.watch(&waker);
        }
        if let Some(claimed) = claim(things) {
            return Some(claimed);
        }
        if until.is_some_and(|until| until <= parker.now()) {
            return None;
        }
        parker.park(until);
    }
}
