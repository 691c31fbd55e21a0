//! The two halves driven directly, without a port.

use std::{
    fs::File,
    io::Write,
    os::windows::io::OwnedHandle,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Binds, CallSubmit, CompletionPort, IocpReap, Shared};
use crate::{
    backend::{Cheap, Completion, Op, Reap, Submit, Value},
    buf::Fill,
    handle,
    iocb::{Landing, Split, asked, split},
    op::{Goal, Plan, Read},
};

const LONG: Duration = Duration::from_secs(20);

// [C1] [C2] of a packet of the program's own only the address is known, and that may have been
// another OVERLAPPED's before. It ends no call that the OS has, nor one that is being made.
#[test]
fn a_packet_with_a_calls_address_does_not_end_the_call() {
    let port = Arc::new(CompletionPort::new().expect("a port"));
    let shared = Shared::new(1, Arc::<CompletionPort>::clone(&port));
    let (ours, theirs) = handle::pipe().expect("a pipe");
    Binds { port: Arc::clone(&port), shared: Arc::clone(&shared) }.adopt(&ours);
    let op = Op::Read { from: handle::raw(&ours), at: None };
    let plan = Plan::new(Goal::Once);
    let Split { half, entry, line } = split(asked(&op, plan, None), Read { buf: Fill(vec![0; 4]) });
    let address = entry.id().overlapped();

    assert!(shared.told(address).is_none(), "not begun");
    let mut submit = CallSubmit::new(Arc::clone(&shared));
    assert!(submit.submit(entry).is_ok());
    for _ in 0..3 {
        assert!(shared.told(address).is_none(), "in flight");
    }

    let theirs = File::from(OwnedHandle::try_from(theirs).expect("a pipe of the OS's"));
    (&theirs).write_all(b"late").expect("there is room");
    let (mut reap, mut out) = (IocpReap { port, shared }, Vec::new());
    reap.wait(Some(Instant::now() + LONG), &mut out).expect("a wait");
    let Some(Completion { mut entry, answer: Ok(Value::Count(4)) }) = out.pop() else {
        panic!("it ends by its own packet, with 4 bytes");
    };
    entry.settle(Ok(Value::Count(4)));
    assert!(matches!(entry.land(line, |_| {}), Landing::Told(..)));
    assert_eq!(half.take("IOCP", |request, _| request.buf.0), b"late");
}
