//! A sequence diagram for documents and issues.

use super::{EventKind, LaneKind, Timeline};

impl Timeline {
    /// The run as a Mermaid `sequenceDiagram`: a participant a lane, notes over the memory.
    pub fn mermaid(&self) -> String {
        let mut out = String::from("sequenceDiagram\n");
        for (index, lane) in self.lanes.iter().enumerate() {
            out.push_str(&format!("  participant L{index} as {}\n", plain(&lane.name)));
        }
        let memory = self.memory_lane();
        for event in &self.events {
            let arrow = match event.kind {
                EventKind::Violation => "--x",
                EventKind::Start | EventKind::Cancel => "->>",
                _ => "",
            };
            let next = match self.lanes.get(event.lane).map(|lane| lane.kind) {
                Some(LaneKind::Program) => self.lane_of(LaneKind::Subsystem),
                _ => memory,
            };
            let text = plain(&event.text);
            match next {
                Some(next) if !arrow.is_empty() && next != event.lane => {
                    out.push_str(&format!("  L{}{arrow}L{next}: {text}\n", event.lane));
                }
                _ => out.push_str(&format!("  Note over L{}: {text}\n", event.lane)),
            }
            if let (Some(lane), Some(text)) = (memory, &event.memory) {
                out.push_str(&format!("  Note over L{lane}: {}\n", plain(text)));
            }
        }
        out
    }

    fn lane_of(&self, kind: LaneKind) -> Option<usize> {
        self.lanes.iter().position(|lane| lane.kind == kind)
    }
}

/// What Mermaid would take for its own.
fn plain(text: &str) -> String {
    let swap = |c| match c {
        ';' | '\n' => ',',
        '#' => '\u{2116}',
        other => other,
    };
    text.chars().map(swap).collect()
}
