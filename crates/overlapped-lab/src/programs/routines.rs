//! `ReadFileEx`: the seed's second exercise, wrong answers and the right one.

use super::Program;
use crate::{Body, Code, Device, FOREVER, Handle, If, Overlapped, Read, Rules, Var, ms};

pub(super) const PROGRAMS: &[Program] = &[
    Program {
        name: "routine",
        variant: "V7",
        about: "ReadFileEx: cancel, and return",
        verdict: "CD",
        rule: "an operation with a routine is over when the routine has run (S30)",
        cause: "As the seed; and the routine, which is still queued, gets a pointer to a frame \
                that is gone.",
        cure: "Wait alertably until the routine itself says that it ran.",
        incident: "purejavacomm#21",
        fixed: Some("routine-loop"),
        write: |rules| read_ex(rules, |c, h, _, _, _| c.cancel_io(h)),
    },
    Program {
        name: "routine-fix-a",
        variant: "V8",
        about: "ReadFileEx with the seed's first fix: wait for hEvent",
        verdict: "H",
        rule: "ReadFileEx ignores hEvent: it is neither reset nor set (S29)",
        cause: "The event is never set: the wait with the timeout always times out, and the wait \
                after the cancel never ends.",
        cure: "The second exercise of the seed: an alertable loop until the routine ran.",
        incident: "",
        fixed: Some("routine-loop"),
        write: |rules| {
            read_ex(rules, |c, h, o, _, _| {
                c.cancel_io(h);
                c.wait_for_single_object(o.h_event(), FOREVER);
            })
        },
    },
    Program {
        name: "routine-one-wait",
        variant: "V10",
        about: "ReadFileEx, a cancel, and one alertable wait",
        verdict: "CD",
        rule: "an alertable wait returns after any routine (S31)",
        cause: "Another APC ends the wait; the read is still in flight, and its routine still to \
                be queued.",
        cure: "A loop: after each return look whether the routine in question ran.",
        incident: "",
        fixed: Some("routine-loop"),
        write: |rules| {
            Code::new(rules, |p| {
                let h = p.file("h", Device::disk());
                let done = p.var("done");
                let other = p.routine("other", |_| {});
                let routine = p.routine("routine", |c| c.set(done, true));
                p.thread("program", |c| {
                    c.call("read_it", |c| {
                        let (o, buffer) = (c.overlapped("o"), c.buffer("buffer"));
                        c.zero_overlapped(&o);
                        c.read_file_ex(h, &buffer, &o, routine);
                        c.queue_user_apc(other);
                        c.cancel_io(h);
                        c.sleep_ex(FOREVER);
                    });
                    c.victim_that("next", 4, |c| c.sleep_ex(ms(10)));
                });
            })
        },
    },
    Program {
        name: "routine-loop",
        variant: "V11",
        about: "ReadFileEx, a cancel, and an alertable loop until the routine ran",
        verdict: "OK",
        rule: "only the routine ends it",
        cause: "Nothing is given back before the routine says so.",
        cure: "This is the answer to the seed's second exercise.",
        incident: "",
        fixed: None,
        write: |rules| {
            read_ex(rules, |c, h, o, read, done| {
                c.cancel_io_ex(h, o, read);
                c.while_(If::is_clear(done), |c| c.sleep_ex(FOREVER));
            })
        },
    },
];

fn read_ex(
    rules: Rules,
    give_up: impl FnOnce(&mut Body<'_>, Handle, &Overlapped, Read, Var),
) -> Code {
    Code::new(rules, |p| {
        let h = p.file("h", Device::disk());
        let done = p.var("done");
        let routine = p.routine("routine", |c| c.set(done, true));
        p.thread("program", |c| {
            c.call("read_it", |c| {
                let (o, buffer) = (c.overlapped("o"), c.buffer("buffer"));
                c.initialize_overlapped(&o);
                let read = c.read_file_ex(h, &buffer, &o, routine);
                c.wait_for_single_object(o.h_event(), ms(1000));
                give_up(c, h, &o, read, done);
            });
            // The next function waits alertably, as some function will sooner or later.
            c.victim_that("next", 4, |c| c.sleep_ex(ms(10)));
        });
    })
}
