//! How the models are run.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A model with more interleavings than can be waited for is explored for this long.
const LONG_ENOUGH: Duration = Duration::from_secs(60);

/// Explores the interleavings of a model, with up to `preemptions` preemptions in each, for a minute at most. Prints
/// how many it explored.
pub(crate) fn explore(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let started = Instant::now();
    let explored = Arc::new(AtomicUsize::new(0));
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 10_000;
    builder.max_duration = Some(LONG_ENOUGH);
    builder.check({
        let explored = Arc::clone(&explored);
        move || {
            explored.fetch_add(1, Ordering::Relaxed);
            model();
        }
    });
    let took = started.elapsed();
    let extent = if took < LONG_ENOUGH {
        "all"
    } else {
        "the first"
    };
    println!(
        "{extent} {} interleavings with up to {preemptions} preemptions, in {took:.1?}",
        explored.load(Ordering::Relaxed),
    );
}
