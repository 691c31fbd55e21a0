//! Stepping a [`Model`] from outside, under any search.

use super::{Actor, Model, Search};

/// The next run of `start` that `search` decides: how it ended. `None` if there is none left.
pub fn next_run<M: Model>(start: &M, search: &mut impl Search) -> Option<M::Verdict> {
    let mut enabled: Vec<Actor> = Vec::new();
    if !search.begin() {
        return None;
    }
    let mut state = start.clone();
    loop {
        enabled.clear();
        state.enabled(&mut enabled);
        if enabled.is_empty() {
            state.blocked(search);
            search.end();
            return Some(state.verdict());
        }
        let actor = enabled[search.next(&enabled)];
        state.step(actor, search);
    }
}
