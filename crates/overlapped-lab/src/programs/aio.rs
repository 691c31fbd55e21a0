//! POSIX AIO and the kernel's own AIO: what cannot be cancelled has to be waited for.

use super::Program;
use crate::{
    Body, Buffer, Cancels, Code, Device, FOREVER, Handle, If, Overlapped, PortHandle, Rules, ms,
};

pub(super) const PROGRAMS: &[Program] = &[
    Program {
        name: "aio-cancel",
        variant: "",
        about: "POSIX AIO: aio_cancel, and return",
        verdict: "C",
        rule: "AIO_NOTCANCELED: a request that runs cannot be cancelled (3.2)",
        cause: "The helper thread has the request: it reads into the buffer and writes the status \
                into the aiocb later.",
        cure: "On AIO_NOTCANCELED wait with aio_suspend until aio_error is not EINPROGRESS.",
        incident: "nuttx#9664",
        fixed: Some("aio-suspend"),
        write: |rules| {
            with_aiocb(rules, |c, fd, buffer, cb| {
                c.aio_read(fd, buffer, cb);
                c.aio_suspend(cb, ms(1000));
                c.when(If::TIMED_OUT, |c| c.aio_cancel(fd, cb));
            })
        },
    },
    Program {
        name: "aio-suspend",
        variant: "",
        about: "POSIX AIO: aio_cancel, and aio_suspend unless it was cancelled",
        verdict: "OK",
        rule: "aio_error is not EINPROGRESS: it is over (3.2)",
        cause: "What was still queued is over at once; what runs is waited for.",
        cure: "This is the cure.",
        incident: "",
        fixed: None,
        write: |rules| {
            with_aiocb(rules, |c, fd, buffer, cb| {
                c.aio_read(fd, buffer, cb);
                c.aio_suspend(cb, ms(1000));
                c.when(If::TIMED_OUT, |c| {
                    c.aio_cancel(fd, cb);
                    c.when(If::NOT_CANCELED, |c| c.aio_suspend(cb, FOREVER));
                });
                c.aio_error(cb);
            })
        },
    },
    Program {
        name: "aio-close",
        variant: "V26",
        about: "POSIX AIO: close(fd), and return",
        verdict: "C",
        rule: "close(fd) does not cancel (3.2)",
        cause: "The late data are delivered into the buffer.",
        cure: "Wait for the request first.",
        incident: "",
        fixed: Some("aio-suspend"),
        write: |rules| {
            with_aiocb(rules, |c, fd, buffer, cb| {
                c.aio_read(fd, buffer, cb);
                c.close(fd);
            })
        },
    },
    Program {
        name: "aio-notified",
        variant: "V9",
        about: "POSIX AIO with SIGEV_THREAD: aio_suspend, free; the function comes later",
        verdict: "D",
        rule: "a notification that carries the aiocb is a claim of its own (3.2)",
        cause: "aio_suspend looks at the status; the notification is sent after it.",
        cure: "Free in the function, or ask for no notification.",
        incident: "nuttx#20107",
        fixed: Some("aio-freed-in-function"),
        write: |rules| notified(rules, false),
    },
    Program {
        name: "aio-freed-in-function",
        variant: "V12",
        about: "POSIX AIO with SIGEV_THREAD: the function frees",
        verdict: "OK",
        rule: "the notification comes once, and nothing comes after it",
        cause: "The memory belongs to the request until the function has it.",
        cure: "This is the cure.",
        incident: "",
        fixed: None,
        write: |rules| notified(rules, true),
    },
    Program {
        name: "libaio-cancel",
        variant: "V25",
        about: "io_submit, io_cancel says EINVAL, return",
        verdict: "C",
        rule: "practically nothing is cancellable: EINVAL says nothing (3.3)",
        cause: "The read goes on, and its event comes with all the data.",
        cure: "io_getevents until its event was there, or io_destroy.",
        incident: "",
        fixed: Some("libaio-destroy"),
        write: |rules| {
            with_context(rules, |c, ctx, fd, buffer| {
                c.io_submit(ctx, fd, buffer);
                c.io_getevents(ctx, ms(1000));
                c.when(If::TIMED_OUT, |c| c.io_cancel());
            })
        },
    },
    Program {
        name: "libaio-getevents",
        variant: "",
        about: "io_submit, io_cancel, io_getevents, return",
        verdict: "OK",
        rule: "the event is the proof (3.3)",
        cause: "Its event was reaped.",
        cure: "This is the cure.",
        incident: "",
        fixed: None,
        write: |rules| {
            with_context(rules, |c, ctx, fd, buffer| {
                c.io_submit(ctx, fd, buffer);
                c.io_getevents(ctx, ms(1000));
                c.when(If::TIMED_OUT, |c| {
                    c.io_cancel();
                    c.io_getevents(ctx, FOREVER);
                });
            })
        },
    },
    Program {
        name: "libaio-destroy",
        variant: "V20",
        about: "io_submit, io_destroy, return",
        verdict: "OK",
        rule: "io_destroy blocks until nothing is in flight, unlike the end of a ring (3.3)",
        cause: "It came back, so the read is over.",
        cure: "Correct.",
        incident: "",
        fixed: None,
        write: |rules| {
            with_context(rules, |c, ctx, fd, buffer| {
                c.io_submit(ctx, fd, buffer);
                c.io_destroy(ctx);
            })
        },
    },
    Program {
        name: "libaio-close",
        variant: "V26",
        about: "io_submit, close(fd), return",
        verdict: "C",
        rule: "close(fd) does not cancel: written afterwards in 50 of 50 (3.3)",
        cause: "The read holds the file, and completes into the buffer.",
        cure: "Reap its event first.",
        incident: "",
        fixed: Some("libaio-getevents"),
        write: |rules| {
            with_context(rules, |c, ctx, fd, buffer| {
                c.io_submit(ctx, fd, buffer);
                c.close(fd);
            })
        },
    },
];

/// No helper thread looks for a cancel, nor does a disk that reads past the page cache.
const DEVICE: Device = Device::disk().cancels(Cancels::Never);

fn with_aiocb(
    rules: Rules,
    write: impl FnOnce(&mut Body<'_>, Handle, &Buffer, &Overlapped),
) -> Code {
    Code::new(rules, |p| {
        let fd = p.file("fd", DEVICE);
        p.thread("program", |c| {
            c.call("read_it", |c| {
                let (cb, buffer) = (c.overlapped("cb"), c.buffer("buffer"));
                write(c, fd, &buffer, &cb);
            });
            c.victim(4);
        });
    })
}

fn with_context(
    rules: Rules,
    write: impl FnOnce(&mut Body<'_>, PortHandle, Handle, &Buffer),
) -> Code {
    Code::new(rules, |p| {
        let fd = p.file("fd", DEVICE);
        let ctx = p.port("ctx");
        p.thread("program", |c| {
            c.call("read_it", |c| {
                let buffer = c.buffer("buffer");
                write(c, ctx, fd, &buffer);
            });
            c.victim(1);
        });
    })
}

fn notified(rules: Rules, frees: bool) -> Code {
    Code::new(rules, |p| {
        let fd = p.file("fd", DEVICE);
        let block = p.block("p");
        let other = p.block("q");
        let handed = p.handed_out("p");
        let function = p.routine("function", |c| {
            c.use_handed_out();
            if frees {
                c.free(handed);
                c.victim_on_the_heap(other);
            }
        });
        p.thread("program", |c| {
            c.malloc(block);
            c.aio_read_notified(fd, &block.buffer(), &block.o(), function);
            if !frees {
                c.aio_suspend(&block.o(), FOREVER);
                c.free(block);
                c.victim_on_the_heap(other);
            }
        });
        p.pool();
    })
}
