//! The cells of the comparison: each measures one thing.

mod at_rest;
mod burst;
mod coming;
mod fairness;
mod filtered;
mod groups;
mod latency;
pub(crate) mod memory;
mod newest;
mod race;
mod requests;
#[cfg(feature = "tokio")]
mod tasks;
mod threads;
mod wire;

use self::memory::Counter;
use crate::run::contestants::{Absence, Entrant, Entrants, Role};
use crate::run::envelopes::Payload;
use crate::run::measure::Median;

/// One cell: one letter of the table.
pub(crate) struct Cell {
    pub(crate) letter: char,
    pub(crate) title: &'static str,
    pub(crate) run: Run,
}

/// How a cell gets its figures.
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
        letter: 'm',
        title: "at rest: all subscribers sleep when one envelope is published",
        run: Run::Timed(at_rest::threads_and_tasks),
    },
    Cell {
        letter: 'n',
        title: "filtered by pattern, source or predicate, or groups of one; one thread",
        run: Run::Timed(filtered::by_each_question),
    },
    Cell {
        letter: 'o',
        title: "keep the newest; one thread",
        run: Run::Timed(newest::keep_the_newest),
    },
    Cell {
        letter: 'p',
        title: "groups: each envelope goes to one of four threads, lossless",
        run: Run::Timed(groups::one_of_four),
    },
    Cell {
        letter: 'q',
        title: "every queue is full, and nobody receives; one thread",
        run: Run::Timed(burst::full_queues),
    },
    Cell {
        letter: 'r',
        title: "request and reply, between two threads and between tasks",
        run: Run::Timed(requests::round_trips),
    },
    Cell {
        letter: 's',
        title: "coming and going: one thread subscribes and leaves while another publishes every 300 us",
        run: Run::Timed(coming::while_publishing),
    },
    Cell {
        letter: 't',
        title: "fairness between publishers that wait for room",
        run: Run::Timed(fairness::shares),
    },
    Cell {
        letter: 'u',
        title: "nearly full: one subscriber beside 16 stays at 90 % of its capacity; one thread",
        run: Run::Timed(newest::nearly_full),
    },
    Cell {
        letter: 'v',
        title: "wire and audit: JSON in and out, and a publish that is written down",
        run: Run::Timed(wire::json_and_audit),
    },
];

/// How much a cell measures.
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
    PublishMedian,
    Publish90,
    PublishLongest,
    PublisherProcessorTime,
    UntilLastHasIt,
    SubscribeAndLeave,
    MillionEnvelopesPerSecond,
    LeastShare,
    LongestWait,
    NanosecondsPerEnvelope,
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
            Unit::PublishMedian => "ns/publish, p50",
            Unit::Publish90 => "ns/publish, p90",
            Unit::PublishLongest => "ns/publish, longest",
            Unit::PublisherProcessorTime => "ns/publish, its thread's processor time",
            Unit::UntilLastHasIt => "ns until the last has it",
            Unit::SubscribeAndLeave => "ns to subscribe and leave",
            Unit::MillionEnvelopesPerSecond => "M envelopes/s",
            Unit::LeastShare => "least share of a publisher, 1 is fair",
            Unit::LongestWait => "ns, longest wait of a publisher",
            Unit::NanosecondsPerEnvelope => "ns/envelope",
            Unit::AllocationsPerPublish => "allocations/publish",
            Unit::AllocationsPerDelivery => "allocations/delivery",
            Unit::BytesPerSubscriber => "bytes/subscriber",
        }
    }

    pub(crate) fn more_is_better(self) -> bool {
        matches!(
            self,
            Unit::MillionDeliveriesPerSecond
                | Unit::MillionEnvelopesPerSecond
                | Unit::ShareReceived
                | Unit::LeastShare
        )
    }
}

/// One line of figures: every contestant at the same job.
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

impl Row {
    /// Makes a row for pings from one publisher to one subscriber. The caller changes what is different.
    fn of<T>(
        cell: &Cell,
        entrants: &Entrants<T>,
        unit: Unit,
        median: impl Fn(usize) -> Median,
    ) -> Self {
        Row {
            cell: cell.letter,
            case: None,
            publishers: 1,
            subscribers: 1,
            payload: Payload::Ping,
            unit,
            results: outcomes(&entrants.present, median),
            absent: entrants.absent.clone(),
        }
    }
}

/// What one contestant achieved.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) name: &'static str,
    pub(crate) role: Role,
    pub(crate) median: Median,
}

/// Returns what all entrants achieved, by their place among them.
fn outcomes<T>(entrants: &[Entrant<T>], median: impl Fn(usize) -> Median) -> Vec<Outcome> {
    let outcome = |(index, entrant): (usize, &Entrant<T>)| Outcome {
        name: entrant.name,
        role: entrant.role,
        median: median(index),
    };
    entrants.iter().enumerate().map(outcome).collect()
}
