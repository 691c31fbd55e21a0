//! `overlapped lab`: the numbers, the drawings, and what is said of names and tokens that are none.

use std::fs;

use super::support::{Dir, Ran, command, run};

fn lab(args: &[&str]) -> Ran {
    run(command("lab").args(args))
}

#[test]
fn the_programs_are_listed() {
    let text = lab(&[]).text();
    for part in ["seed", "fix-b", "routine-loop", "V28", "under every schedule"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn the_seed_s_story_is_told_with_its_numbers() {
    let ran = lab(&["run", "seed"]);
    assert_eq!(ran.code, Some(0));
    let text = ran.text();
    for part in ["837", "581", "267", "88 timelines, 0 go wrong", "!! writes", "the debugger hides"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.contains("`fix-a`") && text.contains("0 of 88"), "{text}");
    assert!(!text.contains('\u{1b}'), "no colour without a terminal");
}

#[test]
fn numbers_come_as_json() {
    let text = lab(&["run", "seed", "--json"]).text();
    let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(value["timelines"], "837");
    assert_eq!(value["bad"], "581");
    assert_eq!(value["orders_that_matter"], 32);
    assert_eq!(value["debugged"]["bad"], "0");
    assert_eq!(value["fixed"]["bad"], "0");
}

fn json(args: &[&str]) -> serde_json::Value {
    let ran = lab(args);
    assert_eq!(ran.code, Some(0), "{args:?}");
    serde_json::from_str(&ran.text()).expect("JSON, and nothing else")
}

#[test]
fn every_verb_speaks_json() {
    let list = json(&["--json"]);
    let seed = list.as_array().expect("a list").iter().find(|program| program["name"] == "seed");
    assert_eq!(seed.expect("the seed")["verdict"], "C");
    let told = json(&["explain", "seed", "--json"]);
    assert_eq!((&told["name"], &told["fixed"]), (&"seed".into(), &"fix-a".into()));
    assert!(told["cure"].as_str().is_some_and(|cure| cure.contains("GetOverlappedResult")));
    let run = json(&["run", "seed", "--json"]);
    assert_eq!((&run["stated"], &run["verdict"]), (&"C".into(), &"C".into()));
    assert_eq!(run["why"]["earlier"], "return WAIT_TIMEOUT");
    assert_eq!(run["why"]["later"], "writes the status");
    let token = run["token"].as_str().expect("a token");
    let again = json(&["run", "seed", "--replay", token, "--json"]);
    assert_eq!(again["timeline"], run["timeline"]);
    let events = again["timeline"].as_array().expect("events");
    let hit = events.iter().find(|event| event["kind"] == "Violation").expect("a culprit");
    assert_eq!((&hit["owner"], &hit["astray"]), (&"victim()".into(), &true.into()));
}

// What the list states is what a run finds: otherwise the exit code would be 6.
#[test]
fn the_stated_verdicts_are_those_that_are_found() {
    let list = json(&["--json"]);
    let names =
        list.as_array().expect("a list").iter().filter_map(|program| program["name"].as_str());
    let kinds = ["seed", "routine", "ring-", "libaio-", "own-events"];
    for name in names.filter(|name| kinds.iter().any(|kind| name.starts_with(kind))) {
        for args in [&["run", name][..], &["run", name, "--exhaustive"]] {
            assert_eq!(lab(args).code, Some(0), "{args:?}");
        }
    }
}

#[test]
fn the_reason_is_told_and_the_debugger_s_part_in_it() {
    let text = lab(&["run", "seed"]).text().split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "`return WAIT_TIMEOUT` came before `writes the status` of read #1",
        "as in the 88 timelines in which it waits until read #1 is over",
        "turns round the very order that decides, so the debugger hides it",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_token_brings_the_timeline_back_and_drawings_are_written() {
    let text = lab(&["run", "seed", "--json"]).text();
    let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let token = value["token"].as_str().expect("a token").to_owned();
    let dir = Dir::new();
    let (svg, trace) = (dir.path("seed.svg"), dir.path("seed.json"));
    let (svg_text, trace_text) = (svg.to_string_lossy(), trace.to_string_lossy());
    let ran = lab(&["run", "seed", "--replay", &token, "--svg", &svg_text, "--trace", &trace_text]);
    assert!(ran.text().contains("!! writes"), "{}", ran.text());
    assert!(fs::read_to_string(svg).expect("a picture").starts_with("<svg "));
    let trace = fs::read_to_string(trace).expect("a trace");
    assert!(serde_json::from_str::<serde_json::Value>(&trace).is_ok());
}

#[test]
fn a_wrong_name_and_a_wrong_token_are_told() {
    let told = "there is no program \"sed\"; perhaps \"seed\"; `overlapped lab` lists the programs";
    lab(&["run", "sed"]).is_refused(2, &format!("lab run: {told}"));
    lab(&["explain", "sed"]).is_refused(2, &format!("lab explain: {told}"));
    let told = "there is no program \"zero-copy\"; perhaps \"ring-zero-copy\" or \
                \"ring-zero-copy-notified\"; \
                `overlapped lab` lists the programs";
    lab(&["run", "zero-copy"]).is_refused(2, &format!("lab run: {told}"));
    let told = "there is no program \"nothing-like-it\"; `overlapped lab` lists the programs";
    lab(&["run", "nothing-like-it"]).is_refused(2, &format!("lab run: {told}"));
    for token in ["nonsense", "z", "zzzzzz00"] {
        let ran = lab(&["run", "seed", "--replay", token]);
        assert_eq!(ran.code, Some(2), "{token}");
    }
}

#[test]
fn a_program_is_explained() {
    let text = lab(&["explain", "routine-fix-a"]).text();
    for part in ["hangs", "S29", "overlapped lab run routine-loop"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn finer_effects_change_the_numbers_and_not_the_verdict() {
    let text = lab(&["run", "seed", "--exhaustive", "--json"]).text();
    let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_ne!(value["bad"], "0");
    assert_eq!(value["fixed"]["bad"], "0");
}

#[test]
fn the_bugs_that_others_had_are_run_explained_and_proved_healed() {
    let bugs = [
        ("ring-same-user-data", "ring-own-user-data"),
        ("ring-buffer-lost", "ring-buffer-returned"),
        ("ring-deinit", "ring-deinit-waits"),
        ("ring-error-path", "ring-error-path-drains"),
        ("routine-fix-a", "routine-loop"),
        ("null-event-shared", "own-events"),
    ];
    for (bug, fix) in bugs {
        let text = lab(&["run", bug]).text();
        let proof = text.lines().find(|line| line.starts_with("proof: ")).expect(bug);
        assert!(proof.starts_with(&format!("proof: `{fix}`")), "{proof}");
        assert!(proof.contains(": 0 of ") && text.contains("\nwhy       "), "{text}");
        let text = lab(&["run", fix]).text();
        assert!(text.contains("Every schedule is correct."), "{fix}: {text}");
    }
}
