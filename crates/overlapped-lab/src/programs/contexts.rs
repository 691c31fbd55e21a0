//! `ReadFileEx` again: results instead of routines, routines that free, routines that wait; and
//! what a cancelled read can end with.

use super::Program;
use crate::{Body, Code, Device, FOREVER, Handle, If, Overlapped, Rules, Status, ms};

pub(super) const PROGRAMS: &[Program] = &[
    Program {
        name: "exercise-1",
        variant: "V1",
        about: "the seed's first exercise: what a cancelled read can end with",
        verdict: "OK",
        rule: "a cancel is a request; the result is decided when the device is done (S38)",
        cause: "The read may have ended before, be past the driver's point of no return, fail for \
                another reason, or end early with a part of the data as a success.",
        cure: "Treat the status as the only truth; if it is success, deliver the data.",
        incident: "",
        fixed: None,
        write: |rules| {
            Code::new(rules, |p| {
                let device = Device::disk().pieces(2).keeps_part().may_fail(Status::BrokenPipe);
                let h = p.file("h", device);
                p.thread("program", |c| {
                    c.call("read_it", |c| {
                        let (o, buffer) = (c.overlapped("o"), c.buffer("buffer"));
                        c.initialize_overlapped(&o);
                        c.read_file(h, &buffer, &o);
                        c.cancel_io(h);
                        c.get_overlapped_result(h, &o);
                        c.when(If::TRUE, |c| c.use_result(&o));
                    });
                });
            })
        },
    },
    Program {
        name: "routine-fix-b",
        variant: "V9",
        about: "ReadFileEx with the seed's second fix, and an event in hEvent",
        verdict: "DH",
        rule: "ReadFileEx ignores hEvent, GetOverlappedResult does not (S23, S29)",
        cause: "GetOverlappedResult waits for an event that the read never sets. If the read was \
                over before, it does not wait; then the routine, still queued, gets a dangling \
                pointer.",
        cure: "The second exercise of the seed: an alertable loop until the routine ran.",
        incident: "",
        fixed: Some("routine-loop"),
        write: |rules| result_after_cancel(rules, true),
    },
    Program {
        name: "routine-fix-b-null",
        variant: "V9",
        about: "ReadFileEx with the seed's second fix, and hEvent NULL",
        verdict: "D",
        rule: "GetOverlappedResult neither runs, nor eats, nor revokes the routine (S33)",
        cause: "The kernel has let go of the memory, the queue of routines has not: the next \
                alertable wait hands the routine a pointer to a frame that is gone.",
        cure: "The second exercise of the seed: an alertable loop until the routine ran.",
        incident: "",
        fixed: Some("routine-loop"),
        write: |rules| result_after_cancel(rules, false),
    },
    Program {
        name: "routine-set-object",
        variant: "V10",
        about: "ReadFileEx, a cancel, and one alertable wait for an event that is set already",
        verdict: "CD",
        rule: "an alertable wait on an object that is set may run nothing (S32)",
        cause: "The wait comes back at once; the read is still in flight.",
        cure: "A loop: only the routine ends it.",
        incident: "",
        fixed: Some("routine-loop"),
        write: |rules| {
            read_ex(rules, |c, h, _| {
                let stop = c.create_event("stop", false);
                c.set_event(stop);
                c.cancel_io(h);
                c.wait_for_single_object_ex(stop, FOREVER);
            })
        },
    },
    Program {
        name: "routine-frees",
        variant: "V12",
        about: "ReadFileEx on a block of the heap that the routine frees",
        verdict: "OK",
        rule: "inside its own routine an operation is over (1.4)",
        cause: "The memory belongs to the operation until the routine has it.",
        cure: "Correct; a thread that exits first leaks the block, which is safe.",
        incident: "",
        fixed: None,
        write: |rules| {
            Code::new(rules, |p| {
                let h = p.file("h", Device::disk());
                let block = p.block("p");
                let other = p.block("q");
                let handed = p.handed_out("p");
                let routine = p.routine("routine", |c| {
                    c.use_handed_out();
                    c.free(handed);
                });
                p.thread("program", |c| {
                    c.malloc(block);
                    c.zero_overlapped(&block.o());
                    let read = c.read_file_ex(h, &block.buffer(), &block.o(), routine);
                    c.cancel_io_ex(h, &block.o(), read);
                    c.sleep_ex(FOREVER);
                    c.victim_on_the_heap(other);
                });
            })
        },
    },
    Program {
        name: "destructor-in-routine",
        variant: "V32",
        about: "a destructor waits for the read from within the read's own routine",
        verdict: "H",
        rule: "what a routine waits for must not come after the routine",
        cause: "The destructor waits until the routine is done, and it is the routine that waits.",
        cure: "Tell the destructor that it runs inside, or free later.",
        incident: "microsoft/wil#326",
        fixed: Some("routine-frees"),
        write: |rules| {
            Code::new(rules, |p| {
                let h = p.file("h", Device::disk());
                let done = p.var("done");
                let routine = p.routine("routine", |c| {
                    c.until(done);
                    c.tell(done);
                });
                p.thread("program", |c| {
                    c.call("read_it", |c| {
                        let (o, buffer) = (c.overlapped("o"), c.buffer("buffer"));
                        c.zero_overlapped(&o);
                        c.read_file_ex(h, &buffer, &o, routine);
                        c.sleep_ex(FOREVER);
                    });
                });
            })
        },
    },
];

fn result_after_cancel(rules: Rules, event: bool) -> Code {
    let prepare = |c: &mut Body<'_>, o: &Overlapped| {
        if event {
            c.initialize_overlapped(o);
        } else {
            c.zero_overlapped(o);
        }
    };
    read_ex_with(rules, prepare, |c, h, o| {
        c.cancel_io(h);
        c.get_overlapped_result(h, o);
    })
}

fn read_ex(rules: Rules, give_up: impl FnOnce(&mut Body<'_>, Handle, &Overlapped)) -> Code {
    let prepare = |c: &mut Body<'_>, o: &Overlapped| {
        c.zero_overlapped(o);
    };
    read_ex_with(rules, prepare, give_up)
}

fn read_ex_with(
    rules: Rules,
    prepare: impl FnOnce(&mut Body<'_>, &Overlapped),
    give_up: impl FnOnce(&mut Body<'_>, Handle, &Overlapped),
) -> Code {
    Code::new(rules, |p| {
        let h = p.file("h", Device::disk());
        let routine = p.routine("routine", |_| {});
        p.thread("program", |c| {
            c.call("read_it", |c| {
                let (o, buffer) = (c.overlapped("o"), c.buffer("buffer"));
                prepare(c, &o);
                c.read_file_ex(h, &buffer, &o, routine);
                give_up(c, h, &o);
            });
            // The next function waits alertably, as some function will sooner or later.
            c.victim_that("next", 4, |c| c.sleep_ex(ms(10)));
        });
    })
}
