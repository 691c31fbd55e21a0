//! Rules of Win32 that the laboratory gets wrong, and the case of its mirror that says so.

use super::Bug;

pub(super) const BUGS: &[Bug] = &[
    Bug {
        name: "`CancelIo` reaches what other threads have started",
        line: "S36",
        file: "calls/cancel.rs",
        from: "op.phase != Phase::Idle && op.file == f && op.thread == t",
        to: "op.phase != Phase::Idle && op.file == f",
        check: "laboratory::nt::C25::cancel-other-thread",
    },
    Bug {
        name: "closing one of two handles ends what is pending",
        line: "S42",
        file: "calls/handle.rs",
        from: "} else if self.file(f).handles == 0 {",
        to: "} else {",
        check: "laboratory::nt::C50::close-one-of-two",
    },
];
