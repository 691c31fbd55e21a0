//! C49 to C55: handles are closed, threads exit, blocking calls are cancelled, the pool waits.

use super::{A_WHILE, CANCELLED, Case, EventField, Outcome, PENDING, Reading, Shown, Side, Wait};
use super::{error, same, status, wait};
use overlapped_lab::mirror::{Handle, Packet, Win32};

pub(super) const CASES: &[Case] = &[
    Case::new("C49 close-last", "S42", close_last),
    Case::new("C50 close-one-of-two", "S42", close_one_of_two),
    Case::new("C51 close-other-process", "S42", close_other_process).wine(Side::Deviates {
        why: "Wine 8.0 cancels nothing while another process has a handle",
        says: "the packet of port and no event",
    }),
    Case::new("C52 thread-exit", "S35 S43", thread_exit),
    Case::new("C53 thread-exit-port", "S43", thread_exit_port),
    Case::new("C54 sync-cancel", "S40", sync_cancel),
    Case::new("C55 pool-wait-timeout", "S20 S36", pool_wait_timeout),
];

fn close_last(w: &mut dyn Win32) -> Outcome {
    let Reading { h, o, event } = Reading::of(w, 1)?;
    same("CloseHandle", w.close(h), Ok(0))?;
    same("the wait for the event", w.wait(event, Wait::Forever, false), wait::OBJECT_0)?;
    // Which error it is, is left open (U11).
    let error = w.internal(o);
    same("Internal is an error", error >> 30, 3).map_err(|wrong| format!("{wrong}: {error:#x}"))?;
    same("bytes in the buffer", w.filled(o), 0)?;
    let (bound, port) = (w.pipe(), w.create_port());
    same("CreateIoCompletionPort", w.bind(bound, port, 1), Ok(0))?;
    w.renew(o, EventField::Null);
    same("ReadFile", w.read(bound, o), PENDING)?;
    same("CloseHandle", w.close(bound), Ok(0))?;
    let Packet { answer, overlapped, .. } = w.dequeue(port, Wait::Forever);
    same("the packet's OVERLAPPED", overlapped, Some(o))?;
    same("the packet says FALSE", answer.is_err(), true)?;
    Ok(Shown::Yes)
}

fn close_one_of_two(w: &mut dyn Win32) -> Outcome {
    let reading = Reading::of(w, 1)?;
    let kept = w.duplicate(reading.h);
    same("CloseHandle", w.close(reading.h), Ok(0))?;
    same("the wait for the event", w.wait(reading.event, A_WHILE, false), wait::TIMEOUT)?;
    reading.is_pending(w)?;
    w.peer_writes(kept, 1);
    Reading { h: kept, ..reading }.ends_with(w, Ok(1))?;
    Ok(Shown::Yes)
}

fn close_other_process(w: &mut dyn Win32) -> Outcome {
    let reading = Reading::of(w, 1)?;
    let (bound, port) = (w.pipe(), w.create_port());
    same("CreateIoCompletionPort", w.bind(bound, port, 1), Ok(0))?;
    let o = w.overlapped(1, EventField::Null);
    same("ReadFile", w.read(bound, o), PENDING)?;
    for h in [reading.h, bound] {
        w.duplicate_elsewhere(h);
        same("CloseHandle", w.close(h), Ok(0))?;
    }
    let cancelled = Packet { answer: CANCELLED, key: 1, overlapped: Some(o) };
    same("the packet of port and no event", w.dequeue(port, Wait::Forever), cancelled)?;
    same("the wait for the event", w.wait(reading.event, A_WHILE, false), wait::TIMEOUT)?;
    reading.is_pending(w)?;
    Ok(Shown::Yes)
}

fn thread_exit(w: &mut dyn Win32) -> Outcome {
    w.switch(1);
    let reading = Reading::of(w, 1)?;
    let routine = w.overlapped(1, EventField::Null);
    same("ReadFileEx", w.read_ex(reading.h, routine), Ok(0))?;
    w.exit_thread();
    reading.ends_with(w, CANCELLED)?;
    same("Internal of the other", w.internal(routine), status::CANCELLED)?;
    same("SleepEx", w.sleep(A_WHILE, true), wait::OBJECT_0)?;
    same("routines", w.ran(), Vec::new())?;
    Ok(Shown::Yes)
}

fn thread_exit_port(w: &mut dyn Win32) -> Outcome {
    let port = w.create_port();
    let event = w.create_event(false, false);
    let tagged = w.create_event(false, false);
    let fields = [EventField::Null, EventField::Is(event), EventField::Tagged(tagged)];
    let pipes: [Handle; 3] = [0, 1, 2].map(|_| w.pipe());
    for (h, key) in pipes.into_iter().zip(1..) {
        same("CreateIoCompletionPort", w.bind(h, port, key), Ok(0))?;
    }
    w.switch(1);
    let all = fields.map(|field| w.overlapped(1, field));
    for (h, o) in pipes.into_iter().zip(all) {
        same("ReadFile", w.read(h, o), PENDING)?;
    }
    w.exit_thread();
    let packet = |answer, key: usize| Packet { answer, key, overlapped: Some(all[key - 1]) };
    same("the packet of port and event", w.dequeue(port, Wait::Forever), packet(CANCELLED, 2))?;
    same("the tagged event", w.wait(tagged, Wait::Forever, false), wait::OBJECT_0)?;
    same("its result", w.result(pipes[2], all[2], false), CANCELLED)?;
    same("another packet", w.dequeue(port, A_WHILE), Packet::nothing(wait::TIMEOUT))?;
    w.peer_writes(pipes[0], 1);
    same("the packet of what survives", w.dequeue(port, Wait::Forever), packet(Ok(1), 1))?;
    Ok(Shown::Yes)
}

fn sync_cancel(w: &mut dyn Win32) -> Outcome {
    let not_found = Err(error::NOT_FOUND);
    same("CancelSynchronousIo of an idle thread", w.cancel_synchronous_io(1), not_found)?;
    w.switch(1);
    let reading = Reading::of(w, 1)?;
    w.switch(0);
    let overlapped = w.cancel_synchronous_io(1);
    same("CancelSynchronousIo of an overlapped read", overlapped, not_found)?;
    reading.is_pending(w)?;
    let h = w.synchronous_pipe();
    w.blocking_read(1, h);
    same("CancelSynchronousIo", w.cancel_synchronous_io(1), Ok(0))?;
    same("the blocking ReadFile", w.blocking_read_returned(1), CANCELLED)?;
    Ok(Shown::Yes)
}

fn pool_wait_timeout(w: &mut dyn Win32) -> Outcome {
    let reading = Reading::of(w, 1)?;
    w.register_wait(reading.event, A_WHILE);
    same("the callback comes by the clock", w.callback(), Some(true))?;
    reading.is_pending(w)?;
    same("CancelIoEx", w.cancel_io_ex(reading.h, Some(reading.o)), Ok(0))?;
    w.register_wait(reading.event, Wait::Forever);
    same("the callback comes by the event", w.callback(), Some(false))?;
    reading.ends_with(w, CANCELLED)?;
    Ok(Shown::Yes)
}
