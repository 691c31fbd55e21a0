//! Buffers from the stack: a scope lends them, and does not end while the OS may write to them.
//!
//! Only a closure that joins can lend: a future can be forgotten, and the stack frame with the
//! buffer would be gone while the OS still writes. `Port::scope` waits for every operation that
//! was started in it, whatever the closure did with their `Pending`s.
//!
//! Run it with `cargo run -p overlapped --example scope`.

use std::{io, mem};

use overlapped::{Port, fs::File};

fn main() -> io::Result<()> {
    let port = Port::shared()?;
    let file = File::open(&port, concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).wait()?;

    // Two halves of one array, read at the same time.
    let mut page = [0; 64];
    let (left, right) = page.split_at_mut(32);
    let n = port.scope(|s| {
        let a = s.read_at(&file, left, 0);
        let b = s.read_at(&file, right, 32);
        io::Result::Ok(a.wait()?.n + b.wait()?.n)
    })?;
    println!("{n} bytes: {:?}", String::from_utf8_lossy(&page[..n]));

    // Returning early, with the second read still in flight and its handle forgotten.
    let (mut first, mut second) = ([0; 8], [0; 8]);
    let outcome = port.scope(|s| {
        let a = s.read_at(&file, &mut first, 0);
        mem::forget(s.read_at(&file, &mut second, 8));
        io::Result::Ok(a.wait()?.n)
    });
    // The scope has waited: nobody writes to `second` any more.
    println!("{} bytes, then {second:?}", outcome?);
    println!("in flight: {}", port.in_flight().len());
    Ok(())
}
