//! Memory and names that are used again while an operation is in flight.

use super::Program;
use crate::{Code, Device, FOREVER, Outline, Overlapped, Read, Rules};

pub(super) const PROGRAMS: &[Program] = &[
    Program {
        name: "reuse-buffer",
        variant: "V21",
        about: "cancel, keep the OVERLAPPED, and use the buffer for something else",
        verdict: "C",
        rule: "the buffer is the kernel's until the operation is over, as the OVERLAPPED is (S20)",
        cause: "The cancel is a request: pieces of the data may come after it, into what was put \
                there meanwhile.",
        cure: "Wait for the operation before the buffer is touched.",
        incident: "tursodatabase/turso#1143: wrong bytes in a log's header.",
        fixed: Some("fix-a"),
        write: |rules| {
            Code::new(rules, |p| {
                let h = p.file("h", Device::disk().pieces(2));
                p.thread("program", |c| {
                    c.call("read_it", |c| {
                        let (o, buffer) = (c.overlapped("o"), c.buffer("buffer"));
                        c.initialize_overlapped(&o);
                        c.read_file(h, &buffer, &o);
                        c.cancel_io(h);
                        c.reuse(&buffer);
                        c.wait_for_single_object(o.h_event(), FOREVER);
                        c.look_at(&buffer);
                    });
                });
            })
        },
    },
    Program {
        name: "reuse-overlapped",
        variant: "V29",
        about: "one OVERLAPPED for two reads at once",
        verdict: "CM",
        rule: "an operation is known by the address of its OVERLAPPED: one address, one operation \
               (S1, S28)",
        cause: "Whichever read ends first writes a final status. It is taken for the other's, \
                which is still in flight when the frame ends.",
        cure: "An OVERLAPPED and an event of its own for each operation.",
        incident: "",
        fixed: Some("own-events"),
        write: |rules| {
            Code::new(rules, |p| {
                let h = p.file("h", Device::disk());
                p.thread("program", |c| {
                    c.call("read_them", |c| {
                        let (o, one) = (c.overlapped("o"), c.buffer("one"));
                        let two = c.buffer("two");
                        c.initialize_overlapped(&o);
                        c.read_file(h, &one, &o);
                        c.read_file(h, &two, &o);
                        c.get_overlapped_result(h, &o);
                        c.use_result(&o);
                    });
                    c.victim(4);
                });
            })
        },
    },
    Program {
        name: "cancel-successor",
        variant: "V33",
        about: "a cancel by address comes when the next read uses that address",
        verdict: "M",
        rule: "a cancel finds whatever is in flight at that address (S37)",
        cause: "The first read is over, the second uses the same OVERLAPPED, and the cancel that \
                was meant for the first stops the second.",
        cure: "Do not use an address again while somebody may still cancel it; or cancel under the \
               lock under which operations are started and ended.",
        incident: "libxev#233, the same with user_data.",
        fixed: Some("cancel-its-own"),
        write: |rules| {
            Code::new(rules, |p| {
                two_in_a_row(p, true);
            })
        },
    },
    Program {
        name: "cancel-its-own",
        variant: "V33",
        about: "the same with an OVERLAPPED of its own for each read",
        verdict: "OK",
        rule: "an address that is not used again names one operation",
        cause: "A late cancel finds nothing.",
        cure: "This is the cure.",
        incident: "",
        fixed: None,
        write: |rules| {
            Code::new(rules, |p| {
                two_in_a_row(p, false);
            })
        },
    },
    Program {
        name: "event-window",
        variant: "",
        about: "a result is there, so its event is used for the next read",
        verdict: "C",
        rule: "a final status says nothing about the event: it is set later (S15)",
        cause: "GetOverlappedResult sees the first read's status and does not wait. Its event is \
                set after that, when the second read has it: the second wait ends at once.",
        cure: "Wait for the event itself before it is used again, as GetOverlappedResult does \
               since Windows 7.",
        incident: "The reason for the change in Windows 7.",
        fixed: Some("event-absorbed"),
        write: |rules| next_read(rules, false),
    },
    Program {
        name: "event-absorbed",
        variant: "",
        about: "the event is waited for before it is used for the next read",
        verdict: "OK",
        rule: "the operation's own event, set, means that all effects are over",
        cause: "Nothing of the first read is left when the second begins.",
        cure: "This is the cure.",
        incident: "",
        fixed: None,
        write: |rules| next_read(rules, true),
    },
    Program {
        name: "null-overlapped",
        variant: "V34",
        about: "ReadFile without an OVERLAPPED on an overlapped handle, beside another read",
        verdict: "C",
        rule: "such a call waits for the file object, with a status block on its own stack (S12)",
        cause: "The other read signals the file object, the call returns early, and the status is \
                written into a frame of the system's library that is gone: the seed's bug within \
                the API.",
        cure: "Never pass NULL for a handle that was opened overlapped.",
        incident: "cloudbase/wnbd#30",
        fixed: Some("own-events"),
        write: |rules| null_overlapped(rules),
    },
];

/// Two reads one after the other, and a thread that means to cancel the first.
fn two_in_a_row(p: &mut Outline, same: bool) {
    let h = p.file("h", Device::disk());
    let mut first: Option<(Overlapped, Read)> = None;
    p.thread("reader", |c| {
        c.call("read_them", |c| {
            let (o, buffer) = (c.overlapped("o"), c.buffer("buffer"));
            let next = if same { o } else { c.overlapped("next") };
            c.initialize_overlapped(&o);
            let read = c.read_file(h, &buffer, &o);
            first = Some((o, read));
            // Its own event says that all effects are over.
            c.wait_for_single_object(o.h_event(), FOREVER);
            c.use_result(&o);
            if !same {
                c.initialize_overlapped(&next);
            }
            c.read_file(h, &buffer, &next);
            c.get_overlapped_result(h, &next);
            c.use_result(&next);
        });
    });
    p.thread("canceller", |c| {
        let (o, read) = first.expect("the reader is written");
        c.cancel_io_ex(h, &o, read);
    });
}

fn null_overlapped(rules: Rules) -> Code {
    Code::new(rules, |p| {
        let h = p.file("h", Device::stream());
        p.has_data(h, 2);
        p.thread("program", |c| {
            c.call("main", |c| {
                let (other, bytes) = (c.overlapped("other"), c.buffer("bytes"));
                let buffer = c.buffer("buffer");
                c.zero_overlapped(&other);
                c.read_file(h, &bytes, &other);
                c.read_file_without_overlapped(h, &buffer);
                c.victim(3);
                c.spin_on_status(&other);
                c.use_result(&other);
            });
        });
    })
}

/// Two reads, one after the other, with one OVERLAPPED.
fn next_read(rules: Rules, waits: bool) -> Code {
    Code::new(rules, |p| {
        let h = p.file("h", Device::disk());
        p.thread("program", |c| {
            c.call("read_them", |c| {
                let (o, buffer) = (c.overlapped("o"), c.buffer("buffer"));
                c.initialize_overlapped(&o);
                for _ in 0..2 {
                    c.read_file(h, &buffer, &o);
                    if waits {
                        c.wait_for_single_object(o.h_event(), FOREVER);
                    }
                    c.get_overlapped_result(h, &o);
                    c.use_result(&o);
                }
            });
            c.victim(4);
        });
    })
}
