//! A small journal, written as a user would: at each point where the power may be cut, and in each
//! way in which what was not synced survives, it recovers what was acknowledged. Without one of its
//! syncs it does not, and the run that shows it is told.

use std::cell::Cell;

use overlapped::{
    Error,
    fs::{self, File, OpenOptions},
};
use overlapped_sim::{Check, Report, Sim};

/// A record's length: it lies in two sectors.
const RECORD: usize = 700;

/// Which of its syncs the program leaves out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    Nothing,
    /// After a record, before it is acknowledged.
    Record,
    /// Of the new log, before it gets the old one's name.
    NewLog,
    /// Of the directory, after that.
    Directory,
}

/// A record: its number, what was to be kept, and a check over both.
fn record(number: u8) -> Vec<u8> {
    let mut bytes = vec![number; RECORD - 1];
    bytes.push(check(&bytes));
    bytes
}

fn check(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0x55, |sum, byte| sum.rotate_left(1) ^ byte)
}

/// How many records are whole, from the first on.
fn whole(log: &[u8]) -> usize {
    let is_whole = |(number, bytes): &(usize, &[u8])| {
        let (check_sum, body) = bytes.split_last().expect("chunks are not empty");
        bytes.len() == RECORD && body[0] == *number as u8 && check(body) == *check_sum
    };
    log.chunks(RECORD).enumerate().take_while(is_whole).count()
}

/// Appends `count` records to the log, and acknowledges each when it is safe.
fn append(sim: &Sim, count: u8, missing: Missing, told: &Cell<usize>) -> Result<(), Error> {
    let log = OpenOptions::new().write(true).open(sim, "/log").wait()?;
    for number in 0..count {
        let at = u64::from(number) * RECORD as u64;
        log.write_all_at(record(number), at).wait().map_err(|failed| failed.error)?;
        if missing != Missing::Record {
            log.sync_data().wait()?;
        }
        told.set(usize::from(number) + 1);
    }
    Ok(())
}

/// Puts a new log in the old one's place, as a compaction does: written beside it, synced, renamed.
fn replace(sim: &Sim, missing: Missing, told: &Cell<usize>) -> Result<(), Error> {
    let new = File::create(sim, "/log.new").wait()?;
    new.write_all_at(record(0), 0).wait().map_err(|failed| failed.error)?;
    if missing != Missing::NewLog {
        new.sync_all().wait()?;
    }
    fs::rename(sim, "/log.new", "/log").wait()?;
    if missing != Missing::Directory {
        File::open(sim, "/").wait()?.sync_all().wait()?;
    }
    told.set(1);
    Ok(())
}

/// What was acknowledged, and what is recovered after the cut.
fn survives(sim: &Sim, run: impl Fn(&Sim, &Cell<usize>) -> Result<(), Error>) -> (usize, usize) {
    sim.file("/log", Vec::new());
    let told = Cell::new(0);
    sim.until_power_cut(|machine| run(machine, &told).expect("the disk works until then"));
    let log = File::open(sim, "/log").wait().expect("there is one, old or new");
    let read = log.read_at(vec![0; 10 * RECORD], 0).wait().expect("a read");
    let found = whole(&read.buf[..read.n]);
    assert!(found >= told.get(), "{} acknowledged and {found} recovered", told.get());
    (told.get(), found)
}

fn tried(run: impl Fn(&Sim, &Cell<usize>) -> Result<(), Error>) -> Report<(usize, usize)> {
    Check::new().run(|sim| survives(sim, &run))
}

/// Nothing is lost, in every run there is.
fn holds(report: &Report<(usize, usize)>) -> Vec<(usize, usize)> {
    assert!(report.failure().is_none(), "{}", report.failure().expect("one"));
    assert!(report.is_complete(), "each crash point and each surviving subset");
    println!("{} runs", report.runs());
    report.outcomes().copied().collect()
}

/// The missing sync is found; the told run, with the words of each of its lines apart.
fn found(report: &Report<(usize, usize)>) -> String {
    let failure = report.failure().expect("the missing sync is found").to_string();
    println!("{failure}");
    let words: Vec<_> = failure.split_whitespace().collect();
    let told = words.join(" ");
    for part in ["acknowledged and", "the power is cut", "write_at", "cause", "why", "replay"] {
        assert!(told.contains(part), "{part}: {failure}");
    }
    told
}

// [C16] each point where the power may be cut, and each way in which what was not synced survives.
#[test]
fn a_journal_recovers_what_it_acknowledged_after_every_power_cut() {
    let outcomes = holds(&tried(|sim, told| append(sim, 2, Missing::Nothing, told)));
    assert_eq!(outcomes, [(0, 0), (0, 1), (1, 1), (1, 2), (2, 2)]);
}

#[test]
fn a_record_s_missing_sync_is_found_and_its_timeline_printed() {
    let told = found(&tried(|sim, told| append(sim, 2, Missing::Record, told)));
    assert!(!told.contains("sync_data"), "what is missing is not there: {told}");
    assert!(told.contains("synced: 5 of 6"), "{told}");
    assert!(told.contains("not everything survived that was not synced"), "{told}");
}

#[test]
fn a_log_is_replaced_whole_or_not_at_all() {
    let outcomes = holds(&tried(|sim, told| replace(sim, Missing::Nothing, told)));
    assert_eq!(outcomes, [(0, 0), (1, 1)]);
}

#[test]
fn a_new_log_s_missing_sync_is_found() {
    let told = found(&tried(|sim, told| replace(sim, Missing::NewLog, told)));
    assert!(told.contains("rename"), "{told}");
    let told = found(&tried(|sim, told| replace(sim, Missing::Directory, told)));
    assert!(told.contains("rename") && told.contains("#3 sync"), "{told}");
}
