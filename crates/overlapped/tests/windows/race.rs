//! The reckoning of a race: reads of numbers of four bytes that are cancelled, and the writes, in
//! order, that serve them.

use std::{hint, thread};

use overlapped::{Done, Failed, Pending, pipe::Reader, request::Read};

#[derive(Default)]
pub(crate) struct Race {
    served: u32,
    cancelled: u32,
    /// The next number that a read must get.
    unread: u32,
}

impl Race {
    /// Cancels `read` on another thread while `write` is done; both meet where they like.
    pub(crate) fn meet<R>(
        round: u32,
        read: &Pending<'static, Read<Vec<u8>>>,
        write: impl FnOnce() -> R,
    ) -> R {
        thread::scope(|scope| {
            let cancel = || {
                (0..round % 97 * 400).for_each(|_| hint::spin_loop());
                read.cancel();
            };
            scope.spawn(cancel);
            (0..round % 61 * 400).for_each(|_| hint::spin_loop());
            write()
        })
    }

    /// The outcome of a read is true: the next number, or nothing was taken.
    pub(crate) fn judge(&mut self, outcome: Result<Done<Vec<u8>>, Failed<Vec<u8>>>) {
        match outcome {
            Ok(done) => {
                assert_eq!((done.n, done.buf), (4, self.unread.to_le_bytes().to_vec()));
                self.unread += 1;
                self.served += 1;
            }
            Err(failed) => {
                assert!(failed.error.is_cancelled(), "{}", failed.error);
                self.cancelled += 1;
            }
        }
    }

    /// Reads what is left up to `round`, uncancelled.
    pub(crate) fn catch_up(&mut self, reader: &Reader, round: u32) {
        while self.unread <= round {
            let read = reader.read_exact(vec![0; 4]).wait().unwrap();
            assert_eq!(read.buf, self.unread.to_le_bytes());
            self.unread += 1;
        }
    }

    pub(crate) fn end(self, rounds: u32) {
        let Self { served, cancelled, .. } = self;
        println!("{served} reads were served, {cancelled} were cancelled");
        assert_eq!(served + cancelled, rounds);
        assert!(served > 0 && cancelled > 0, "neither always wins");
    }
}
