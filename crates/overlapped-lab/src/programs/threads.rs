//! Which thread cancels, which thread ends.

use super::Program;
use crate::{Body, Code, Device, FOREVER, Handle, Overlapped, Read, Rules};

pub(super) const PROGRAMS: &[Program] = &[
    Program {
        name: "wrong-thread-wait",
        variant: "V6",
        about: "CancelIo by another thread than the one that read, which waits",
        verdict: "H",
        rule: "CancelIo reaches the calling thread's operations only (S36)",
        cause: "It says TRUE and does nothing; nobody writes to the pipe, so the read never ends.",
        cure: "CancelIoEx reaches the operations of all threads.",
        incident: "hidapi#650",
        fixed: Some("any-thread-wait"),
        write: |rules| cancelled_from_outside(rules, |c, h, _, _| c.cancel_io(h)),
    },
    Program {
        name: "any-thread-wait",
        variant: "V6",
        about: "CancelIoEx by another thread than the one that read, which waits",
        verdict: "OK",
        rule: "CancelIoEx reaches the operations of all threads (S36)",
        cause: "The request reaches the driver, and the wait ends when the driver has seen it.",
        cure: "This is the cure.",
        incident: "",
        fixed: None,
        write: |rules| cancelled_from_outside(rules, |c, h, o, read| c.cancel_io_ex(h, o, read)),
    },
    Program {
        name: "thread-exit",
        variant: "V30",
        about: "the thread that reads exits; its memory is freed when it was joined",
        verdict: "OK",
        rule: "a thread's end waits for the operations that it cancels (S43)",
        cause: "Without a port the read is cancelled and complete before the thread counts as \
                ended.",
        cure: "Correct, as long as the handle has no port.",
        incident: "",
        fixed: None,
        write: |rules| thread_exit(rules, false),
    },
    Program {
        name: "thread-exit-port",
        variant: "V30",
        about: "the same with a port: the read survives its thread",
        verdict: "CD",
        rule: "with a port and without an event an operation survives its thread (S43)",
        cause: "The end of the thread says nothing about the read. It completes into freed memory, \
                and its packet hands that out.",
        cure: "Dequeue the packet, and free then.",
        incident: "",
        fixed: Some("port-dequeue"),
        write: |rules| thread_exit(rules, true),
    },
    Program {
        name: "sync-cancel-early",
        variant: "",
        about: "CancelSynchronousIo comes before the call that it is meant for",
        verdict: "H",
        rule: "it reaches the call that blocks now, and none that comes later (S40)",
        cause: "The reader has not called yet: ERROR_NOT_FOUND. Then it blocks, and nobody cancels \
                any more.",
        cure: "Cancel again until the thread says that it is out; or do not block.",
        incident: "",
        fixed: Some("any-thread-wait"),
        write: |rules| {
            Code::new(rules, |p| {
                let h = p.file("h", Device::stream());
                let reader = p.thread("reader", |c| {
                    c.call("read_it", |c| {
                        let buffer = c.buffer("buffer");
                        c.blocking_read_file(h, &buffer);
                    });
                });
                p.thread("canceller", |c| c.cancel_synchronous_io(reader));
            })
        },
    },
];

/// A read from a pipe that nobody writes to, and another thread that stops it once it has begun.
fn cancelled_from_outside(
    rules: Rules,
    cancel: impl FnOnce(&mut Body<'_>, Handle, &Overlapped, Read),
) -> Code {
    Code::new(rules, |p| {
        let h = p.file("h", Device::stream());
        let begun = p.var("begun");
        let mut reading = None;
        p.thread("reader", |c| {
            c.call("read_it", |c| {
                let (o, buffer) = (c.overlapped("o"), c.buffer("buffer"));
                c.initialize_overlapped(&o);
                let read = c.read_file(h, &buffer, &o);
                reading = Some((o, read));
                c.tell(begun);
                c.get_overlapped_result(h, &o);
            });
            c.victim(4);
        });
        p.thread("canceller", |c| {
            let (o, read) = reading.expect("the reader is written");
            c.until(begun);
            cancel(c, h, &o, read);
        });
    })
}

fn thread_exit(rules: Rules, with_port: bool) -> Code {
    Code::new(rules, |p| {
        let h = p.file("h", Device::disk());
        let port = p.port("port");
        if with_port {
            p.bound(h, port);
        }
        let block = p.block("p");
        let other = p.block("q");
        let worker = p.thread("worker", |c| {
            c.malloc(block);
            c.zero_overlapped(&block.o());
            c.read_file(h, &block.buffer(), &block.o());
            c.exit_thread();
        });
        p.thread("main", |c| {
            c.wait_for_single_object(worker, FOREVER);
            c.free(block);
            c.victim_on_the_heap(other);
            if with_port {
                c.get_queued_completion_status(port, FOREVER);
            }
        });
    })
}
