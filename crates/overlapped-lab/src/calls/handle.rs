//! Events, handles, and the end of a thread (S4, S42, S43).

use crate::{
    memory::NULL,
    objects::{Answer, Event, Life, OPS, Target},
    op::{Op, Queued},
    rules::Exit,
    watch::{Note, Thing, Watch},
    world::Step,
};

impl<W: Watch> Step<'_, W> {
    pub(super) fn create_event(&mut self, handle: u8, auto: bool) {
        if let Target::Event(e) = self.setup.targets[usize::from(handle)] {
            self.writes(Thing::Event(e));
            self.world.events[usize::from(e)] = Event { set: false, auto };
            self.world.open |= 1 << handle;
        }
    }

    pub(super) fn set_event(&mut self, t: u8, handle: u8, set: bool) {
        let open = self.world.is_open(handle);
        match self.setup.targets[usize::from(handle)] {
            Target::Event(e) if open => {
                self.writes(Thing::Event(e));
                self.world.events[usize::from(e)].set = set;
                self.thread(t).answer = Answer::True;
            }
            _ => self.thread(t).answer = Answer::InvalidHandle,
        }
    }

    /// Not a cancel while another handle exists. The last one ends what is pending with an error,
    /// and does not wait for that; unless another process has one: then only what has a port and no
    /// event is cancelled (S42).
    pub(super) fn close_handle(&mut self, t: u8, handle: u8) {
        if !self.world.is_open(handle) {
            self.thread(t).answer = Answer::InvalidHandle;
            return;
        }
        self.world.open &= !(1 << handle);
        self.thread(t).answer = Answer::True;
        if let Target::File(f) = self.setup.targets[usize::from(handle)] {
            self.writes(Thing::File(f));
            self.file(f).handles -= 1;
            if self.file(f).handles == 0 && self.file(f).elsewhere {
                let cancels = self.setup.rules.last_close_cancels;
                let packet = |op: &Op| matches!(op.queued, Queued::Packet(_)) && op.event == NULL;
                self.drop_where(|op| cancels && op.file == f && packet(op));
            } else if self.file(f).handles == 0 {
                self.file(f).closed = true;
                self.drop_where(|op| op.file == f);
            }
        }
    }

    pub(super) fn duplicate(&mut self, t: u8, from: u8, to: u8) {
        if !self.world.is_open(from) {
            self.thread(t).answer = Answer::InvalidHandle;
            return;
        }
        self.world.open |= 1 << to;
        if let Target::File(f) = self.setup.targets[usize::from(to)] {
            self.writes(Thing::File(f));
            self.file(f).handles += 1;
        }
        self.thread(t).answer = Answer::True;
    }

    /// `SetFileCompletionNotificationModes`: neither can be undone (S27, S47).
    pub(super) fn modes(&mut self, t: u8, handle: u8, event: bool, port: bool) {
        if let Some(f) = self.file_of(handle) {
            self.writes(Thing::File(f));
            let file = self.file(f);
            file.skip_event |= event;
            file.skip_port |= port;
            self.thread(t).answer = Answer::True;
        }
    }

    /// Its operations are cancelled; whether one that has a port survives, the rules say (U12).
    pub(super) fn exit_thread(&mut self, t: u8) {
        self.writes(Thing::Life(t));
        self.thread(t).life = Life::Exited;
        let keeps = self.setup.rules.exit == Exit::KeepsPorts;
        let ports: [u8; OPS] = std::array::from_fn(|i| {
            let file = self.world.ops[i].file;
            self.world.files.get(usize::from(file)).map_or(NULL, |file| file.port)
        });
        for (i, port) in (0..).zip(ports) {
            let op = *self.op(i);
            let survives = keeps && port != NULL && op.event == NULL;
            if op.thread == t && !survives {
                self.drop_op(i);
            }
        }
    }

    pub(crate) fn drop_where(&mut self, which: impl Fn(&Op) -> bool) {
        for i in 0..OPS as u8 {
            if which(self.op(i)) {
                self.drop_op(i);
            }
        }
    }

    /// An operation ends because what it belongs to ends.
    fn drop_op(&mut self, i: u8) {
        self.reads(Thing::Phase(i));
        if self.op(i).in_flight() {
            self.writes(Thing::Cancel(i));
            self.op(i).cancel = true;
            self.say(Note::Dropped(i));
        }
    }
}
