//! A journal whose records are safe when the program says so: each is written whole and synced, as
//! one operation, which survives partial writes.
//!
//! A record is its length and its bytes. What follows the last whole record is not one: a crash in
//! the middle of a write leaves such a tail, and the reader stops there.
//!
//! Run it with `cargo run -p overlapped --example journal`.

use std::{env, io, process};

use overlapped::{Cause, Port, fs, fs::File};

struct Journal {
    file: File,
    end: u64,
}

impl Journal {
    /// The record is on the device when this returns without an error.
    fn append(&mut self, text: &str) -> io::Result<()> {
        let len = u32::try_from(text.len()).map_err(io::Error::other)?;
        let mut record = len.to_le_bytes().to_vec();
        record.extend(text.as_bytes());
        // Data only: the new length goes along, since without it the bytes could not be read back.
        let done = self.file.write_all_sync_at(record, self.end, true).wait()?;
        self.end += done.n as u64;
        Ok(())
    }

    fn record_at(&self, at: u64) -> io::Result<Option<Vec<u8>>> {
        let Some(head) = self.exact(4, at)? else { return Ok(None) };
        let len = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
        self.exact(len as usize, at + 4)
    }

    /// `len` bytes; `None` if the journal ends before.
    fn exact(&self, len: usize, at: u64) -> io::Result<Option<Vec<u8>>> {
        match self.file.read_exact_at(vec![0; len], at).wait() {
            Ok(done) => Ok(Some(done.buf)),
            Err(failed) if failed.error.cause() == Cause::UnexpectedEnd => Ok(None),
            Err(failed) => Err(failed.into()),
        }
    }
}

fn main() -> io::Result<()> {
    let port = Port::shared()?;
    let path = env::temp_dir().join(format!("overlapped-journal-{}", process::id()));
    let file = File::create(&port, &path).wait()?;
    let mut journal = Journal { file, end: 0 };
    for text in ["first", "second", "third"] {
        journal.append(text)?;
    }

    // A torn record at the end: its length says more than there is.
    journal.file.write_all_at(1000u32.to_le_bytes().to_vec(), journal.end).wait()?;

    let mut at = 0;
    while let Some(record) = journal.record_at(at)? {
        println!("{at:4}: {}", String::from_utf8_lossy(&record));
        at += 4 + record.len() as u64;
    }
    println!("{at:4}: end");
    assert_eq!(at, journal.end);

    // Closing tells the error of a write that nobody watched; here there is none.
    journal.file.close().wait()?;
    fs::remove_file(&port, &path).wait()?;
    Ok(())
}
