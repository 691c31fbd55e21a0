//! Sockets, as streams: on both mechanisms, and at the workers where a duplicate is another port's.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    os::windows::io::OwnedSocket,
    thread,
    time::Duration,
};

use overlapped::{
    Port,
    backend::Kind,
    pipe::{Duplex, Reader, Writer},
};

use super::{port, race::Race, threads, win32};

/// `WSAECONNRESET`.
const RESET: Option<i32> = Some(10054);

fn connection() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let here = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (here, listener.accept().unwrap().0)
}

fn datagrams() -> (UdpSocket, UdpSocket) {
    let bind = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let (here, there) = (bind(), bind());
    here.connect(there.local_addr().unwrap()).unwrap();
    there.connect(here.local_addr().unwrap()).unwrap();
    (here, there)
}

/// Ports, each with a connection: served by packets, by routines, and by the workers of both, since
/// a port that is gone by now has bound it.
fn served() -> [(Port, TcpStream, TcpStream); 4] {
    let bound = |of: Port| {
        let (here, there) = connection();
        drop(Reader::from_owned(&port(), here.try_clone().unwrap()));
        (of, here, there)
    };
    let free = |of: Port| {
        let (here, there) = connection();
        (of, here, there)
    };
    [free(port()), free(threads()), bound(port()), bound(threads())]
}

// The second of two duplicates finds the socket bound, and is served all the same.
#[test]
fn what_is_sent_comes_back() {
    for (port, here, mut there) in served() {
        let reader = Reader::from_owned(&port, here.try_clone().unwrap());
        let writer = Writer::from_owned(&port, here);
        let answer = reader.read_exact(vec![0; 100_000]);
        let bytes: Vec<u8> = (0..100_000_u32).map(|i| i as u8).collect();
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut bytes = vec![0; 100_000];
                there.read_exact(&mut bytes).unwrap();
                there.write_all(&bytes).unwrap();
            });
            assert_eq!(writer.write_all(bytes.clone()).wait().unwrap().n, 100_000);
        });
        assert_eq!(answer.wait().unwrap().buf, bytes);
    }
}

// Both sides have the one handle, and neither occupies a worker.
#[test]
fn a_connection_has_two_sides() {
    for kind in [Kind::Iocp, Kind::Threads] {
        let port = Port::builder().backend(kind).max_workers(1).build().unwrap();
        let both: Vec<_> = (0..20)
            .map(|_| connection())
            .map(|(here, there)| [here, there].map(|side| Duplex::from_owned(&port, side)))
            .collect();
        let sides = || both.iter().flatten();
        let reads: Vec<_> = sides().map(|side| side.reader().read_exact(vec![0; 3000])).collect();
        port.nop().wait().unwrap();
        let write = |(i, side): (usize, &Duplex)| side.writer().write_all(vec![i as u8; 3000]);
        let writes: Vec<_> = sides().enumerate().map(write).collect();
        writes.into_iter().for_each(|write| assert_eq!(write.wait().unwrap().n, 3000));
        for (i, read) in reads.into_iter().enumerate() {
            // From the other side.
            assert_eq!(read.wait().unwrap().buf, [i as u8 ^ 1; 3000]);
        }
    }
}

// [C3] the other side has shut down: 0, and nothing else is.
#[test]
fn the_end_of_a_connection_is_zero() {
    for (port, here, there) in served() {
        let reader = Reader::from_owned(&port, here);
        let read = reader.read(vec![0; 10]);
        drop(there);
        assert_eq!(read.wait().unwrap().n, 0);
        assert_eq!(reader.read(vec![0; 10]).wait().unwrap().n, 0);
    }
}

// [C3] a reset is no end, and no broken name: Winsock's own word.
#[test]
fn a_reset_is_told_as_one() {
    for (port, mut here, there) in served() {
        // What the other side has not read when it goes is why it resets the connection.
        here.write_all(b"unread").unwrap();
        let reader = Reader::from_owned(&port, here);
        let read = reader.read(vec![0; 10]);
        thread::sleep(Duration::from_millis(20));
        drop(there);
        let failed = read.wait().unwrap_err();
        assert_eq!(failed.error.raw_os_error(), RESET, "{}", failed.error);
        // Winsock's code is made of none; it stands in the OVERLAPPED.
        assert_eq!(failed.error.nt_status(), Some(0xC000_020D), "{}", failed.error);
    }
}

// [C5] [C6] cancelled, timed out or dropped: nothing was taken.
#[test]
fn a_read_of_a_socket_is_got_out_of_its_wait() {
    for (port, here, mut there) in served() {
        let reader = Reader::from_owned(&port, here);
        for round in 0..50_u8 {
            let read = reader.read(vec![7; 4]);
            if round % 2 == 0 {
                thread::sleep(Duration::from_millis(2));
            }
            read.cancel();
            assert!(read.wait().unwrap_err().error.is_cancelled());
            let read = reader.read(vec![7; 4]).deadline(Duration::from_millis(2));
            assert!(read.wait().unwrap_err().error.is_cancelled());
            drop(reader.read(vec![7; 4]));
            there.write_all(&[round; 4]).unwrap();
            assert_eq!(reader.read_exact(vec![0; 4]).wait().unwrap().buf, [round; 4]);
        }
    }
}

// [C5] [C7] each outcome is true, and no byte is lost or doubled.
#[test]
fn cancels_race_with_the_bytes_of_a_connection() {
    const ROUNDS: u32 = 1_000;
    for (port, here, mut there) in served() {
        let reader = Reader::from_owned(&port, here);
        let mut race = Race::default();
        for round in 0..ROUNDS {
            let read = reader.read(vec![0; 4]);
            Race::meet(round, &read, || there.write_all(&round.to_le_bytes()).unwrap());
            race.judge(read.wait());
            race.catch_up(&reader, round);
        }
        race.end(ROUNDS);
    }
}

// [C3] a datagram that is too long is a success with the bytes that fitted, an empty one is one.
#[test]
fn a_datagram_is_read_at_a_time() {
    for port in [port(), threads()] {
        let (here, there) = datagrams();
        let (reader, writer) = (Reader::from_owned(&port, here), Writer::from_owned(&port, there));
        // Once it is there before the read, once after it.
        for early in [true, false] {
            let reads = || [reader.read(vec![0; 5]), reader.read(vec![0; 50])];
            let waiting = (!early).then(reads);
            assert_eq!(writer.write(b"more than fits".to_vec()).wait().unwrap().n, 14);
            assert_eq!(writer.write(b"fits".to_vec()).wait().unwrap().n, 4);
            let reads = waiting.unwrap_or_else(reads);
            let got = reads.map(|read| read.wait().unwrap()).map(|done| (done.n, done.buf));
            assert_eq!(got.each_ref().map(|(n, buf)| &buf[..*n]), [&b"more "[..], b"fits"]);
        }
        let read = reader.read(vec![7; 5]);
        assert_eq!(writer.write(Vec::<u8>::new()).wait().unwrap().n, 0);
        writer.write(b"next".to_vec()).wait().unwrap();
        let read = read.wait().unwrap();
        assert_eq!((read.n, &read.buf[..]), (0, &[7; 5][..]));
        assert_eq!(reader.read(vec![0; 5]).wait().unwrap().n, 4);
    }
}

// [C3] [C5] a worker blocks in it, and is got out.
#[test]
fn a_synchronous_socket_is_served() {
    for port in [port(), threads()] {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let SocketAddr::V4(to) = listener.local_addr().unwrap() else { unreachable!() };
        let here = win32::synchronous_socket(to).unwrap();
        let mut there = listener.accept().unwrap().0;
        let writer = Writer::from_owned(&port, here.try_clone().unwrap());
        let reader = Reader::from_owned(&port, here);
        for round in 0..20_u8 {
            let read = reader.read(vec![7; 4]);
            thread::sleep(Duration::from_millis(u64::from(round % 3)));
            read.cancel();
            assert!(read.wait().unwrap_err().error.is_cancelled());
            let read = reader.read_exact(vec![0; 4]);
            there.write_all(&[round; 4]).unwrap();
            assert_eq!(read.wait().unwrap().buf, [round; 4]);
        }
        writer.write_all(b"answer".to_vec()).wait().unwrap();
        there.read_exact(&mut [0; 6]).unwrap();
        let read = reader.read(vec![0; 4]);
        drop(there);
        assert_eq!(read.wait().unwrap().n, 0);
    }
}

// [C9] everything is drained. What is given out again is a socket, and closed as one.
#[test]
fn a_port_with_sockets_comes_apart() {
    for port in [port(), threads()] {
        let (here, mut there) = connection();
        let parts = Reader::from_owned(&port, here).into_parts().wait();
        let mut here: TcpStream = OwnedSocket::try_from(parts.handle).unwrap().into();
        here.write_all(b"still open").unwrap();
        there.read_exact(&mut [0; 10]).unwrap();
        let crowd: Vec<_> = (0..50).map(|_| connection()).collect();
        let readers: Vec<_> = crowd
            .into_iter()
            .map(|(here, there)| (Reader::from_owned(&port, here), there))
            .collect();
        let reads: Vec<_> = readers.iter().map(|(reader, _)| reader.read(vec![0; 9])).collect();
        let report = port.shutdown(Duration::from_secs(20));
        assert_eq!((report.drained, report.leaked), (50, 0));
        for read in reads {
            assert!(read.wait().unwrap_err().error.is_cancelled());
        }
        for (reader, mut there) in readers {
            drop(reader);
            assert_eq!(there.read(&mut [0; 9]).unwrap(), 0);
        }
    }
}
