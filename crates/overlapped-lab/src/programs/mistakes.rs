//! Other ways to give memory back too early, or to wait for what never comes.

use super::Program;
use crate::{
    Body, Cancels, Code, Device, FOREVER, Handle, If, Issue, Overlapped, Read, Rules, Status, ms,
};

pub(super) const PROGRAMS: &[Program] = &[
    Program {
        name: "forget",
        variant: "V23",
        about: "time out, and forget the read",
        verdict: "C",
        rule: "an operation that nobody waits for is in flight all the same",
        cause: "The data come late, into whatever is there by then.",
        cure: "Cancel, and wait. If the wait must be bounded, leak the memory; never free it.",
        incident: "The documentation's own poll loop, which compares with the wrong error (S22).",
        fixed: Some("fix-b"),
        write: |rules| {
            one_read(rules, Device::disk(), |c, _, o, _| {
                c.wait_for_single_object(o.h_event(), ms(1000));
            })
        },
    },
    Program {
        name: "bounded-wait",
        variant: "V31",
        about: "cancel, wait a while, and give up",
        verdict: "C",
        rule: "a driver need not honour a cancel, nor soon (S41, U4)",
        cause: "The bounded wait ends before the read does.",
        cure: "Give up by leaking: memory, event and all (S21).",
        incident: "parsec-vdd#52",
        fixed: Some("fix-b"),
        write: |rules| {
            one_read(rules, Device::disk(), |c, h, o, _| {
                c.cancel_io(h);
                c.wait_for_single_object(o.h_event(), ms(100));
            })
        },
    },
    Program {
        name: "not-found",
        variant: "V25",
        about: "the cancel says ERROR_NOT_FOUND, so the read must be over",
        verdict: "C",
        rule: "ERROR_NOT_FOUND proves nothing (S37)",
        cause: "The driver is past the point where it can stop: nothing is to be cancelled, \
                and the bytes are still to come.",
        cure: "Whatever the cancel says, wait for the operation.",
        incident: "io_uring answers -ENOENT for reads past the page cache that are in flight.",
        fixed: Some("fix-b"),
        write: |rules| {
            one_read(rules, Device::disk().cancels(Cancels::OnlyQueued), |c, h, o, read| {
                c.cancel_io_ex(h, o, read);
                c.when(If::TRUE, |c| c.get_overlapped_result(h, o));
            })
        },
    },
    Program {
        name: "close",
        variant: "V26",
        about: "close the handle, and return",
        verdict: "C",
        rule: "CloseHandle returns before what it ends is over (S42)",
        cause: "Closing asks the operation to end; its status is written after that.",
        cure: "Cancel, wait, and close then.",
        incident: "pjproject#985, AsyncIO#26",
        fixed: Some("fix-b"),
        write: |rules| one_read(rules, Device::disk(), |c, h, _, _| c.close_handle(h)),
    },
    Program {
        name: "poll-status",
        variant: "V24",
        about: "poll the status in the OVERLAPPED, and return",
        verdict: "OK",
        rule: "a final status means that buffer and status are written (S15)",
        cause: "Nothing is left to be written; that the event is still to be set does no harm as \
                long as nobody uses it again.",
        cure: "Correct without port and routine, and fragile.",
        incident: "",
        fixed: None,
        write: |rules| {
            one_read(rules, Device::disk(), |c, h, o, _| {
                c.cancel_io(h);
                c.spin_on_status(o);
            })
        },
    },
    Program {
        name: "sync-failure",
        variant: "V27",
        about: "GetOverlappedResult after the call failed at once",
        verdict: "H",
        rule: "what fails at once is no operation: nothing is signalled (S9)",
        cause: "The status still says pending, and the event was reset: the wait never ends.",
        cure: "FALSE with any error but ERROR_IO_PENDING: wait for nothing.",
        incident: "A frequent slip in error paths.",
        fixed: None,
        write: |rules| {
            let device = Device::stream().issue(Issue::Fails(Status::BrokenPipe));
            one_read(rules, device, |c, h, o, _| c.get_overlapped_result(h, o))
        },
    },
    Program {
        name: "auto-reset-twice",
        variant: "V28",
        about: "two waits for one auto-reset event",
        verdict: "H",
        rule: "an auto-reset event lets one wait pass (S25)",
        cause: "The first wait has reset it; the second waits for ever.",
        cure: "A manual-reset event, or one wait.",
        incident: "SDL#3955, hidapi#577",
        fixed: Some("fix-a"),
        write: |rules| {
            Code::new(rules, |p| {
                let h = p.file("h", Device::disk());
                p.thread("program", |c| {
                    c.call("read_it", |c| {
                        let (o, buffer) = (c.overlapped("o"), c.buffer("buffer"));
                        c.initialize_with_auto_reset(&o);
                        c.read_file(h, &buffer, &o);
                        c.wait_for_single_object(o.h_event(), FOREVER);
                        c.wait_for_single_object(o.h_event(), FOREVER);
                    });
                });
            })
        },
    },
    Program {
        name: "free-on-pending",
        variant: "V22",
        about: "if (!ReadFile(..)) { free(p); return; }",
        verdict: "C",
        rule: "ERROR_IO_PENDING is no failure (S7)",
        cause: "The error path frees the block, and the read goes on.",
        cure: "Look at the error: only another than ERROR_IO_PENDING means that nothing started.",
        incident: "A frequent slip in error paths.",
        fixed: None,
        write: |rules| {
            Code::new(rules, |p| {
                let h = p.file("h", Device::disk());
                let block = p.block("p");
                p.thread("program", |c| {
                    c.malloc(block);
                    c.zero_overlapped(&block.o());
                    c.read_file(h, &block.buffer(), &block.o());
                    c.when(If::PENDING, |c| c.free(block));
                });
            })
        },
    },
    Program {
        name: "wrong-thread",
        variant: "V6",
        about: "CancelIo by another thread than the one that read, then return",
        verdict: "C",
        rule: "CancelIo reaches the calling thread's operations only (S36)",
        cause: "It says TRUE and does nothing; the read completes when it likes.",
        cure: "CancelIoEx, and wait.",
        incident: "hidapi#650",
        fixed: Some("fix-b"),
        write: |rules| {
            Code::new(rules, |p| {
                let h = p.file("h", Device::disk());
                let go = p.var("go");
                p.thread("reader", |c| {
                    c.call("read_it", |c| {
                        let (o, buffer) = (c.overlapped("o"), c.buffer("buffer"));
                        c.initialize_overlapped(&o);
                        c.read_file(h, &buffer, &o);
                        c.when(If::is_set(go), |c| c.ret(""));
                        c.get_overlapped_result(h, &o);
                    });
                    c.victim(4);
                });
                p.thread("canceller", |c| {
                    c.cancel_io(h);
                    c.set(go, true);
                });
            })
        },
    },
];

fn one_read(
    rules: Rules,
    device: Device,
    end: impl FnOnce(&mut Body<'_>, Handle, &Overlapped, Read),
) -> Code {
    Code::new(rules, |p| {
        let h = p.file("h", device);
        p.thread("program", |c| {
            c.call("read_it", |c| {
                let (o, buffer) = (c.overlapped("o"), c.buffer("buffer"));
                c.initialize_overlapped(&o);
                let read = c.read_file(h, &buffer, &o);
                end(c, h, &o, read);
            });
            c.victim(4);
        });
    })
}
