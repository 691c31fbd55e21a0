//! Tasks of a runtime that do nothing but operations.

use overlapped::{Runtime, backend};

/// No-ops of the null backend in a row, by each task of a round.
pub const ROW: usize = 32;

/// `depth` tasks side by side on a port of the thread's own.
pub fn tasks(depth: usize) -> impl FnMut() + use<> {
    let runtime = Runtime::with_backend(backend::null());
    let mut running = Vec::with_capacity(depth);
    move || {
        let row = |_| {
            let port = runtime.port().clone();
            runtime.spawn(async move {
                for _ in 0..ROW {
                    port.nop().await.expect("nothing");
                }
            })
        };
        running.extend((0..depth).map(row));
        runtime.block_on(async {
            for task in running.drain(..) {
                task.await;
            }
        });
    }
}
