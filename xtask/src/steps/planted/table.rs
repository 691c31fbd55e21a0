//! The planted bugs: each a change that breaks a line of the contract or a rule, and the test that
//! must notice.

mod laboratory;
mod windows;

/// Bugs of one place, which one test target looks for.
pub(super) struct Suite {
    /// Where their files are.
    pub(super) sources: &'static str,
    pub(super) package: &'static str,
    /// The test target.
    pub(super) test: &'static str,
    /// It is built for Windows, and runs under Wine.
    pub(super) on_windows: bool,
    pub(super) bugs: &'static [Bug],
}

/// A bug, as a replacement of text that stands in the file once.
pub(super) struct Bug {
    pub(super) name: &'static str,
    /// The line of the contract, or the rule of Win32, that it breaks.
    pub(super) line: &'static str,
    /// Below the suite's sources.
    pub(super) file: &'static str,
    pub(super) from: &'static str,
    pub(super) to: &'static str,
    /// A test, with its module.
    pub(super) check: &'static str,
}

pub(super) const SUITES: &[Suite] = &[
    Suite {
        sources: "crates/overlapped/src",
        package: "overlapped-sim",
        test: "contract",
        on_windows: false,
        bugs: CONTRACT,
    },
    Suite {
        sources: "crates/overlapped-lab/src",
        package: "overlapped-lab",
        test: "mirror",
        on_windows: false,
        bugs: laboratory::BUGS,
    },
    Suite {
        sources: "crates/overlapped/src",
        package: "overlapped",
        test: "windows",
        on_windows: true,
        bugs: windows::BUGS,
    },
];

const CONTRACT: &[Bug] = &[
    Bug {
        name: "an abandoned write is cancelled",
        line: "C7",
        file: "op/mod.rs",
        from: "            | Self::Timer { .. } => OnDrop::Cancel,\n\
            \x20           Self::Write { .. }\n\
            \x20           | Self::Sync",
        to: "            | Self::Write { .. }\n\
            \x20           | Self::Timer { .. } => OnDrop::Cancel,\n\
            \x20           Self::Sync",
        check: "outcomes::memory_is_lent_until_the_device_has_said_its_last_word",
    },
    Bug {
        name: "the memory goes when the program lets go",
        line: "C1",
        file: "iocb/half.rs",
        from: "        if self.orphan() {\n            return;\n        }",
        to: "        if self.orphan() {\n\
            \x20           drop(self.open(\"\", LISTED, |request, _| request));\n\
            \x20           return;\n\
            \x20       }",
        check: "outcomes::memory_is_lent_until_the_device_has_said_its_last_word",
    },
    Bug {
        name: "the count is taken from the request",
        line: "C3",
        file: "op/plan.rs",
        from: "            self.moved += n;\n\
            \x20           return Next::Over(Ok(Value::Count(self.moved)));",
        to: "            self.moved += memory.len();\n\
            \x20           return Next::Over(Ok(Value::Count(self.moved)));",
        check: "outcomes::an_outcome_is_the_device_s_own_word_and_brings_the_buffer",
    },
    Bug {
        name: "a whole write ends with the first short one",
        line: "C3",
        file: "op/plan.rs",
        from: "let whole = if orphan { is_write } else { self.goal != Goal::Once };",
        to: "let whole = orphan && is_write;",
        check: "outcomes::a_whole_transfer_survives_short_ones",
    },
    Bug {
        name: "a short write goes on at the old offset",
        line: "C3",
        file: "op/plan.rs",
        from: "Op::Write { to, at: Some(at + self.moved as u64) }",
        to: "Op::Write { to, at: Some(at) }",
        check: "outcomes::a_whole_transfer_survives_short_ones",
    },
    Bug {
        name: "a cancel that finds the queue full is dropped",
        line: "C5",
        file: "port/book.rs",
        from: "        self.submit.cancel(id);\n        let is_stream",
        to: "        if self.backlog.is_empty() {\n\
            \x20           self.submit.cancel(id);\n\
            \x20       }\n\
            \x20       let is_stream",
        check: "cancels::a_cancel_is_not_lost_when_the_kernel_is_full",
    },
    Bug {
        name: "a cancel does not look at what waits for room",
        line: "C5",
        file: "port/book.rs",
        from: "self.backlog.iter().position(|entry| entry.id() == id)",
        to: "self.backlog.iter().position(|entry| entry.id() == id && entry.is_empty())",
        check: "cancels::a_cancel_is_not_lost_when_the_kernel_is_full",
    },
    Bug {
        name: "a cancel is noted and not passed on",
        line: "C5",
        file: "port/book.rs",
        from: "        self.submit.cancel(id);\n        let is_stream",
        to: "        let is_stream",
        check: "cancels::a_cancel_is_a_request_and_the_outcome_is_told",
    },
    Bug {
        name: "what finds no room is forgotten",
        line: "C14",
        file: "port/book.rs",
        from: "        while let Some(entry) = self.backlog.pop_front() {",
        to: "        while let Some(entry) = self.backlog.pop_front().filter(|_|\
            \x20self.lines.len() < 2) {",
        check: "wakes::what_finds_no_room_is_done_all_the_same",
    },
    Bug {
        name: "what found no room is not tried again",
        line: "C14",
        file: "port/turn.rs",
        from: "        book.flush();\n        drop(book);",
        to: "        drop(book);",
        check: "wakes::what_finds_no_room_is_done_all_the_same",
    },
    Bug {
        name: "a timeout cancels",
        line: "C6",
        file: "pending/mod.rs",
        from: "if self.block(until) { Ok(self.take()) } else { Err(self) }",
        to: "if self.block(until) {\n\
            \x20           Ok(self.take())\n\
            \x20       } else {\n\
            \x20           self.cancel();\n\
            \x20           Err(self)\n\
            \x20       }",
        check: "cancels::a_timeout_leaves_the_operation_as_it_was",
    },
    Bug {
        name: "a deadline is forgotten",
        line: "C6",
        file: "port/timers.rs",
        from: "return Some(self.awaken(key).map_or(Due::Cancel { key, id }, Due::Land));",
        to: "let _ = id;\n\
            \x20           if let Some(entry) = self.awaken(key) {\n\
            \x20               return Some(Due::Land(entry));\n\
            \x20           }",
        check: "cancels::a_deadline_tells_the_truth",
    },
    Bug {
        name: "a deadline comes early",
        line: "C6",
        file: "port/timers.rs",
        from: "self.armed.peek().is_some_and(|Reverse(timer)| timer.at <= now)",
        to: "self.armed.peek().is_some()",
        check: "cancels::a_deadline_tells_the_truth",
    },
    Bug {
        name: "the will of an abandoned read is skipped",
        line: "C7",
        file: "lane/mod.rs",
        from: "        self.lock().unread.keep(origin, bytes, more);",
        to: "        let _ = (origin, bytes, more);",
        check: "abandoned::no_byte_of_a_stream_is_lost_or_doubled",
    },
    Bug {
        name: "bytes that were kept are served after those that came later",
        line: "C7",
        file: "lane/unread.rs",
        from: "let (&origin, _) = self.pieces.first_key_value()?;",
        to: "let (&origin, _) = self.pieces.first_key_value().filter(|_| self.here > 4)?;",
        check: "abandoned::no_byte_of_a_stream_is_lost_or_doubled",
    },
    Bug {
        name: "why an abandoned write failed is forgotten",
        line: "C7",
        file: "port/held.rs",
        from: "        state.owed.get_or_insert(cause);",
        to: "        let _ = (&mut state, cause);",
        check: "abandoned::an_abandoned_write_that_failed_is_told_of_once",
    },
    Bug {
        name: "why an abandoned write failed is told again and again",
        line: "C7",
        file: "port/held.rs",
        from: "        self.owes.store(false, SeqCst);\n        state.owed.take()",
        to: "        let _ = &mut state;\n        state.owed",
        check: "abandoned::an_abandoned_write_that_failed_is_told_of_once",
    },
    Bug {
        name: "an orphan is landed by nobody",
        line: "C8",
        file: "pending/mod.rs",
        from: "        drop(half);\n\
            \x20       // An orphan must be landed without anybody waiting for it.\n\
            \x20       shard.attend(key, id);",
        to: "        drop(half);",
        check: "abandoned::what_was_abandoned_is_landed_though_nobody_waits",
    },
    Bug {
        name: "a shutdown does not ask what flies to stop",
        line: "C9",
        file: "port/end.rs",
        from: "        self.cancel_where(|_| true);",
        to: "        self.cancel_where(|_| false);",
        check: "ends::a_shutdown_drains_and_says_so",
    },
    Bug {
        name: "a shutdown does not wait",
        line: "C9",
        file: "port/end.rs",
        from: "        self.drive(&parker, &|| self.busy() == 0, until);\n        self.busy()",
        to: "        let _ = (&parker, until);\n        self.busy()",
        check: "ends::a_shutdown_drains_and_says_so",
    },
    Bug {
        name: "a closed port takes in more",
        line: "C9",
        file: "port/book.rs",
        from: "if self.closed || self.allowance == 0 { self.look_for_room() }",
        to: "if self.allowance == 0 { self.look_for_room() }",
        check: "ends::a_shutdown_drains_and_says_so",
    },
    Bug {
        name: "a shutdown has no bound",
        line: "C9",
        file: "port/mod.rs",
        from: "let leaked = self.shards().map(|shard| shard.drain(until)).sum();",
        to: "let leaked = self.shards().map(|shard| shard.drain(None)).sum();",
        check: "ends::a_shutdown_is_bounded",
    },
    Bug {
        name: "a scope counts handles and not landings",
        line: "C10",
        file: "iocb/tally.rs",
        from: "    joined.wait();\n    drop(joined);",
        to: "    if result.is_ok() {\n\
            \x20       joined.wait();\n\
            \x20   }\n\
            \x20   std::mem::forget(joined);",
        check: "ends::after_a_scope_nothing_that_it_lent_is_in_flight",
    },
    Bug {
        name: "a waker is called with the book locked",
        line: "C11",
        file: "port/turn.rs",
        from: "                after.landed.push(over);\n            }\n        }",
        to: "                after.land(self, over);\n\
            \x20               self.finish(&mut after);\n\
            \x20           }\n\
            \x20       }",
        check: "wakes::a_waker_may_use_the_port",
    },
    Bug {
        name: "a waker is lost",
        line: "C12",
        file: "port/after.rs",
        from: "                if let Some(waiter) = waiter {",
        to: "                if let Some(waiter) = waiter.filter(|_| self.count % 2 == 0) {",
        check: "wakes::tasks_are_woken_by_their_wakers",
    },
    Bug {
        name: "a late cancel reaches whoever has the line now",
        line: "C13",
        file: "port/book.rs",
        from: "self.lines.get_mut(key as usize).filter(|line| line.id() == id)",
        to: "self.lines.get_mut(key as usize).filter(|_| id == id)",
        check: "cancels::a_late_cancel_hits_nobody_else",
    },
    Bug {
        name: "a timer outlives its operation",
        line: "C13",
        file: "port/book.rs",
        from: "        self.timers.disarm(key);\n        if self.lines",
        to: "        if self.lines",
        check: "cancels::a_late_deadline_hits_nobody_else",
    },
    Bug {
        name: "an event lets everybody pass",
        line: "C8",
        file: "pending/event.rs",
        from: "        if self.0.automatic {\n\
            \x20           state.set = false;\n\
            \x20       }\n\
            \x20       set",
        to: "        set",
        check: "wakes::an_automatic_event_lets_one_pass",
    },
    Bug {
        name: "who follows is not promoted",
        line: "C14",
        file: "port/helm.rs",
        from: "            drop(state);\n\
            \x20           next.wake();\n\
            \x20           return Call::Nobody;",
        to: "            drop(state);\n\
            \x20           let _ = next;\n\
            \x20           return Call::Nobody;",
        check: "wakes::whoever_follows_is_got_up",
    },
];
