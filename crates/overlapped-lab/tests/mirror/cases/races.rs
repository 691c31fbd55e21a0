//! C31 to C34: a cancel while the operation ends.

use super::{
    A_WHILE, CANCELLED, Case, Outcome, Reading, Shown, Wait, error, left_in, same, status,
};
use super::{EventField, PENDING, wait};
use overlapped_lab::mirror::Win32;

const NOT_FOUND: Result<u32, u32> = Err(error::NOT_FOUND);

pub(super) const CASES: &[Case] = &[
    Case::new("C31 cancel-race", "S37 S38 S39", cancel_race).rounds(600),
    Case::new("C32 cancel-slow-device", "S36", cancel_slow_device),
    Case::new("C33 cancel-completing", "S37", cancel_completing),
    Case::new("C34 cancel-keeps-written", "S38 S39", cancel_keeps_written),
];

fn cancel_race(w: &mut dyn Win32) -> Outcome {
    let Reading { h, o, .. } = Reading::of(w, 1)?;
    w.peer_will_write(h);
    let cancel = w.cancel_io_ex(h, Some(o));
    let result = w.result(h, o, true);
    let cancelled = result == CANCELLED;
    same("bytes in the buffer", w.filled(o), u32::from(!cancelled))?;
    if cancelled {
        same("CancelIoEx of what was cancelled", cancel, Ok(0))?;
        left_in(w, h, o, 1)?;
    } else {
        same("GetOverlappedResult", result, Ok(1))?;
        left_in(w, h, o, 0)?;
    }
    Ok(Shown::OneOf(cancelled))
}

fn cancel_slow_device(w: &mut dyn Win32) -> Outcome {
    w.switch(1);
    w.hold_back();
    let reading = Reading::of(w, 1)?;
    w.switch(0);
    same("CancelIoEx", w.cancel_io_ex(reading.h, Some(reading.o)), Ok(0))?;
    let slow = w.internal(reading.o) == status::PENDING;
    if slow {
        same("bytes in the buffer", w.filled(reading.o), 0)?;
    }
    w.switch(1);
    w.let_go();
    reading.ends_with(w, CANCELLED)?;
    w.peer_writes(reading.h, 1);
    left_in(w, reading.h, reading.o, 1)?;
    Ok(Shown::when(slow))
}

fn cancel_completing(w: &mut dyn Win32) -> Outcome {
    w.switch(1);
    w.hold_back();
    let Reading { h, o, event } = Reading::of(w, 1)?;
    w.switch(0);
    w.peer_writes(h, 1);
    let cancel = w.cancel_io_ex(h, Some(o));
    let early = w.internal(o) == status::PENDING;
    w.switch(1);
    w.let_go();
    same("the wait for the event", w.wait(event, Wait::Forever, false), wait::OBJECT_0)?;
    let result = w.result(h, o, true);
    if cancel == NOT_FOUND || result != CANCELLED {
        same("GetOverlappedResult", result, Ok(1))?;
        same("bytes in the buffer", w.filled(o), 1)?;
    }
    Ok(Shown::when(cancel == NOT_FOUND && early))
}

fn cancel_keeps_written(w: &mut dyn Win32) -> Outcome {
    let h = w.message_pipe();
    let event = w.create_event(false, false);
    let o = w.overlapped(3, EventField::Is(event));
    same("TransactNamedPipe", w.transact(h, o), PENDING)?;
    // Wine's call leaves Internal alone, as the native one does (S3): what is in flight says the
    // event.
    same("the wait for the event in flight", w.wait(event, A_WHILE, false), wait::TIMEOUT)?;
    same("CancelIoEx", w.cancel_io_ex(h, Some(o)), Ok(0))?;
    same("the wait for the event", w.wait(event, Wait::Forever, false), wait::OBJECT_0)?;
    same("GetOverlappedResult", w.result(h, o, false), CANCELLED)?;
    same("what the peer reads", w.peer_reads(h), 3)?;
    w.peer_writes(h, 2);
    left_in(w, h, o, 2)?;
    Ok(Shown::Yes)
}
