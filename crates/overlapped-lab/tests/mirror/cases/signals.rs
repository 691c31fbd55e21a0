//! C11 to C20: events, and file objects as wait objects.

use super::{A_WHILE, Case, EventField, Outcome, PENDING, Reading, Shown, Wait, error, is_set};
use super::{left_in, same, status, wait};
use overlapped_lab::mirror::Win32;

pub(super) const CASES: &[Case] = &[
    Case::new("C11 observer-order", "S14 S15", observer_order).rounds(300),
    Case::new("C12 handle-signal", "S7 S27", handle_signal),
    Case::new("C13 event-not-handle", "S27", event_not_handle),
    Case::new("C14 handle-ambiguous", "S24 S27", handle_ambiguous),
    Case::new("C15 shared-event", "S28", shared_event),
    Case::new("C16 skip-handle-event", "S27", skip_handle_event),
    Case::new("C17 auto-reset-twice", "S25", auto_reset_twice),
    Case::new("C18 event-closed-early", "S4", event_closed_early),
    Case::new("C19 event-captured", "S4", event_captured),
    Case::new("C20 bad-event", "S4", bad_event),
];

fn observer_order(w: &mut dyn Win32) -> Outcome {
    let Reading { h, o, event } = Reading::of(w, 1)?;
    w.peer_will_write(h);
    same("the end of the wait for Internal", w.spin(o), true)?;
    same("Internal", w.internal(o), status::SUCCESS)?;
    same("bytes in the buffer when the status is there", w.filled(o), 1)?;
    same("InternalHigh when the status is there", w.internal_high(o), 1)?;
    same("the wait for the event", w.wait(event, Wait::Forever, false), wait::OBJECT_0)?;
    w.renew(o, EventField::Is(event));
    same("ReadFile", w.read(h, o), PENDING)?;
    w.peer_will_write(h);
    same("the wait for the event", w.wait(event, Wait::Forever, false), wait::OBJECT_0)?;
    same("Internal when the event is set", w.internal(o), status::SUCCESS)?;
    same("bytes in the buffer when the event is set", w.filled(o), 1)?;
    Ok(Shown::Yes)
}

fn handle_signal(w: &mut dyn Win32) -> Outcome {
    let h = w.pipe();
    let o = w.overlapped(1, EventField::Null);
    for _ in 0..2 {
        w.renew(o, EventField::Null);
        same("ReadFile", w.read(h, o), PENDING)?;
        same("the handle in flight", is_set(w, h), false)?;
        w.peer_writes(h, 1);
        same("the wait for the handle", w.wait(h, Wait::Forever, false), wait::OBJECT_0)?;
        same("GetOverlappedResult", w.result(h, o, false), Ok(1))?;
    }
    Ok(Shown::Yes)
}

fn event_not_handle(w: &mut dyn Win32) -> Outcome {
    let reading = Reading::of(w, 1)?;
    w.peer_writes(reading.h, 1);
    reading.ends_with(w, Ok(1))?;
    same("the wait for the handle", w.wait(reading.h, A_WHILE, false), wait::TIMEOUT)?;
    Ok(Shown::Yes)
}

fn handle_ambiguous(w: &mut dyn Win32) -> Outcome {
    let h = w.pipe();
    let [first, second] = [0, 1].map(|_| w.overlapped(1, EventField::Null));
    for o in [first, second] {
        same("ReadFile", w.read(h, o), PENDING)?;
    }
    w.peer_writes(h, 1);
    same("the wait for the handle", w.wait(h, Wait::Forever, false), wait::OBJECT_0)?;
    let left = [first, second].map(|o| w.internal(o) == status::PENDING);
    same("how many are in flight", left.iter().filter(|pending| **pending).count(), 1)?;
    Ok(Shown::Yes)
}

fn shared_event(w: &mut dyn Win32) -> Outcome {
    let h = w.pipe();
    let event = w.create_event(false, false);
    let all = [0, 1, 2].map(|_| w.overlapped(1, EventField::Is(event)));
    for o in &all[..2] {
        same("ReadFile", w.read(h, *o), PENDING)?;
    }
    w.peer_writes(h, 1);
    same("the wait for the event", w.wait(event, Wait::Forever, false), wait::OBJECT_0)?;
    let left = all.iter().filter(|o| w.internal(**o) == status::PENDING).count();
    same("how many are in flight", left, 1)?;
    same("ReadFile", w.read(h, all[2]), PENDING)?;
    same("the event after another issue", is_set(w, event), false)?;
    Ok(Shown::Yes)
}

fn skip_handle_event(w: &mut dyn Win32) -> Outcome {
    let h = w.pipe();
    w.skip_event_on_handle(h);
    let o = w.overlapped(1, EventField::Null);
    same("ReadFile", w.read(h, o), PENDING)?;
    w.peer_writes(h, 1);
    same("the end of the wait for Internal", w.spin(o), true)?;
    same("the wait for the handle", w.wait(h, A_WHILE, false), wait::TIMEOUT)?;
    let reading = Reading::on(w, h, 1)?;
    w.peer_writes(h, 1);
    reading.ends_with(w, Ok(1))?;
    Ok(Shown::Yes)
}

fn auto_reset_twice(w: &mut dyn Win32) -> Outcome {
    let h = w.pipe();
    let event = w.create_event(true, false);
    let o = w.overlapped(1, EventField::Is(event));
    same("ReadFile", w.read(h, o), PENDING)?;
    w.peer_writes(h, 1);
    same("the first wait", w.wait(event, Wait::Forever, false), wait::OBJECT_0)?;
    same("the second wait", w.wait(event, Wait::Ms(50), false), wait::TIMEOUT)?;
    Ok(Shown::Yes)
}

fn event_closed_early(w: &mut dyn Win32) -> Outcome {
    let Reading { h, o, event } = Reading::of(w, 1)?;
    let kept = w.duplicate(event);
    same("CloseHandle", w.close(event), Ok(0))?;
    w.peer_writes(h, 1);
    same("the wait for the duplicate", w.wait(kept, Wait::Forever, false), wait::OBJECT_0)?;
    same("Internal", w.internal(o), status::SUCCESS)?;
    Ok(Shown::Yes)
}

fn event_captured(w: &mut dyn Win32) -> Outcome {
    let Reading { h, o, event } = Reading::of(w, 1)?;
    let other = w.create_event(false, false);
    w.set_event_field(o, EventField::Is(other));
    w.peer_writes(h, 1);
    same("the wait for the event", w.wait(event, Wait::Forever, false), wait::OBJECT_0)?;
    same("the wait for the other event", w.wait(other, A_WHILE, false), wait::TIMEOUT)?;
    Ok(Shown::Yes)
}

fn bad_event(w: &mut dyn Win32) -> Outcome {
    let h = w.pipe();
    let o = w.overlapped(2, EventField::Bad);
    same("ReadFile", w.read(h, o), Err(error::INVALID_HANDLE))?;
    w.peer_writes(h, 1);
    left_in(w, h, o, 1)?;
    Ok(Shown::Yes)
}
