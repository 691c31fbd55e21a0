//! Threads, pipes, peers and memory, for real.

use super::{
    FOREVER, Real,
    calls::answer,
    keeper::Keeper,
    memory::{Block, SENT},
    slow, system,
};
use overlapped_lab::mirror::{Answer, EventField, Handle, Overlapped, Ran, Scene, status, wait};
use std::{
    io::{Read, Write},
    ptr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use windows_sys::Win32::{Foundation::HANDLE, Storage::FileSystem::ReadFile};

/// No handle, and without the low bit.
const BAD: usize = 0x7777_7770;

impl Real {
    /// What is to stand in `hEvent`.
    fn field(&self, event: EventField) -> usize {
        match event {
            EventField::Null => 0,
            EventField::Is(h) => self.raw(h),
            EventField::Tagged(h) => self.raw(h) | 1,
            EventField::Bad => BAD,
        }
    }
}

impl Scene for Real {
    fn switch(&mut self, thread: usize) {
        self.current = thread;
    }

    fn exit_thread(&mut self) {
        self.workers.exit(std::mem::take(&mut self.current));
    }

    fn pipe(&mut self) -> Handle {
        let (end, peer) = system::pipe(true, false);
        self.open(end, Some(peer))
    }

    fn synchronous_pipe(&mut self) -> Handle {
        let (end, peer) = system::pipe(false, false);
        self.open(end, Some(peer))
    }

    fn message_pipe(&mut self) -> Handle {
        let (end, peer) = system::pipe(true, true);
        self.open(end, Some(peer))
    }

    fn duplicate_elsewhere(&mut self, h: Handle) {
        let h = self.raw(h);
        let keeper = self.keeper.get_or_insert_with(Keeper::start);
        keeper.keep(h);
    }

    fn peer_writes(&mut self, h: Handle, bytes: u8) {
        let peer = self.peers[h.0].as_mut().expect("the peer is there");
        let written = peer.write(&vec![SENT; bytes.into()]).expect("the peer writes");
        assert_eq!(written, usize::from(bytes), "what the peer writes at once");
    }

    fn peer_will_write(&mut self, h: Handle) {
        let mut peer = self.peers[h.0].as_ref().and_then(|peer| peer.try_clone().ok());
        let (ready, set) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (is_ready, go) = (Arc::clone(&ready), Arc::clone(&set));
        self.writers.push(thread::spawn(move || {
            is_ready.store(true, Ordering::Release);
            while !go.load(Ordering::Acquire) {
                std::hint::spin_loop();
            }
            let peer = peer.as_mut().expect("the peer is there");
            peer.write_all(&[SENT]).expect("the peer writes");
        }));
        while !ready.load(Ordering::Acquire) {
            thread::yield_now();
        }
        set.store(true, Ordering::Release);
        // Now the case is first, now the peer.
        thread::sleep(Duration::from_micros(50 * u64::from(self.round % 4)));
    }

    fn peer_reads(&mut self, h: Handle) -> u8 {
        let peer = self.peers[h.0].as_mut().expect("the peer is there");
        let mut bytes = [0; 16];
        peer.read(&mut bytes).expect("the peer reads") as u8
    }

    fn peer_closes(&mut self, h: Handle) {
        self.peers[h.0] = None;
    }

    fn overlapped(&mut self, bytes: u8, event: EventField) -> Overlapped {
        let block = Block::new(bytes);
        block.renew(self.field(event));
        self.blocks.push(block);
        Overlapped(self.blocks.len() - 1)
    }

    fn renew(&mut self, o: Overlapped, event: EventField) {
        self.blocks[o.0].renew(self.field(event));
    }

    fn set_event_field(&mut self, o: Overlapped, event: EventField) {
        self.blocks[o.0].set_event(self.field(event));
    }

    fn event_field_is(&mut self, o: Overlapped, event: EventField) -> bool {
        self.blocks[o.0].event() == self.field(event)
    }

    fn internal(&mut self, o: Overlapped) -> u32 {
        self.blocks[o.0].internal()
    }

    fn internal_high(&mut self, o: Overlapped) -> u32 {
        self.blocks[o.0].internal_high()
    }

    fn spin(&mut self, o: Overlapped) -> bool {
        let block = self.blocks[o.0];
        let end = Instant::now() + Duration::from_millis(FOREVER.into());
        while block.internal() == status::PENDING {
            if Instant::now() > end {
                return false;
            }
        }
        true
    }

    fn filled(&mut self, o: Overlapped) -> u32 {
        self.blocks[o.0].filled()
    }

    fn hold_back(&mut self) {
        if slow::on_wine() {
            self.run(|| slow::hold(true));
        } else {
            self.too_fast = true;
        }
    }

    fn let_go(&mut self) {
        if slow::on_wine() {
            self.run(|| slow::hold(false));
        }
    }

    fn ran(&mut self) -> Vec<Ran> {
        let ran = self.workers.take_ran();
        let told = ran.into_iter().map(|(thread, (o, error, bytes))| {
            let overlapped = o.and_then(|address| self.at(address));
            Ran { thread, overlapped, error, bytes }
        });
        told.collect()
    }

    fn blocking_read(&mut self, thread: usize, h: Handle) {
        let h = self.raw(h);
        self.blocking = Some(self.workers.begin(thread, move || {
            let (mut byte, mut count) = (0_u8, 0);
            // SAFETY: the call comes back when it is over, and the byte is there until then.
            let done =
                unsafe { ReadFile(h as HANDLE, &raw mut byte, 1, &raw mut count, ptr::null_mut()) };
            answer(done, count)
        }));
        // Until it blocks.
        thread::sleep(Duration::from_millis(50));
    }

    fn blocking_read_returned(&mut self, _: usize) -> Answer {
        let told = self.blocking.take().expect("a blocking read was begun");
        let patience = Duration::from_millis(FOREVER.into());
        told.recv_timeout(patience).unwrap_or(Err(wait::HANGS))
    }

    fn callback(&mut self) -> Option<bool> {
        self.callbacks.1.recv_timeout(Duration::from_millis(FOREVER.into())).ok()
    }
}
