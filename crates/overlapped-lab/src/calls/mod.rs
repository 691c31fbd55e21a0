//! The calls that a program can make, and what each does. A call is one step, unless it is silent:
//! then it belongs to the step before it.

mod aio;
mod cancel;
mod handle;
mod issue;
mod local;
mod pool;
mod port;
mod result;
mod uring;
mod wait;

pub(crate) use issue::LOW_BIT;

use crate::{
    memory::NULL,
    objects::{Deadline, Target},
    op::{Api, Queued, Verb},
    watch::{Thing, Watch},
    world::{Setup, Step, World},
};

/// An address that the program has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ptr {
    Null,
    /// A local of a frame.
    At(u8),
    /// In the block that a variable points to.
    Var {
        var: u8,
        offset: u8,
    },
    /// In the block whose OVERLAPPED was handed out last: by a routine, a packet, a callback.
    Got {
        offset: u8,
    },
}

/// How long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ms {
    /// 0: a look.
    Now,
    After(u16),
    /// What is left of the last time.
    Rest,
    Forever,
}

/// What to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WaitOn {
    Handle(u8),
    /// The handle in an OVERLAPPED.
    EventOf(Ptr),
}

/// What to start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    /// The operation's place; each call that starts one has its own.
    pub(crate) slot: u8,
    pub(crate) api: Api,
    pub(crate) verb: Verb,
    pub(crate) handle: u8,
    pub(crate) ov: Ptr,
    pub(crate) buffer: Ptr,
    /// A routine, a callback or a ring; packets go where the file is bound to.
    pub(crate) queued: Queued,
    /// `user_data`.
    pub(crate) tag: u8,
    /// With a linked timeout.
    pub(crate) timed: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Call {
    // Memory.
    Enter { owner: u8, cell: u8, len: u8 },
    Leave { cell: u8, len: u8 },
    Look { cell: u8, len: u8 },
    LookAt { at: Ptr, len: u8 },
    Malloc { var: u8, owner: u8 },
    Free(Ptr),
    Claim { at: Ptr, len: u8 },
    Init { ov: Ptr, event: u8 },
    // Events and handles.
    CreateEvent { handle: u8, auto: bool },
    SetEvent(u8),
    ResetEvent(u8),
    Close(u8),
    Duplicate { from: u8, to: u8 },
    Modes { handle: u8, event: bool, port: bool },
    ExitThread,
    // Operations.
    Start(Start),
    CancelIo(u8),
    CancelIoEx { handle: u8, ov: Ptr, meant: u8 },
    CancelSynchronousIo(u8),
    // Waits.
    Wait { on: [WaitOn; 2], n: u8, all: bool, ms: Ms, alertable: bool },
    Sleep { ms: Ms, alertable: bool },
    QueueApc { thread: u8, index: u8 },
    // Results.
    Result { ov: Ptr, handle: u8, wait: bool },
    ResultWait { ov: Ptr, handle: u8, ms: Ms, alertable: bool },
    Poll(Ptr),
    Use(Ptr),
    UseGot,
    Returned(u8),
    // Ports.
    Bind { handle: u8, port: u8 },
    Dequeue { port: u8, ms: Ms, alertable: bool },
    Post { port: u8, key: u8 },
    ClosePort(u8),
    // The thread pool.
    Serve,
    RegisterWait { wait: u8, event: WaitOn, ms: Ms, callback: u8 },
    UnregisterWait(u8),
    WaitForCallbacks { cancel: bool },
    // io_uring.
    UringCancel { ring: u8, tag: u8, meant: u8 },
    // AIO.
    AioCancel(Ptr),
    Suspend { cb: Ptr, ms: Ms },
    CloseFd(u8),
    IoCancel,
    IoDestroy(u8),
    // The program's own, silent.
    Set { var: u8, value: u8 },
    Tell { var: u8 },
    Until { var: u8 },
    Jump(u8),
    Unless { cond: Cond, to: u8 },
    EndRoutine,
    End,
}

/// What a program may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cond {
    /// The last call came back with this.
    Answer(crate::objects::Answer),
    /// It failed in another way than with `ERROR_IO_PENDING`.
    Failed,
    /// The variable is not 0.
    Var(u8),
    /// It is 0.
    NotVar(u8),
    /// What was handed out belongs to this operation.
    Got(u8),
    /// It does not.
    GotOther(u8),
}

/// Where a thread goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    Next,
    /// It is still waiting.
    Stay,
    /// A routine is run first.
    Run(u8),
    /// Past the next call, too.
    Skip,
}

impl Call {
    /// What only this thread can see, and the program's own control flow, is not a step.
    pub(crate) fn is_silent(&self) -> bool {
        matches!(
            self,
            Call::Init { .. }
                | Call::CreateEvent { .. }
                | Call::Use(_)
                | Call::UseGot
                | Call::Set { .. }
                | Call::Jump(_)
                | Call::Unless { .. }
                | Call::EndRoutine
                | Call::End
        )
    }

    /// How long it waits at most, if it waits.
    pub(crate) fn ms(&self) -> Option<Ms> {
        match *self {
            Call::Wait { ms, .. }
            | Call::Sleep { ms, .. }
            | Call::ResultWait { ms, .. }
            | Call::Suspend { ms, .. }
            | Call::Dequeue { ms, .. } => Some(ms),
            _ => None,
        }
    }
}

/// Whether thread `t` can go on with `call`.
pub(crate) fn ready(world: &World, setup: &Setup, t: u8, call: &Call) -> bool {
    let thread = &world.threads[usize::from(t)];
    let over = |ms: Ms| match ms {
        Ms::Now => true,
        Ms::After(_) | Ms::Rest => thread.deadline == Deadline::Passed,
        Ms::Forever => false,
    };
    let routine = |alertable: bool| alertable && !thread.apcs.is_empty();
    match *call {
        Call::Wait { on, n, all, ms, alertable } => {
            over(ms) || routine(alertable) || wait::satisfied(world, setup, t, &on[..n.into()], all)
        }
        Call::Sleep { ms, alertable } => over(ms) || routine(alertable),
        Call::ResultWait { ov, handle, ms, alertable } => {
            over(ms) || routine(alertable) || result::ready(world, setup, t, ov, handle)
        }
        Call::Poll(ov) => result::is_final(world, t, ov),
        Call::Dequeue { port, ms, alertable } => {
            let port = &world.ports[usize::from(port)];
            over(ms) || routine(alertable) || port.closed || !port.packets.is_empty()
        }
        Call::Suspend { cb, ms } => over(ms) || result::is_final(world, t, cb),
        Call::Returned(slot) => !world.ops[usize::from(slot)].in_flight(),
        Call::Until { var } => world.vars[usize::from(var)] != 0,
        Call::Serve => pool::ready(world, t),
        Call::WaitForCallbacks { cancel } => pool::drained(world, setup, cancel),
        Call::IoDestroy(port) => {
            !world.ops.iter().any(|op| op.in_flight() && op.queued == Queued::Packet(port))
        }
        _ => true,
    }
}

/// What thread `t` waits for in `call`: the first, if it waits for several.
pub(crate) fn waited_for(world: &World, setup: &Setup, t: u8, call: &Call) -> Option<Target> {
    match *call {
        Call::Wait { on, .. } => wait::target(world, setup, t, on[0]),
        Call::ResultWait { ov, handle, .. } => Some(result::waits_for(world, setup, t, ov, handle)),
        _ => None,
    }
}

impl World {
    /// Where a pointer of thread `t` points to.
    pub(crate) fn address(&self, t: u8, ptr: Ptr) -> u8 {
        match ptr {
            Ptr::Null => NULL,
            Ptr::At(cell) => cell,
            Ptr::Var { var, offset } => self.vars[usize::from(var)] + offset,
            Ptr::Got { offset } => match self.threads[usize::from(t)].got {
                NULL => NULL,
                cell => cell + offset,
            },
        }
    }
}

impl<W: Watch> Step<'_, W> {
    /// Where a pointer points to; a variable is looked at.
    pub(crate) fn address(&mut self, t: u8, ptr: Ptr) -> u8 {
        if let Ptr::Var { var, .. } = ptr {
            self.reads(Thing::Var(var));
        }
        self.world.address(t, ptr)
    }

    /// Thread `t` makes a call.
    pub(crate) fn perform(&mut self, t: u8, call: &Call) -> Flow {
        match *call {
            Call::Enter { owner, cell, len } => self.takes(t.into(), cell, len, owner),
            Call::Leave { cell, len } => self.releases(cell, len),
            Call::Look { cell, len } => self.looks(cell, len),
            Call::LookAt { at, len } => {
                let cell = self.address(t, at);
                self.looks(cell, len);
            }
            Call::Malloc { var, owner } => self.malloc(var, owner),
            Call::Free(ptr) => self.free(t, ptr),
            Call::Claim { at, len } => self.claim(t, at, len),
            Call::Init { ov, event } => self.init(t, ov, event),
            Call::CreateEvent { handle, auto } => self.create_event(handle, auto),
            Call::SetEvent(handle) => self.set_event(t, handle, true),
            Call::ResetEvent(handle) => self.set_event(t, handle, false),
            Call::Close(handle) => self.close_handle(t, handle),
            Call::Duplicate { from, to } => self.duplicate(t, from, to),
            Call::Modes { handle, event, port } => self.modes(t, handle, event, port),
            Call::ExitThread => self.exit_thread(t),
            Call::Start(start) => self.start(t, &start),
            Call::CancelIo(handle) => self.cancel_io(t, handle),
            Call::CancelIoEx { handle, ov, meant } => self.cancel_io_ex(t, handle, ov, meant),
            Call::CancelSynchronousIo(thread) => self.cancel_synchronous_io(t, thread),
            Call::Wait { .. } | Call::Sleep { .. } => return self.wait(t, call),
            Call::QueueApc { thread, index } => self.queue_apc(thread, index),
            Call::Result { ov, handle, wait } => return self.result(t, ov, handle, wait),
            Call::ResultWait { .. } => return self.result_wait(t, call),
            Call::Poll(ov) => self.poll(t, ov),
            Call::Use(ptr) => self.use_result(t, ptr),
            Call::UseGot => self.use_got(t),
            Call::Returned(slot) => self.returned(t, slot),
            Call::Bind { handle, port } => self.bind(t, handle, port),
            Call::Dequeue { port, ms, alertable } => return self.dequeue(t, port, ms, alertable),
            Call::Post { port, key } => self.post_packet(t, port, key),
            Call::ClosePort(port) | Call::IoDestroy(port) => self.close_port(t, port),
            Call::Serve => return self.serve(t),
            Call::RegisterWait { wait, event, ms, callback } => {
                self.register_wait(t, wait, event, ms, callback);
            }
            Call::UnregisterWait(wait) => self.unregister_wait(wait),
            Call::WaitForCallbacks { cancel } => self.wait_for_callbacks(cancel),
            Call::UringCancel { ring, tag, meant } => self.uring_cancel(ring, tag, meant),
            Call::AioCancel(ptr) => self.aio_cancel(t, ptr),
            Call::Suspend { cb, ms } => self.aio_suspend(t, cb, ms),
            Call::CloseFd(handle) => self.close_fd(t, handle),
            Call::IoCancel => self.io_cancel(t),
            Call::Set { var, value } => self.set_var(var, value),
            Call::Tell { var } => self.set_var(var, 1),
            Call::Until { var } => self.reads(Thing::Var(var)),
            Call::Jump(_) | Call::Unless { .. } | Call::EndRoutine | Call::End => {}
        }
        Flow::Next
    }

    /// Whether a condition holds for thread `t`.
    pub(crate) fn holds(&mut self, t: u8, cond: Cond) -> bool {
        use crate::objects::Answer;
        let thread = *self.thread(t);
        match cond {
            Cond::Answer(answer) => thread.answer == answer,
            Cond::Failed => matches!(
                thread.answer,
                Answer::Failed(_) | Answer::InvalidParameter | Answer::InvalidHandle
            ),
            Cond::Got(slot) => thread.got_op == slot,
            Cond::GotOther(slot) => thread.got_op != slot,
            Cond::Var(var) | Cond::NotVar(var) => {
                self.reads(Thing::Var(var));
                (self.world.vars[usize::from(var)] != 0) == matches!(cond, Cond::Var(_))
            }
        }
    }
}
