use super::*;
use std::time::Instant;
fn rss() -> usize {
    let s = fs::read_to_string("/proc/self/statm").unwrap();
    s.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4
}
#[test]
fn crowd() {
    let mut rig = Rig::new();
    let (r, _w) = pipe();
    let dups: Vec<_> = (0..10_000).map(|_| r.try_clone().unwrap()).collect();
    let x = rig.read(&dups[0], None, 8);
    let id = x.id();
    rig.cancel(id);
    let _ = rig.bytes(x);
    println!("rss before {} KiB", rss());
    for round in 0..3 {
        let t = Instant::now();
        let reads: Vec<_> = dups.iter().map(|r| rig.read(r, None, 8)).collect();
        println!("submit 10k {:?}", t.elapsed());
        rig.land(MOMENT);
        println!("rss during {} KiB", rss());
        let (r2, w2) = pipe();
        let t = Instant::now();
        for _ in 0..200 {
            let x = rig.read(&r2, None, 8);
            rustix::io::write(&w2, b"x").unwrap();
            assert!(rig.bytes(x).is_ok());
        }
        println!("ping among 10k idle: {:?} each", t.elapsed() / 200);
        let t = Instant::now();
        for x in &reads {
            rig.cancel(x.id());
        }
        println!("cancel calls {:?}", t.elapsed());
        for x in reads {
            assert!(rig.bytes(x).is_err());
        }
        println!(
            "round {round} cancel 10k total {:?} rss {} KiB",
            t.elapsed(),
            rss()
        );
    }
    let (r2, w2) = pipe();
    let t = Instant::now();
    for _ in 0..20000 {
        let x = rig.read(&r2, None, 8);
        rustix::io::write(&w2, b"x").unwrap();
        assert!(rig.bytes(x).is_ok());
    }
    println!("ping alone: {:?} each", t.elapsed() / 20000);
    let mut rig = Rig::with(Manner::PLAIN, 4);
    let t = Instant::now();
    for _ in 0..20000 {
        let x = rig.read(&r2, None, 8);
        rustix::io::write(&w2, b"x").unwrap();
        assert!(rig.bytes(x).is_ok());
    }
    println!("ping alone, plain: {:?} each", t.elapsed() / 20000);
    let dir = Dir::new();
    fs::write(dir.join("f"), vec![1; 1 << 20]).unwrap();
    let f = fs::File::open(dir.join("f")).unwrap();
    let t = Instant::now();
    for i in 0..50000u64 {
        let x = rig.read(&f, Some(i % 256 * 4096), 4096);
        assert!(rig.bytes(x).is_ok());
    }
    println!("read_at one by one: {:?} each", t.elapsed() / 50000);
    for depth in [8, 32, 128] {
        let t = Instant::now();
        for _ in 0..(51200 / depth) {
            let v: Vec<_> = (0..depth)
                .map(|i| rig.read(&f, Some(i as u64 % 256 * 4096), 4096))
                .collect();
            for x in v {
                assert!(rig.bytes(x).is_ok());
            }
        }
        println!("read_at depth {depth}: {:?} each", t.elapsed() / 51200);
    }
}
