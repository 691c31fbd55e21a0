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
