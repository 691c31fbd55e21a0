//! C01 to C10: what a call that issues comes back with, and how it completes.

use super::{A_WHILE, status, wait};
use super::{
    Case, EventField, Outcome, PENDING, Reading, Shown, Wait, error, is_set, left_in, same,
};
use overlapped_lab::mirror::{Packet, Win32};

pub(super) const CASES: &[Case] = &[
    Case::new("C01 issue-pending", "S3 S7", issue_pending),
    Case::new("C02 complete-by-peer", "S15 S19", complete_by_peer),
    Case::new("C03 poll-incomplete", "S22", poll_incomplete),
    Case::new("C04 result-idempotent", "S23", result_idempotent),
    Case::new("C05 sync-success", "S8 S10", sync_success),
    Case::new("C06 sync-failure", "S9", sync_failure),
    Case::new("C07 connect-already", "S9", connect_already),
    Case::new("C08 short-read", "S19", short_read),
    Case::new("C09 more-data", "S19", more_data),
    Case::new("C10 zero-read", "S19", zero_read),
];

fn issue_pending(w: &mut dyn Win32) -> Outcome {
    Reading::of(w, 8)?.is_pending(w)?;
    Ok(Shown::Yes)
}

fn complete_by_peer(w: &mut dyn Win32) -> Outcome {
    let reading = Reading::of(w, 8)?;
    w.peer_writes(reading.h, 3);
    reading.ends_with(w, Ok(3))?;
    same("Internal", w.internal(reading.o), status::SUCCESS)?;
    same("InternalHigh", w.internal_high(reading.o), 3)?;
    same("bytes in the buffer", w.filled(reading.o), 3)?;
    Ok(Shown::Yes)
}

fn poll_incomplete(w: &mut dyn Win32) -> Outcome {
    let Reading { h, o, .. } = Reading::of(w, 8)?;
    same("GetOverlappedResult", w.result(h, o, false), Err(error::IO_INCOMPLETE))?;
    Ok(Shown::Yes)
}

fn result_idempotent(w: &mut dyn Win32) -> Outcome {
    let Reading { h, o, event } = Reading::of(w, 8)?;
    w.peer_writes(h, 3);
    same("the wait for the event", w.wait(event, Wait::Forever, false), wait::OBJECT_0)?;
    for waits in [false, true, true] {
        same("GetOverlappedResult", w.result(h, o, waits), Ok(3))?;
        same("the event", is_set(w, event), true)?;
    }
    Ok(Shown::Yes)
}

fn sync_success(w: &mut dyn Win32) -> Outcome {
    let h = w.pipe();
    let event = w.create_event(false, false);
    let o = w.overlapped(2, EventField::Is(event));
    w.peer_writes(h, 2);
    let at_once = match w.read(h, o) {
        PENDING => false,
        answer => {
            same("ReadFile", answer, Ok(2))?;
            same("Internal", w.internal(o), status::SUCCESS)?;
            same("bytes in the buffer", w.filled(o), 2)?;
            same("the event", is_set(w, event), true)?;
            true
        }
    };
    same("GetOverlappedResult", w.result(h, o, true), Ok(2))?;
    Ok(Shown::when(at_once))
}

fn sync_failure(w: &mut dyn Win32) -> Outcome {
    let (h, bound, port) = (w.pipe(), w.pipe(), w.create_port());
    same("CreateIoCompletionPort", w.bind(bound, port, 1), Ok(0))?;
    w.peer_closes(h);
    w.peer_closes(bound);
    let event = w.create_event(false, true);
    let o = w.overlapped(2, EventField::Is(event));
    let gone = Err(error::BROKEN_PIPE);
    same("ReadFile", w.read(h, o), gone)?;
    same("the event", is_set(w, event), false)?;
    let late = w.result_ex(h, o, A_WHILE, false);
    same("GetOverlappedResultEx of no operation", late, Err(wait::TIMEOUT))?;
    w.renew(o, EventField::Null);
    same("ReadFileEx", w.read_ex(h, o), gone)?;
    same("SleepEx", w.sleep(A_WHILE, true), wait::OBJECT_0)?;
    same("routines", w.ran(), Vec::new())?;
    w.renew(o, EventField::Null);
    same("ReadFile on the port", w.read(bound, o), gone)?;
    same("a packet", w.dequeue(port, A_WHILE), Packet::nothing(wait::TIMEOUT))?;
    Ok(Shown::Yes)
}

fn connect_already(w: &mut dyn Win32) -> Outcome {
    let h = w.pipe();
    let event = w.create_event(false, true);
    let o = w.overlapped(1, EventField::Is(event));
    same("ConnectNamedPipe", w.connect(h, o), Err(error::PIPE_CONNECTED))?;
    same("Internal", w.internal(o), status::PENDING)?;
    same("the wait for the event", w.wait(event, A_WHILE, false), wait::TIMEOUT)?;
    Ok(Shown::Yes)
}

fn short_read(w: &mut dyn Win32) -> Outcome {
    let reading = Reading::of(w, 8)?;
    w.peer_writes(reading.h, 2);
    reading.ends_with(w, Ok(2))?;
    Ok(Shown::Yes)
}

fn more_data(w: &mut dyn Win32) -> Outcome {
    let h = w.message_pipe();
    let event = w.create_event(false, false);
    let o = w.overlapped(2, EventField::Is(event));
    w.peer_writes(h, 4);
    let more = Err(error::MORE_DATA);
    let read = w.read(h, o);
    if read != PENDING {
        same("ReadFile", read, more)?;
    }
    same("the wait for the event", w.wait(event, Wait::Forever, false), wait::OBJECT_0)?;
    same("GetOverlappedResult", w.result(h, o, true), more)?;
    same("InternalHigh", w.internal_high(o), 2)?;
    same("bytes in the buffer", w.filled(o), 2)?;
    left_in(w, h, o, 2)?;
    left_in(w, h, o, 0)?;
    Ok(Shown::Yes)
}

fn zero_read(w: &mut dyn Win32) -> Outcome {
    let reading = Reading::of(w, 0)?;
    reading.is_pending(w)?;
    w.peer_writes(reading.h, 2);
    reading.ends_with(w, Ok(0))?;
    let o = w.overlapped(4, EventField::Null);
    left_in(w, reading.h, o, 2)?;
    Ok(Shown::Yes)
}
