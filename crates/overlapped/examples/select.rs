//! A read that loses a race and is dropped loses no byte: what it took stays with the
//! reader, and the next read is served it.
//!
//! The executor is twenty lines of `std`: a `Pending` needs a waker and nothing else. The `select`
//! polls both by reference, so whichever is not over can be kept; here it is dropped instead.
//!
//! Run it with `cargo run -p overlapped --example select`.

use std::{
    future::poll_fn,
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Wake},
    thread::{self, Thread},
    time::Duration,
};

use overlapped::{Done, Failed, Port, pipe};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Arc::new(Unpark(thread::current())).into();
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        thread::park();
    }
}

/// One read, unless the time is over first. `None` drops the read while it is in flight.
async fn read_for(
    port: &Port,
    reader: &pipe::Reader,
    limit: Duration,
) -> Option<Result<Done<Vec<u8>>, Failed<Vec<u8>>>> {
    let mut read = reader.read(vec![0; 5]);
    let mut nap = port.sleep(limit);
    poll_fn(|cx| match Pin::new(&mut read).poll(cx) {
        Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
        Poll::Pending => Pin::new(&mut nap).poll(cx).map(|_| None),
    })
    .await
}

fn main() -> io::Result<()> {
    let port = Port::shared()?;
    let (reader, writer) = pipe::pair(&port)?;
    block_on(async {
        let late = read_for(&port, &reader, Duration::from_millis(50)).await;
        println!("nobody wrote in time: {}", late.is_none());
        // The abandoned read is still in flight, and takes the first five bytes.
        writer.write_all(b"AAAAABBBBB".to_vec()).await?;
        let mut all = Vec::new();
        while all.len() < 10 {
            if let Some(outcome) = read_for(&port, &reader, Duration::from_secs(5)).await {
                let Done { n, buf, .. } = outcome?;
                all.extend(&buf[..n]);
            }
        }
        println!("then all of it, in order: {:?}", String::from_utf8_lossy(&all));
        assert_eq!(all, b"AAAAABBBBB");
        Ok(())
    })
}
