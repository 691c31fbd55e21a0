//! What a path names on Windows.

use std::{
    fs::File,
    io,
    os::windows::io::AsHandle,
    path::{Component, Path, Prefix},
};

use overlapped::{
    Error, Port,
    fs::{self, Kind},
    pipe::Reader,
};

use crate::{args::Ask, exit::Exit, trouble::Trouble};

/// A named pipe is not asked what it is: whoever opens it, if only to look, is its client.
pub(super) fn kind(port: &Port, path: &Path) -> Result<Kind, Error> {
    if names_a_pipe(path) { Ok(Kind::Pipe) } else { Ok(fs::metadata(port, path).wait()?.kind) }
}

/// `\\.\pipe\name`, or the same of another machine.
fn names_a_pipe(path: &Path) -> bool {
    let Some(Component::Prefix(prefix)) = path.components().next() else {
        return false;
    };
    match prefix.kind() {
        Prefix::DeviceNS(space)
        | Prefix::Verbatim(space)
        | Prefix::UNC(_, space)
        | Prefix::VerbatimUNC(_, space) => space.eq_ignore_ascii_case("pipe"),
        _ => false,
    }
}

pub(super) fn standard_input() -> io::Result<File> {
    Ok(io::stdin().as_handle().try_clone_to_owned()?.into())
}

/// No path is told to be a socket here.
pub(super) fn connected(_port: &Port, ask: &Ask) -> Result<Reader, Trouble> {
    let next = "name a file or a pipe";
    Err(Trouble::new(Exit::Failed, &ask.subject, "a socket cannot be read by its path", next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_is_known_by_its_name() {
        for name in [r"\\.\pipe\a", r"//./PIPE/a", r"\\server\pipe\a", r"\\?\pipe\a"] {
            assert!(names_a_pipe(Path::new(name)), "{name}");
        }
        for name in [r"C:\pipe\a", r"pipe\a", r"\\.\C:\pipe", r"\\server\share\pipe", "NUL"] {
            assert!(!names_a_pipe(Path::new(name)), "{name}");
        }
    }
}
