//! What the explorers call the actors and the objects of a simulated system. A run that is repeated
//! calls them the same, and no two of them that are there at once have one number.

use crate::explore::{Actor, Object};

/// The program as a whole: its threads may share memory that nobody here sees.
pub(super) const PROGRAM: Object = Object(0);
pub(super) const CLOCK: Object = Object(1);
/// Names of files.
pub(super) const NAMES: Object = Object(2);
/// How many faults are left.
pub(super) const FAULTS: Object = Object(3);
/// How much room is left on the disk.
pub(super) const ROOM: Object = Object(4);
/// The clock on the wall.
pub(super) const WALL: Object = Object(5);

/// How many threads there may be, and ports.
const THREADS: u32 = 1 << 10;
const SERVICES: u32 = THREADS;
const TYPISTS: u32 = 2 * THREADS;
/// Each thread has a row of numbers for its tasks, and one for what it starts.
const TASKS: u32 = 1 << 28;
const TASKS_OF_ONE: u32 = 1 << 18;
const OPERATIONS: u32 = 1 << 29;
const OPERATIONS_OF_ONE: u32 = 1 << 19;
const QUEUES: u32 = 1 << 10;
const TERMINALS: u32 = QUEUES + THREADS;
const FILES: u32 = 1 << 20;
const PIPES: u32 = 1 << 24;

pub(super) fn thread(number: usize) -> Actor {
    Actor(few(number))
}

/// A port that is served.
pub(super) fn service(place: usize) -> Actor {
    Actor(SERVICES + few(place))
}

/// Whoever types on a terminal.
pub(super) fn typist(place: usize) -> Actor {
    Actor(TYPISTS + few(place))
}

/// A task of a thread.
pub(super) fn task(thread: usize, number: u32) -> Actor {
    assert!(number < TASKS_OF_ONE, "a simulated thread has at most {TASKS_OF_ONE} tasks");
    Actor(TASKS + few(thread) * TASKS_OF_ONE + number)
}

/// What a thread has started, by what that thread did and not by what others did. Numbers come
/// round again long after what had them is over.
pub(super) fn operation(thread: usize, number: u32) -> Actor {
    Actor(OPERATIONS + few(thread) * OPERATIONS_OF_ONE + number % OPERATIONS_OF_ONE)
}

/// What the steps of an operation change of it.
pub(super) fn of_operation(operation: Actor) -> Object {
    Object(2 * operation.0)
}

/// Whether a cancel of an operation was asked for.
pub(super) fn cancel_of(operation: Actor) -> Object {
    Object(2 * operation.0 + 1)
}

pub(super) fn queue(number: usize) -> Object {
    Object(QUEUES + few(number))
}

pub(super) fn terminal(place: usize) -> Object {
    Object(TERMINALS + few(place))
}

pub(super) fn file(inode: u32) -> Object {
    Object(FILES + inode)
}

pub(super) fn pipe(number: u32) -> Object {
    Object(PIPES + number)
}

fn few(number: usize) -> u32 {
    let few = u32::try_from(number).ok().filter(|number| *number < THREADS);
    few.expect("a simulation has at most 1,024 threads, ports and terminals; use tasks")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_have_one_number() {
        let last = THREADS as usize - 1;
        let threads = [0, 1, last];
        let mut actors: Vec<Actor> = threads.map(thread).into();
        actors.extend(threads.map(service));
        actors.extend(threads.map(typist));
        for of in threads {
            actors.extend([0, 1, TASKS_OF_ONE - 1].map(|number| task(of, number)));
            actors.extend([0, 1, OPERATIONS_OF_ONE - 1].map(|number| operation(of, number)));
        }
        assert_eq!(actors.iter().collect::<BTreeSet<_>>().len(), actors.len());
        let mut objects = vec![PROGRAM, CLOCK, NAMES, FAULTS, ROOM, WALL];
        objects.extend(threads.map(queue));
        objects.extend(threads.map(terminal));
        objects.extend([file(0), file(PIPES - FILES - 1), pipe(0), pipe(TASKS)]);
        for of in threads {
            for number in [0, 1, OPERATIONS_OF_ONE - 1] {
                let operation = operation(of, number);
                objects.extend([of_operation(operation), cancel_of(operation)]);
            }
        }
        assert_eq!(objects.iter().collect::<BTreeSet<_>>().len(), objects.len());
    }
}
