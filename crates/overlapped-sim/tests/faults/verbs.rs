//! Each verb, and the errors that it may end with.

use std::collections::BTreeSet;

use codes::{EAGAIN, EDQUOT, EIO, EMFILE, ENFILE, ENODEV, ENOMEM, ENOSPC, EOPNOTSUPP};
use overlapped::{
    Error,
    fs::{self, File, OpenOptions},
};
use overlapped_sim::{Check, Faults, Sim};

#[cfg(target_os = "linux")]
mod codes {
    pub(super) const EIO: i32 = 5;
    pub(super) const EAGAIN: i32 = 11;
    pub(super) const ENOMEM: i32 = 12;
    pub(super) const ENODEV: i32 = 19;
    pub(super) const ENFILE: i32 = 23;
    pub(super) const EMFILE: i32 = 24;
    pub(super) const ENOSPC: i32 = 28;
    pub(super) const EOPNOTSUPP: i32 = 95;
    pub(super) const EDQUOT: i32 = 122;
}

/// As Windows has them.
#[cfg(windows)]
mod codes {
    pub(super) const EIO: i32 = 1117;
    pub(super) const EAGAIN: i32 = -2;
    pub(super) const ENOMEM: i32 = 8;
    pub(super) const ENODEV: i32 = 55;
    pub(super) const ENFILE: i32 = 1450;
    pub(super) const EMFILE: i32 = 4;
    pub(super) const ENOSPC: i32 = 112;
    pub(super) const EOPNOTSUPP: i32 = 50;
    pub(super) const EDQUOT: i32 = 1295;
}

/// The error numbers that the programs of `verb` end with, of one error in each run.
fn errors(verb: impl Fn(&Sim, &File) -> Result<(), Error>) -> BTreeSet<i32> {
    let check = Check::new().faults(Faults::none().errors(true).budget(1));
    let report = check.run(|sim| {
        sim.file("/data", vec![7; 40]);
        let opened = OpenOptions::new().read(true).write(true).open(sim, "/data").wait();
        let file = opened.map_err(|_| None)?;
        verb(sim, &file).map_err(|error| Some(error.raw_os_error().unwrap_or(0)))
    });
    assert!(report.is_complete() && report.failure().is_none(), "{:?}", report.failure());
    assert!(report.outcomes().any(Result::is_ok), "no fault is one of the ways");
    report.outcomes().filter_map(|outcome| outcome.err().flatten()).collect()
}

// [C15] EINTR is none of them: what was interrupted unasked is tried again.
#[test]
fn each_verb_fails_with_each_error_that_it_documents() {
    let read = errors(|_, file| file.read_at(vec![0; 8], 0).wait().map(drop).map_err(|f| f.error));
    assert_eq!(read, BTreeSet::from([EIO, EAGAIN, ENODEV]));
    let write =
        errors(|_, file| file.write_at(vec![0; 8], 0).wait().map(drop).map_err(|f| f.error));
    assert_eq!(write, BTreeSet::from([EIO, EAGAIN, ENODEV, ENOSPC, EDQUOT]));
    let create = errors(|sim, _| File::create(sim, "/new").wait().map(drop));
    assert_eq!(create, BTreeSet::from([ENOMEM, ENODEV, ENFILE, EMFILE, ENOSPC, EDQUOT]));
    let open = errors(|sim, _| File::open(sim, "/data").wait().map(drop));
    assert_eq!(open, BTreeSet::from([ENOMEM, ENODEV, ENFILE, EMFILE]));
    assert_eq!(
        errors(|_, file| file.sync_all().wait().map(drop)),
        BTreeSet::from([EIO, ENOSPC, EDQUOT])
    );
    assert_eq!(errors(|_, file| file.set_len(9).wait().map(drop)), BTreeSet::from([EIO]));
    let allocate = errors(|_, file| file.allocate(0, 99).wait().map(drop));
    assert_eq!(allocate, BTreeSet::from([EIO, ENODEV, ENOSPC, EOPNOTSUPP]));
    assert_eq!(errors(|_, file| file.metadata().wait().map(drop)), BTreeSet::from([EIO, ENOMEM]));
    let rename = errors(|sim, _| fs::rename(sim, "/data", "/other").wait().map(drop));
    assert_eq!(rename, BTreeSet::from([EIO, ENOSPC, EDQUOT]));
    assert_eq!(
        errors(|sim, _| fs::remove_file(sim, "/data").wait().map(drop)),
        BTreeSet::from([EIO])
    );
    let create_dir = errors(|sim, _| fs::create_dir(sim, "/new").wait().map(drop));
    assert_eq!(create_dir, BTreeSet::from([EIO, ENOSPC, EDQUOT]));
}
