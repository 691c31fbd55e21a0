//! The thread pool waits, or gets the completions: over is not what a callback was cancelled.

use super::Program;
use crate::{Code, Device, FOREVER, If, Rules, ms};

pub(super) const PROGRAMS: &[Program] = &[
    Program {
        name: "pool-wait-frees",
        variant: "V13",
        about: "a registered wait: the callback for the timeout frees",
        verdict: "C",
        rule: "unregistering a wait is no completion (1.4)",
        cause: "Time is over, the callback frees, and the read is still in flight.",
        cure: "On a timeout cancel, register the wait again, and free in the callback for the \
               completion.",
        incident: "",
        fixed: Some("pool-wait-again"),
        write: |rules| {
            Code::new(rules, |p| {
                let h = p.file("h", Device::disk());
                let block = p.block("p");
                let other = p.block("q");
                let callback = p.routine("callback", |c| {
                    c.free(block);
                    c.victim_on_the_heap(other);
                });
                p.thread("program", |c| {
                    c.malloc(block);
                    c.initialize_overlapped(&block.o());
                    c.read_file(h, &block.buffer(), &block.o());
                    c.register_wait(block.o().h_event(), ms(1000), callback);
                });
                p.pool();
            })
        },
    },
    Program {
        name: "pool-wait-again",
        variant: "V14",
        about: "a registered wait: on a timeout cancel and wait again, free on completion",
        verdict: "OK",
        rule: "the operation's own event says that it is over",
        cause: "Only the callback for the event frees.",
        cure: "This is the cure.",
        incident: "",
        fixed: None,
        write: |rules| {
            Code::new(rules, |p| {
                let h = p.file("h", Device::disk());
                let block = p.block("p");
                let other = p.block("q");
                let done = p.routine("done", |c| {
                    c.free(block);
                    c.victim_on_the_heap(other);
                });
                let callback = p.routine("callback", |c| {
                    let timed_out = If::TIMED_OUT;
                    c.when(timed_out, |c| {
                        c.cancel_all(h);
                        c.register_wait(block.o().h_event(), FOREVER, done);
                        c.end_routine();
                    });
                    c.free(block);
                    c.victim_on_the_heap(other);
                });
                p.thread("program", |c| {
                    c.malloc(block);
                    c.initialize_overlapped(&block.o());
                    c.read_file(h, &block.buffer(), &block.o());
                    c.register_wait(block.o().h_event(), ms(1000), callback);
                });
                p.pool();
            })
        },
    },
    Program {
        name: "pool-io-cancels-callbacks",
        variant: "V15",
        about: "TP_IO: CancelIoEx, WaitForThreadpoolIoCallbacks(TRUE), free",
        verdict: "CD",
        rule: "it cancels callbacks that are queued, not I/O (1.4)",
        cause: "Nothing is queued yet, so nothing is cancelled: the read completes into freed \
                memory, and its callback gets it.",
        cure: "WaitForThreadpoolIoCallbacks(io, FALSE) waits for the callbacks of what is in \
               flight, too.",
        incident: "microsoft/STL#1632",
        fixed: Some("pool-io-waits"),
        write: |rules| pool_io(rules, true),
    },
    Program {
        name: "pool-io-waits",
        variant: "V15",
        about: "TP_IO: CancelIoEx, WaitForThreadpoolIoCallbacks(FALSE), free",
        verdict: "OK",
        rule: "each started operation owes a callback, and this waits for all of them",
        cause: "The callback ran, so the read is over.",
        cure: "This is the cure.",
        incident: "",
        fixed: None,
        write: |rules| pool_io(rules, false),
    },
];

fn pool_io(rules: Rules, cancel: bool) -> Code {
    Code::new(rules, |p| {
        let h = p.file("h", Device::disk());
        let block = p.block("p");
        let other = p.block("q");
        let callback = p.routine("callback", |c| {
            c.use_handed_out();
        });
        p.thread("program", |c| {
            c.malloc(block);
            c.zero_overlapped(&block.o());
            let read = c.read_file_in_pool(h, &block.buffer(), &block.o(), callback);
            c.cancel_io_ex(h, &block.o(), read);
            c.wait_for_threadpool_io_callbacks(cancel);
            c.free(block);
            c.victim_on_the_heap(other);
        });
        p.pool();
    })
}
