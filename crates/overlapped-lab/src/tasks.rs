//! The same world under programs that are async functions: each call is a step, and the program is
//! run again from its start for each schedule. For explorers that replay.

use crate::{
    Code, Verdict,
    calls::{self, Call, Flow, Ms, Ptr, Start, WaitOn},
    driver,
    machine::{Who, judged},
    memory::OVERLAPPED,
    objects::{Answer, Deadline, Life},
    op::{Api, Queued, Verb},
    program::{Function, Handle, Timeout},
    watch::{InVain, Nobody, Silent, Thing, Watch},
    world::{Step, World},
};
use overlapped_sim::explore::{Access, Actor, Search};
use std::{
    cell::{Cell, RefCell},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

/// What all tasks of a run share.
struct Stage {
    world: RefCell<World>,
    /// The call that each task is about to make.
    wanted: [Cell<Option<Call>>; 3],
    /// How its last call went on.
    flows: [Cell<Flow>; 3],
    /// Where each task's next frame begins.
    tops: [Cell<u8>; 3],
    code: Rc<Code>,
}

/// A task: a thread of the program as async code.
pub type Task = Pin<Box<dyn Future<Output = ()>>>;

/// The calls that a task makes.
#[derive(Clone)]
pub struct Calls {
    stage: Rc<Stage>,
    thread: u8,
}

/// The locals of a function: an OVERLAPPED and a buffer for each operation.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    cell: u8,
    len: u8,
}

impl Frame {
    /// Operation `n`'s OVERLAPPED.
    fn ov(self, n: u8) -> Ptr {
        Ptr::At(self.cell + n * (OVERLAPPED + 1))
    }

    fn buffer(self, n: u8) -> Ptr {
        Ptr::At(self.cell + n * (OVERLAPPED + 1) + OVERLAPPED)
    }
}

/// A call on its way: a scheduling point.
struct Ask<'a> {
    calls: &'a Calls,
    call: Option<Call>,
}

impl Future for Ask<'_> {
    type Output = Flow;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Flow> {
        let thread = usize::from(self.calls.thread);
        match self.call.take() {
            Some(call) => {
                self.calls.stage.wanted[thread].set(Some(call));
                Poll::Pending
            }
            None => Poll::Ready(self.calls.stage.flows[thread].get()),
        }
    }
}

impl Calls {
    fn ask(&self, call: Call) -> Ask<'_> {
        Ask { calls: self, call: Some(call) }
    }

    /// What happens before the first step.
    fn at_once(&self, call: &Call) {
        let mut world = self.stage.world.borrow_mut();
        let setup = &self.stage.code.setup;
        Step { world: &mut world, setup, watch: &mut Nobody }.perform(self.thread, call);
    }

    fn answer(&self) -> Answer {
        self.stage.world.borrow().threads[usize::from(self.thread)].answer
    }

    fn frame(&self, len: u8) -> Frame {
        Frame { cell: self.stage.tops[usize::from(self.thread)].get(), len }
    }

    /// The function that the task begins in, with an event for each of its operations.
    #[must_use]
    pub fn begins_in(&self, function: Function, events: &[Handle]) -> Frame {
        let frame = self.frame(events.len() as u8 * (OVERLAPPED + 1));
        let owner = function.owner;
        self.at_once(&Call::Enter { owner, cell: frame.cell, len: frame.len });
        for (n, event) in (0..).zip(events) {
            self.at_once(&Call::CreateEvent { handle: event.index, auto: false });
            self.at_once(&Call::Init { ov: frame.ov(n), event: event.index + 1 });
        }
        frame
    }

    /// The next function is called: its locals have the bytes that the last one's had.
    pub async fn enter(&self, function: Function, len: u8) -> Frame {
        let frame = self.frame(len);
        let owner = function.owner;
        self.ask(Call::Enter { owner, cell: frame.cell, len }).await;
        frame
    }

    /// `return`
    pub async fn leave(&self, frame: Frame) {
        self.ask(Call::Leave { cell: frame.cell, len: frame.len }).await;
    }

    /// The function looks at its locals.
    pub async fn look(&self, frame: Frame) {
        self.ask(Call::Look { cell: frame.cell, len: frame.len }).await;
    }

    /// `ReadFile(h, buffer, sizeof(buffer), NULL, &o)` with the frame's memory for operation `n`.
    pub async fn read_file(&self, h: Handle, frame: Frame, n: u8) {
        let start = Start {
            slot: n,
            api: Api::Overlapped,
            verb: Verb::Read,
            handle: h.index,
            ov: frame.ov(n),
            buffer: frame.buffer(n),
            queued: Queued::Nothing,
            tag: 0,
            timed: false,
        };
        self.ask(Call::Start(start)).await;
    }

    /// `WaitForSingleObject(event, timeout)`; whether it timed out.
    pub async fn timed_out(&self, event: Handle, timeout: Timeout) -> bool {
        let on = WaitOn::Handle(event.index);
        let ms = timeout.0;
        self.ask(Call::Wait { on: [on, on], n: 1, all: false, ms, alertable: false }).await;
        self.answer() == Answer::Timeout
    }

    /// `CancelIo(h)`
    pub async fn cancel_io(&self, h: Handle) {
        self.ask(Call::CancelIo(h.index)).await;
    }

    /// `GetOverlappedResult(h, &o, &n, TRUE)`; whether it was a success.
    pub async fn get_overlapped_result(&self, h: Handle, frame: Frame, n: u8) -> bool {
        let (ov, handle) = (frame.ov(n), h.index);
        if self.ask(Call::Result { ov, handle, wait: true }).await == Flow::Next {
            let (ms, alertable) = (Ms::Forever, false);
            self.ask(Call::ResultWait { ov, handle, ms, alertable }).await;
        }
        self.answer() == Answer::True
    }
}

/// The next run that `search` decides of the tasks that `begin` makes: how it ended. `None` if
/// there is none left.
///
/// `code` has the files and events; its own threads, if any, do not run.
pub fn next_run_of_tasks(
    code: &Rc<Code>,
    search: &mut impl Search,
    begin: impl Fn(&[Calls; 3], &mut Vec<Task>),
) -> Option<Verdict> {
    if !search.begin() {
        return None;
    }
    let stage = Rc::new(Stage {
        world: RefCell::new(code.start.clone()),
        wanted: [const { Cell::new(None) }; 3],
        flows: [const { Cell::new(Flow::Next) }; 3],
        tops: [0, 8, 16].map(Cell::new),
        code: Rc::clone(code),
    });
    let calls = [0, 1, 2].map(|thread| Calls { stage: Rc::clone(&stage), thread });
    let mut tasks = Vec::with_capacity(3);
    begin(&calls, &mut tasks);
    let mut run = Run { stage: &stage, tasks };
    (0..run.tasks.len()).for_each(|t| run.poll(t, &mut Silent(search)));
    let mut enabled = Vec::with_capacity(8);
    loop {
        enabled.clear();
        run.enabled(&mut enabled);
        if enabled.is_empty() {
            break;
        }
        let actor = enabled[search.next(&enabled)];
        run.step(Who::of(actor), search);
    }
    run.blocked(search);
    search.end();
    let stuck = stage.wanted.iter().any(|wanted| wanted.get().is_some());
    Some(judged(code, &stage.world.borrow(), stuck))
}

struct Run<'a> {
    stage: &'a Rc<Stage>,
    tasks: Vec<Task>,
}

impl Run<'_> {
    fn enabled(&self, out: &mut Vec<Actor>) {
        let world = self.stage.world.borrow();
        let setup = &self.stage.code.setup;
        let threads = 0..self.tasks.len() as u8;
        for t in threads.clone() {
            let wanted = self.stage.wanted[usize::from(t)].get();
            if wanted.is_some_and(|call| calls::ready(&world, setup, t, &call)) {
                out.push(Who::Thread(t).actor());
            }
        }
        for t in threads {
            if world.threads[usize::from(t)].deadline == Deadline::Armed {
                out.push(Who::Clock(t).actor());
            }
        }
        for i in 0..world.ops.len() {
            if driver::can_go_on(&world, setup, i) {
                out.push(Who::Device(i as u8).actor());
            }
        }
    }

    fn step(&mut self, who: Who, search: &mut impl Search) {
        let mut world = self.stage.world.borrow_mut();
        let mut watch = Silent(search);
        let setup = &self.stage.code.setup;
        let mut step = Step { world: &mut world, setup, watch: &mut watch };
        match who {
            Who::Clock(t) => step.clock(t),
            Who::Device(i) => step.drive(i),
            Who::Thread(t) => {
                let at = usize::from(t);
                if let Some(call) = self.stage.wanted[at].take() {
                    self.stage.flows[at].set(step.perform(t, &call));
                }
                drop(world);
                self.poll(at, &mut watch);
            }
            Who::Timer(_) | Who::Peer(_) => {}
        }
    }

    /// Who waits in vain, and what for.
    fn blocked(&self, search: &mut impl Search) {
        for t in 0..self.tasks.len() as u8 {
            if let Some(call) = self.stage.wanted[usize::from(t)].get() {
                let mut world = self.stage.world.borrow().clone();
                let mut watch = InVain { choice: search, actor: Who::Thread(t).actor() };
                let setup = &self.stage.code.setup;
                Step { world: &mut world, setup, watch: &mut watch }.perform(t, &call);
            }
        }
    }

    /// The task goes on to its next call.
    fn poll(&mut self, t: usize, watch: &mut impl Watch) {
        let mut context = Context::from_waker(Waker::noop());
        let done = self.tasks[t].as_mut().poll(&mut context).is_ready();
        let thread = &mut self.stage.world.borrow_mut().threads[t];
        thread.life = if done { Life::Ended } else { Life::Running };
        let wanted = self.stage.wanted[t].get();
        if wanted.and_then(|call| call.ms()).is_some_and(|ms| matches!(ms, Ms::After(_))) {
            thread.deadline = Deadline::Armed;
            watch.touch(Thing::Clock(t as u8), Access::Write);
        }
    }
}
