//! Completion ports: an operation is over when its packet was dequeued.

use super::Program;
use crate::{
    Body, Code, Device, FOREVER, Handle, Issue, Overlapped, PortHandle, Read, Rules, Status, ms,
};

pub(super) const PROGRAMS: &[Program] = &[
    Program {
        name: "port",
        variant: "V16",
        about: "a port: cancel, and return",
        verdict: "CD",
        rule: "with a port an operation is over when its packet was dequeued (S20)",
        cause: "As the seed; and whoever dequeues the packet gets a pointer to a frame that is \
                gone.",
        cure: "Cancel, dequeue one packet for each operation, and only then give the memory back.",
        incident: "pjproject#985",
        fixed: Some("port-dequeue"),
        write: |rules| {
            on_port(rules, Device::disk(), |c, h, _, o, read| {
                c.cancel_io_ex(h, o, read);
            })
        },
    },
    Program {
        name: "port-dequeue",
        variant: "V16",
        about: "a port: cancel, dequeue, return",
        verdict: "OK",
        rule: "the packet is the last word",
        cause: "Nothing is given back before the packet.",
        cure: "This is the cure.",
        incident: "",
        fixed: None,
        write: |rules| {
            on_port(rules, Device::disk(), |c, h, port, o, read| {
                c.cancel_io_ex(h, o, read);
                c.get_queued_completion_status(port, FOREVER);
            })
        },
    },
    Program {
        name: "port-status",
        variant: "V24",
        about: "a port: poll the status in the OVERLAPPED",
        verdict: "H",
        rule: "with a port and no event the status may be written only when the packet is dequeued \
               (S16)",
        cause: "The status says pending until somebody dequeues the packet, and the one who would \
                is polling.",
        cure: "Dequeue.",
        incident: "pjproject#985",
        fixed: Some("port-dequeue"),
        write: |rules| on_port(rules, Device::disk(), |c, _, _, o, _| c.spin_on_status(o)),
    },
    Program {
        name: "port-sync-failure",
        variant: "V19",
        about: "a port: wait for a packet after the call failed at once",
        verdict: "H",
        rule: "what fails at once is no operation: no packet comes (S9)",
        cause: "Nothing was started, so nothing completes.",
        cure: "FALSE with any error but ERROR_IO_PENDING: wait for nothing.",
        incident: "A frequent slip in error paths.",
        fixed: None,
        write: |rules| {
            let device = Device::stream().issue(Issue::Fails(Status::BrokenPipe));
            on_port(rules, device, |c, _, port, _, _| c.get_queued_completion_status(port, FOREVER))
        },
    },
];

/// A read on a handle that is bound to a port, and what the program does with it.
fn on_port(
    rules: Rules,
    device: Device,
    end: impl FnOnce(&mut Body<'_>, Handle, PortHandle, &Overlapped, Read),
) -> Code {
    with_port(rules, device, |c, h, port, o, read| {
        c.zero_overlapped(o);
        let read = read(c);
        end(c, h, port, o, read);
    })
}

/// Writes the call that reads.
type Reads<'a> = &'a mut dyn FnMut(&mut Body<'_>) -> Read;

/// The same, and the program prepares the read itself.
pub(super) fn with_port(
    rules: Rules,
    device: Device,
    write: impl FnOnce(&mut Body<'_>, Handle, PortHandle, &Overlapped, Reads<'_>),
) -> Code {
    Code::new(rules, |p| {
        let h = p.file("h", device);
        let port = p.port("port");
        p.bound(h, port);
        p.thread("program", |c| {
            c.call("read_it", |c| {
                let (o, buffer) = (c.overlapped("o"), c.buffer("buffer"));
                write(c, h, port, &o, &mut |c| c.read_file(h, &buffer, &o));
            });
            c.victim_that("next", 4, |c| c.get_queued_completion_status(port, ms(10)));
        });
    })
}
