use std::{env, fs, io, path::PathBuf, process, thread};

use overlapped::{
    AlignedBuf, Cause, Port, Runtime,
    fs::{self as ofs, File, OpenOptions},
};

use super::{port, threads};

/// A file of its own, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        Self(env::temp_dir().join(format!("overlapped-{}-{name}", process::id())))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _gone_already = fs::remove_file(&self.0);
    }
}

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i % 251) as u8).collect()
}

#[test]
fn the_best_backend_is_this_one() {
    let port = Port::shared().unwrap();
    assert_eq!(port.backend().name(), "IOCP");
    assert_eq!(port.features().fallback, None);
    assert!(port.features().missing.is_empty());
}

// [C3] a short count is not an error, and the end of a file is 0.
#[test]
fn a_file_is_written_and_read_at_offsets() {
    let (port, scratch) = (port(), Scratch::new("offsets"));
    let file = File::create(&port, &scratch.0).wait().unwrap();
    assert_eq!(file.write_all_at(bytes(100_000), 0).wait().unwrap().n, 100_000);
    let reads = (0..10).map(|i| file.read_at(vec![0; 10_000], i * 10_000)).collect::<Vec<_>>();
    let whole: Vec<u8> = reads.into_iter().flat_map(|read| read.wait().unwrap().buf).collect();
    assert_eq!(whole, bytes(100_000));
    assert_eq!(file.read_at(vec![0; 100], 99_990).wait().unwrap().n, 10);
    assert_eq!(file.read_at(vec![0; 100], 100_000).wait().unwrap().n, 0);
    let failed = file.read_exact_at(vec![0; 100], 99_990).wait().unwrap_err();
    assert_eq!((failed.error.cause(), failed.error.moved()), (Cause::UnexpectedEnd, 10));
    assert_eq!(failed.buf.len(), 100);
}

#[test]
fn several_buffers_move_one_after_the_other() {
    let (port, scratch) = (port(), Scratch::new("vectored"));
    let file = File::create(&port, &scratch.0).wait().unwrap();
    let bufs = vec![bytes(3), Vec::new(), bytes(5000), bytes(7)];
    assert_eq!(file.write_vectored_at(bufs.clone(), 11).wait().unwrap().n, 5010);
    let room = bufs.iter().map(|buf| vec![0; buf.len()]).collect();
    let read = file.read_vectored_at(room, 11).wait().unwrap();
    assert_eq!((read.n, read.buf), (5010, bufs.clone()));
    // The end comes in the middle of the third.
    let room = bufs.iter().map(|buf| vec![0; buf.len()]).collect();
    let read = file.read_vectored_at(room, 21).wait().unwrap();
    assert_eq!(read.n, 5000);
}

#[test]
fn what_has_no_overlapped_form_is_done_by_workers() {
    let (port, scratch) = (port(), Scratch::new("names"));
    let file = File::create(&port, &scratch.0).wait().unwrap();
    file.write_all_sync_at(bytes(10), 0, true).wait().unwrap();
    file.set_len(5000).wait().unwrap();
    file.sync_all().wait().unwrap();
    let told = file.metadata().wait().unwrap();
    assert_eq!((told.len, told.links), (5000, 1));
    assert_eq!(ofs::metadata(&port, &scratch.0).wait().unwrap().inode, told.inode);
    file.close().wait().unwrap();
    let renamed = Scratch::new("renamed");
    ofs::rename(&port, &scratch.0, &renamed.0).wait().unwrap();
    assert_eq!(fs::metadata(&renamed.0).unwrap().len(), 5000);
    ofs::remove_file(&port, &renamed.0).wait().unwrap();
    let error = File::open(&port, &renamed.0).wait().unwrap_err();
    assert_eq!((error.raw_os_error(), error.kind()), (Some(2), io::ErrorKind::NotFound));
    // `STATUS_OBJECT_NAME_NOT_FOUND`; a worker has it from a call that is not overlapped.
    assert_eq!(error.nt_status(), Some(0xC000_0034));
    let dir = Scratch::new("dir");
    ofs::create_dir(&port, &dir.0).wait().unwrap();
    assert!(fs::metadata(&dir.0).unwrap().is_dir());
    ofs::remove_dir(&port, &dir.0).wait().unwrap();
}

// [C3] the file grows, and never shrinks; what cannot be reserved is told in the OS's word.
#[test]
fn room_is_reserved() {
    for port in [port(), threads()] {
        let scratch = Scratch::new("room");
        let file = File::create(&port, &scratch.0).wait().unwrap();
        file.write_all_at(bytes(1000), 0).wait().unwrap();
        match file.allocate(500, 100_000).wait() {
            Ok(_) => assert_eq!(fs::metadata(&scratch.0).unwrap().len(), 100_500),
            Err(error) => {
                // Wine's word: the call is not implemented.
                assert_eq!(error.raw_os_error(), Some(120), "{error}");
                println!("no room is reserved here: {error}");
            }
        }
        let len = fs::metadata(&scratch.0).unwrap().len();
        file.allocate(0, 1000).wait().unwrap();
        assert_eq!(fs::metadata(&scratch.0).unwrap().len(), len);
        assert_eq!(file.read_exact_at(vec![0; 1000], 0).wait().unwrap().buf, bytes(1000));
        for (at, len) in [(0, 0), (u64::MAX, 1), (1 << 63, 1)] {
            let error = file.allocate(at, len).wait().unwrap_err();
            assert_eq!(error.raw_os_error(), Some(87), "{error}");
        }
    }
}

#[test]
fn the_cache_is_passed_by() {
    for port in [port(), threads()] {
        let scratch = Scratch::new("direct");
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).direct(true);
        let file = options.open(&port, &scratch.0).wait().unwrap();
        let asked = file.alignment().unwrap();
        let len = 4 * asked.offset;
        let mut buf = AlignedBuf::new(len, asked.memory);
        buf.copy_from_slice(&bytes(len));
        assert_eq!(file.write_at(buf, asked.offset as u64).wait().unwrap().n, len);
        let read = file.read_at(AlignedBuf::new(2 * len, asked.memory), asked.offset as u64);
        let read = read.wait().unwrap();
        assert_eq!((read.n, &read.buf[..len]), (len, &bytes(len)[..]));
        let ranges = file.read_ranges(&[(asked.offset as u64, len)], 4).wait();
        assert_eq!(ranges[0].as_ref().unwrap().buf[..len], bytes(len));
    }
}

#[test]
fn a_path_need_not_be_english() {
    let (port, scratch) = (port(), Scratch::new("Übergröße-数据"));
    File::create(&port, &scratch.0).wait().unwrap();
    assert!(fs::metadata(&scratch.0).unwrap().is_file());
}

// [C3] what failed at once is no operation, and has its outcome all the same.
#[test]
fn a_call_that_is_refused_is_an_outcome() {
    let (port, scratch) = (port(), Scratch::new("refused"));
    fs::write(&scratch.0, bytes(10)).unwrap();
    let file = OpenOptions::new().read(true).open(&port, &scratch.0).wait().unwrap();
    let failed = file.write_at(vec![7; 10], 0).wait().unwrap_err();
    assert_eq!(failed.error.raw_os_error(), Some(5), "{}", failed.error);
    assert_eq!(failed.buf, [7; 10]);
}

#[test]
fn a_synchronous_handle_is_served() {
    let (port, scratch) = (port(), Scratch::new("synchronous"));
    fs::write(&scratch.0, bytes(1000)).unwrap();
    let file = File::from_owned(&port, fs::File::open(&scratch.0).unwrap());
    let read = file.read_at(vec![0; 100], 500).wait().unwrap();
    assert_eq!((read.n, &read.buf[..]), (100, &bytes(1000)[500..600]));
    assert_eq!(file.read_at(vec![0; 100], 1000).wait().unwrap().n, 0);
    let room = vec![vec![0; 10], vec![0; 20]];
    assert_eq!(file.read_vectored_at(room, 0).wait().unwrap().n, 30);
}

#[test]
fn a_handle_that_is_bound_to_another_port_is_served() {
    let (first, second, scratch) = (port(), port(), Scratch::new("bound"));
    let file = File::create(&first, &scratch.0).wait().unwrap();
    file.write_all_at(bytes(1000), 0).wait().unwrap();
    let parts = file.into_parts().wait();
    let file = File::from_owned(&second, parts.handle);
    let read = file.read_at(vec![0; 1000], 0).wait().unwrap();
    assert_eq!((read.n, read.buf), (1000, bytes(1000)));
    file.write_all_at(bytes(500), 1000).wait().unwrap();
    assert_eq!(fs::metadata(&scratch.0).unwrap().len(), 1500);
}

#[test]
fn a_port_of_ones_own_serves_a_runtime_and_its_guests() {
    let scratch = Scratch::new("runtime");
    let runtime = Runtime::new().unwrap();
    let port = runtime.port().clone();
    runtime.block_on(async {
        let file = File::create(&port, &scratch.0).await.unwrap();
        file.write_all_at(bytes(4096), 0).await.unwrap();
        let read = file.read_at(vec![0; 4096], 0);
        let there = thread::spawn(move || (file.read_at(vec![0; 96], 4000), file));
        assert_eq!(read.await.unwrap().buf, bytes(4096));
        let (read, _file) = there.join().unwrap();
        assert_eq!(read.await.unwrap().n, 96);
    });
}
