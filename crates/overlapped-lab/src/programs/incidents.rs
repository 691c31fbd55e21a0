//! What happened in known projects, as it happened there, beside the fix that healed it.

use super::Program;
use crate::{Body, Code, Device, If, PortHandle, Read, Rules};

pub(super) const PROGRAMS: &[Program] = &[
    Program {
        name: "ring-deinit",
        variant: "V20",
        about: "io_uring: at shutdown the memory of two reads is freed, both in flight",
        verdict: "C",
        rule: "the end of the ring's owner ends nothing that is in flight (3.1)",
        cause: "The one that gives the memory back does not know of the reads; the kernel does, \
                and writes what they bring.",
        cure: "At shutdown cancel one operation after the other, wait for each, and free then.",
        incident: "tigerbeetle#2430",
        fixed: Some("ring-deinit-waits"),
        write: |rules| deinit(rules, false),
    },
    Program {
        name: "ring-deinit-waits",
        variant: "V20",
        about: "io_uring: at shutdown each of two reads is cancelled and waited for",
        verdict: "OK",
        rule: "one entry for each operation, and then the memory",
        cause: "Nothing is in flight when the memory is freed.",
        cure: "This is the cure.",
        incident: "",
        fixed: None,
        write: |rules| deinit(rules, true),
    },
    Program {
        name: "ring-buffer-lost",
        variant: "",
        about: "io_uring: a cancelled read has selected a provided buffer that nobody puts back",
        verdict: "HL",
        rule: "a success that beat the cancel has taken the bytes, and a buffer (S39)",
        cause: "Whoever cancelled does not look at the entry: the read was over before, and the \
                buffer that it selected never returns. The next read finds none.",
        cure: "Look at the entry of a cancelled operation: if it has a buffer, put it back.",
        incident: "compio#746",
        fixed: Some("ring-buffer-returned"),
        write: |rules| provided_buffer(rules, false),
    },
    Program {
        name: "ring-buffer-returned",
        variant: "",
        about: "io_uring: the same, and the entry of the cancelled read is looked at",
        verdict: "OK",
        rule: "the status is the only truth",
        cause: "What came is used, and the buffer is put back.",
        cure: "This is the cure.",
        incident: "",
        fixed: None,
        write: |rules| provided_buffer(rules, true),
    },
];

/// Waits for the entry of `read`.
fn reap(c: &mut Body<'_>, ring: PortHandle, read: Read) {
    c.wait_cqe(ring);
    c.while_(If::got_other_than(read), |c| c.wait_cqe(ring));
}

fn deinit(rules: Rules, waits: bool) -> Code {
    Code::new(rules, |p| {
        let h = p.file("fd", Device::disk());
        let (ring, second) = (p.port("ring"), p.port("second ring"));
        p.thread("program", |c| {
            c.call("run", |c| {
                let (one, two) = (c.buffer("one"), c.buffer("two"));
                let reads = [(ring, &one, 1), (second, &two, 2)];
                let reads = reads
                    .map(|(ring, buffer, name)| (ring, name, c.uring_read(ring, h, buffer, name)));
                for (ring, name, read) in reads.into_iter().filter(|_| waits) {
                    c.uring_cancel(ring, name);
                    reap(c, ring, read);
                }
            });
            c.victim(2);
        });
    })
}

fn provided_buffer(rules: Rules, looks: bool) -> Code {
    Code::new(rules, |p| {
        let h = p.file("socket", Device::stream());
        p.peer_writes(h, 1);
        let ring = p.port("ring");
        let free = p.var("buffer_is_free");
        p.thread("program", |c| {
            c.call("read_it", |c| {
                let buffer = c.buffer("buffer");
                let read = c.uring_read(ring, h, &buffer, 1);
                c.uring_cancel(ring, 1);
                reap(c, ring, read);
                // A read that was cancelled in time has selected none.
                c.when(If::CANCELLED, |c| c.set(free, true));
                if looks {
                    c.when(If::TRUE, |c| {
                        c.use_handed_out();
                        c.set(free, true);
                    });
                }
                // The next read needs it.
                c.until(free);
            });
        });
    })
}
