//! Bugs of the backends on Windows, and the test that notices under Wine.

use super::Bug;

pub(super) const BUGS: &[Bug] = &[
    Bug {
        name: "a part of a message is a failure",
        line: "C3",
        file: "backend/win32/calls.rs",
        from: "ERROR_MORE_DATA | MESSAGE_SIZE => Ok(Moved { n, more: true }),",
        to: "MESSAGE_SIZE => Ok(Moved { n, more: true }),",
        check: "pipes::a_message_that_is_too_long_comes_in_parts",
    },
    Bug {
        name: "a broken pipe is the end of a file",
        line: "C3",
        file: "backend/win32/flights.rs",
        from: "Op::Read { .. } => code == ERROR_HANDLE_EOF,",
        to: "Op::Read { .. } => matches!(code, ERROR_HANDLE_EOF | 109),",
        check: "pipes::a_pipe_that_is_broken_says_so",
    },
    Bug {
        name: "a reset is the end of a connection",
        line: "C3",
        file: "backend/win32/flights.rs",
        from: "Op::Read { .. } => code == ERROR_HANDLE_EOF,",
        to: "Op::Read { .. } => matches!(code, ERROR_HANDLE_EOF | 64 | 10054),",
        check: "sockets::a_reset_is_told_as_one",
    },
    Bug {
        name: "a client that was there first is a failure",
        line: "C3",
        file: "backend/win32/flights.rs",
        from: "Op::ConnectPipe { .. } => code == ERROR_PIPE_CONNECTED,",
        to: "Op::ConnectPipe { .. } => code == 0 * ERROR_PIPE_CONNECTED,",
        check: "servers::a_client_that_is_there_first_is_a_success",
    },
    Bug {
        name: "the table lets go of an operation at its cancel",
        line: "C2",
        file: "backend/win32/flights.rs",
        from: "        calls::cancel(flight.target, &flight.entry);\n        true\n",
        to: "        calls::cancel(flight.target, &flight.entry);\n\
             \x20       self.0.remove(&id.overlapped());\n\
             \x20       true\n",
        check: "held_back::a_cancel_that_the_device_heeds_late",
    },
    Bug {
        name: "a call that is refused is waited for",
        line: "C2",
        file: "backend/win32/calls/part.rs",
        from: "MESSAGE_SIZE => Issued::Pending,\n\
            \x20           code => Issued::Refused(Failure::of(code)),",
        to: "MESSAGE_SIZE => Issued::Pending,\n\
            \x20           _ => Issued::Pending,",
        check: "files::a_call_that_is_refused_is_an_outcome",
    },
    Bug {
        name: "a success at once waits for its packet, though the handle sends none",
        line: "C2",
        file: "backend/win32/calls.rs",
        from: "matches!(self.way, Way::Packet { skips: true })",
        to: "false",
        check: "pipes::what_is_written_is_read_in_the_order_of_the_reads",
    },
    Bug {
        name: "a cancel that meets a worker between two calls is not asked again",
        line: "C5",
        file: "backend/win32/work.rs",
        from: "cancelled.inspect(|running| running.worker.ask()).count() > 0",
        to: "cancelled.count() > 0",
        check: "workers::a_cancel_that_meets_a_worker_before_its_call_is_asked_again",
    },
    Bug {
        name: "a cancel goes on to interrupt the worker's next operation",
        line: "C13",
        file: "backend/win32/work.rs",
        from: "self.running.retain(|running| running.id != id);",
        to: "self.running.retain(|running| running.id != id || running.cancelled);",
        check: "workers::cancels_race_with_the_bytes_of_a_synchronous_pipe",
    },
    Bug {
        name: "a part of an answer is told as all of it",
        line: "C3",
        file: "backend/win32/calls.rs",
        from: "ERROR_MORE_DATA | MESSAGE_SIZE => Ok(Moved { n, more: true }),",
        to: "ERROR_MORE_DATA | MESSAGE_SIZE => Ok(Moved { n, more: false }),",
        check: "devices::an_answer_comes_whole_or_in_part",
    },
    Bug {
        name: "more changes than room are told as none",
        line: "C3",
        file: "handle/win32/changes.rs",
        from: "        Self::Lost\n    }\n}",
        to: "        Self::Told(told)\n    }\n}",
        check: "watches::more_changes_than_room_are_told_as_lost",
    },
    Bug {
        name: "kept messages flow together",
        line: "C7",
        file: "lane/unread.rs",
        from: "let alone = self.messages && !whole;",
        to: "let alone = self.messages && whole;",
        check: "servers::messages_of_abandoned_reads_are_not_glued",
    },
    Bug {
        name: "what a client has sent that was sent away is read from the next",
        line: "C7",
        file: "lane/mod.rs",
        from: "        state.unread.forget();\n",
        to: "",
        check: "servers::a_client_that_is_sent_away_leaves_nothing_behind",
    },
];
