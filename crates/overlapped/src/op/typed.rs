//! The typed requests: what each lends, what each gives back, and what becomes of an outcome that
//! nobody takes.

use super::{Cancel, Op, Plan, Value};
use crate::{
    buf::{
        Drain, DrainMany, Fill, FillMany, IoBuf, IoBufMut, Lend, NoMemory, PathPair, PathText,
        StatOut,
    },
    error::{Cause, Done, Error, Failed, Message, NtStatus, Object, Parts},
    handle::{Metadata, Owned},
};

/// A typed request: the payload of a block.
///
/// Sealed: a new kind of operation needs a new [`Op`] and the backends' consent.
pub trait Operation: Send + sealed::Sealed {
    /// What the program gets.
    type Output;
    /// What the OS gets.
    type Lent: Lend;

    #[doc(hidden)]
    fn lend(&mut self) -> &mut Self::Lent;

    #[doc(hidden)]
    fn finish(self, outcome: Outcome<'_>) -> Self::Output;

    /// The operation's will: called instead of `finish` when nobody will take the outcome.
    #[doc(hidden)]
    fn abandoned(self, outcome: Outcome<'_>, heir: Option<&dyn Heir>)
    where
        Self: Sized,
    {
        let _nobody_minds = (outcome, heir);
    }
}

pub(crate) mod sealed {
    pub trait Sealed {}
}

/// Who inherits what an abandoned operation brought (C7): the handle that it belonged to.
#[doc(hidden)]
pub trait Heir: Send + Sync {
    /// Bytes that a read took from a stream and that nobody took; `origin` is where it began, as
    /// the stream told it. `more`: they are a part of a message.
    fn bytes(&self, origin: u64, bytes: &[u8], more: bool);
    /// Why an operation that nobody watched failed.
    fn error(&self, origin: u64, cause: Cause);
}

/// The raw answer to an operation, and what a message about it needs.
#[derive(Debug)]
pub struct Outcome<'a> {
    pub(crate) answer: Result<Value, Cause>,
    pub(crate) about: About<'a>,
}

/// What there is to say about an operation that is over; it is read where it lies, by who needs it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About<'a> {
    pub(crate) op: &'a Op,
    pub(crate) plan: &'a Plan,
    pub(crate) origin: u64,
    pub(crate) backend: &'static str,
    pub(crate) cancel: Cancel,
    pub(crate) status: NtStatus,
}

impl About<'_> {
    fn error(self, cause: Cause, path: Option<&std::ffi::CStr>) -> Error {
        let object = match (path, self.op.handle_number()) {
            (Some(path), _) => Object::Path(path.to_string_lossy().into()),
            (None, Some(number)) => Object::Handle(number),
            (None, None) => Object::Nothing,
        };
        let verb = match (self.plan.is_whole(), self.op) {
            (true, Op::Read { at: Some(_), .. }) => "read_exact_at",
            (true, Op::Read { at: None, .. }) => "read_exact",
            (true, Op::Write { at: Some(_), .. }) => "write_all_at",
            (true, Op::Write { at: None, .. }) => "write_all",
            (_, op) => op.name(),
        };
        Error::from(Parts {
            cause,
            verb,
            object,
            backend: self.backend,
            moved: self.plan.moved,
            cancel_requested: self.cancel != Cancel::None,
            status: self.status,
        })
    }
}

impl Outcome<'_> {
    // [C3] [C4] the count or the cause as they came, and the buffer with either.
    #[inline]
    pub(super) fn transfer<B>(self, buf: B) -> Result<Done<B>, Failed<B>> {
        let Self { answer, about } = self;
        match answer {
            Ok(Value::Count(n)) => Ok(Done { n, buf }),
            Ok(_) => Err(Failed { error: about.error(Cause::Abandoned, None), buf }),
            Err(cause) => Err(Failed { error: about.error(cause, None), buf }),
        }
    }

    #[inline]
    pub(super) fn plain(self, path: Option<&std::ffi::CStr>) -> Result<(), Error> {
        let Self { answer, about } = self;
        match answer {
            Ok(_) => Ok(()),
            Err(cause) => Err(about.error(cause, path)),
        }
    }

    /// Tells the heir why an operation that nobody watched went wrong, unless the program itself
    /// had asked it to stop. To be cancelled with the port is no harm to a read.
    pub(super) fn confess(&self, heir: Option<&dyn Heir>) {
        let (Some(heir), Err(cause)) = (heir, &self.answer) else {
            return;
        };
        let harmless = match self.about.cancel {
            Cancel::None => false,
            Cancel::ByProgram => true,
            Cancel::ByPort => matches!(self.about.op, Op::Read { .. } | Op::Watch { .. }),
        };
        if !(harmless && self.about.error(*cause, None).is_cancelled()) {
            heir.error(self.about.origin, *cause);
        }
    }
}

/// A read into one buffer. Gives the count and the buffer back; 0 bytes is the end.
pub struct Read<B> {
    pub(crate) buf: Fill<B>,
}

impl<B: IoBufMut> sealed::Sealed for Read<B> {}
impl<B: IoBufMut> Operation for Read<B> {
    type Output = Result<Done<B>, Failed<B>>;
    type Lent = Fill<B>;

    fn lend(&mut self) -> &mut Fill<B> {
        &mut self.buf
    }

    fn finish(self, outcome: Outcome<'_>) -> Self::Output {
        outcome.transfer(self.buf.0)
    }

    fn abandoned(self, outcome: Outcome<'_>, heir: Option<&dyn Heir>) {
        // A positional read consumes nothing, and fails nobody.
        let Some(heir) = heir.filter(|_| matches!(outcome.about.op, Op::Read { at: None, .. }))
        else {
            return;
        };
        let About { plan, origin, .. } = outcome.about;
        if plan.moved > 0 || outcome.answer.is_ok() {
            heir.bytes(origin, &self.buf.0.as_slice()[..plan.moved], plan.more);
        }
        outcome.confess(Some(heir));
    }
}

/// A read of a message, or of a part of one. Gives the count and the buffer back.
pub struct ReadMessage<B>(pub(crate) Read<B>);

impl<B: IoBufMut> sealed::Sealed for ReadMessage<B> {}
impl<B: IoBufMut> Operation for ReadMessage<B> {
    type Output = Result<Message<B>, Failed<B>>;
    type Lent = Fill<B>;

    fn lend(&mut self) -> &mut Fill<B> {
        self.0.lend()
    }

    fn finish(self, outcome: Outcome<'_>) -> Self::Output {
        let more = outcome.about.plan.more;
        self.0.finish(outcome).map(|Done { n, buf }| Message { n, more, buf })
    }

    fn abandoned(self, outcome: Outcome<'_>, heir: Option<&dyn Heir>) {
        self.0.abandoned(outcome, heir);
    }
}

/// A read into several buffers, one after the other.
pub struct ReadMany<B> {
    pub(crate) bufs: FillMany<B>,
}

impl<B: IoBufMut> sealed::Sealed for ReadMany<B> {}
impl<B: IoBufMut> Operation for ReadMany<B> {
    type Output = Result<Done<Vec<B>>, Failed<Vec<B>>>;
    type Lent = FillMany<B>;

    fn lend(&mut self) -> &mut FillMany<B> {
        &mut self.bufs
    }

    fn finish(self, outcome: Outcome<'_>) -> Self::Output {
        outcome.transfer(self.bufs.bufs)
    }
}

/// A write from one buffer. Gives the count and the buffer back.
pub struct Write<B> {
    pub(crate) buf: Drain<B>,
}

impl<B: IoBuf> sealed::Sealed for Write<B> {}
impl<B: IoBuf> Operation for Write<B> {
    type Output = Result<Done<B>, Failed<B>>;
    type Lent = Drain<B>;

    fn lend(&mut self) -> &mut Drain<B> {
        &mut self.buf
    }

    fn finish(self, outcome: Outcome<'_>) -> Self::Output {
        outcome.transfer(self.buf.0)
    }

    fn abandoned(self, outcome: Outcome<'_>, heir: Option<&dyn Heir>) {
        outcome.confess(heir);
        if outcome.answer.is_ok() && outcome.about.plan.moved < self.buf.0.len() {
            // It was let go after a short write had landed: the rest was never written.
            if let Some(heir) = heir {
                heir.error(outcome.about.origin, Cause::WriteZero);
            }
        }
    }
}

/// A write from several buffers, one after the other.
pub struct WriteMany<B> {
    pub(crate) bufs: DrainMany<B>,
}

impl<B: IoBuf> sealed::Sealed for WriteMany<B> {}
impl<B: IoBuf> Operation for WriteMany<B> {
    type Output = Result<Done<Vec<B>>, Failed<Vec<B>>>;
    type Lent = DrainMany<B>;

    fn lend(&mut self) -> &mut DrainMany<B> {
        &mut self.bufs
    }

    fn finish(self, outcome: Outcome<'_>) -> Self::Output {
        outcome.transfer(self.bufs.bufs)
    }

    fn abandoned(self, outcome: Outcome<'_>, heir: Option<&dyn Heir>) {
        outcome.confess(heir);
        let asked: usize = self.bufs.bufs.iter().map(IoBuf::len).sum();
        if outcome.answer.is_ok() && outcome.about.plan.moved < asked {
            if let Some(heir) = heir {
                heir.error(outcome.about.origin, Cause::WriteZero);
            }
        }
    }
}

/// An operation that gives nothing but its success: sync, set length, allocate.
pub struct Plain(pub(crate) NoMemory);

impl sealed::Sealed for Plain {}
impl Operation for Plain {
    type Output = Result<(), Error>;
    type Lent = NoMemory;

    fn lend(&mut self) -> &mut NoMemory {
        &mut self.0
    }

    fn finish(self, outcome: Outcome<'_>) -> Self::Output {
        outcome.plain(None)
    }

    fn abandoned(self, outcome: Outcome<'_>, heir: Option<&dyn Heir>) {
        outcome.confess(heir);
    }
}

/// A wait for an instant, or for a client: what nobody takes of it is lost to nobody.
pub struct Nap(pub(crate) NoMemory);

impl sealed::Sealed for Nap {}
impl Operation for Nap {
    type Output = Result<(), Error>;
    type Lent = NoMemory;

    fn lend(&mut self) -> &mut NoMemory {
        &mut self.0
    }

    fn finish(self, outcome: Outcome<'_>) -> Self::Output {
        outcome.plain(None)
    }
}

/// A path that is to become a handle, which `make` turns into what the caller wants. A handle that
/// nobody takes is closed.
pub struct Open<T> {
    pub(crate) path: PathText,
    pub(crate) make: Box<dyn FnOnce(Owned) -> T + Send>,
}

impl<T> sealed::Sealed for Open<T> {}
impl<T> Operation for Open<T> {
    type Output = Result<T, Error>;
    type Lent = PathText;

    fn lend(&mut self) -> &mut PathText {
        &mut self.path
    }

    fn finish(self, outcome: Outcome<'_>) -> Self::Output {
        match outcome.answer {
            Ok(Value::Handle(handle)) => Ok((self.make)(*handle)),
            Ok(_) => Err(outcome.about.error(Cause::Abandoned, Some(&self.path.0))),
            Err(cause) => Err(outcome.about.error(cause, Some(&self.path.0))),
        }
    }
}

/// What the OS says about a file.
pub struct Stat {
    pub(crate) out: StatOut,
}

impl sealed::Sealed for Stat {}
impl Operation for Stat {
    type Output = Result<Metadata, Error>;
    type Lent = StatOut;

    fn lend(&mut self) -> &mut StatOut {
        &mut self.out
    }

    fn finish(mut self, outcome: Outcome<'_>) -> Self::Output {
        let path = self.out.path.as_deref();
        match outcome.answer {
            Ok(_) => {
                let answer = self.out.scratch.answer.take();
                answer.ok_or_else(|| outcome.about.error(Cause::Abandoned, path))
            }
            Err(cause) => Err(outcome.about.error(cause, path)),
        }
    }
}

/// A change to a directory: rename, remove, create. `P` is one path or a pair.
pub struct MakePath<P> {
    pub(crate) paths: P,
}

impl sealed::Sealed for MakePath<PathText> {}
impl Operation for MakePath<PathText> {
    type Output = Result<(), Error>;
    type Lent = PathText;

    fn lend(&mut self) -> &mut PathText {
        &mut self.paths
    }

    fn finish(self, outcome: Outcome<'_>) -> Self::Output {
        outcome.plain(Some(&self.paths.0))
    }
}

impl sealed::Sealed for MakePath<PathPair> {}
impl Operation for MakePath<PathPair> {
    type Output = Result<(), Error>;
    type Lent = PathPair;

    fn lend(&mut self) -> &mut PathPair {
        &mut self.paths
    }

    fn finish(self, outcome: Outcome<'_>) -> Self::Output {
        outcome.plain(Some(&self.paths.0))
    }
}
