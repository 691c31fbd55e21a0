//! A trace for Perfetto or `chrome://tracing`, in the trace-event format.

use super::{EventKind, Timeline};

impl Timeline {
    /// The run as trace-event JSON: a lane is a thread, an operation is an asynchronous slice from
    /// its start to its end, an arrow leads from the one to the other, and a violation is an
    /// instant that stands out. A step takes a microsecond at least, or nobody would see it.
    pub fn perfetto(&self) -> String {
        let mut items = Vec::new();
        for (index, lane) in self.lanes.iter().enumerate() {
            items.push(format!(
                "{{\"ph\":\"M\",\"pid\":1,\"tid\":{index},\"name\":\"thread_name\",\
                 \"args\":{{\"name\":{}}}}}",
                quoted(&lane.name)
            ));
            items.push(format!(
                "{{\"ph\":\"M\",\"pid\":1,\"tid\":{index},\"name\":\"thread_sort_index\",\
                 \"args\":{{\"sort_index\":{index}}}}}"
            ));
        }
        let mut clock = 0;
        for event in &self.events {
            // Steps that happen at one instant follow each other.
            clock = u64::try_from(event.at.as_micros()).unwrap_or(u64::MAX).max(clock + 1);
            let (lane, text) = (event.lane, quoted(&event.text));
            let at = format!("\"pid\":1,\"tid\":{lane},\"ts\":{clock}");
            let memory = event.memory.as_deref().unwrap_or("");
            items.push(format!(
                "{{\"ph\":\"X\",\"name\":{text},{at},\"dur\":1,\"args\":{{\"memory\":{}}}}}",
                quoted(memory)
            ));
            if event.kind == EventKind::Violation {
                items.push(format!("{{\"ph\":\"i\",\"name\":{text},{at},\"s\":\"g\"}}"));
            }
            let Some(op) = event.op else {
                continue;
            };
            let slice = format!("\"cat\":\"operation\",\"id\":{op},\"name\":\"#{op}\"");
            let flow = format!("\"cat\":\"flow\",\"id\":{op},\"name\":\"#{op}\"");
            match event.kind {
                EventKind::Start => {
                    items.push(format!("{{\"ph\":\"b\",{slice},{at}}}"));
                    items.push(format!("{{\"ph\":\"s\",{flow},{at}}}"));
                }
                EventKind::Over => {
                    items.push(format!("{{\"ph\":\"e\",{slice},{at}}}"));
                    items.push(format!("{{\"ph\":\"f\",\"bp\":\"e\",{flow},{at}}}"));
                }
                _ => {}
            }
        }
        format!(
            "{{\"displayTimeUnit\":\"ns\",\"otherData\":{{\"title\":{}}},\
             \"traceEvents\":[\n{}\n]}}\n",
            quoted(&self.title),
            items.join(",\n")
        )
    }
}

/// A JSON string.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if u32::from(c) < 0x20 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
