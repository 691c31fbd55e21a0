//! Bugs that others had: each is found, drawn, explained, and healed by the fix that healed it
//! there.

use overlapped_lab::{Rules, Why, fine_rules, programs, usual_rules};
use overlapped_sim::timeline::{EventKind, Look};

/// A bug, where it was, what its program may do, its culprit (or what is waited for), and its fix.
struct Bug {
    name: &'static str,
    seen_in: &'static str,
    verdict: &'static str,
    culprit: &'static str,
    fix: &'static str,
}

const BUGS: &[Bug] = &[
    Bug {
        name: "ring-same-user-data",
        seen_in: "libxev#233",
        verdict: "M",
        culprit: "hits read #2",
        fix: "ring-own-user-data",
    },
    Bug {
        name: "ring-buffer-lost",
        seen_in: "compio#746",
        verdict: "HL",
        culprit: "while (!buffer_is_free)",
        fix: "ring-buffer-returned",
    },
    Bug {
        name: "ring-deinit",
        seen_in: "tigerbeetle#2430",
        verdict: "C",
        culprit: "moves the data",
        fix: "ring-deinit-waits",
    },
    Bug {
        name: "ring-error-path",
        seen_in: "turso#2787",
        verdict: "C",
        culprit: "moves the data",
        fix: "ring-error-path-drains",
    },
    // The seed's second exercise: what is wrong at once, and what its own fixes leave wrong.
    Bug {
        name: "routine",
        seen_in: "purejavacomm#21",
        verdict: "CD",
        culprit: "writes the",
        fix: "routine-loop",
    },
    Bug {
        name: "routine-fix-a",
        seen_in: "",
        verdict: "H",
        culprit: "nobody is left to set o.hEvent",
        fix: "routine-loop",
    },
    Bug {
        name: "routine-fix-b-null",
        seen_in: "",
        verdict: "D",
        culprit: "DANGLING",
        fix: "routine-loop",
    },
    Bug {
        name: "null-event-shared",
        seen_in: "wnbd#30",
        verdict: "C",
        culprit: "another operation's end",
        fix: "own-events",
    },
];

fn holds(bug: &Bug, rules: Rules) {
    let Bug { name, seen_in, verdict, culprit, fix } = *bug;
    let program = programs::find(name).expect(name);
    assert!(program.incident.contains(seen_in), "{name}: {}", program.incident);
    // Found.
    let report = program.explore(rules);
    assert!(report.complete && report.bad() > 0, "{name}");
    assert_eq!((report.verdict().as_str(), program.verdict), (verdict, verdict), "{name}");
    // Drawn.
    let (token, timeline) = report.simplest.expect("it goes wrong");
    let violation = timeline.events.iter().any(|event| event.kind == EventKind::Violation);
    assert!(violation || !timeline.waits.is_empty(), "{name}: nothing is marked");
    let wide = timeline.text(&Look { width: 400, ..Look::default() });
    assert!(wide.contains(culprit), "{name}: no {culprit:?} in\n{wide}");
    assert!(timeline.svg().contains("t-bad"), "{name}");
    assert_eq!(program.replay(rules, &token.to_string()).expect("its token"), timeline, "{name}");
    // Explained.
    let why = report.why.expect("a reason");
    assert!(wide.contains(&why.to_string()), "{name}: {why}");
    assert!(!matches!(why, Why::Device { .. }), "{name}: no device is to blame: {why}");
    // Healed, by what healed it there.
    assert_eq!(program.fixed, Some(fix), "{name}");
    let healed = program.fix().expect(fix).explore(rules);
    assert!(healed.complete && healed.timelines > 0, "{fix}");
    assert_eq!((healed.verdict().as_str(), healed.bad()), ("OK", 0), "{fix}");
}

#[test]
fn each_bug_that_others_had_is_found_drawn_explained_and_healed() {
    BUGS.iter().for_each(|bug| holds(bug, usual_rules()));
}

#[test]
fn and_so_it_is_with_every_effect_a_step_of_its_own() {
    BUGS.iter().for_each(|bug| holds(bug, fine_rules()));
}
