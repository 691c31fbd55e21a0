//! A null port whose background thread works only when it is told to.
//!
//! What two threads do depends on how they run into each other, and that is another matter at each
//! run. Here they take turns, so that each run is like the last.

#[cfg(windows)]
use std::net::{Ipv4Addr, TcpListener, TcpStream as Socket};
#[cfg(unix)]
use std::os::unix::net::UnixStream as Socket;
use std::{
    io::{self, Read, Write},
    mem,
    pin::Pin,
    task::{Context, Waker},
    time::{Duration, Instant},
};

use overlapped::{
    Port,
    backend::{self, Backend, Completion, Reap},
};

/// A background thread that does not come to the helm by then is a failure, not a hang.
const PATIENCE: Duration = Duration::from_secs(60);

/// The port, and a *turn*: it lets the background thread land all that flies, and returns when that
/// thread sleeps again.
pub fn taking_turns() -> (Port, impl Fn() + use<>) {
    let (ours, theirs) = pair().expect("a pair of sockets");
    ours.set_read_timeout(Some(PATIENCE)).expect("a socket has a timeout");
    let null = backend::null();
    let reap = Box::new(Gated { reap: null.reap, gate: theirs });
    let port = Port::with_backend(Backend { reap, ..null });
    // Something that is awaited and not over keeps the background thread at the helm.
    let mut night = port.sleep(Duration::from_secs(1 << 30));
    let slept = Pin::new(&mut night).poll(&mut Context::from_waker(Waker::noop()));
    assert!(slept.is_pending());
    mem::forget(night);
    await_sleep(&ours);
    let turn = move || {
        (&ours).write_all(b"!").expect("the other end is open");
        await_sleep(&ours);
    };
    (port, turn)
}

#[cfg(unix)]
fn pair() -> io::Result<(Socket, Socket)> {
    Socket::pair()
}

#[cfg(windows)]
fn pair() -> io::Result<(Socket, Socket)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let ours = Socket::connect(listener.local_addr()?)?;
    Ok((ours, listener.accept()?.0))
}

/// Sockets, since they block at once where a lock would first spin for a while.
fn await_sleep(mut gate: &Socket) {
    gate.read_exact(&mut [0]).expect("the background thread is at the helm");
}

/// Says that it goes to sleep, and sleeps until it is told to go on or the other end is gone.
struct Gated {
    reap: Box<dyn Reap>,
    gate: Socket,
}

impl Reap for Gated {
    fn wait(&mut self, until: Option<Instant>, out: &mut Vec<Completion>) -> io::Result<()> {
        if self.gate.write_all(b".").is_ok() {
            let _told_or_alone = self.gate.read(&mut [0])?;
        }
        self.reap.wait(until, out)
    }
}
