use std::{hint, thread, time::Duration};

use overlapped::pipe::{self, Server};

use super::{port, race::Race, servers};

/// A race each: the cancel of a read, and the write that serves it.
const ROUNDS: u32 = 20_000;

// [C5] [C7] each outcome is true, and no byte is lost or doubled.
#[test]
fn cancels_race_with_writes_and_no_byte_is_lost() {
    let port = port();
    let (reader, writer) = pipe::pair(&port).unwrap();
    let mut race = Race::default();
    for round in 0..ROUNDS {
        let read = reader.read(vec![0; 4]);
        // Once the one is first, once the other, and every third time they meet where they like.
        let record = round.to_le_bytes().to_vec();
        let write = match round % 3 {
            0 => writer.write_all(record),
            1 => {
                read.cancel();
                writer.write_all(record)
            }
            _ => Race::meet(round, &read, || writer.write_all(record)),
        };
        read.cancel();
        race.judge(read.wait());
        assert_eq!(write.wait().unwrap().n, 4);
        race.catch_up(&reader, round);
    }
    race.end(ROUNDS);
}

// [C5] [C7] the same between threads, which meet where they like.
#[test]
fn cancels_from_another_thread_lose_nothing() {
    const BYTES: usize = 4_000;
    let port = port();
    let (reader, writer) = pipe::pair(&port).unwrap();
    let writes = thread::spawn(move || {
        for byte in 0..BYTES {
            writer.write_all(vec![byte as u8]).wait().unwrap();
            if byte % 4 == 0 {
                // Now the reader is the faster one.
                thread::sleep(Duration::from_micros(300));
            }
        }
    });
    let mut taken: Vec<u8> = Vec::new();
    let mut cancels = 0;
    while taken.len() < BYTES {
        let read = reader.read(vec![0; 7]);
        thread::scope(|scope| {
            if taken.len() % 3 == 0 {
                scope.spawn(|| read.cancel());
            }
        });
        match read.wait() {
            Ok(done) => taken.extend(&done.buf[..done.n]),
            Err(failed) => {
                assert!(failed.error.is_cancelled(), "{}", failed.error);
                cancels += 1;
            }
        }
    }
    writes.join().unwrap();
    println!("{cancels} cancels were in time");
    assert!(cancels > 0, "some are");
    assert!(taken.iter().enumerate().all(|(i, &byte)| byte == i as u8));
}

// [C8] a drop neither blocks nor frees what the OS has.
#[test]
fn a_port_is_dropped_with_reads_in_flight() {
    for _ in 0..50 {
        let port = port();
        let (reader, writer) = pipe::pair(&port).unwrap();
        let read = reader.read(vec![0; 64]);
        drop((reader, port));
        drop(read);
        drop(writer);
    }
}

// [C5] [C7] a client that comes while its server is asked to stop waiting is told, or found next.
#[test]
fn cancels_race_with_clients_and_none_is_lost() {
    let (port, name) = (port(), servers::fresh_name());
    let server = Server::create(&port, &name).unwrap();
    let (mut met, mut cancelled) = (0, 0);
    for round in 0..1_000_u32 {
        let come = server.connect();
        let client = thread::scope(|scope| {
            scope.spawn(|| come.cancel());
            (0..round % 61 * 400).for_each(|_| hint::spin_loop());
            pipe::connect(&port, &name).wait().unwrap()
        });
        match come.wait() {
            Ok(()) => met += 1,
            Err(error) => {
                assert!(error.is_cancelled(), "{error}");
                server.connect().wait().unwrap();
                cancelled += 1;
            }
        }
        client.writer().write_all(round.to_le_bytes().to_vec()).wait().unwrap();
        let read = server.reader().read_exact(vec![0; 4]).wait().unwrap();
        assert_eq!(read.buf, round.to_le_bytes());
        server.disconnect().wait().unwrap();
    }
    println!("{met} clients were met, {cancelled} waits were cancelled");
    assert!(met > 0 && cancelled > 0, "neither always wins");
}
