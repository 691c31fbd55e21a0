//! Writes of 8 bytes to the null device.

use std::{
    array,
    fs::OpenOptions,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

use overlapped::{Port, fs::File};

#[cfg(unix)]
const NULL: &str = "/dev/null";
#[cfg(windows)]
const NULL: &str = "NUL";

/// It needs no allocation and lives for ever.
const BYTES: &[u8] = &[7; 8];

/// Starts `depth` writes, then blocks for one after the other.
pub fn blocking(port: &Port, depth: usize) -> impl FnMut() + use<> {
    let file = sink(port);
    let mut flying = Vec::with_capacity(depth);
    move || {
        flying.extend((0..depth).map(|_| file.write_at(BYTES, 0)));
        for write in flying.drain(..) {
            assert_eq!(write.wait().expect("a write").n, BYTES.len());
        }
    }
}

/// Starts `depth` writes and awaits them all at once, so that each leaves a waker. While none is
/// over it does what `idle` does, as `thread::park`.
pub fn awaited<I: Fn()>(port: &Port, depth: usize, idle: I) -> impl FnMut() + use<I> {
    let file = sink(port);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut flying = Vec::with_capacity(depth);
    move || {
        flying.extend((0..depth).map(|_| file.write_at(BYTES, 0)));
        let mut context = Context::from_waker(&waker);
        loop {
            flying.retain_mut(|write| match Pin::new(write).poll(&mut context) {
                Poll::Pending => true,
                Poll::Ready(outcome) => {
                    assert_eq!(outcome.expect("a write").n, BYTES.len());
                    false
                }
            });
            if flying.is_empty() {
                return;
            }
            idle();
        }
    }
}

/// Starts `depth` writes and drops them in flight; `turn` brings them home.
pub fn dropped<T: Fn()>(port: &Port, depth: usize, turn: T) -> impl FnMut() + use<T> {
    let file = sink(port);
    move || {
        (0..depth).for_each(|_| drop(file.write_at(BYTES, 0)));
        turn();
    }
}

/// One scope around 32 writes from the stack.
pub fn lent(port: &Port) -> impl FnMut() + use<> {
    let file = sink(port);
    move || {
        let bytes = [7; 8];
        file.port().scope(|scope| {
            let writes: [_; 32] = array::from_fn(|_| scope.write_at(&file, &bytes, 0));
            for write in writes {
                assert_eq!(write.wait().expect("a write").n, bytes.len());
            }
        });
    }
}

fn sink(port: &Port) -> File {
    let device = OpenOptions::new().write(true).open(NULL).expect("a null device");
    File::from_owned(port, device)
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
