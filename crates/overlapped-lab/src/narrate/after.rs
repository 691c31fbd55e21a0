//! Which events had to come first: what a step waited for, or was told by.

use crate::{machine::Who, watch::Thing};
use overlapped_sim::explore::Access;

/// What has happened so far, by who could be waited for.
#[derive(Default)]
pub(super) struct Edges {
    /// Who last changed each thing: the event.
    changed: Vec<(Thing, usize)>,
    /// Each actor's last event, and its lane.
    last: Vec<(Who, usize, usize)>,
    /// All that came before each event.
    past: Vec<Vec<usize>>,
}

impl Edges {
    /// The events that `index` waited for; those that follow from others are left out.
    pub(super) fn of(
        &mut self,
        index: usize,
        who: Who,
        lane: usize,
        touched: &[(Thing, Access)],
    ) -> Vec<usize> {
        let own = self.last.iter().position(|(other, ..)| *other == who);
        let own = own.map(|at| self.last.swap_remove(at));
        let told = touched.iter().filter(|(thing, _)| tells(*thing));
        let mut direct: Vec<usize> = told
            .filter_map(|(thing, _)| self.changed.iter().find(|(other, _)| other == thing))
            .map(|(_, event)| *event)
            .collect();
        direct.extend(own.map(|(_, event, _)| event));
        direct.sort_unstable();
        direct.dedup();
        let implied = |event: &usize| {
            direct.iter().any(|later| later != event && self.past[*later].contains(event))
        };
        let mut after: Vec<_> = direct.iter().copied().filter(|event| !implied(event)).collect();
        self.past.push(self.past_of(&after));
        // What comes before in the same lane is seen.
        after.retain(|event| own.is_none_or(|(_, last, its)| last != *event || its != lane));
        self.last.push((who, index, lane));
        for (thing, access) in touched.iter().filter(|(thing, _)| tells(*thing)) {
            if *access != Access::Read {
                self.changed.retain(|(other, _)| other != thing);
                self.changed.push((*thing, index));
            }
        }
        after
    }

    fn past_of(&self, after: &[usize]) -> Vec<usize> {
        let mut past: Vec<_> = after
            .iter()
            .flat_map(|event| self.past[*event].iter().chain([event]))
            .copied()
            .collect();
        past.sort_unstable();
        past.dedup();
        past
    }
}

/// Memory tells nobody anything; that is the trouble.
fn tells(thing: Thing) -> bool {
    !matches!(thing, Thing::Cell(_) | Thing::Heap | Thing::File(_))
}
