//! How the models are run.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Explores the interleavings of a model in which no more than so many threads are stopped where
/// they could go on, and prints how many there are.
pub(crate) fn explore(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let started = Instant::now();
    let explored = Arc::new(AtomicUsize::new(0));
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 10_000;
    builder.check({
        let explored = Arc::clone(&explored);
        move || {
            explored.fetch_add(1, Ordering::Relaxed);
            model();
        }
    });
    println!(
        "{} interleavings with up to {preemptions} preemptions, in {:.1?}",
        explored.load(Ordering::Relaxed),
        started.elapsed()
    );
}
