//! One run of a program on a simulated system.

use std::sync::Arc;

use crate::{
    Sim,
    kernel::{Decider, Enter, Kernel, Left, Settings},
};

/// Where runs take place, one after the other: each on a system of its own, in the room of the one
/// before.
#[derive(Default)]
pub(crate) struct Stage {
    used: Option<Arc<Kernel>>,
}

impl Stage {
    /// Runs `body`; what it returned, unless it was unwound.
    pub(crate) fn run<R>(
        &mut self,
        choice: Decider,
        settings: Settings,
        traced: bool,
        body: impl FnOnce(&Sim) -> R,
    ) -> (Option<R>, Left) {
        let quiet = settings.quiet;
        let kernel = self.kernel(choice, settings, traced);
        let enter = Enter::new(&kernel, 0, quiet);
        let sim = Sim::new(&kernel);
        let output = kernel.caught(|| body(&sim));
        kernel.caught(|| enter.end_routines());
        // Its last handle may be this one: what is in flight is asked to stop.
        kernel.caught(|| drop(sim));
        let left = kernel.finish();
        drop(enter);
        self.used = Some(kernel);
        (output, left)
    }

    /// A new system. What a body has kept of the one before (a handle, a waker, a thread) still
    /// belongs to that one.
    fn kernel(&mut self, choice: Decider, settings: Settings, traced: bool) -> Arc<Kernel> {
        if let Some(mut used) = self.used.take() {
            if let Some(kernel) = Arc::get_mut(&mut used) {
                kernel.renew(choice, settings, traced);
                return used;
            }
        }
        Arc::new(Kernel::new(choice, settings, traced))
    }
}

/// As [`Stage::run`], once.
pub(crate) fn once<R>(
    choice: Decider,
    settings: Settings,
    traced: bool,
    body: impl FnOnce(&Sim) -> R,
) -> (Option<R>, Left) {
    Stage::default().run(choice, settings, traced, body)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use overlapped::{fs::File, pipe};

    use super::*;
    use crate::{
        explore::{Random, Search},
        kernel::Trouble,
    };

    const RUNS: u64 = 100;

    fn trouble(seed: u64, body: impl FnOnce(&Sim)) -> Option<Trouble> {
        let mut search = Random::new(seed, 1);
        search.begin();
        let (_, left) = once(Box::new(search), Settings::default(), true, body);
        left.trouble
    }

    #[test]
    fn a_file_is_written_and_read() {
        for seed in 0..RUNS {
            let trouble = trouble(seed, |sim| {
                let file = File::create(sim, "/log").wait().expect("a file");
                let written = file.write_all_at(vec![7; 1000], 0).wait().expect("a write");
                assert_eq!(written.n, 1000);
                let read = file.read_at(vec![0; 2000], 0).wait().expect("a read");
                assert_eq!((read.n, &read.buf[..1000]), (1000, &[7; 1000][..]));
                let late = file.read_at(vec![0; 100], 0);
                late.cancel();
                drop(late);
            });
            assert!(trouble.is_none(), "{trouble:?}");
        }
    }

    #[test]
    fn a_pipe_wakes_who_waits_and_a_deadlock_is_found() {
        for seed in 0..RUNS {
            let trouble = trouble(seed, |sim| {
                let (reader, writer) = pipe::pair(sim).expect("a pipe");
                let read = reader.read(vec![0; 16]);
                let read = read.wait_timeout(Duration::from_secs(3600)).expect_err("it waits");
                let got = sim.block_on(async {
                    writer.write_all(b"hello".to_vec()).await.expect("a write");
                    read.await.expect("a read").n
                });
                assert_eq!(got, 5);
                let other = sim.thread("other", move || reader.read(vec![0; 5]).wait().is_ok());
                let _ = writer.write_all(b"again".to_vec()).wait();
                assert!(other.join());
            });
            assert!(trouble.is_none(), "{trouble:?}");
        }
        let trouble = trouble(1, |sim| {
            let (reader, _writer) = pipe::pair(sim).expect("a pipe");
            let _ = reader.read(vec![0; 16]).wait();
        });
        assert!(matches!(trouble, Some(Trouble::Hang(_))), "{trouble:?}");
    }

    #[test]
    fn a_runtime_runs_on_it_unchanged() {
        for seed in 0..RUNS {
            let trouble = trouble(seed, |sim| {
                sim.file("/data", vec![3; 5000]);
                let runtime = sim.runtime();
                let port = runtime.port().clone();
                let n = runtime.block_on(async move {
                    let file = File::open(&port, "/data").await.expect("a file");
                    let (a, b) = (file.read_at(vec![0; 100], 0), file.read_at(vec![0; 100], 4950));
                    let nap = port.sleep(Duration::from_secs(1000));
                    nap.await.expect("a nap");
                    a.await.expect("a").n + b.await.expect("b").n
                });
                assert_eq!(n, 150);
            });
            assert!(trouble.is_none(), "{trouble:?}");
        }
    }
}
