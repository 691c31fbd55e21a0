//! smoke
use overlapped::{Port, backend::Kind, fs::File, pipe};
use std::{io::Write as _, time::Duration};

fn ports() -> Vec<Port> {
    [Kind::Uring, Kind::Threads]
        .into_iter()
        .map(|k| Port::builder().backend(k).build().unwrap())
        .collect()
}

#[test]
fn files() {
    for port in ports() {
        let dir = std::env::temp_dir().join(format!("ovl-{}", std::process::id()));
        let file = File::create(&port, &dir).wait().unwrap();
        let w = file.write_all_sync_at(vec![7u8; 100_000], 0, true).wait().unwrap();
        assert_eq!(w.n, 100_000);
        let a = file.read_at(vec![0; 4096], 0);
        let b = file.read_at(vec![0; 4096], 99_000);
        let a = a.wait().unwrap();
        let b = b.wait().unwrap();
        assert_eq!((a.n, b.n), (4096, 1000));
        assert!(a.buf.iter().all(|&x| x == 7));
        println!("{:?}", file.metadata().wait().unwrap());
        let (mut h, mut t) = ([0; 8], [0; 8]);
        port.scope(|s| {
            let x = s.read_at(&file, &mut h, 0);
            let y = s.read_at(&file, &mut t, 8);
            x.wait().unwrap();
            std::mem::forget(y);
        });
        assert_eq!((h, t), ([7; 8], [7; 8]));
        let r = file.read_ranges(&(0..100).map(|i| (i * 1000, 1000)).collect::<Vec<_>>(), 8).wait();
        assert!(r.iter().all(|r| r.as_ref().unwrap().n == 1000));
        file.close().wait().unwrap();
        overlapped::fs::remove_file(&port, &dir).wait().unwrap();
        println!("{:?}", File::open(&port, &dir).wait().unwrap_err().to_string());
        println!("{:?}", port);
    }
}

#[test]
fn pipes() {
    for port in ports() {
        let (r, w) = pipe::pair(&port).unwrap();
        let read = r.read(vec![0; 16]);
        let late = read.wait_timeout(Duration::from_millis(20)).unwrap_err();
        late.cancel();
        let out = late.wait().unwrap_err();
        assert!(out.error.is_cancelled(), "{out}");
        println!("{out}");
        let read = r.read(vec![0; 16]);
        drop(read);
        w.write_all(b"AAAAA".to_vec()).wait().unwrap();
        std::thread::sleep(Duration::from_millis(30));
        let d = r.read(vec![0; 3]).wait().unwrap();
        assert_eq!(&d.buf[..d.n], b"AAA");
        let d = r.read(vec![0; 3]).wait().unwrap();
        assert_eq!(&d.buf[..d.n], b"AA");
        let _p = r.read(vec![0; 10]);
        let parts = r.into_parts().wait();
        assert_eq!(parts.unread, b"");
        println!("{:?}", port.shutdown(Duration::from_secs(1)));
    }
    let _ = std::io::stdout().flush();
}
