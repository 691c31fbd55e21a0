//! What the compiler promises.

use std::{net::TcpStream, rc::Rc};

use overlapped::{
    AlignedBuf, Done, Event, Failed, IoBuf, IoBufMut, Pending, Port, Scope,
    fs::File,
    pipe::{Duplex, Reader, Writer},
    request::{Control, Nap, Open, Plain, Read, ReadMany, ReadMessage, Stat, Write, WriteMany},
};

fn is_send<T: Send>() {}
fn is_sync<T: Sync>() {}
fn is_unpin<T: Unpin>() {}

// [C12] futures are `Send`, and need no pinning to be polled in a `select`.
#[test]
fn pendings_go_from_thread_to_thread() {
    fn is_free<T: Send + Unpin>() {}
    is_free::<Pending<'static, Read<Vec<u8>>>>();
    is_free::<Pending<'static, Read<&'static mut [u8]>>>();
    is_free::<Pending<'static, ReadMany<AlignedBuf>>>();
    is_free::<Pending<'static, ReadMessage<Vec<u8>>>>();
    is_free::<Pending<'static, Control<&'static str, AlignedBuf>>>();
    is_free::<Pending<'static, Write<&'static str>>>();
    is_free::<Pending<'static, WriteMany<Vec<u8>>>>();
    is_free::<Pending<'static, Open<File>>>();
    is_free::<Pending<'static, Open<Reader>>>();
    is_free::<Pending<'static, Plain>>();
    is_free::<Pending<'static, Stat>>();
    is_free::<Pending<'static, Nap>>();
    is_sync::<Pending<'static, Nap>>();
    // What it makes need not be.
    is_unpin::<Pending<'static, Open<Rc<TcpStream>>>>();
}

#[test]
fn handles_are_for_every_thread() {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Port>();
    is_shared::<File>();
    is_shared::<Reader>();
    is_shared::<Writer>();
    is_shared::<Duplex>();
    is_shared::<Event>();
    is_shared::<Scope<'static, 'static>>();
    is_send::<overlapped::fs::Close>();
    is_send::<overlapped::pipe::IntoParts>();
    is_shared::<overlapped::Error>();
}

// [C11] what is not `Send` is no buffer, so no destructor runs on a thread where it must not.
#[test]
fn buffers_are_send() {
    fn of<B: IoBuf>() {
        is_send::<B>();
    }
    fn of_mut<B: IoBufMut>() {
        is_send::<B>();
    }
    of::<&'static str>();
    of_mut::<AlignedBuf>();
}

// [C4] an outcome converts without its buffer, and `?` works in a function of `io::Result`.
#[test]
fn outcomes_convert() {
    fn read(port: &Port) -> std::io::Result<usize> {
        let file = File::open(port, "Cargo.toml").wait()?;
        let Done { n, .. } = file.read_at(vec![0; 9], 0).wait()?;
        file.read_exact_at(vec![0; 9], u64::from(u32::MAX)).wait()?;
        Ok(n)
    }
    let error = read(&Port::shared().expect("a port")).expect_err("it is not that long");
    assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<overlapped::Error>());
    assert_eq!(inner.expect("the library's own error").operation(), "read_exact_at");
    fn is_error<E: std::error::Error>() {}
    is_error::<Failed<Vec<u8>>>();
}
