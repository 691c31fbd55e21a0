//! io_uring forbidden by seccomp, as in many containers: the library falls back, and says so.

use std::{
    collections::BTreeMap,
    env,
    os::unix::process::CommandExt,
    process::{Command, ExitCode, Termination},
};

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch, apply_filter};

use super::support::{COMMAND, Dir, Ran, run};

/// What the child is to run: the error number of the filter, then the arguments, one a line.
const TASK: &str = "OVERLAPPED_TEST_WITHOUT_URING";
/// io_uring_setup, io_uring_enter, io_uring_register: the same numbers on every machine.
const CALLS: [i64; 3] = [425, 426, 427];
const EPERM: u32 = 1;
const ENOSYS: u32 = 38;

/// Not a test by itself: the other tests start this test's process anew and ask for this one. It
/// forbids io_uring to itself and becomes the command.
#[test]
fn child_that_becomes_the_command_without_io_uring() -> ExitCode {
    let Ok(task) = env::var(TASK) else {
        return ExitCode::SUCCESS;
    };
    let mut words = task.lines();
    let errno = words.next().and_then(|errno| errno.parse().ok()).expect("it starts with errno");
    apply_filter(&filter(errno)).expect("a process may forbid itself anything");
    Err::<(), _>(Command::new(COMMAND).args(words).env_remove(TASK).exec()).report()
}

fn filter(errno: u32) -> BpfProgram {
    let arch = TargetArch::try_from(env::consts::ARCH).expect("seccompiler knows this machine");
    let calls: BTreeMap<_, _> = CALLS.into_iter().map(|call| (call, Vec::new())).collect();
    let (allow, refuse) = (SeccompAction::Allow, SeccompAction::Errno(errno));
    let filter = SeccompFilter::new(calls, allow, refuse, arch).expect("the rules are simple");
    filter.try_into().expect("the rules are few")
}

/// Runs the command where io_uring answers with `errno`. On standard output, what the test
/// harness said before is left out.
fn without_uring(errno: u32, args: &[&str]) -> Ran {
    let test = "forbidden::child_that_becomes_the_command_without_io_uring";
    let mut child = Command::new(env::current_exe().expect("this test has a file"));
    child.args(["--exact", test, "--nocapture", "--test-threads=1"]);
    child.env(TASK, format!("{errno}\n{}", args.join("\n")));
    let mut ran = run(&mut child);
    let text = ran.text();
    let own = text.split_once(&format!("test {test} ... ")).map_or("", |(_, own)| own);
    ran.out = own.as_bytes().to_vec();
    ran
}

#[test]
fn the_doctor_names_the_filter_and_the_backend_that_is_used_instead() {
    let dir = Dir::new();
    let path = dir.path("");
    for errno in [EPERM, ENOSYS] {
        let ran = without_uring(errno, &["doctor", path.to_str().unwrap()]);
        let text = ran.text();
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let line = text.lines().find(|line| line.starts_with("problem  io_uring: "));
        let line = line.unwrap_or_else(|| panic!("no problem in {text}"));
        assert!(line.contains("forbidden by the seccomp filter of this process"), "{line}");
        assert!(line.contains("; next: allow io_uring_setup"), "{line}");
        assert!(text.contains("note     seccomp: this process is filtered\n"), "{text}");
        assert!(text.contains("note     backend: threads will be used, because "), "{text}");
        assert!(text.ends_with("The library works here, on threads.\n"), "{text}");
    }
}

#[test]
fn a_fifo_that_nobody_writes_is_still_cancelled_in_time() {
    let dir = Dir::new();
    let path = dir.fifo("fifo");
    let name = path.to_str().unwrap();
    without_uring(EPERM, &["read", name, "--timeout", "300ms"]).is_cancelled(&path);
}

#[test]
fn the_trace_tells_the_fallback_and_its_reason() {
    let ran = without_uring(EPERM, &["read", "/dev/zero", "--trace", "--hex"]);
    assert!(ran.err.contains("backend: threads, because io_uring cannot be used: "), "{ran:?}");
    assert_eq!(ran.code, Some(0));
}

#[test]
fn io_uring_that_is_asked_for_is_refused_in_one_line() {
    let ran = without_uring(EPERM, &["read", "/dev/null", "--backend", "io_uring"]);
    let told = "read /dev/null: backend io_uring is not available here: ";
    assert!(ran.line().starts_with(told), "{ran:?}");
    let next = "; use --backend threads or auto, or see overlapped doctor";
    assert!(ran.line().ends_with(next), "{ran:?}");
    assert_eq!(ran.code, Some(4));
    let threads = without_uring(EPERM, &["read", "/dev/null", "--backend", "threads"]);
    assert!(threads.line().starts_with("read /dev/null: done, 0 bytes"), "{threads:?}");
}
