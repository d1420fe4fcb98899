//! Cells about how long a request and its answer take.

use super::{Cell, Effort, Row, Unit};
use crate::run::contestants::{Conversation, Entrant, Entrants, requests};
use crate::run::measure::{Median, interleave, ping_pong, quantile};

pub(super) fn round_trips(cell: &Cell, effort: Effort) -> Vec<Row> {
    let trips = effort.choose(500, 2_000);
    let threads = rows(
        cell,
        effort,
        "threads",
        requests::between_threads(),
        |make: &fn() -> Conversation| ping_pong(make(), trips),
    );
    #[cfg(feature = "tokio")]
    let tasks = tasks::rows(cell, effort, trips);
    #[cfg(not(feature = "tokio"))]
    let tasks = Vec::new();
    threads.into_iter().chain(tasks).collect()
}

/// Returns a row for the median and one for the 99th percentile.
fn rows<T>(
    cell: &Cell,
    effort: Effort,
    case: &'static str,
    entrants: Vec<Entrant<T>>,
    run: impl Fn(&T) -> Vec<f64>,
) -> Vec<Row> {
    let mut entrants: Entrants<_> = entrants.into();
    let samples = interleave(&mut entrants.present, effort.choose(9, 40), |entrant| {
        let took = run(&entrant.brings);
        [quantile(&took, 50), quantile(&took, 99)]
    });
    let row = |(unit, figure): (Unit, usize)| Row {
        case: Some(case),
        ..Row::of(cell, &entrants, unit, |index| {
            Median::of(samples[index].iter().map(|quantiles| quantiles[figure]))
        })
    };
    [(Unit::RoundTripMedian, 0), (Unit::RoundTrip99, 1)]
        .map(row)
        .into()
}

#[cfg(feature = "tokio")]
mod tasks {
    use tokio::runtime::{Builder, Runtime};

    use super::super::tasks::to_and_fro;
    use super::super::{Cell, Effort, Row};
    use crate::run::contestants::requests::tasks::{ByReference, Oxide, Talk, WithOneshot};
    use crate::run::contestants::{Entrant, entrant_with};

    type Run = fn(&Runtime, usize) -> Vec<f64>;

    fn takes_part<T: Talk>() -> Entrant<Run> {
        let run: Run = |runtime, trips| runtime.block_on(to_and_fro::<T>(trips));
        entrant_with(T::NAME, T::ROLE, run)
    }

    pub(super) fn rows(cell: &Cell, effort: Effort, trips: usize) -> Vec<Row> {
        let one = Builder::new_current_thread().enable_time().build();
        let mut two = Builder::new_multi_thread();
        let two = two.worker_threads(2).enable_time().build();
        let runtimes = [("tasks, 1 thread", one), ("tasks, 2 threads", two)];
        let rows = runtimes.into_iter().flat_map(|(case, runtime)| {
            let runtime = runtime.expect("a runtime");
            let entrants = vec![
                takes_part::<Oxide>(),
                takes_part::<ByReference>(),
                takes_part::<WithOneshot>(),
            ];
            super::rows(cell, effort, case, entrants, |run| run(&runtime, trips))
        });
        rows.collect()
    }
}
