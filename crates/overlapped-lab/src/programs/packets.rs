//! Completion ports again: a packet is owed whatever else has told the end.

use super::{Program, ports::with_port};
use crate::{Code, Device, FOREVER, Issue, Rules};

pub(super) const PROGRAMS: &[Program] = &[
    Program {
        name: "port-event",
        variant: "V17",
        about: "a port and an event: free after the event",
        verdict: "D",
        rule: "with a port and an event both happen: the packet is owed, too (S8, S46)",
        cause: "The event is set, the memory is given back, and the packet hands it out later.",
        cure: "hEvent | 1 signals the event and queues no packet; or wait for the packet.",
        incident: "",
        fixed: Some("port-tagged-event"),
        write: |rules| event_and_port(rules, false),
    },
    Program {
        name: "port-tagged-event",
        variant: "V17",
        about: "a port and hEvent | 1: free after the event",
        verdict: "OK",
        rule: "with the low bit set the event is signalled and no packet is queued (S46)",
        cause: "Nothing is owed after the event.",
        cure: "This is the cure.",
        incident: "",
        fixed: None,
        write: |rules| event_and_port(rules, true),
    },
    Program {
        name: "port-at-once",
        variant: "V18",
        about: "a port: free when the call says TRUE",
        verdict: "D",
        rule: "success at once counts as a completion in every respect: a packet is queued (S8)",
        cause: "The call says TRUE, the memory is given back, and the packet hands it out later.",
        cure: "Wait for the packet, or FILE_SKIP_COMPLETION_PORT_ON_SUCCESS.",
        incident: "",
        fixed: Some("port-skip-on-success"),
        write: |rules| at_once(rules, false),
    },
    Program {
        name: "port-skip-on-success",
        variant: "V18",
        about: "the same with FILE_SKIP_COMPLETION_PORT_ON_SUCCESS",
        verdict: "OK",
        rule: "with that mode success at once queues no packet (S47)",
        cause: "TRUE is the last word.",
        cure: "This is the cure, but for socket providers that are no file systems.",
        incident: "",
        fixed: None,
        write: |rules| at_once(rules, true),
    },
    Program {
        name: "port-closed",
        variant: "V20",
        about: "the event loop ends: the port is closed with a read pending, its memory freed",
        verdict: "C",
        rule: "closing a port says nothing about operations (S44)",
        cause: "The packet has nowhere to go; the read completes all the same, into freed memory.",
        cure: "Cancel all, dequeue one packet for each operation, free then, and close at the end.",
        incident: "swift-subprocess#340; tigerbeetle#2430, the same with a ring.",
        fixed: Some("port-dequeue"),
        write: |rules| {
            with_port(rules, Device::disk(), |c, _, port, o, read| {
                c.zero_overlapped(o);
                read(c);
                c.close_port(port);
            })
        },
    },
];

fn event_and_port(rules: Rules, tagged: bool) -> Code {
    with_port(rules, Device::disk(), |c, h, _, o, read| {
        let event = c.create_event("event", false);
        if tagged {
            c.with_tagged_event(o, event);
        } else {
            c.with_event(o, event);
        }
        read(c);
        c.cancel_io(h);
        c.wait_for_single_object(event, FOREVER);
    })
}

fn at_once(rules: Rules, skip: bool) -> Code {
    with_port(rules, Device::disk().issue(Issue::AtOnce), |c, h, _, o, read| {
        if skip {
            c.skip_completion_port_on_success(h);
        }
        c.zero_overlapped(o);
        read(c);
    })
}
