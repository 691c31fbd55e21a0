//! The chart: one panel for each workload, one line for each peer, on a logarithmic scale.

use std::fmt::Write;

use super::{
    Results, Spread,
    plan::{self, Item},
};
use crate::peer::RAW;

const WIDTH: f64 = 920.0;
const PANEL: f64 = WIDTH / 2.0;
const LINE: f64 = 17.0;
/// From the panel's left edge: where names end, where the scale begins and ends.
const NAMES: f64 = 138.0;
const SCALE: (f64, f64) = (150.0, 390.0);
const TICKS: [f64; 9] = [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];

/// Light or dark as the page is; the background is its own, for viewers that do not tell.
const STYLE: &str = "
.page { fill: #ffffff }
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 13px }
.head { font-weight: 600; font-size: 15px }
.small { font-size: 10px; fill: #59636e }
.name { text-anchor: end }
.tick { text-anchor: middle; font-size: 10px; fill: #59636e }
.grid { stroke: #d1d9e0; stroke-width: 1 }
.one { stroke: #59636e; stroke-width: 1.5 }
.ours { fill: #0969da; stroke: #0969da }
.theirs { fill: #818b98; stroke: #818b98 }
.spread { stroke-width: 2; opacity: 0.45 }
@media (prefers-color-scheme: dark) {
  .page { fill: #0d1117 }
  text { fill: #f0f6fc }
  .small, .tick { fill: #9198a1 }
  .grid { stroke: #3d444d }
  .one { stroke: #9198a1 }
  .ours { fill: #4493f8; stroke: #4493f8 }
  .theirs { fill: #9198a1; stroke: #9198a1 }
}
";

/// The chart as SVG.
pub fn svg(results: &Results) -> String {
    let items: Vec<&Item> = plan::RATIOS
        .iter()
        .filter(|item| item.charted && !results.rows(item.work).is_empty())
        .collect();
    let mut body = String::new();
    let mut top = 62.0;
    for pair in items.chunks(2) {
        let heights = pair
            .iter()
            .enumerate()
            .map(|(column, item)| panel(&mut body, results, item, column as f64 * PANEL, top));
        top += heights.fold(0.0, f64::max) + 26.0;
    }
    let title = "Processor time per operation against a raw io_uring loop";
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {top}\" width=\"{WIDTH}\" \
         height=\"{top}\" role=\"img\" aria-label=\"{title}\">\n<style>{STYLE}</style>\n\
         <rect width=\"{WIDTH}\" height=\"{top}\" rx=\"6\" class=\"page\"/>\n\
         <text x=\"12\" y=\"22\" class=\"head\">{title}</text>\n\
         <text x=\"12\" y=\"40\" class=\"small\">Less is better; logarithmic. Dot: median of the \
         rounds; line: least to most.</text>\n{body}</svg>\n"
    )
}

/// Draws one panel; its height.
fn panel(out: &mut String, results: &Results, item: &Item, left: f64, top: f64) -> f64 {
    let rows = results.rows(item.work).iter().filter(|row| row.peer != RAW);
    let rows: Vec<_> = rows.filter_map(|row| Some((row.peer, row.ratio()?))).collect();
    let height = rows.len() as f64 * LINE + 40.0;
    let _ = writeln!(
        out,
        "<g transform=\"translate({left} {top})\">\n<text x=\"12\" y=\"12\" class=\"title\">{}</text>",
        item.title
    );
    let end = height - 12.0;
    for tick in TICKS {
        let (x, class) = (place(tick), if tick == 1.0 { "one" } else { "grid" });
        let _ = writeln!(
            out,
            "<line x1=\"{x:.1}\" y1=\"20\" x2=\"{x:.1}\" y2=\"{end}\" class=\"{class}\"/>\
             <text x=\"{x:.1}\" y=\"{height}\" class=\"tick\">{tick}×</text>"
        );
    }
    for (i, (peer, ratio)) in rows.into_iter().enumerate() {
        dot(out, peer, ratio, 32.0 + i as f64 * LINE);
    }
    out.push_str("</g>\n");
    height
}

fn dot(out: &mut String, peer: &str, ratio: Spread, y: f64) {
    let class = if peer.starts_with("overlapped") { "ours" } else { "theirs" };
    let (x, from, to) = (place(ratio.median), place(ratio.min), place(ratio.max));
    let text = y + 4.0;
    let _ = writeln!(
        out,
        "<text x=\"{NAMES}\" y=\"{text}\" class=\"name\">{peer}</text>\
         <line x1=\"{from:.1}\" y1=\"{y}\" x2=\"{to:.1}\" y2=\"{y}\" class=\"{class} spread\"/>\
         <circle cx=\"{x:.1}\" cy=\"{y}\" r=\"4\" class=\"{class}\"/>\
         <text x=\"{}\" y=\"{text}\">{:.2}×</text>",
        SCALE.1 + 10.0,
        ratio.median
    );
}

/// Where a ratio stands on the scale; what is beyond stands at its end.
fn place(ratio: f64) -> f64 {
    let (low, high) = (TICKS[0].ln(), TICKS[TICKS.len() - 1].ln());
    let part = (ratio.max(f64::MIN_POSITIVE).ln() - low) / (high - low);
    SCALE.0 + part.clamp(0.0, 1.0) * (SCALE.1 - SCALE.0)
}
