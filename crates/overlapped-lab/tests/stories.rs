//! Runs as they are told: named schedules, culprits, tokens, the same program as async code.

use overlapped_lab::{
    Calls, Code, Device, FOREVER, Function, Handle, Harm, SCHEDULES, Task, Why, ms,
    next_run_of_tasks, programs, usual_rules,
};
use overlapped_sim::{
    explore::{Plain, Random, Reduced, Search, next_run},
    timeline::{EventKind, LaneKind, Timeline},
};
use std::{collections::BTreeSet, rc::Rc};

fn has(timeline: &Timeline, kind: EventKind) -> bool {
    timeline.events.iter().any(|event| event.kind == kind)
}

#[test]
fn the_seed_s_two_timelines_have_the_same_events_and_not_the_same_end() {
    let seed = programs::find("seed").expect("built in");
    let told = SCHEDULES.map(|schedule| {
        let (token, timeline) = seed.scheduled(usual_rules(), &schedule).expect("it can run so");
        let again = seed.replay(usual_rules(), &token.to_string()).expect("the token is its own");
        assert_eq!(again.events, timeline.events, "{}", schedule.name);
        timeline
    });
    let [normal, debugger] = &told;
    assert!(has(normal, EventKind::Violation) && has(normal, EventKind::Noticed));
    assert!(!has(debugger, EventKind::Violation) && !has(debugger, EventKind::Noticed));
    let done = |timeline: &Timeline| {
        let texts = timeline.events.iter().map(|event| event.text.clone());
        texts.filter(|text| !text.contains("its locals")).collect::<BTreeSet<_>>()
    };
    assert_eq!(done(normal), done(debugger));
    let written = |timeline: &Timeline| {
        let memory = timeline.events.iter().filter_map(|event| event.memory.clone());
        memory.filter(|memory| memory.contains("CANCELLED")).collect::<Vec<_>>()
    };
    assert_eq!(written(normal), ["o.Internal = CANCELLED <- frame of victim()"]);
    assert_eq!(written(debugger), ["o.Internal = CANCELLED"]);
    let fixed = programs::find("fix-a").expect("built in");
    assert!(fixed.scheduled(usual_rules(), &SCHEDULES[0]).is_err(), "it cannot run like that");
}

// The oracle is the cause, so the first run of all shows it: program first, device last.
#[test]
fn the_seed_s_bug_is_the_first_run() {
    let code = programs::find("seed").expect("built in").code(usual_rules());
    let first = next_run(&code.machine(), &mut Plain::default()).expect("one run");
    assert!(first.harm.has(Harm::CORRUPTS), "the device comes after everything");
    assert!(!first.harm.has(Harm::NOTICED), "and the symptom shows nothing");
}

#[test]
fn every_bug_is_drawn_with_its_culprit_and_every_hang_with_who_waits() {
    for program in programs::all().filter(|program| program.verdict != "OK") {
        let report = program.explore(usual_rules());
        let (token, timeline) = report.simplest.expect("it goes wrong");
        let waits = !timeline.waits.is_empty();
        let culprit = has(&timeline, EventKind::Violation);
        let hangs = program.verdict.contains('H');
        assert!(culprit || program.verdict == "L" || hangs && waits, "{}", program.name);
        let again = program.replay(usual_rules(), &token.to_string()).expect("its own token");
        assert_eq!(again, timeline, "{}", program.name);
    }
}

fn why(name: &str) -> Why {
    let program = programs::find(name).expect("built in");
    program.explore(usual_rules()).why.expect("it goes wrong")
}

// The explanation is found by turning races round, and names the two steps that the seed names.
#[test]
fn the_seed_goes_wrong_because_it_returns_before_the_status_is_written() {
    let why = why("seed");
    let Why::Order { earlier, later, of, everywhere: Some(all), at_breakpoint } = &why else {
        panic!("{why}");
    };
    assert_eq!((&earlier[..], &later[..]), ("return WAIT_TIMEOUT", "writes the status"));
    assert_eq!(of.as_deref(), Some("read #1"));
    assert_eq!((&all.op[..], all.timelines, all.bad), ("read #1", 88, 0), "as with the fix");
    assert!(at_breakpoint, "the debugger turns the very same order round");
}

#[test]
fn the_second_exercise_is_explained_by_its_own_two_steps() {
    let one_wait = why("routine-one-wait");
    let Why::Order { earlier, later, everywhere: Some(all), at_breakpoint, .. } = &one_wait else {
        panic!("{one_wait}");
    };
    assert!(earlier.starts_with("SleepEx(INFINITE, TRUE)"), "{one_wait}");
    assert!(later.starts_with("queues the routine"), "{one_wait}");
    assert_eq!(all.bad, 0, "{one_wait}");
    assert!(!at_breakpoint, "a breakpoint on the return would be too late");
    // The event that is waited for is never set: no order helps.
    assert_eq!(why("routine-fix-a"), Why::NoRace { always: true });
}

#[test]
fn every_bug_has_a_reason_that_was_tried() {
    for program in programs::all() {
        let report = program.explore(usual_rules());
        assert_eq!(report.why.is_some(), program.verdict != "OK", "{}", program.name);
        if let Some(why) = report.why {
            println!("{:<26} {why}", program.name);
            let fine = report.verdicts.contains_key("OK");
            assert_eq!(why == Why::NoRace { always: true }, !fine, "{}: {why}", program.name);
        }
    }
}

// The band beside the memory: whose the bytes are, from the hand-over to the write that hits.
#[test]
fn the_band_shows_the_seed_s_frame_astray_from_the_return_on() {
    let seed = programs::find("seed").expect("built in");
    let bands = SCHEDULES.map(|schedule| {
        let (_, timeline) = seed.scheduled(usual_rules(), &schedule).expect("it can run so");
        let whose = timeline.events.into_iter().filter_map(|event| event.whose);
        let mut band: Vec<_> =
            whose.map(|whose| (whose.owner, whose.lent.is_some(), whose.astray)).collect();
        band.dedup();
        band
    });
    let owner = |owner: &str, lent, astray| (owner.to_owned(), lent, astray);
    let normal = [
        owner("read_it()", true, false),
        owner("", true, true),
        owner("victim()", true, true),
        owner("victim()", false, false),
        owner("", false, false),
    ];
    assert_eq!(bands[0], normal);
    assert!(bands[1].iter().all(|(.., astray)| !astray), "never under the debugger: {bands:?}");
}

#[test]
fn a_token_of_another_program_is_refused() {
    let token = programs::find("forget").expect("built in").explore(usual_rules()).simplest;
    let (token, _) = token.expect("it goes wrong");
    let other = programs::find("fix-a").expect("built in");
    assert!(other.replay(usual_rules(), &token.to_string()).is_err());
}

#[test]
fn every_fix_heals_what_it_is_the_fix_of() {
    for program in programs::all() {
        assert_eq!(program.fixed.is_some(), program.fix().is_some(), "{}", program.name);
        if let Some(fix) = program.fix() {
            let report = fix.explore(usual_rules());
            assert_eq!(report.bad(), 0, "{} heals {}", fix.name, program.name);
            assert!(report.complete);
        }
    }
}

#[test]
fn all_variants_are_there() {
    let known: BTreeSet<_> = programs::all().map(|program| program.variant).collect();
    for n in 0..=34 {
        assert!(known.contains(&format!("V{n}")[..]), "V{n}");
    }
    let names: Vec<_> = programs::all().map(|program| program.name).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "a name occurs twice");
}

// The first exercise of the seed: every way in which a cancelled read can end.
#[test]
fn a_cancelled_read_ends_in_each_of_four_ways() {
    let code = programs::find("exercise-1").expect("built in").code(usual_rules());
    let sums = overlapped_sim::explore::walk(&code.machine(), Default::default());
    let outcomes: BTreeSet<_> = sums.runs.keys().map(|v| format!("{:?}", v.outcome)).collect();
    assert_eq!(outcomes.into_iter().collect::<Vec<_>>(), ["Cancelled", "Failed", "TooLate"]);
    let seed = programs::find("fix-a").expect("built in").code(usual_rules());
    let sums = overlapped_sim::explore::walk(&seed.machine(), Default::default());
    assert!(sums.runs.keys().any(|v| format!("{:?}", v.outcome) == "InTime"));
}

#[test]
fn who_came_before_is_told_without_what_follows_from_it() {
    let seed = programs::find("seed").expect("built in");
    let (_, timeline) = seed.scheduled(usual_rules(), &SCHEDULES[0]).expect("it can run so");
    let by = |text: &str| {
        let at = timeline.events.iter().position(|event| event.text.starts_with(text));
        let event = &timeline.events[at.expect(text)];
        event.after.iter().map(|after| &timeline.events[*after].text[..]).collect::<Vec<_>>()
    };
    assert_eq!(by("takes the read"), ["ReadFile(h, buffer, &o)"]);
    assert_eq!(by("sees the cancel"), ["CancelIo(h)"]);
    assert_eq!(by("writes the byte count"), ["sees the cancel, gives up"]);
    assert!(by("return").is_empty(), "nothing orders it: that is the bug");
    assert_eq!(timeline.lanes.last().map(|lane| lane.kind), Some(LaneKind::Memory));
}

/// The seed as async code.
struct Reader {
    code: Rc<Code>,
    h: Handle,
    event: Handle,
    functions: [Function; 2],
    fixed: bool,
}

impl Reader {
    fn new(fixed: bool) -> Rc<Self> {
        let mut parts = None;
        let code = Code::new(usual_rules(), |p| {
            let functions = [p.function("read_it"), p.function("victim")];
            parts = Some((p.file("h", Device::disk()), p.event_handle("o.hEvent"), functions));
        });
        let (h, event, functions) = parts.expect("the outline was written");
        Rc::new(Self { code: Rc::new(code), h, event, functions, fixed })
    }

    async fn run(self: Rc<Self>, c: Calls) {
        let frame = c.begins_in(self.functions[0], &[self.event]);
        c.read_file(self.h, frame, 0).await;
        if c.timed_out(self.event, ms(1000)).await {
            c.cancel_io(self.h).await;
            if self.fixed {
                c.timed_out(self.event, FOREVER).await;
            }
        }
        c.leave(frame).await;
        let locals = c.enter(self.functions[1], 4).await;
        c.look(locals).await;
    }

    /// All runs: how many, how many go wrong, how many are noticed.
    fn runs(self: &Rc<Self>, search: &mut impl Search) -> (u32, u32, u32) {
        let (mut runs, mut bad, mut noticed) = (0, 0, 0);
        let begin = |calls: &[Calls; 3], tasks: &mut Vec<Task>| {
            tasks.push(Box::pin(Rc::clone(self).run(calls[0].clone())));
        };
        while let Some(verdict) = next_run_of_tasks(&self.code, search, begin) {
            runs += u32::from(!search.was_redundant());
            bad += u32::from(verdict.harm.is_bad());
            noticed += u32::from(verdict.harm.has(Harm::NOTICED));
        }
        (runs, bad, noticed)
    }
}

#[test]
fn as_async_code_the_seed_has_the_same_timelines() {
    assert_eq!(Reader::new(false).runs(&mut Reduced::naive()), (837, 581, 267));
    assert_eq!(Reader::new(true).runs(&mut Reduced::naive()), (88, 0, 0));
    assert_eq!(Reader::new(false).runs(&mut Reduced::new()).0, 32);
    assert_eq!(Reader::new(true).runs(&mut Reduced::new()), (4, 0, 0));
    let (_, bad, _) = Reader::new(false).runs(&mut Random::new(1, 1000));
    assert!(bad > 300, "{bad} of 1000 by chance");
}
