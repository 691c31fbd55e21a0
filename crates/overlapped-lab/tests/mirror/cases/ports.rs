//! C42 to C48: completion ports.

use super::{A_WHILE, CANCELLED, Case, EventField, Outcome, PENDING, Shown, Side, Wait, same};
use super::{status, wait};
use overlapped_lab::mirror::{Handle, Overlapped, Packet, Port, Win32};

const KEY: usize = 7;
const NOTHING: Packet = Packet::nothing(wait::TIMEOUT);

pub(super) const CASES: &[Case] = &[
    Case::new("C42 port-packet", "S18 S45", port_packet),
    Case::new("C43 port-sync-success", "S8 S47", port_sync_success),
    Case::new("C44 port-cancelled", "S38 S45", port_cancelled),
    Case::new("C45 port-event-both", "S20", port_event_both),
    Case::new("C46 port-low-bit", "S46", port_low_bit),
    Case::new("C47 port-status-at-dequeue", "S16", port_status_at_dequeue).wine(Side::Deviates {
        why: "Wine 8.0 writes the status at the completion; Windows with the packet's dequeue (U2)",
        says: "Internal before the dequeue",
    }),
    Case::new("C48 port-timeout-vs-failure", "S45", port_timeout_vs_failure),
];

fn bound(w: &mut dyn Win32) -> Result<(Handle, Port), String> {
    let (h, port) = (w.pipe(), w.create_port());
    same("CreateIoCompletionPort", w.bind(h, port, KEY), Ok(0))?;
    Ok((h, port))
}

fn packet(answer: Result<u32, u32>, o: Overlapped) -> Packet {
    Packet { answer, key: KEY, overlapped: Some(o) }
}

fn port_packet(w: &mut dyn Win32) -> Outcome {
    let (h, port) = bound(w)?;
    let o = w.overlapped(8, EventField::Null);
    same("ReadFile", w.read(h, o), PENDING)?;
    w.peer_writes(h, 3);
    same("the packet", w.dequeue(port, Wait::Forever), packet(Ok(3), o))?;
    same("bytes in the buffer", w.filled(o), 3)?;
    same("Internal", w.internal(o), status::SUCCESS)?;
    same("another packet", w.dequeue(port, A_WHILE), NOTHING)?;
    Ok(Shown::Yes)
}

fn port_sync_success(w: &mut dyn Win32) -> Outcome {
    let (h, port) = bound(w)?;
    let o = w.overlapped(2, EventField::Null);
    w.peer_writes(h, 2);
    let read = w.read(h, o);
    if read != PENDING {
        same("ReadFile", read, Ok(2))?;
    }
    same("the packet", w.dequeue(port, Wait::Forever), packet(Ok(2), o))?;
    w.skip_port_on_success(h);
    w.renew(o, EventField::Null);
    w.peer_writes(h, 2);
    let skipped = w.read(h, o);
    if skipped == PENDING {
        same("the packet of what was pending", w.dequeue(port, Wait::Forever), packet(Ok(2), o))?;
    } else {
        same("ReadFile", skipped, Ok(2))?;
        same("a packet with SKIP_ON_SUCCESS", w.dequeue(port, A_WHILE), NOTHING)?;
    }
    Ok(Shown::when(read != PENDING && skipped != PENDING))
}

fn port_cancelled(w: &mut dyn Win32) -> Outcome {
    let (h, port) = bound(w)?;
    let o = w.overlapped(1, EventField::Null);
    same("ReadFile", w.read(h, o), PENDING)?;
    same("CancelIoEx", w.cancel_io_ex(h, Some(o)), Ok(0))?;
    same("the packet", w.dequeue(port, Wait::Forever), packet(CANCELLED, o))?;
    Ok(Shown::Yes)
}

fn port_event_both(w: &mut dyn Win32) -> Outcome {
    let (h, port) = bound(w)?;
    let event = w.create_event(false, true);
    let o = w.overlapped(1, EventField::Is(event));
    same("ReadFile", w.read(h, o), PENDING)?;
    w.peer_writes(h, 1);
    same("the wait for the event", w.wait(event, Wait::Forever, false), wait::OBJECT_0)?;
    same("the packet", w.dequeue(port, Wait::Forever), packet(Ok(1), o))?;
    Ok(Shown::Yes)
}

fn port_low_bit(w: &mut dyn Win32) -> Outcome {
    let (h, port) = bound(w)?;
    let event = w.create_event(false, true);
    let tagged = EventField::Tagged(event);
    let o = w.overlapped(1, tagged);
    for cancels in [false, true] {
        w.renew(o, tagged);
        same("ReadFile", w.read(h, o), PENDING)?;
        let answer = if cancels {
            same("CancelIoEx", w.cancel_io_ex(h, Some(o)), Ok(0))?;
            CANCELLED
        } else {
            w.peer_writes(h, 1);
            Ok(1)
        };
        same("GetOverlappedResult", w.result(h, o, true), answer)?;
        same("the wait for the event", w.wait(event, Wait::Forever, false), wait::OBJECT_0)?;
        same("a packet", w.dequeue(port, A_WHILE), NOTHING)?;
    }
    Ok(Shown::Yes)
}

fn port_status_at_dequeue(w: &mut dyn Win32) -> Outcome {
    let (h, port) = bound(w)?;
    let o = w.overlapped(1, EventField::Null);
    same("ReadFile", w.read(h, o), PENDING)?;
    w.peer_writes(h, 1);
    same("the wait for the handle", w.wait(h, Wait::Forever, false), wait::OBJECT_0)?;
    same("Internal before the dequeue", w.internal(o), status::PENDING)?;
    same("the packet", w.dequeue(port, Wait::Forever), packet(Ok(1), o))?;
    same("Internal after the dequeue", w.internal(o), status::SUCCESS)?;
    Ok(Shown::Yes)
}

fn port_timeout_vs_failure(w: &mut dyn Win32) -> Outcome {
    let port = w.create_port();
    same("GetQueuedCompletionStatus", w.dequeue(port, A_WHILE), NOTHING)?;
    Ok(Shown::Yes)
}
