//! Routines: functions that run when an operation is over, on the thread that gave them, inside an
//! alertable wait of it. They are the completion routines of `ReadFileEx` and `SleepEx`.
//!
//! A routine may start the next operation and give that a routine, as the reading below does. It
//! need not be `Send`: it never leaves its thread, so an `Rc` will do.
//!
//! Run it with `cargo run -p overlapped --example routine`.

use std::{cell::RefCell, io, rc::Rc, time::Duration};

use overlapped::{Port, alertable, fs::File};

const CHUNK: usize = 256;

struct Reading {
    file: File,
    text: Vec<u8>,
    outcome: io::Result<()>,
}

/// Reads the next chunk; its routine takes the bytes and goes on, until the end of the file.
fn next(reading: &Rc<RefCell<Reading>>) {
    let state = Rc::clone(reading);
    let read = {
        let reading = reading.borrow();
        reading.file.read_at(vec![0; CHUNK], reading.text.len() as u64)
    };
    read.then(move |outcome| match outcome {
        Ok(done) if done.n == 0 => {}
        Ok(done) => {
            state.borrow_mut().text.extend(&done.buf[..done.n]);
            next(&state);
        }
        Err(failed) => state.borrow_mut().outcome = Err(failed.into()),
    });
}

fn main() -> io::Result<()> {
    let port = Port::shared()?;
    let file = File::open(&port, concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).wait()?;
    let reading = Rc::new(RefCell::new(Reading { file, text: Vec::new(), outcome: Ok(()) }));
    next(&reading);
    port.sleep(Duration::from_millis(5)).then(|_| println!("five milliseconds are over"));

    // Nothing has run yet. Each alertable wait runs what is over, and waits if nothing is.
    let mut waits = 0;
    while alertable::queued() > 0 {
        alertable::wait(None);
        waits += 1;
    }
    // The routines had the other clones, and are gone with their operations.
    let Reading { text, outcome, .. } = Rc::into_inner(reading).expect("the only one").into_inner();
    outcome?;
    println!("{} bytes in {waits} alertable waits", text.len());
    Ok(())
}
