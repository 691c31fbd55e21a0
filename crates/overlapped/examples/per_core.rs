//! One thread for each processor, each with a port and tasks of its own: the same file is read by
//! all, each its share.
//!
//!     cargo run --release -p overlapped --example per_core [FILE]

use std::{env, io, rc::Rc};

use overlapped::{Runtime, fs::File};

const PIECE: u64 = 64 << 10;
/// Reads in flight on each thread.
const DEPTH: u64 = 16;

fn main() -> io::Result<()> {
    let path = env::args().nth(1).unwrap_or_else(|| "Cargo.lock".to_owned());
    let threads = std::thread::available_parallelism()?.get() as u64;
    let sums = Runtime::per_core(|place, runtime| {
        let port = runtime.port().clone();
        let spawner = runtime.spawner();
        runtime.block_on(async {
            let file = Rc::new(File::open(&port, &path).await?);
            let len = file.metadata().await?.len;
            // Task t of this thread reads every (threads * DEPTH)th piece.
            let tasks: Vec<_> = (0..DEPTH)
                .map(|task| {
                    let (file, first) = (Rc::clone(&file), place as u64 * DEPTH + task);
                    spawner.spawn(async move { sum(&file, len, first, threads * DEPTH).await })
                })
                .collect();
            let mut total = 0;
            for task in tasks {
                total += task.await?;
            }
            Ok::<u64, io::Error>(total)
        })
    })?;
    let sums = sums.into_iter().collect::<io::Result<Vec<u64>>>()?;
    println!("{path}: bytes sum up to {} ({} threads)", sums.iter().sum::<u64>(), sums.len());
    Ok(())
}

/// The sum of the bytes of every `stride`th piece; the buffer goes round.
async fn sum(file: &File, len: u64, first: u64, stride: u64) -> io::Result<u64> {
    let (mut buf, mut sum) = (vec![0; PIECE as usize], 0);
    for at in (first..).step_by(stride as usize).map(|piece| piece * PIECE) {
        if at >= len {
            break;
        }
        let done = file.read_at(buf, at).await?;
        sum += done.buf[..done.n].iter().map(|&byte| u64::from(byte)).sum::<u64>();
        buf = done.buf;
    }
    Ok(sum)
}
