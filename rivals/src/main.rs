//! The seed's scenario in other explorers and simulators.

mod own;
mod page;
mod rounds;
mod threads;
mod time;
mod uring;

use rounds::{Bench, Plan};

/// What is measured, in the order of the page.
fn benches() -> Vec<Bench> {
    let mut all = Vec::from(own::benches());
    all.extend(threads::benches());
    all.extend(uring::benches());
    all.extend(time::benches());
    all
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "--one") {
        let order = rounds::Order::read(&arguments[1..]).expect("only this program says --one");
        println!("{}", order.carry_out(benches()));
        return;
    }
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    if let Some(unknown) =
        arguments.iter().find(|argument| !["--dry", "--quick"].contains(&&argument[..]))
    {
        eprintln!("unknown argument {unknown:?}; there are --dry and --quick");
        std::process::exit(2);
    }
    let plan = if has("--quick") { Plan::QUICK } else { Plan::FULL };
    let results = rounds::measure(benches(), plan);
    let page = page::write(&results, plan);
    if has("--dry") || has("--quick") {
        println!("{page}");
        return;
    }
    let place = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/explorers.md");
    if let Err(error) = std::fs::write(place, page) {
        eprintln!("write {place}: {error}");
        std::process::exit(1);
    }
    println!("wrote {place}");
}
