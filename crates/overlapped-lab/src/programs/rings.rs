//! `io_uring`: the only proof is the target's own completion entry without F_MORE, or the
//! notification of a zero-copy send.

use super::Program;
use crate::{Body, Buffer, Cancels, Code, Device, Handle, If, PortHandle, Read, Rules, Status};

pub(super) const PROGRAMS: &[Program] = &[
    Program {
        name: "ring-cancel",
        variant: "",
        about: "io_uring: cancel, reap the cancel's entry, return",
        verdict: "C",
        rule: "a cancel's own entry comes first; the target's is still to come (3.1)",
        cause: "The cancel says 0, found and cancelled; the read is not over before its own entry.",
        cure: "Reap until the read's own entry was there.",
        incident: "liburing#733; PhotonLibOS#1270",
        fixed: Some("ring-drain"),
        write: |rules| {
            on_ring(rules, Device::disk(), |c, ring, h, buffer| {
                c.uring_read(ring, h, buffer, READ);
                c.uring_cancel(ring, READ);
                c.wait_cqe(ring);
            })
        },
    },
    Program {
        name: "ring-drain",
        variant: "",
        about: "io_uring: cancel, reap until the read's own entry was there, return",
        verdict: "OK",
        rule: "the target's entry without F_MORE is the only proof (3.1)",
        cause: "Whatever the cancel says, the read's own entry is waited for.",
        cure: "This is the cure.",
        incident: "",
        fixed: None,
        write: |rules| {
            on_ring(rules, Device::disk(), |c, ring, h, buffer| {
                let read = c.uring_read(ring, h, buffer, READ);
                c.uring_cancel(ring, READ);
                reap(c, ring, read);
            })
        },
    },
    Program {
        name: "ring-not-found",
        variant: "V25",
        about: "io_uring: the cancel says -ENOENT, so the read must be over",
        verdict: "C",
        rule: "-ENOENT says unknown, complete, or in flight and out of reach (3.1)",
        cause: "A read past the page cache cannot be stopped: -ENOENT, and the data come later.",
        cure: "Reap the read's own entry in any case.",
        incident: "Reads of 8 MiB past the page cache: -ENOENT 200 of 200 times.",
        fixed: Some("ring-drain"),
        write: |rules| {
            on_ring(rules, Device::disk().cancels(Cancels::OnlyQueued), |c, ring, h, buffer| {
                let read = c.uring_read(ring, h, buffer, READ);
                c.uring_cancel(ring, READ);
                c.wait_cqe(ring);
                c.when(If::CANCEL_OK, |c| reap(c, ring, read));
            })
        },
    },
    Program {
        name: "ring-link-timeout",
        variant: "",
        about: "io_uring: a linked timeout's -ETIME is taken for the read's end",
        verdict: "C",
        rule: "-ETIME may come before the read's own entry (3.1)",
        cause: "The timeout has asked for the cancel, and says so first.",
        cure: "Two entries are owed; the read's own ends it.",
        incident: "commonware#1845: the timeout's own memory dangled.",
        fixed: Some("ring-link-timeout-both"),
        write: |rules| {
            on_ring(rules, Device::disk(), |c, ring, h, buffer| {
                c.uring_read_with_timeout(ring, h, buffer, READ);
                c.wait_cqe(ring);
            })
        },
    },
    Program {
        name: "ring-link-timeout-both",
        variant: "",
        about: "io_uring: a linked timeout, and the read's own entry is waited for",
        verdict: "OK",
        rule: "the free rule is unchanged: the target's entry",
        cause: "Whatever comes first, the read's own entry ends it.",
        cure: "This is the cure.",
        incident: "",
        fixed: None,
        write: |rules| {
            on_ring(rules, Device::disk(), |c, ring, h, buffer| {
                let read = c.uring_read_with_timeout(ring, h, buffer, READ);
                reap(c, ring, read);
            })
        },
    },
    Program {
        name: "ring-zero-copy",
        variant: "",
        about: "io_uring: a zero-copy send, and the buffer is freed at the first entry",
        verdict: "C",
        rule: "an entry with F_MORE is a result; the buffer is still in use (3.1)",
        cause: "The device reads the buffer after the result was told: it sends what is there by \
                then.",
        cure: "If F_MORE was set, wait for the notification.",
        incident: "netty#15599; over loopback the kernel copies, so tests there prove nothing.",
        fixed: Some("ring-zero-copy-notified"),
        write: |rules| {
            on_ring(rules, Device::disk(), |c, ring, h, buffer| {
                c.uring_send_zc(ring, h, buffer, READ);
                c.wait_cqe(ring);
            })
        },
    },
    Program {
        name: "ring-zero-copy-notified",
        variant: "",
        about: "io_uring: a zero-copy send, and the notification is waited for",
        verdict: "OK",
        rule: "the notification says that the buffer is free",
        cause: "Decided by F_MORE, not by the result.",
        cure: "This is the cure.",
        incident: "",
        fixed: None,
        write: |rules| {
            on_ring(rules, Device::disk(), |c, ring, h, buffer| {
                c.uring_send_zc(ring, h, buffer, READ);
                c.wait_cqe(ring);
                c.when(If::MORE, |c| c.wait_cqe(ring));
            })
        },
    },
    Program {
        name: "ring-exit",
        variant: "V20",
        about: "io_uring: the ring is closed with a read in flight, its memory freed",
        verdict: "C",
        rule: "a ring's end comes back before what is in flight ends (3.1)",
        cause: "The kernel keeps what the read needs, but not the program's memory for it.",
        cure: "Cancel, and reap one entry for each operation; close then.",
        incident: "tigerbeetle#2430; after the end of a ring data landed in 199 of 200 runs.",
        fixed: Some("ring-drain"),
        write: |rules| {
            on_ring(rules, Device::disk(), |c, ring, h, buffer| {
                c.uring_read(ring, h, buffer, READ);
                c.io_uring_queue_exit(ring);
            })
        },
    },
    Program {
        name: "ring-close-fd",
        variant: "V26",
        about: "io_uring: the file is closed with a read in flight, its memory freed",
        verdict: "C",
        rule: "close(fd) does nothing to what is in flight (3.1)",
        cause: "The read holds the file, and completes into the buffer.",
        cure: "Reap the read's entry.",
        incident: "liburing#568",
        fixed: Some("ring-drain"),
        write: |rules| {
            on_ring(rules, Device::disk(), |c, ring, h, buffer| {
                c.uring_read(ring, h, buffer, READ);
                c.close(h);
            })
        },
    },
    Program {
        name: "ring-same-user-data",
        variant: "V33",
        about: "io_uring: a cancel by user_data meets the next read of that name",
        verdict: "M",
        rule: "user_data need not be unique; a cancel takes the first match (3.1)",
        cause: "The first read is over and the second has the same user_data: the cancel that was \
                meant for the first stops the second.",
        cure: "A user_data that is not used again: a generation in it.",
        incident: "libxev#233",
        fixed: Some("ring-own-user-data"),
        write: |rules| two_in_a_row(rules, READ, READ),
    },
    Program {
        name: "ring-own-user-data",
        variant: "V33",
        about: "io_uring: the same with a user_data of its own for each read",
        verdict: "OK",
        rule: "a name that is not used again names one operation",
        cause: "A late cancel finds nothing.",
        cure: "This is the cure.",
        incident: "",
        fixed: None,
        write: |rules| two_in_a_row(rules, READ, READ + 1),
    },
    Program {
        name: "ring-lost-success",
        variant: "",
        about: "io_uring: a read from a socket is cancelled, and its result ignored",
        verdict: "L",
        rule: "a success that beat the cancel has taken the bytes (S39)",
        cause: "The entry says how many bytes came; whoever cancelled does not look.",
        cure: "Deliver the bytes, or keep them for the next read.",
        incident: "compio#315: an accept that was over before its cancel.",
        fixed: Some("ring-kept-success"),
        write: |rules| from_socket(rules, false),
    },
    Program {
        name: "ring-kept-success",
        variant: "",
        about: "io_uring: a read from a socket is cancelled, and its result looked at",
        verdict: "OK",
        rule: "the status is the only truth",
        cause: "What came is used.",
        cure: "This is the cure.",
        incident: "",
        fixed: None,
        write: |rules| from_socket(rules, true),
    },
    Program {
        name: "ring-error-path",
        variant: "V22",
        about: "io_uring: of two reads the first fails, and the error path returns",
        verdict: "C",
        rule: "one operation's failure says nothing about another's",
        cause: "The second read is in flight when the frame with its buffer ends.",
        cure: "Cancel and drain before an error is told.",
        incident: "turso#2787",
        fixed: Some("ring-error-path-drains"),
        write: |rules| two_reads(rules, false),
    },
    Program {
        name: "ring-error-path-drains",
        variant: "V22",
        about: "io_uring: of two reads the first fails, and the other is drained",
        verdict: "OK",
        rule: "one entry for each operation",
        cause: "Nothing is in flight when the frame ends.",
        cure: "This is the cure.",
        incident: "",
        fixed: None,
        write: |rules| two_reads(rules, true),
    },
];

/// The read's `user_data`.
const READ: u8 = 1;

fn on_ring(
    rules: Rules,
    device: Device,
    write: impl FnOnce(&mut Body<'_>, PortHandle, Handle, &Buffer),
) -> Code {
    Code::new(rules, |p| {
        let h = p.file("fd", device);
        let ring = p.port("ring");
        p.thread("program", |c| {
            c.call("read_it", |c| {
                let buffer = c.buffer("buffer");
                write(c, ring, h, &buffer);
            });
            c.victim(1);
        });
    })
}

/// Reaps entries until that of `read` was there.
fn reap(c: &mut Body<'_>, ring: PortHandle, read: Read) {
    c.wait_cqe(ring);
    c.while_(If::got_other_than(read), |c| c.wait_cqe(ring));
    c.use_handed_out();
}

fn two_in_a_row(rules: Rules, first: u8, second: u8) -> Code {
    Code::new(rules, |p| {
        let h = p.file("fd", Device::disk());
        let (ring, others) = (p.port("ring"), p.port("the other's ring"));
        let mut meant = None;
        p.thread("reader", |c| {
            c.call("read_them", |c| {
                let buffer = c.buffer("buffer");
                let read = c.uring_read(ring, h, &buffer, first);
                meant = Some(read);
                reap(c, ring, read);
                let next = c.uring_read(ring, h, &buffer, second);
                reap(c, ring, next);
            });
        });
        p.thread("canceller", |c| {
            let meant = meant.expect("the reader is written");
            c.uring_cancel_for(others, first, meant);
        });
    })
}

fn from_socket(rules: Rules, look: bool) -> Code {
    Code::new(rules, |p| {
        let h = p.file("socket", Device::stream());
        p.peer_writes(h, 1);
        let ring = p.port("ring");
        p.thread("program", |c| {
            c.call("read_it", |c| {
                let buffer = c.buffer("buffer");
                let read = c.uring_read(ring, h, &buffer, READ);
                c.uring_cancel(ring, READ);
                c.wait_cqe(ring);
                c.while_(If::got_other_than(read), |c| c.wait_cqe(ring));
                if look {
                    c.when(If::TRUE, Body::use_handed_out);
                }
            });
        });
    })
}

fn two_reads(rules: Rules, drain: bool) -> Code {
    Code::new(rules, |p| {
        let bad = p.file("bad", Device::disk().may_fail(Status::DeviceError));
        let good = p.file("good", Device::disk());
        let (one_ring, ring) = (p.port("ring"), p.port("second ring"));
        p.thread("program", |c| {
            c.call("read_them", |c| {
                let (one, two) = (c.buffer("one"), c.buffer("two"));
                let first = c.uring_read(one_ring, bad, &one, READ);
                let second = c.uring_read(ring, good, &two, READ + 1);
                c.wait_cqe(one_ring);
                c.while_(If::got_other_than(first), |c| c.wait_cqe(one_ring));
                c.when(If::FAILED, |c| {
                    if drain {
                        c.uring_cancel(ring, READ + 1);
                        reap(c, ring, second);
                    }
                    c.ret("-EIO");
                });
                reap(c, ring, second);
            });
            c.victim(2);
        });
    })
}
