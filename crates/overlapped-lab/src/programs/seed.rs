//! The seed's program, its two fixes, and what they depend on.

use super::Program;
use crate::{Body, Code, Device, FOREVER, Handle, If, Outline, Overlapped, Rules, ms};

/// The locals of the function that comes next: as many as `read_it` had.
const LOCALS: u8 = 4;

pub(super) const PROGRAMS: &[Program] = &[
    Program {
        name: "seed",
        variant: "V0",
        about: "a read with a timeout: cancel, and return",
        verdict: "C",
        rule: "the OVERLAPPED structure must remain valid until the I/O completes",
        cause: "CancelIo asks, and returns. The read completes later: the driver sees the cancel, \
                and the I/O subsystem writes the status into a frame that belongs to another \
                function by then.",
        cure: "After the cancel, wait for the operation: WaitForSingleObject(o.hEvent, INFINITE) \
               or, better, GetOverlappedResult(h, &o, &n, TRUE). Then return.",
        incident: "wil#326, cppcoro#68, demikernel#1149, hidapi-rs#152: the same lines in four \
                   libraries, two of them in Rust.",
        fixed: Some("fix-a"),
        write: |rules| {
            read_it(rules, Device::disk(), |c, h, o| {
                c.cancel_io(h);
                let _ = o;
            })
        },
    },
    Program {
        name: "fix-a",
        variant: "V1",
        about: "the seed's first fix: wait for the event after the cancel",
        verdict: "OK",
        rule: "the operation's own event, set, means that all effects are over",
        cause: "The wait ends when the read is over, whatever its outcome.",
        cure: "It needs an event of its own that nobody else resets, no port and no routine.",
        incident: "",
        fixed: None,
        write: |rules| {
            read_it(rules, Device::disk(), |c, h, o| {
                c.cancel_io(h);
                c.wait_for_single_object(o.h_event(), FOREVER);
            })
        },
    },
    Program {
        name: "fix-b",
        variant: "V2",
        about: "the seed's second fix: GetOverlappedResult with bWait = TRUE",
        verdict: "OK",
        rule: "GetOverlappedResult(TRUE) waits for the event and tells the status",
        cause: "As the first fix, and the outcome is told: a read that was too late to cancel has \
                succeeded.",
        cure: "If it succeeded, use the data: giving them up loses them where reading takes.",
        incident: "",
        fixed: None,
        write: |rules| {
            read_it(rules, Device::disk(), |c, h, o| {
                c.cancel_io(h);
                c.get_overlapped_result(h, o);
            })
        },
    },
    Program {
        name: "fix-b-on-a-pipe",
        variant: "V2",
        about: "the second fix on a pipe, and the result is thrown away",
        verdict: "L",
        rule: "a success that beat the cancel has taken the bytes (S39)",
        cause: "The read ended before the cancel reached it. Returning WAIT_TIMEOUT all the same \
                throws away what it took from the pipe.",
        cure: "Look at the result after the cancel, and deliver the bytes if there are some.",
        incident: "A frequent flaw of timeouts on streams.",
        fixed: None,
        write: |rules| {
            Code::new(rules, |p| {
                let h = p.file("h", Device::stream());
                p.peer_writes(h, 1);
                reader(p, h, true, |c, h, o| {
                    c.cancel_io(h);
                    c.get_overlapped_result(h, o);
                });
            })
        },
    },
    Program {
        name: "null-event",
        variant: "V3",
        about: "the second fix with hEvent NULL, alone on the handle",
        verdict: "OK",
        rule: "without an event the file object is signalled (S27)",
        cause: "GetOverlappedResult waits for the file object, and only one operation sets it.",
        cure: "Give each operation an event of its own.",
        incident: "",
        fixed: None,
        write: |rules| {
            Code::new(rules, |p| {
                let h = p.file("h", Device::disk());
                reader(p, h, false, |c, h, o| {
                    c.cancel_io(h);
                    c.get_overlapped_result(h, o);
                });
            })
        },
    },
    Program {
        name: "null-event-shared",
        variant: "V4",
        about: "the second fix with hEvent NULL, and another read on the handle",
        verdict: "C",
        rule: "a signalled file object says that some operation is over, not which (S24, S27)",
        cause: "The other read ends, the file object is signalled, and GetOverlappedResult returns \
                while this one is in flight.",
        cure: "An event of its own for each operation.",
        incident: "cloudbase/wnbd#30; the documentation warns of it.",
        fixed: Some("own-events"),
        write: |rules| two_reads(rules, false),
    },
    Program {
        name: "own-events",
        variant: "V4",
        about: "two reads on a handle, each with an event of its own",
        verdict: "OK",
        rule: "the operation's own event says that this operation is over",
        cause: "Nobody else sets it.",
        cure: "This is the cure.",
        incident: "",
        fixed: None,
        write: |rules| two_reads(rules, true),
    },
    Program {
        name: "skip-event",
        variant: "V5",
        about: "hEvent NULL, and FILE_SKIP_SET_EVENT_ON_HANDLE",
        verdict: "H",
        rule: "with that mode the file object is never signalled again (S27)",
        cause: "GetOverlappedResult waits for a signal that never comes.",
        cure: "An event of its own, or no such mode.",
        incident: "microsoft/STL#1632",
        fixed: Some("fix-b"),
        write: |rules| {
            Code::new(rules, |p| {
                let h = p.file("h", Device::disk());
                p.thread("program", |c| {
                    c.skip_set_event_on_handle(h);
                    c.call("read_it", |c| {
                        let (o, buffer) = (c.overlapped("o"), c.buffer("buffer"));
                        c.zero_overlapped(&o);
                        c.read_file(h, &buffer, &o);
                        c.get_overlapped_result(h, &o);
                        c.use_result(&o);
                    });
                });
            })
        },
    },
];

/// `read_it` as in the seed, on a device; `give_up` is what stands before `return WAIT_TIMEOUT`.
fn read_it(
    rules: Rules,
    device: Device,
    give_up: impl FnOnce(&mut Body<'_>, Handle, &Overlapped),
) -> Code {
    Code::new(rules, |p| {
        let h = p.file("h", device);
        reader(p, h, true, give_up);
    })
}

fn reader(
    p: &mut Outline,
    h: Handle,
    event: bool,
    give_up: impl FnOnce(&mut Body<'_>, Handle, &Overlapped),
) {
    p.thread("program", |c| {
        c.call("read_it", |c| {
            let (o, buffer) = (c.overlapped("o"), c.buffer("buffer"));
            if event {
                c.initialize_overlapped(&o);
            } else {
                c.zero_overlapped(&o);
            }
            c.read_file(h, &buffer, &o);
            if event {
                c.wait_for_single_object(o.h_event(), ms(1000));
            } else {
                c.wait_for_single_object(h, ms(1000));
            }
            c.when(If::TIMED_OUT, |c| {
                give_up(c, h, &o);
                c.ret("WAIT_TIMEOUT");
            });
            c.use_result(&o);
        });
        c.victim(LOCALS);
    });
}

fn two_reads(rules: Rules, events: bool) -> Code {
    Code::new(rules, |p| {
        let h = p.file("h", Device::disk());
        p.thread("program", |c| {
            c.call("main", |c| {
                let (other, bytes) = (c.overlapped("other"), c.buffer("bytes"));
                let start = |c: &mut Body<'_>, o: &Overlapped| {
                    if events {
                        c.initialize_overlapped(o);
                    } else {
                        c.zero_overlapped(o);
                    }
                };
                start(c, &other);
                c.read_file(h, &bytes, &other);
                c.call("read_it", |c| {
                    let (o, buffer) = (c.overlapped("o"), c.buffer("buffer"));
                    start(c, &o);
                    let read = c.read_file(h, &buffer, &o);
                    c.cancel_io_ex(h, &o, read);
                    c.get_overlapped_result(h, &o);
                });
                c.victim(LOCALS);
                c.spin_on_status(&other);
                if events {
                    c.get_overlapped_result(h, &other);
                }
            });
        });
    })
}
