//! One run, drawn in four ways.

use std::time::Duration;

use overlapped_sim::timeline::{Event, EventKind, Lane, LaneKind, Look, Timeline, Whose};

/// When, in which lane, what, what of the memory, of what sort, after which.
type Told<'a> = (u64, usize, &'a str, &'a str, EventKind, &'a [usize]);

/// The seed's bug, as it is told: `CancelIo`, `return`, and then the write.
fn seed() -> Timeline {
    let lane = |name: &str, kind| Lane { name: name.to_owned(), kind };
    let mut timeline = Timeline {
        title: "the seed".to_owned(),
        lanes: vec![
            lane("program", LaneKind::Program),
            lane("I/O subsystem", LaneKind::Subsystem),
            lane("device driver", LaneKind::Driver),
            lane("memory", LaneKind::Memory),
        ],
        notes: vec![
            ("cause".to_owned(), "read #1 wrote 8 bytes of a frame that ended".to_owned()),
            ("missing".to_owned(), "an order between `return` and read #1's end".to_owned()),
        ],
        replay: Some("overlapped lab run seed --replay z0a".to_owned()),
        ..Timeline::default()
    };
    use EventKind::{Cancel, HandOver, Noticed, Over, Pause, Start, Step, Violation};
    let steps: [Told<'_>; 11] = [
        (1, 0, "ReadFile(h, buffer, &o)", "o, buffer: lent to read #1", Start, &[]),
        (1_000_000, 0, "~ 1000 ms are over", "", Pause, &[0]),
        (1_000_001, 0, "WaitForSingleObject(o.hEvent, 1000): timed out", "", Step, &[1]),
        (1_000_002, 0, "CancelIo(h)", "", Cancel, &[2]),
        (1_000_003, 0, "return", "frame freed while still lent", HandOver, &[3]),
        (1_000_004, 0, "victim() is called", "same bytes: victim's locals", HandOver, &[4]),
        (1_000_005, 2, "takes the read", "", Step, &[0]),
        (1_000_006, 2, "sees the cancel, gives up", "", Step, &[6, 3]),
        (
            1_000_007,
            1,
            "writes the status",
            "o.Internal = CANCELLED <- frame of victim()",
            Violation,
            &[7],
        ),
        (1_000_008, 1, "queues the routine, sets the event", "o, buffer: given back", Over, &[8]),
        (1_000_009, 0, "victim() reads its locals: CHANGED", "", Noticed, &[5]),
    ];
    for (at, lane, text, memory, kind, after) in steps {
        timeline.events.push(Event {
            at: Duration::from_micros(at),
            lane,
            text: text.to_owned(),
            memory: (!memory.is_empty()).then(|| memory.to_owned()),
            whose: Some(whose(timeline.events.len())),
            kind,
            op: (lane > 0 || kind == Start).then_some(1),
            step: timeline.events.len() + 1,
            source: None,
            after: after.to_vec(),
        });
    }
    timeline
}

/// Whose the memory is after each of the steps.
fn whose(step: usize) -> Whose {
    let owner = match step {
        0..4 => "read_it()",
        4 => "",
        _ => "victim()",
    };
    let lent = (step < 9).then(|| "read #1".to_owned());
    Whose { owner: owner.to_owned(), astray: lent.is_some() && step >= 4, lent }
}

/// One more than the table has room for, with what formats must not choke on.
fn nasty() -> Timeline {
    let mut timeline = seed();
    timeline.title = "<\"nasty\" & 'strange'>; #1\n".to_owned();
    let event = |text: &str| Event {
        at: Duration::from_secs(2),
        lane: 2,
        text: text.to_owned(),
        memory: None,
        whose: None,
        kind: EventKind::Step,
        op: Some(1),
        step: 0,
        source: None,
        after: Vec::new(),
    };
    timeline.events.push(event("\"quoted\" <tag> & 漢字 \\ \u{7} end"));
    for number in 0..40 {
        timeline.events.push(event(&format!("moves chunk {number}")));
    }
    timeline.waits.push((0, "somebody to get it up".to_owned()));
    timeline
}

#[test]
fn the_table_tells_the_story() {
    let text = seed().text(&Look::default());
    assert!(text.lines().all(|line| line.chars().count() <= 118), "{text}");
    let line = |part: &str| text.lines().position(|line| line.contains(part)).expect(part);
    assert!(line("return") < line("!! writes the"));
    let culprits: Vec<_> = text.lines().filter(|line| line.contains("!!")).collect();
    assert_eq!(culprits.len(), 1, "only the culprit is marked");
    assert!(culprits[0].contains("o.Internal = CANCELLED"), "with what it hit: {}", culprits[0]);
    assert!(text.trim_end().ends_with("replay    overlapped lab run seed --replay z0a"));
    assert!(!text.contains('\u{1b}'), "no colour unless asked for");
    let coloured = seed().text(&Look { colour: true, ..Look::default() });
    assert!(coloured.contains('\u{1b}'));
}

// Whose the bytes are stands beside each step: lent, then astray, and hit by the culprit alone.
#[test]
fn the_band_shows_when_the_memory_changed_hands_and_what_hit_it() {
    let text = seed().text(&Look { width: 200, ..Look::default() });
    let head = text.lines().next().expect("a head");
    let place = head.find("memory").expect("the lane") - 2;
    let rows = text.lines().skip(2).take(11);
    let band: String = rows.map(|row| row.chars().nth(place).unwrap_or(' ')).collect();
    assert_eq!(band, "||||####!..", "{text}");
    let svg = seed().svg();
    let count = |class: &str| svg.matches(&format!("<rect class=\"{class}\"")).count();
    // Lent; nobody's, then another's; its own again.
    assert_eq!([count("lent"), count("other"), count("free"), count("hit")], [1, 2, 1, 1]);
    for label in ["read_it()", "nobody", "victim()", "lent to read #1", "written here"] {
        assert!(svg.contains(label), "{label}");
    }
}

#[test]
fn the_table_fits_every_terminal_and_loses_no_word() {
    for width in [60, 80, 100, 118, 160, 200] {
        for timeline in [seed(), nasty()] {
            let look = Look { width, lines: 1000, ..Look::default() };
            let text = timeline.text(&look);
            let widest = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
            let noted = timeline.replay.iter().map(|replay| replay.len() + 10).max().unwrap_or(0);
            assert!(widest <= width.max(noted), "{widest} columns of {width}");
            let letters =
                |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
            let all: usize = timeline.events.iter().map(|e| letters(&e.text).len()).sum();
            assert!(letters(&text).len() >= all, "something is missing at {width}");
        }
    }
}

#[test]
fn rows_of_like_steps_are_told_as_one() {
    let text = nasty().text(&Look::default());
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("and 40 more steps"), "{text}");
    assert!(words.contains("waits: somebody to get it up"), "{text}");
}

#[test]
fn the_picture_is_well_formed_and_shows_the_culprit() {
    for timeline in [seed(), nasty()] {
        let svg = timeline.svg();
        assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"));
        assert_eq!(svg.matches("arrow-bad\" d").count(), 1);
        assert!(svg.contains("prefers-color-scheme:dark") && svg.contains("<title"));
        let (opened, closed) = (svg.matches("<text").count(), svg.matches("</text>").count());
        assert_eq!(opened, closed);
        let body = svg.split("</style>").nth(1).expect("a body");
        assert!(!body.contains(" & ") && !body.contains("<tag>"), "escaped");
    }
}

#[test]
fn the_trace_is_json_and_names_every_lane_and_operation() {
    for timeline in [seed(), nasty()] {
        let json = timeline.perfetto();
        let (open, close) = (json.matches('{').count(), json.matches('}').count());
        assert_eq!(open, close);
        assert_eq!(json.matches("thread_name").count(), timeline.lanes.len());
        for part in ["\"ph\":\"b\"", "\"ph\":\"e\"", "\"ph\":\"s\"", "\"ph\":\"f\"", "\"ph\":\"i\""]
        {
            assert_eq!(json.matches(part).count(), 1, "{part}");
        }
        assert!(!json.chars().any(|c| c != '\n' && u32::from(c) < 0x20), "control characters");
    }
}

#[test]
fn the_diagram_has_a_participant_a_lane() {
    let text = nasty().mermaid();
    assert!(text.starts_with("sequenceDiagram\n"));
    assert_eq!(text.matches("participant").count(), 4);
    assert_eq!(text.matches("--x").count(), 1);
    assert!(!text.contains(';'), "a semicolon would end a statement");
}

#[test]
fn nothing_can_be_drawn_too() {
    let nothing = Timeline { lanes: seed().lanes, ..Timeline::default() };
    assert!(nothing.text(&Look::default()).contains("t/us"));
    assert!(nothing.svg().ends_with("</svg>\n") && nothing.perfetto().contains("traceEvents"));
}
