//! Devices: handles that are told what to do by control codes.
#![allow(unsafe_code, reason = "a control code may have the OS touch any memory")]

use std::{fmt, path::Path, sync::Arc};

pub use crate::error::Reply;

use crate::{
    buf::{Exchange, IoBuf, IoBufMut},
    error::Cause,
    handle::{self, Owned},
    iocb::{Holder, Id, Parting},
    op::{Control, Goal, Heir, Op, Open, OpenHow, Plan},
    pending::{self, Ask, Gate, Pending},
    port::{Held, Port},
};

/// A handle that control codes are for: a device, a volume, a file or a pipe.
///
/// What is read from a device or written to it as bytes goes by a
/// [`Reader`](crate::pipe::Reader), a [`Writer`](crate::pipe::Writer) or a
/// [`File`](crate::fs::File). Dropping it leaves operations in flight to their [`Pending`]s, and
/// closes the handle after the last of them.
///
/// ```
/// use overlapped::{Port, device::Device, pipe};
///
/// /// `FSCTL_PIPE_PEEK`: what is there to read; it stays there.
/// const PEEK: u32 = 0x11_400c;
///
/// # fn main() -> std::io::Result<()> {
/// let port = Port::shared()?;
/// let (reader, writer) = pipe::pair(&port)?;
/// writer.write_all(b"hello".to_vec()).wait()?;
/// let device = Device::from_owned(&port, reader.into_parts().wait().handle);
/// // SAFETY: this code fills `output`, and touches nothing else.
/// let peek = unsafe { device.control(PEEK, Vec::new(), vec![0; 16 + 5]) };
/// let reply = peek.wait()?;
/// assert_eq!(&reply.output[16..reply.n], b"hello");
/// # Ok(())
/// # }
/// ```
pub struct Device {
    inner: Arc<Inner>,
    port: Port,
}

/// What operations in flight keep of a device.
struct Inner(Held);

impl Holder for Inner {
    fn started(&self) {
        self.0.enter();
    }

    fn landed(&self, _id: Id, _moved: usize) -> Parting {
        Parting { waker: self.0.leave(), resume: false }
    }

    fn heir(&self) -> &dyn Heir {
        self
    }
}

impl Heir for Inner {
    fn bytes(&self, _origin: u64, _bytes: &[u8], _more: bool) {
        // An answer that nobody takes is nobody's.
    }

    fn error(&self, _origin: u64, _cause: Cause) {
        // Nor is the reason why there is none.
    }
}

impl Device {
    /// Opens the device `path`, as in `\\.\PhysicalDrive0`, for reading and writing. With other
    /// rights it is opened by [`std::fs::OpenOptions`] (with `FILE_FLAG_OVERLAPPED` as a custom
    /// flag) and taken over.
    ///
    /// Dropped in flight, a cancel is requested and a handle that comes all the same is closed. See
    /// [CreateFileW].
    ///
    /// [CreateFileW]: https://learn.microsoft.com/en-us/windows/win32/api/fileapi/nf-fileapi-createfilew
    pub fn open(port: &Port, path: impl AsRef<Path>) -> Pending<'static, Open<Self>> {
        let how = OpenHow { read: true, write: true, ..OpenHow::default() };
        let owner = port.clone();
        pending::open(port, how, path.as_ref(), move |handle| Self::from_owned(&owner, handle))
    }

    /// Takes over an open handle. One that is synchronous, or was bound to a port before, occupies
    /// a thread of the port for as long as an operation takes.
    pub fn from_owned(port: &Port, handle: impl Into<Owned>) -> Self {
        let handle = handle.into();
        port.adopt_device(&handle);
        let held = Held::new(handle::raw(&handle), Arc::new(handle));
        Self { inner: Arc::new(Inner(held)), port: port.clone() }
    }

    /// The port that its operations go to.
    pub fn port(&self) -> &Port {
        &self.port
    }

    /// Sends `code` to the driver, with `input`, and gives its answer in `output`; both buffers
    /// come back with every outcome. An answer that did not fit is a success with the bytes that
    /// did, and [`Reply::more`]. Any number may be in flight, in no order. See [DeviceIoControl].
    ///
    /// A driver need not heed a cancel: then the operation runs to its end. Dropped in flight, a
    /// cancel is requested, and the answer is dropped, or the reason why there is none.
    ///
    /// # Errors
    ///
    /// The OS's: that the handle does not know the code (`ERROR_INVALID_FUNCTION`, 1, or
    /// `ERROR_NOT_SUPPORTED`, 50), that `output` is too short for any answer
    /// (`ERROR_INSUFFICIENT_BUFFER`, 122). An `input` of 4 GiB or more is refused, as no call takes
    /// it ([`Cause::Invalid`]).
    ///
    /// # Safety
    ///
    /// What the code does is sound, and touches no memory of the process but the two buffers. Some
    /// codes take addresses in `input`: their memory is not the library's to keep.
    ///
    /// [DeviceIoControl]: https://learn.microsoft.com/en-us/windows/win32/api/ioapiset/nf-ioapiset-deviceiocontrol
    pub unsafe fn control<I: IoBuf + 'static, O: IoBufMut + 'static>(
        &self,
        code: u32,
        input: I,
        output: O,
    ) -> Pending<'static, Control<I, O>> {
        let op = Op::Control { of: self.inner.0.raw(), code };
        let gate = Gate::unless(refusal(input.len()));
        let ask = Ask {
            shard: self.port.shard_for(&op),
            op,
            plan: Plan::new(Goal::Once),
            request: Control { bufs: Exchange::new(input, output) },
            holder: Some(Arc::<Inner>::clone(&self.inner)),
            fixed: None,
        };
        Pending::start_by(gate, ask)
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device")
            .field("handle", &handle::number(self.inner.0.raw()))
            .finish_non_exhaustive()
    }
}

/// Why so many bytes are not sent with a code, if they are not: a part would be another request.
fn refusal(input: usize) -> Option<Cause> {
    let too_long = Cause::Invalid("what goes into a device is less than 4 GiB");
    u32::try_from(input).is_err().then_some(too_long)
}

#[cfg(all(test, target_pointer_width = "64"))]
mod tests {
    use super::*;

    // A length has 32 bits in the call.
    #[test]
    fn what_goes_in_is_never_cut() {
        assert_eq!(refusal(u32::MAX as usize), None);
        assert!(matches!(refusal(1 << 32), Some(Cause::Invalid(_))));
    }
}
