//! What the file system of a directory supports, found with a file that has no name for longer
//! than it takes to open it twice.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process,
};

use overlapped::{
    AlignedBuf, Port,
    fs::{Alignment, File, OpenOptions},
};

use super::{finding::Finding, platform};
use crate::trouble::shown;

/// Bytes that are written and read; rounded up to what direct I/O asks for.
const LEN: usize = 4096;

pub(super) fn all(port: &Port, dir: &Path) -> Vec<Finding> {
    let mut findings = vec![platform::file_system(dir)];
    match Scratch::new(port, dir) {
        Ok(scratch) => findings.extend(scratch.examine()),
        Err(error) => findings.push(Finding::problem(
            "directory",
            format!("no file can be made in {}, so no more is known: {error}", shown(dir)),
            "name a directory that you may write to",
        )),
    }
    findings
}

/// Two handles to one file that is already unlinked.
struct Scratch {
    cached: File,
    direct: Result<File, overlapped::Error>,
}

impl Scratch {
    fn new(port: &Port, dir: &Path) -> io::Result<Self> {
        let path = fresh(dir);
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(0o600);
        let cached = options.clone().create_new(true).open(port, &path).wait()?;
        let direct = options.direct(true).open(port, &path).wait();
        fs::remove_file(&path)?;
        Ok(Self { cached, direct })
    }

    fn examine(self) -> Vec<Finding> {
        let mut findings = match self.direct {
            Ok(file) => direct(&file),
            // EINVAL is the answer of a file system that has no direct I/O.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                let text = "this file system has none; open files without it";
                vec![Finding::note("O_DIRECT", text)]
            }
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                vec![Finding::note("O_DIRECT", error.cause().to_string())]
            }
            Err(error) => vec![broken(&error.into())],
        };
        findings.push(nowait(self.cached));
        findings
    }
}

fn fresh(dir: &Path) -> PathBuf {
    dir.join(format!(".overlapped-doctor-{}", process::id()))
}

/// Direct I/O there and back, and what it asks for.
fn direct(file: &File) -> Vec<Finding> {
    let (asked, alignment) = match (file.metadata().wait(), file.alignment()) {
        (Ok(known), Ok(alignment)) => (known.direct.is_some(), alignment),
        (Err(error), _) | (_, Err(error)) => return vec![broken(&error.into())],
    };
    let works = match there_and_back(file, alignment) {
        Ok(n) => Finding::ok("O_DIRECT", format!("works: {n} bytes were written and read back")),
        Err(error) => broken(&error),
    };
    vec![works, told(asked, alignment)]
}

fn told(asked: bool, Alignment { memory, offset }: Alignment) -> Finding {
    let text = format!("buffers to {memory} bytes, offsets and lengths to {offset}");
    if asked {
        Finding::ok("alignment", format!("{text}; the file system asks for it"))
    } else {
        Finding::note("alignment", format!("{text}: assumed, the file system does not say"))
    }
}

fn broken(error: &io::Error) -> Finding {
    Finding::problem("O_DIRECT", format!("does not work: {error}"), "open files without it")
}

fn there_and_back(file: &File, Alignment { memory, offset }: Alignment) -> io::Result<usize> {
    let len = LEN.next_multiple_of(offset.max(1));
    let mut written = AlignedBuf::new(len, memory);
    written.fill(b'o');
    let written = file.write_all_at(written, 0).wait()?.buf;
    let read = file.read_exact_at(AlignedBuf::new(len, memory), 0).wait()?.buf;
    if *written == *read {
        Ok(len)
    } else {
        Err(io::Error::other("other bytes were read than had been written"))
    }
}

/// Whether a read of cached bytes can be told not to wait.
fn nowait(file: File) -> Finding {
    if let Err(failed) = file.write_all_at(vec![b'o'; LEN], 0).wait() {
        let text = format!("does not work: {failed}");
        return Finding::problem("write", text, "see what the kernel's log says (dmesg)");
    }
    match file.into_parts().wait().handle.into_os() {
        Ok(handle) => platform::nowait(&handle),
        Err(simulated) => unreachable!("the port is the OS's, but gave out {simulated:?}"),
    }
}
