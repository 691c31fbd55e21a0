//! A read with a time limit that frees nothing too early: wait, ask to stop, wait for the end.
//!
//! The pipe below has no data, so its read takes longer than the limit and is cancelled. The file
//! read is over in time. Either way there is one outcome, and the buffer comes back with it.
//!
//! Run it with `cargo run -p overlapped --example timeout`.

use std::{io, time::Duration};

use overlapped::{Done, Failed, Pending, Port, fs::File, pipe, request::Read};

type Outcome = Result<Done<Vec<u8>>, Failed<Vec<u8>>>;

/// What `read` came to, asked to stop if it takes longer than `limit`.
fn within(limit: Duration, read: Pending<'static, Read<Vec<u8>>>) -> Outcome {
    match read.wait_timeout(limit) {
        Ok(outcome) => outcome,
        Err(late) => {
            // The limit changed nothing: the operation is in flight and has its memory. To return
            // here would be safe, since the block outlives `late`; to learn the truth, wait.
            late.cancel();
            late.wait()
        }
    }
}

fn tell(what: &str, outcome: Outcome) {
    match outcome {
        // After a cancel, too: it may have come too late.
        Ok(Done { n, buf, .. }) => println!("{what}: {n} of {} bytes", buf.len()),
        Err(Failed { error, buf, .. }) if error.is_cancelled() => {
            println!("{what}: {error}; the buffer of {} bytes is back", buf.len());
        }
        Err(failed) => println!("{what}: {failed}"),
    }
}

fn main() -> io::Result<()> {
    let port = Port::shared()?;
    let limit = Duration::from_millis(200);

    let file = File::open(&port, concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).wait()?;
    tell("file", within(limit, file.read_at(vec![0; 64], 0)));

    let (reader, writer) = pipe::pair(&port)?;
    tell("pipe", within(limit, reader.read(vec![0; 64])));

    // The cancelled read took nothing: what is written now is read whole.
    writer.write_all(b"late but whole".to_vec()).wait()?;
    let Done { n, buf, .. } = reader.read(vec![0; 64]).wait()?;
    println!("pipe: {:?}", String::from_utf8_lossy(&buf[..n]));

    // The same with the port as timekeeper; `.await` may stand in for `wait`.
    tell("pipe", reader.read(vec![0; 64]).deadline(limit).wait());
    println!("in flight at the end: {}", port.in_flight().len());
    Ok(())
}
