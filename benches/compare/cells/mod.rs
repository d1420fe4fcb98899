//! The cells of the comparison: what is measured.

mod burst;
mod latency;
pub(crate) mod memory;
#[cfg(feature = "tokio")]
mod tasks;
mod threads;

use self::memory::Counter;
use crate::run::contestants::{Absence, Entrant, Role};
use crate::run::envelopes::Payload;
use crate::run::measure::Median;

/// One letter of the table.
pub(crate) struct Cell {
    pub(crate) letter: char,
    pub(crate) title: &'static str,
    pub(crate) run: Run,
}

/// How a cell comes by its figures.
#[derive(Clone, Copy)]
pub(crate) enum Run {
    /// By the clock.
    Timed(fn(&Cell, Effort) -> Vec<Row>),
    /// By counting allocations.
    Counted(fn(&Cell, Counter) -> Vec<Row>),
}

pub(crate) const CELLS: &[Cell] = &[
    Cell {
        letter: 'a',
        title: "one thread publishes 64, then every subscriber receives them",
        run: Run::Timed(burst::publish_and_drain),
    },
    Cell {
        letter: 'b',
        title: "threads, lossless: one publisher",
        run: Run::Timed(threads::one_publisher),
    },
    Cell {
        letter: 'c',
        title: "threads, lossless: several publishers",
        run: Run::Timed(threads::several_publishers),
    },
    Cell {
        letter: 'd',
        title: "one of eight subscribers is stuck, or slow; one thread",
        run: Run::Timed(burst::one_is_slow),
    },
    Cell {
        letter: 'e',
        title: "latency: two threads, one envelope to and fro",
        run: Run::Timed(latency::round_trips),
    },
    Cell {
        letter: 'f',
        title: "commands to one of 1,000 modules; one thread",
        run: Run::Timed(burst::targeted),
    },
    Cell {
        letter: 'g',
        title: "publishing under a capability; one thread",
        run: Run::Timed(burst::guarded),
    },
    Cell {
        letter: 'h',
        title: "batches of 64, envelopes made beforehand; one thread",
        run: Run::Timed(burst::batches),
    },
    Cell {
        letter: 'i',
        title: "allocations, in steady bursts of 64; one thread",
        run: Run::Counted(memory::allocations),
    },
    Cell {
        letter: 'j',
        title: "memory for each further subscriber, capacity 128",
        run: Run::Counted(memory::per_subscriber),
    },
    #[cfg(feature = "tokio")]
    Cell {
        letter: 'k',
        title: "tasks on one thread: one publishes 64, and the others receive them",
        run: Run::Timed(tasks::on_one_thread),
    },
    #[cfg(feature = "tokio")]
    Cell {
        letter: 'l',
        title: "tasks on a runtime with two threads: the same",
        run: Run::Timed(tasks::on_two_threads),
    },
    Cell {
        letter: 'q',
        title: "every queue is full, and nobody receives; one thread",
        run: Run::Timed(burst::full_queues),
    },
];

/// How much is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    Quick,
    Full,
}

impl Effort {
    fn choose<T>(self, quick: T, full: T) -> T {
        match self {
            Effort::Quick => quick,
            Effort::Full => full,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    NanosecondsPerDelivery,
    NanosecondsPerPublish,
    NanosecondsPerPublishAndReceive,
    MillionDeliveriesPerSecond,
    ShareReceived,
    RoundTripMedian,
    RoundTrip99,
    AllocationsPerPublish,
    AllocationsPerDelivery,
    BytesPerSubscriber,
}

impl Unit {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Unit::NanosecondsPerDelivery => "ns/delivery",
            Unit::NanosecondsPerPublish => "ns/publish",
            Unit::NanosecondsPerPublishAndReceive => "ns/publish, received",
            Unit::MillionDeliveriesPerSecond => "M deliveries/s",
            Unit::ShareReceived => "share that the other seven receive",
            Unit::RoundTripMedian => "ns/round trip, p50",
            Unit::RoundTrip99 => "ns/round trip, p99",
            Unit::AllocationsPerPublish => "allocations/publish",
            Unit::AllocationsPerDelivery => "allocations/delivery",
            Unit::BytesPerSubscriber => "bytes/subscriber",
        }
    }

    pub(crate) fn more_is_better(self) -> bool {
        matches!(self, Unit::MillionDeliveriesPerSecond | Unit::ShareReceived)
    }
}

/// One line of figures: everybody at the same job.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) cell: char,
    pub(crate) case: Option<&'static str>,
    pub(crate) publishers: usize,
    pub(crate) subscribers: usize,
    pub(crate) payload: Payload,
    pub(crate) unit: Unit,
    pub(crate) results: Vec<Outcome>,
    pub(crate) absent: Vec<(&'static str, Absence)>,
}

/// What one contestant reached.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) name: &'static str,
    pub(crate) role: Role,
    pub(crate) median: Median,
}

/// What all entrants reached, by their place among them.
fn outcomes<T>(entrants: &[Entrant<T>], median: impl Fn(usize) -> Median) -> Vec<Outcome> {
    let outcome = |(index, entrant): (usize, &Entrant<T>)| Outcome {
        name: entrant.name,
        role: entrant.role,
        median: median(index),
    };
    entrants.iter().enumerate().map(outcome).collect()
}
