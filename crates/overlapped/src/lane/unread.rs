//! What reads took from a stream and nobody has read: kept for the next read, in order (C7).
//!
//! Each read has an origin, which says where in the stream it began. What it took comes back with
//! it, however late, and goes to its place among what is kept. A stream of bytes counts these, and
//! what is kept of it flows together. A stream of messages counts each read as one more than its
//! bytes, so that no two reads begin at one place, and there is room for the rest of what one took
//! before the next begins. There each piece is a message, or a part of one, and a read is served
//! from one piece alone.

use std::collections::{BTreeMap, VecDeque};

#[derive(Default)]
pub(super) struct Unread {
    messages: bool,
    pieces: BTreeMap<u64, Piece>,
    /// The origin of a read that goes to the OS now.
    here: u64,
    /// What began before this is forgotten.
    floor: u64,
}

#[derive(Default)]
struct Piece {
    bytes: VecDeque<u8>,
    /// It is no message's end.
    more: bool,
}

/// What a read was served.
pub(super) struct Served {
    pub(super) origin: u64,
    pub(super) n: usize,
    /// There is more of the message.
    pub(super) more: bool,
}

impl Unread {
    /// Whether it comes in messages from now on.
    pub(super) fn set_messages(&mut self, messages: bool) {
        self.messages = messages;
    }

    pub(super) fn here(&self) -> u64 {
        self.here
    }

    /// An operation that began here has got `n` bytes from the OS.
    pub(super) fn took(&mut self, n: usize) {
        self.here += n as u64 + u64::from(self.messages);
    }

    /// What is kept is of no use any more, nor is what is still to come back.
    #[cfg(any(windows, test))]
    pub(super) fn forget(&mut self) {
        self.pieces.clear();
        self.here += 1;
        self.floor = self.here;
    }

    /// Whether what began at `origin` is forgotten.
    pub(super) fn is_forgotten(&self, origin: u64) -> bool {
        origin < self.floor
    }

    /// Takes back what the read that began at `origin` took. An empty message is one, too.
    pub(super) fn keep(&mut self, origin: u64, bytes: &[u8], more: bool) {
        let is_nothing = bytes.is_empty() && (more || !self.messages);
        if is_nothing || self.is_forgotten(origin) {
            return;
        }
        let piece = self.pieces.entry(origin).or_default();
        piece.bytes.extend(bytes);
        piece.more = more;
    }

    /// Copies what is kept into `rooms`, the earliest first. `None` if nothing is. `whole`: the
    /// read wants them full, whatever the messages.
    pub(super) fn serve<'a>(
        &mut self,
        rooms: impl Iterator<Item = &'a mut [u8]>,
        whole: bool,
    ) -> Option<Served> {
        let (&origin, _) = self.pieces.first_key_value()?;
        let alone = self.messages && !whole;
        let mut served = Served { origin, n: 0, more: false };
        for mut room in rooms {
            while let Some((origin, mut piece)) = self.pieces.pop_first() {
                let n = room.len().min(piece.bytes.len());
                let (now, later) = room.split_at_mut(n);
                now.iter_mut().zip(piece.bytes.drain(..n)).for_each(|(to, from)| *to = from);
                room = later;
                served.n += n;
                let rest = !piece.bytes.is_empty();
                served.more = self.messages && (rest || piece.more);
                if rest {
                    self.put_back(origin + n as u64, piece);
                } else if alone {
                    return Some(served);
                }
                if room.is_empty() {
                    break;
                }
            }
        }
        Some(served)
    }

    fn put_back(&mut self, origin: u64, mut rest: Piece) {
        // What was served from both sides of a gap may reach over what filled it since: order is
        // gone there, the bytes are not.
        let place = self.pieces.entry(origin).or_default();
        rest.bytes.append(&mut place.bytes);
        *place = rest;
    }

    /// All that is kept, one after the other.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.pieces).into_values().flat_map(|piece| piece.bytes).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages() -> Unread {
        let mut unread = Unread::default();
        unread.set_messages(true);
        unread
    }

    /// A read takes this from the OS, and is given up.
    fn give_up(unread: &mut Unread, bytes: &[u8], more: bool) -> u64 {
        let origin = unread.here();
        unread.took(bytes.len());
        unread.keep(origin, bytes, more);
        origin
    }

    /// What a read of so many bytes gets, and where that began.
    fn read(unread: &mut Unread, len: usize) -> Option<(Vec<u8>, bool, u64)> {
        let mut room = vec![0; len];
        let served = unread.serve([&mut room[..]].into_iter(), false)?;
        room.truncate(served.n);
        Some((room, served.more, served.origin))
    }

    fn got(unread: &mut Unread, len: usize) -> Option<(Vec<u8>, bool)> {
        read(unread, len).map(|(bytes, more, _)| (bytes, more))
    }

    // [C7] bytes flow together, in the order of the stream, whenever they come back.
    #[test]
    fn bytes_come_back_to_their_place() {
        let mut unread = Unread::default();
        unread.took(3);
        give_up(&mut unread, b"lap", false);
        unread.keep(0, b"ove", false);
        assert_eq!(got(&mut unread, 4), Some((b"ovel".to_vec(), false)));
        assert_eq!(unread.take(), b"ap");
        assert_eq!(got(&mut unread, 4), None);
    }

    // [C7] one message a read, an empty one too, and never two.
    #[test]
    fn messages_are_not_glued() {
        let mut unread = messages();
        give_up(&mut unread, b"one", false);
        give_up(&mut unread, b"", false);
        give_up(&mut unread, b"three", false);
        for message in [&b"one"[..], b"", b"three"] {
            assert_eq!(got(&mut unread, 100), Some((message.to_vec(), false)));
        }
        assert_eq!(got(&mut unread, 100), None);
    }

    // [C3] whether there is more of it is told truly.
    #[test]
    fn a_message_that_does_not_fit_leaves_its_rest() {
        let mut unread = messages();
        give_up(&mut unread, b"message", false);
        give_up(&mut unread, b"part", true);
        give_up(&mut unread, b"end", false);
        assert_eq!(got(&mut unread, 3), Some((b"mes".to_vec(), true)));
        assert_eq!(got(&mut unread, 0), Some((Vec::new(), true)));
        assert_eq!(got(&mut unread, 4), Some((b"sage".to_vec(), false)));
        assert_eq!(got(&mut unread, 9), Some((b"part".to_vec(), true)));
        assert_eq!(got(&mut unread, 9), Some((b"end".to_vec(), false)));
    }

    // [C7] what was served and given up again comes back before its rest.
    #[test]
    fn a_served_read_is_given_up_again() {
        let mut unread = messages();
        let first = give_up(&mut unread, b"message", false);
        give_up(&mut unread, b"next", false);
        let (bytes, more, origin) = read(&mut unread, 3).unwrap();
        assert_eq!((origin, more), (first, true));
        unread.keep(origin, &bytes, more);
        let (nothing, more, origin) = read(&mut unread, 0).unwrap();
        unread.keep(origin, &nothing, more);
        assert_eq!(got(&mut unread, 100), Some((b"mes".to_vec(), true)));
        assert_eq!(got(&mut unread, 100), Some((b"sage".to_vec(), false)));
        assert_eq!(got(&mut unread, 100), Some((b"next".to_vec(), false)));
    }

    // [C7] a message that comes back late is not behind one that was read after it.
    #[test]
    fn messages_come_back_to_their_place() {
        let mut unread = messages();
        let first = unread.here();
        unread.took(1);
        let second = unread.here();
        unread.took(0);
        unread.took(1);
        unread.keep(second, b"", false);
        unread.keep(first, b"1", false);
        assert_eq!(got(&mut unread, 9), Some((b"1".to_vec(), false)));
        assert_eq!(got(&mut unread, 9), Some((Vec::new(), false)));
    }

    #[test]
    fn who_wants_its_room_full_gets_messages_as_a_stream() {
        let mut unread = messages();
        give_up(&mut unread, b"one", false);
        give_up(&mut unread, b"two", false);
        let (mut a, mut b) = ([0; 2], [0; 2]);
        let served = unread.serve([&mut a[..], &mut b[..]].into_iter(), true).unwrap();
        assert_eq!((served.n, served.more, &a, &b), (4, true, b"on", b"et"));
        assert_eq!(got(&mut unread, 9), Some((b"wo".to_vec(), false)));
    }

    #[test]
    fn what_is_forgotten_does_not_come_back() {
        for messages in [false, true] {
            let mut unread = Unread::default();
            unread.set_messages(messages);
            let origin = give_up(&mut unread, b"old", false);
            let flying = unread.here();
            unread.forget();
            assert_eq!(got(&mut unread, 9), None);
            unread.keep(origin, b"old", false);
            unread.keep(flying, b"old", false);
            assert_eq!(got(&mut unread, 9), None);
            give_up(&mut unread, b"new", false);
            assert_eq!(got(&mut unread, 9), Some((b"new".to_vec(), false)));
        }
    }
}
