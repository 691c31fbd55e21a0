use std::{fs, io::Write, os::unix::net::UnixStream};

use overlapped::{
    Port,
    pipe::{self, Reader, Writer},
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// How many descriptors this process has.
pub(crate) fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").expect("Linux lists them").count()
}

/// How many of them are the harness's, at most: its threads have none.
pub(crate) fn harness() -> usize {
    0
}

/// How many threads of the library this process has.
pub(crate) fn threads() -> usize {
    let all = fs::read_dir("/proc/self/task").expect("Linux lists them");
    // One may end while the list is read.
    let names = all.filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.starts_with("overlapped")).count()
}

/// So many readers of one idle pipe, or as many as the process may have descriptors.
pub(crate) fn crowd(port: &Port, count: u64) -> (Vec<Reader>, Vec<Writer>) {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    let _ = setrlimit(Resource::Nofile, raised);
    let room = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX).saturating_sub(200);
    let (reader, writer) = pipe::pair(port).expect("a pipe");
    let handle = reader.into_parts().wait().handle.into_os().expect("the OS's own");
    let another = |_| Reader::from_owned(port, handle.try_clone().expect("a descriptor"));
    ((0..count.min(room)).map(another).collect(), vec![writer])
}

/// A stream into which something writes that is not this port.
pub(crate) fn fed_from_elsewhere(port: &Port) -> (Reader, impl FnMut(&[u8]) + Send + use<>) {
    let (ours, mut theirs) = UnixStream::pair().expect("sockets");
    let feed = move |bytes: &[u8]| theirs.write_all(bytes).expect("a socket takes a record");
    (Reader::from_owned(port, ours), feed)
}
