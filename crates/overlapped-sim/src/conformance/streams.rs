//! Streams: bytes in order, with the OS's own word about their end.

use super::{
    Env, table,
    tools::{MOMENT, block_on, bytes, cancelled, eventually, land, must, numbered, waits},
    words::{self, is_end},
    world,
};

table! {
    Bytes "C3" a_pipe_carries_bytes_and_tells_its_end;
    Bytes "C3" a_read_takes_what_is_there;
    Bytes "C3" read_exact_gathers_pieces_or_tells_what_came;
    Bytes "C3" write_all_goes_on_when_the_pipe_is_full;
    Bytes "C3" a_pipe_without_a_reader_says_so;
    Bytes "C3" nothing_to_move_does_not_wait;
    Bytes "C7" overlapped_reads_are_served_in_order;
    Bytes "C7" overlapped_writes_go_out_in_order;
    Bytes "C5" cancelling_the_second_read_leaves_the_first_and_the_third;
    Bytes "C4" parts_give_out_a_working_descriptor;
    Bytes "C7" closing_a_reader_ends_its_reads_and_gives_their_buffers;
    Bytes "C7" closing_a_writer_waits_for_what_was_started;
}

fn a_pipe_carries_bytes_and_tells_its_end(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let read = waits(reader.read(vec![0; 16]));
    assert_eq!(must(writer.write(b"hello".to_vec())).expect("a write").n, 5);
    assert_eq!(bytes(must(read)), b"hello");
    let last = waits(reader.read(vec![0; 16]));
    must_close(writer.close());
    assert!(is_end(&must(last)), "the end of the stream");
    assert!(is_end(&must(reader.read(vec![0; 16]))), "and it stays there");
    must_close(reader.close());
}

fn must_close(close: overlapped::pipe::Close) {
    block_on(close).expect("nothing was abandoned");
}

fn a_read_takes_what_is_there(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    must(writer.write_all(numbered(0, 100))).expect("a write");
    assert_eq!(bytes(must(reader.read(vec![0; 60]))), numbered(0, 60));
    let done = must(reader.read(vec![9; 60])).expect("a short read");
    assert_eq!(done.n, 40);
    assert_eq!(done.buf[..40], numbered(60, 40));
    assert_eq!(done.buf[40..], [9; 20], "what was not read is not touched");
}

fn read_exact_gathers_pieces_or_tells_what_came(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let mut read = reader.read_exact(vec![0; 12]);
    for piece in 0..3 {
        read = waits(read);
        must(writer.write_all(numbered(4 * piece, 4))).expect("a write");
    }
    assert_eq!(bytes(must(read)), numbered(0, 12));

    let read = waits(reader.read_exact(vec![0; 12]));
    must(writer.write_all(numbered(0, 5))).expect("a write");
    must_close(writer.close());
    let failed = must(read).expect_err("the stream ends before");
    assert_eq!((failed.error.cause(), failed.error.moved()), (words::CUT_SHORT, 5));
    assert_eq!(failed.error.operation(), "read_exact");
    assert_eq!(failed.buf[..5], numbered(0, 5));
}

fn write_all_goes_on_when_the_pipe_is_full(env: &Env) {
    let len = world::len(1 << 20);
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let write = writer.write_all(numbered(0, len));
    let mut got = Vec::new();
    while got.len() < len {
        // Nobody looks at the write in between.
        got.extend(bytes(must(reader.read(vec![0; world::len(50_000)]))));
    }
    assert_eq!(must(write).expect("a write").n, len);
    assert!(got == numbered(0, len), "every byte, in order");
}

fn a_pipe_without_a_reader_says_so(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    must_close(reader.close());
    for write in [writer.write(vec![7; 10]), writer.write_all(vec![7; 10])] {
        let failed = must(write).expect_err("nobody can read it");
        assert_eq!(
            (failed.error.raw_os_error(), failed.buf),
            (Some(words::NO_READER), vec![7; 10])
        );
        assert_eq!(failed.error.kind(), std::io::ErrorKind::BrokenPipe);
    }
}

fn nothing_to_move_does_not_wait(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    assert_eq!(must(reader.read(vec![])).expect("a read of nothing").n, 0);
    assert_eq!(must(reader.read_exact(vec![])).expect("a read of nothing").n, 0);
    assert_eq!(must(writer.write(vec![])).expect("a write of nothing").n, 0);
    assert_eq!(must(writer.write_all(vec![])).expect("a write of nothing").n, 0);
    must(writer.write_all(b"x".to_vec())).expect("a write");
    assert_eq!(bytes(must(reader.read(vec![0; 4]))), b"x", "nothing else went through");
}

fn overlapped_reads_are_served_in_order(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let reads: Vec<_> = (0..20).map(|_| reader.read(vec![0; 4])).collect();
    must(writer.write_all(numbered(0, 80))).expect("a write");
    // The last one first: order is that of the starts, not of the waits.
    for (place, read) in reads.into_iter().enumerate().rev() {
        assert_eq!(bytes(must(read)), numbered(4 * place, 4));
    }
}

fn overlapped_writes_go_out_in_order(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    // More than a pipe holds, in uneven pieces, so that some of them are interrupted half-way.
    let mut from = 0;
    let writes: Vec<_> = (0..world::crowd(100))
        .map(|i| {
            let piece = numbered(from, world::len(1000 + 31 * i) + i);
            from += piece.len();
            writer.write_all(piece)
        })
        .collect();
    assert_eq!(bytes(must(reader.read_exact(vec![0; from]))), numbered(0, from));
    for write in writes {
        must(write).expect("a write");
    }
}

fn cancelling_the_second_read_leaves_the_first_and_the_third(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let first = reader.read(vec![0; 4]);
    let second = reader.read(vec![9; 4]);
    let third = reader.read(vec![0; 4]);
    second.cancel();
    // It never reached the stream, so it is over while the first still waits.
    assert_eq!(cancelled(must(second)), [9; 4]);
    let (first, third) = (waits(first), waits(third));
    must(writer.write_all(numbered(0, 8))).expect("a write");
    assert_eq!(bytes(must(first)), numbered(0, 4));
    assert_eq!(bytes(must(third)), numbered(4, 4));
}

fn parts_give_out_a_working_descriptor(env: &Env) {
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let (reading, writing) = (reader.into_parts().wait(), writer.into_parts().wait());
    assert!(reading.error.is_none() && writing.error.is_none());
    assert!(reading.unread.is_empty());
    let reader = overlapped::pipe::Reader::from_owned(&port, reading.handle);
    let writer = overlapped::pipe::Writer::from_owned(&port, writing.handle);
    must(writer.write_all(b"again".to_vec())).expect("a write");
    assert_eq!(bytes(must(reader.read(vec![0; 9]))), b"again");
}

fn closing_a_reader_ends_its_reads_and_gives_their_buffers(env: &Env) {
    let port = env.port();
    let (reader, _writer) = env.pipe(&port);
    let reads: Vec<_> = (0..3).map(|i| reader.read(vec![i; 4])).collect();
    must_close(reader.close());
    for (i, read) in (0..).zip(reads) {
        assert!(read.is_over(), "before the descriptor is closed");
        assert_eq!(cancelled(read.wait()), [i; 4]);
    }
}

fn closing_a_writer_waits_for_what_was_started(env: &Env) {
    let len = world::len(300_000);
    let port = env.port();
    let (reader, writer) = env.pipe(&port);
    let write = writer.write_all(numbered(0, len));
    let closing = writer.close();
    let thread = world::spawn(move || closing.wait());
    world::sleep(MOMENT);
    assert!(!thread.is_finished(), "the pipe is full, and nobody reads it");
    assert_eq!(bytes(must(reader.read_exact(vec![0; len]))), numbered(0, len));
    eventually("it is closed now", || thread.is_finished());
    thread.join().expect("nothing was abandoned");
    land(&port, &write);
    assert_eq!(write.wait().expect("a write").n, len);
    assert!(is_end(&must(reader.read(vec![0; 4]))), "closed, so the stream ends");
}
