//! C21 to C30: whom a cancel reaches, and how what it reaches comes out.

use super::{A_WHILE, CANCELLED, Case, EventField, Outcome, PENDING, Reading, Shown, Side, Wait};
use super::{error, left_in, pending, same, status, wait};
use overlapped_lab::mirror::{Packet, Win32};

const NOT_FOUND: Result<u32, u32> = Err(error::NOT_FOUND);

pub(super) const CASES: &[Case] = &[
    Case::new("C21 cancel-idle", "S36 S37", cancel_idle).wine(Side::Deviates {
        why: "Wine 8.0 answers `CancelIoEx(h, NULL)` on an idle handle with TRUE; the \
              documentation says `ERROR_NOT_FOUND` (U14)",
        says: "CancelIoEx(NULL)",
    }),
    Case::new("C22 cancel-basic", "S36 S38 S39", cancel_basic),
    Case::new("C23 cancel-one-of-two", "S36 S39", cancel_one_of_two),
    Case::new("C24 cancel-all", "S36", cancel_all),
    Case::new("C25 cancel-other-thread", "S36", cancel_other_thread),
    Case::new("C26 cancel-duplicate-handle", "S36", cancel_duplicate_handle),
    Case::new("C27 cancel-same-ov-twice-issued", "S1 S36", cancel_same_ov_twice_issued),
    Case::new("C28 cancel-after-complete", "S37", cancel_after_complete),
    Case::new("C29 cancel-too-late", "S36 S38", cancel_too_late),
    Case::new("C30 cancel-other-error", "S38", cancel_other_error),
];

fn cancel_idle(w: &mut dyn Win32) -> Outcome {
    let h = w.pipe();
    let o = w.overlapped(1, EventField::Null);
    same("CancelIo", w.cancel_io(h), Ok(0))?;
    same("CancelIoEx(o)", w.cancel_io_ex(h, Some(o)), NOT_FOUND)?;
    same("CancelIoEx(NULL)", w.cancel_io_ex(h, None), NOT_FOUND)?;
    Ok(Shown::Yes)
}

fn cancel_basic(w: &mut dyn Win32) -> Outcome {
    let reading = Reading::of(w, 8)?;
    same("CancelIo", w.cancel_io(reading.h), Ok(0))?;
    same("GetOverlappedResult", w.result(reading.h, reading.o, true), CANCELLED)?;
    reading.ends_with(w, CANCELLED)?;
    same("Internal", w.internal(reading.o), status::CANCELLED)?;
    same("InternalHigh", w.internal_high(reading.o), 0)?;
    same("bytes in the buffer", w.filled(reading.o), 0)?;
    w.peer_writes(reading.h, 3);
    left_in(w, reading.h, reading.o, 3)?;
    Ok(Shown::Yes)
}

fn cancel_one_of_two(w: &mut dyn Win32) -> Outcome {
    let first = Reading::of(w, 1)?;
    let second = Reading::on(w, first.h, 1)?;
    same("CancelIoEx", w.cancel_io_ex(first.h, Some(second.o)), Ok(0))?;
    second.ends_with(w, CANCELLED)?;
    first.is_pending(w)?;
    w.peer_writes(first.h, 1);
    first.ends_with(w, Ok(1))?;
    Ok(Shown::Yes)
}

fn cancel_all(w: &mut dyn Win32) -> Outcome {
    let first = Reading::of(w, 1)?;
    let second = Reading::on(w, first.h, 1)?;
    let elsewhere = Reading::of(w, 1)?;
    same("CancelIoEx", w.cancel_io_ex(first.h, None), Ok(0))?;
    first.ends_with(w, CANCELLED)?;
    second.ends_with(w, CANCELLED)?;
    elsewhere.is_pending(w)?;
    Ok(Shown::Yes)
}

fn cancel_other_thread(w: &mut dyn Win32) -> Outcome {
    w.switch(1);
    let reading = Reading::of(w, 1)?;
    w.switch(0);
    same("CancelIo", w.cancel_io(reading.h), Ok(0))?;
    same("the wait for the event", w.wait(reading.event, A_WHILE, false), wait::TIMEOUT)?;
    reading.is_pending(w)?;
    same("CancelIoEx", w.cancel_io_ex(reading.h, Some(reading.o)), Ok(0))?;
    reading.ends_with(w, CANCELLED)?;
    Ok(Shown::Yes)
}

fn cancel_duplicate_handle(w: &mut dyn Win32) -> Outcome {
    let reading = Reading::of(w, 1)?;
    let Reading { h, o, event } = reading;
    let other = w.duplicate(h);
    same("CancelIoEx(duplicate)", w.cancel_io_ex(other, Some(o)), Ok(0))?;
    // A result may be there before the event is set, and the event is used again (S15).
    reading.ends_with(w, CANCELLED)?;
    w.renew(o, EventField::Is(event));
    same("ReadFile", w.read(h, o), PENDING)?;
    same("CloseHandle", w.close(h), Ok(0))?;
    pending(w, o)?;
    same("CancelIoEx(the handle left)", w.cancel_io_ex(other, Some(o)), Ok(0))?;
    same("GetOverlappedResult", w.result(other, o, true), CANCELLED)?;
    Ok(Shown::Yes)
}

fn cancel_same_ov_twice_issued(w: &mut dyn Win32) -> Outcome {
    let (h, port) = (w.pipe(), w.create_port());
    same("CreateIoCompletionPort", w.bind(h, port, 1), Ok(0))?;
    let o = w.overlapped(1, EventField::Null);
    for _ in 0..2 {
        same("ReadFile", w.read(h, o), PENDING)?;
    }
    same("CancelIoEx", w.cancel_io_ex(h, Some(o)), Ok(0))?;
    for _ in 0..2 {
        let packet = Packet { answer: CANCELLED, key: 1, overlapped: Some(o) };
        same("the packet", w.dequeue(port, Wait::Forever), packet)?;
    }
    same("a third packet", w.dequeue(port, A_WHILE), Packet::nothing(wait::TIMEOUT))?;
    Ok(Shown::Yes)
}

fn cancel_after_complete(w: &mut dyn Win32) -> Outcome {
    let reading = Reading::of(w, 1)?;
    w.peer_writes(reading.h, 1);
    reading.ends_with(w, Ok(1))?;
    let late = w.cancel_io_ex(reading.h, Some(reading.o));
    // The last effect was seen; whether the subsystem has let go of it, was not.
    same("CancelIoEx", late, NOT_FOUND)?;
    reading.ends_with(w, Ok(1))?;
    same("bytes in the buffer", w.filled(reading.o), 1)?;
    Ok(Shown::Yes)
}

fn cancel_too_late(w: &mut dyn Win32) -> Outcome {
    let reading = Reading::of(w, 1)?;
    w.peer_writes(reading.h, 1);
    same("CancelIo", w.cancel_io(reading.h), Ok(0))?;
    match w.result(reading.h, reading.o, true) {
        CANCELLED => left_in(w, reading.h, reading.o, 1).map(|()| Shown::NotNow),
        answer => {
            same("GetOverlappedResult", answer, Ok(1))?;
            same("bytes in the buffer", w.filled(reading.o), 1)?;
            Ok(Shown::Yes)
        }
    }
}

fn cancel_other_error(w: &mut dyn Win32) -> Outcome {
    let Reading { h, o, .. } = Reading::of(w, 1)?;
    w.peer_closes(h);
    // It may find nothing any more.
    let cancel = w.cancel_io_ex(h, Some(o));
    match w.result(h, o, true) {
        CANCELLED => same("CancelIoEx", cancel, Ok(0)).map(|()| Shown::NotNow),
        answer => {
            same("GetOverlappedResult", answer, Err(error::BROKEN_PIPE))?;
            Ok(Shown::Yes)
        }
    }
}
