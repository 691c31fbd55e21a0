//! C35 to C41: completion routines and alertable waits.

use super::{A_WHILE, Case, EventField, Outcome, PENDING, Reading, Shown, Wait, error, is_set};
use super::{pending, same, status, wait};
use overlapped_lab::mirror::{Handle, Overlapped, Ran, Win32};

pub(super) const CASES: &[Case] = &[
    Case::new("C35 routine-alertable-only", "S30 S33", routine_alertable_only),
    Case::new("C36 routine-hEvent-ignored", "S29", routine_event_ignored),
    Case::new("C37 routine-cancel-other-thread", "S30 S36", routine_cancel_other_thread),
    Case::new("C38 routine-foreign-apc", "S31", routine_foreign_apc),
    Case::new("C39 routine-all-queued", "S31", routine_all_queued),
    Case::new("C40 routine-gorex", "S26", routine_gorex),
    Case::new("C41 routine-on-port-handle", "S34", routine_on_port_handle),
];

/// `ReadFileEx` of a byte on an empty pipe.
fn reading(w: &mut dyn Win32, h: Handle, event: EventField) -> Result<Overlapped, String> {
    let o = w.overlapped(1, event);
    same("ReadFileEx", w.read_ex(h, o), Ok(0))?;
    Ok(o)
}

/// The routine of `o` in this thread, after a byte came.
fn got_a_byte(thread: usize, o: Overlapped) -> Ran {
    Ran { thread, overlapped: Some(o), error: error::SUCCESS, bytes: 1 }
}

fn routine_alertable_only(w: &mut dyn Win32) -> Outcome {
    let h = w.pipe();
    let o = reading(w, h, EventField::Null)?;
    w.peer_writes(h, 1);
    same("the end of the wait for Internal", w.spin(o), true)?;
    same("Sleep", w.sleep(Wait::Ms(5), false), wait::OBJECT_0)?;
    same("the wait for the handle", w.wait(h, Wait::Forever, false), wait::OBJECT_0)?;
    same("GetOverlappedResult", w.result(h, o, true), Ok(1))?;
    same("routines before an alertable wait", w.ran(), Vec::new())?;
    same("SleepEx", w.sleep(Wait::Forever, true), wait::IO_COMPLETION)?;
    same("routines", w.ran(), vec![got_a_byte(0, o)])?;
    same("SleepEx once more", w.sleep(Wait::Ms(5), true), wait::OBJECT_0)?;
    same("routines once more", w.ran(), Vec::new())?;
    Ok(Shown::Yes)
}

fn routine_event_ignored(w: &mut dyn Win32) -> Outcome {
    let h = w.pipe();
    for set in [true, false] {
        let event = w.create_event(false, set);
        let o = reading(w, h, EventField::Is(event))?;
        same("the event in flight", is_set(w, event), set)?;
        w.peer_writes(h, 1);
        same("SleepEx", w.sleep(Wait::Forever, true), wait::IO_COMPLETION)?;
        same("the event when the routine has run", is_set(w, event), set)?;
        same("routines", w.ran(), vec![got_a_byte(0, o)])?;
    }
    let o = reading(w, h, EventField::Bad)?;
    w.peer_writes(h, 1);
    same("SleepEx", w.sleep(Wait::Forever, true), wait::IO_COMPLETION)?;
    same("what was in hEvent is there", w.event_field_is(o, EventField::Bad), true)?;
    Ok(Shown::Yes)
}

fn routine_cancel_other_thread(w: &mut dyn Win32) -> Outcome {
    w.switch(1);
    let h = w.pipe();
    let o = reading(w, h, EventField::Null)?;
    w.switch(0);
    same("CancelIoEx", w.cancel_io_ex(h, Some(o)), Ok(0))?;
    same("SleepEx of who cancelled", w.sleep(A_WHILE, true), wait::OBJECT_0)?;
    w.switch(1);
    same("SleepEx", w.sleep(Wait::Forever, true), wait::IO_COMPLETION)?;
    let error = error::OPERATION_ABORTED;
    same("routines", w.ran(), vec![Ran { thread: 1, overlapped: Some(o), error, bytes: 0 }])?;
    Ok(Shown::Yes)
}

fn routine_foreign_apc(w: &mut dyn Win32) -> Outcome {
    let h = w.pipe();
    let o = reading(w, h, EventField::Null)?;
    w.queue_apc();
    same("SleepEx", w.sleep(Wait::Forever, true), wait::IO_COMPLETION)?;
    let apc = Ran { thread: 0, overlapped: None, error: error::SUCCESS, bytes: 0 };
    same("what has run", w.ran(), vec![apc])?;
    pending(w, o)?;
    Ok(Shown::Yes)
}

fn routine_all_queued(w: &mut dyn Win32) -> Outcome {
    let mut all = Vec::new();
    for _ in 0..3 {
        let h = w.pipe();
        all.push(reading(w, h, EventField::Null)?);
        w.peer_writes(h, 1);
    }
    for o in &all {
        same("the end of the wait for Internal", w.spin(*o), true)?;
    }
    same("SleepEx", w.sleep(Wait::Forever, true), wait::IO_COMPLETION)?;
    let ran = w.ran();
    let each_once = |ran: &Ran| ran.overlapped.is_some_and(|o| *ran == got_a_byte(0, o));
    same("routines with a byte", ran.iter().filter(|ran| each_once(ran)).count(), ran.len())?;
    Ok(Shown::when(all.iter().all(|o| ran.contains(&got_a_byte(0, *o)))))
}

fn routine_gorex(w: &mut dyn Win32) -> Outcome {
    let other = w.pipe();
    let queued = reading(w, other, EventField::Null)?;
    w.peer_writes(other, 1);
    same("the end of the wait for Internal", w.spin(queued), true)?;
    let Reading { h, o, .. } = Reading::of(w, 1)?;
    let look = w.result_ex(h, o, Wait::No, true);
    same("GetOverlappedResultEx, 0 ms", look, Err(error::IO_INCOMPLETE))?;
    same("routines within 0 ms", w.ran(), Vec::new())?;
    let interrupted = w.result_ex(h, o, Wait::Forever, true);
    same("GetOverlappedResultEx", interrupted, Err(wait::IO_COMPLETION))?;
    same("routines", w.ran(), vec![got_a_byte(0, queued)])?;
    same("Internal", w.internal(o), status::PENDING)?;
    Ok(Shown::Yes)
}

fn routine_on_port_handle(w: &mut dyn Win32) -> Outcome {
    let (h, port) = (w.pipe(), w.create_port());
    same("CreateIoCompletionPort", w.bind(h, port, 1), Ok(0))?;
    let o = w.overlapped(1, EventField::Null);
    same("ReadFileEx", w.read_ex(h, o), Err(error::INVALID_PARAMETER))?;
    same("ReadFile all the same", w.read(h, o), PENDING)?;
    Ok(Shown::Yes)
}
