//! What is told, as JSON. Counts are texts: they may be larger than what a number holds for sure.

use overlapped_lab::{
    Report, Rules, Why,
    programs::{self, Program},
};
use overlapped_sim::timeline::{Event, Timeline};
use serde_json::{Map, Value, json};

/// The programs.
pub(super) fn list() -> String {
    let programs: Vec<_> = programs::all().map(about).collect();
    told(&json!(programs))
}

/// One program: rule, cause and cure.
pub(super) fn explain(program: &Program) -> String {
    let mut value = about(program);
    let more = [
        ("rule", program.rule),
        ("cause", program.cause),
        ("cure", program.cure),
        ("incident", program.incident),
    ];
    for (head, text) in more {
        value[head] = json!((!text.is_empty()).then_some(text));
    }
    told(&value)
}

/// What every schedule of a program shows.
pub(super) fn report(program: &Program, report: &Report, rules: Rules) -> String {
    let fixed = program.fix().map(|fixed| {
        let healed = fixed.explore(rules);
        json!({
            "name": fixed.name,
            "timelines": healed.timelines.to_string(),
            "bad": healed.bad().to_string(),
        })
    });
    let counts = report.verdicts.iter();
    let counts = counts.map(|(letters, count)| (letters.clone(), json!(count.to_string())));
    let [in_time, cancelled, late] = report.outcomes.map(|count| count.to_string());
    told(&json!({
        "name": program.name,
        "variant": program.variant,
        "about": program.about,
        "stated": program.verdict,
        "verdict": report.verdict(),
        "timelines": report.timelines.to_string(),
        "verdicts": counts.collect::<Map<_, _>>(),
        "bad": report.bad().to_string(),
        "noticed": report.noticed.to_string(),
        "in_time": in_time,
        "cancelled": cancelled,
        "too_late": late,
        "orders_that_matter": report.runs,
        "complete": report.complete,
        "token": report.simplest.as_ref().map(|(token, _)| token.to_string()),
        "timeline": report.simplest.as_ref().map(|(_, timeline)| events(timeline)),
        "why": report.why.as_ref().map(why),
        "debugged": {
            "timelines": report.debugged.0.to_string(),
            "bad": report.debugged.1.to_string(),
        },
        "fixed": fixed,
    }))
}

/// One run.
pub(super) fn timeline(token: &str, timeline: &Timeline) -> String {
    let notes = timeline.notes.iter().map(|(head, text)| (head.clone(), json!(text)));
    told(&json!({
        "title": timeline.title,
        "token": token,
        "timeline": events(timeline),
        "notes": notes.collect::<Map<_, _>>(),
    }))
}

fn about(program: &Program) -> Value {
    json!({
        "name": program.name,
        "variant": program.variant,
        "verdict": program.verdict,
        "about": program.about,
        "fixed": program.fixed,
    })
}

fn why(why: &Why) -> Value {
    let text = why.to_string();
    match why {
        Why::Order { earlier, later, of, .. } => {
            json!({ "text": text, "earlier": earlier, "later": later, "of": of })
        }
        Why::Device { .. } | Why::NoRace { .. } => json!({ "text": text }),
    }
}

fn events(timeline: &Timeline) -> Value {
    let event = |event: &Event| {
        json!({
            "at_us": event.at.as_micros().to_string(),
            "lane": timeline.lanes.get(event.lane).map(|lane| &lane.name),
            "text": event.text,
            "kind": format!("{:?}", event.kind),
            "memory": event.memory,
            "owner": event.whose.as_ref().map(|whose| &whose.owner),
            "lent": event.whose.as_ref().and_then(|whose| whose.lent.as_ref()),
            "astray": event.whose.as_ref().is_some_and(|whose| whose.astray),
        })
    };
    timeline.events.iter().map(event).collect()
}

fn told(value: &Value) -> String {
    format!("{value:#}\n")
}
