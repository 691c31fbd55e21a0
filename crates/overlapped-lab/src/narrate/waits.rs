//! At the end of a run that hangs: who waits for what, and who could have ended it.

use super::subsystem;
use crate::{
    Machine,
    calls::{self, Call},
    objects::{OPS, Target},
};

pub(super) fn told(machine: &Machine<'_>) -> Vec<(usize, String)> {
    let mut waits: Vec<_> = machine.waiting().map(|t| (usize::from(t), wait(machine, t))).collect();
    if waits.is_empty() {
        return waits;
    }
    let driver = subsystem(machine.code) + 1;
    let flying = (0..OPS).filter(|i| machine.world.ops[*i].in_flight());
    waits.extend(flying.map(|i| {
        let name = &machine.code.ops[i].name;
        (driver, format!("{name} has no data, and nobody cancels it"))
    }));
    waits
}

fn wait(machine: &Machine<'_>, t: u8) -> String {
    let instr = machine.call(t);
    format!("{}; {}", instr.text, who_could(machine, t, &instr.call))
}

fn who_could(machine: &Machine<'_>, t: u8, call: &Call) -> String {
    let text = match *call {
        Call::Wait { .. } | Call::ResultWait { .. } => {
            let target = calls::waited_for(&machine.world, &machine.code.setup, t, call);
            return target.map_or_else(String::new, |target| nobody(machine, target));
        }
        Call::Sleep { .. } => "no routine is left to run",
        Call::Dequeue { .. } => "no packet is left to come",
        Call::Poll(_) | Call::Suspend { .. } => "nobody is left to write the status",
        Call::Returned(_) => "nothing is left to end it",
        _ => "nobody is left to end it",
    };
    text.to_owned()
}

fn nobody(machine: &Machine<'_>, target: Target) -> String {
    match target {
        Target::Event(e) => {
            let name = &machine.code.events[usize::from(e)];
            format!("nobody is left to set {name}")
        }
        Target::File(f) => {
            let name = machine.code.files[usize::from(f)];
            format!("no operation is left to signal {name}")
        }
        Target::Thread(t) => {
            let name = machine.code.threads[usize::from(t)];
            format!("{name} does not end")
        }
    }
}
