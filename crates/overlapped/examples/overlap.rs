//! Two reads in flight at once, and then many with a bound.
//!
//! A verb starts its operation when it is called, not when it is waited for. So the second read
//! below goes to the OS while the first is still there, and the order in which the program asks
//! for the outcomes says nothing about the order in which they came.
//!
//! Run it with `cargo run -p overlapped --example overlap`.

use std::{env, io};

use overlapped::{Port, fs::File};

const CHUNK: usize = 4096;

fn main() -> io::Result<()> {
    let port = Port::shared()?;
    // Something of some length that is always there: this program.
    let file = File::open(&port, env::current_exe()?).wait()?;
    let len = file.metadata().wait()?.len;

    let head = file.read_at(vec![0; CHUNK], 0);
    let tail = file.read_at(vec![0; CHUNK], len.saturating_sub(CHUNK as u64));
    println!("both were started, nobody has waited yet");
    let tail = tail.wait()?;
    let head = head.wait()?;
    println!("head: {} bytes, starting with {:02x?}", head.n, &head.buf[..4]);
    println!("tail: {} bytes", tail.n);

    // One outcome per range, in the order of the ranges, never more than eight in flight.
    let ranges: Vec<_> = (0..len).step_by(CHUNK).take(64).map(|at| (at, CHUNK)).collect();
    let mut total = 0;
    for outcome in file.read_ranges(&ranges, 8).wait() {
        total += outcome?.n;
    }
    println!("{} ranges: {total} bytes", ranges.len());
    file.close().wait()?;
    Ok(())
}
