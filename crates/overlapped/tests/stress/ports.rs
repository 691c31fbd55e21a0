//! Ports that come and go.

use std::time::Duration;

use overlapped::{backend::Kind, fs::File, pipe};

use crate::{port, scaled, scratch::Scratch};

pub(crate) fn come_and_go(kind: Kind) {
    let scratch = Scratch::new();
    let path = scratch.path().join("file");
    std::fs::write(&path, vec![7; 100_000]).expect("a file");
    for round in 0..scaled(200) {
        let Some(port) = port(kind) else { return };
        let file = File::open(&port, &path).wait().expect("a file");
        let (reader, writer) = pipe::pair(&port).expect("a pipe");
        let mut reads: Vec<_> = (0..8).map(|i| file.read_at(vec![0; 50_000], i)).collect();
        let idle = reader.read(vec![0; 8]);
        drop(reads.split_off(4));
        match round % 4 {
            0 => drop(port),
            1 => assert_eq!(port.shutdown(Duration::from_secs(60)).leaked, 0),
            // The handles hold it, and are dropped first.
            2 => drop((file, reader, writer)),
            _ => drop((reader, idle, writer, port, file)),
        }
        for read in reads {
            let outcome = read.wait_timeout(Duration::from_secs(60)).expect("its outcome comes");
            let _ = outcome.map_err(|failed| assert!(failed.error.is_cancelled(), "{failed}"));
        }
    }
}
