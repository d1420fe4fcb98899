//! The orders of a publisher, and the counts of what it has sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use oxide_bus::Pattern;

use super::medium::LoadReceipt;
use super::payload::{Address, BenchLoad, subject};
use super::scenario::Scenario;

/// After this many envelopes a publisher reports its progress.
const PROGRESS_STEP: u64 = 256;

/// The orders of a publisher: what it has to do.
pub(super) struct Orders {
    pub(super) scenario: Scenario,
    /// The publisher's number.
    pub(super) publisher: u16,
    pub(super) address: Address,
    /// How many envelopes the publisher publishes at most.
    pub(super) quota: u64,
    /// How many bytes each envelope carries.
    pub(super) payload: usize,
    /// Set when the publisher must end early.
    pub(super) stop: Arc<AtomicBool>,
    /// How many envelopes all publishers together have published, roughly.
    pub(super) progress: Arc<AtomicU64>,
}

/// A publisher's counts, from its receipts.
pub(super) struct Sent {
    publisher: u16,
    address: Address,
    pub(super) published: u64,
    pub(super) delivered: u64,
    pub(super) dropped: u64,
    /// The times of its requests, in nanoseconds.
    pub(super) latency: Histogram<u64>,
    pub(super) began: Instant,
    pub(super) ended: Instant,
}

impl Sent {
    pub(super) fn begin(publisher: u16, address: Address) -> Self {
        let now = Instant::now();
        Sent {
            publisher,
            address,
            published: 0,
            delivered: 0,
            dropped: 0,
            latency: new_histogram(),
            began: now,
            ended: now,
        }
    }

    /// Returns the next payload, if there is more to publish.
    pub(super) fn next(&self, orders: &Orders) -> Option<BenchLoad> {
        let goes_on = self.published < orders.quota && !orders.stop.load(Ordering::Relaxed);
        goes_on.then(|| BenchLoad {
            publisher: self.publisher,
            target: self.address.of(self.published),
            bytes: vec![0xA5; orders.payload].into(),
            published: (orders.scenario.times(self.published)).then(Instant::now),
        })
    }

    pub(super) fn count(&mut self, receipt: LoadReceipt) {
        self.published += 1;
        self.delivered += receipt.delivered;
        self.dropped += receipt.dropped;
    }

    /// Reports the progress, and returns how long the publisher sleeps before the next envelope.
    pub(super) fn report(&self, orders: &Orders) -> Option<Duration> {
        if self.published.is_multiple_of(PROGRESS_STEP) {
            orders.progress.fetch_add(PROGRESS_STEP, Ordering::Relaxed);
        }
        orders.scenario.pause(self.published)
    }

    pub(super) fn end(mut self) -> Self {
        self.ended = Instant::now();
        self
    }

    /// Returns how many envelopes were for the subscriber with this number, which listens to these subjects. Without
    /// subjects it listens to everything.
    pub(super) fn due(&self, number: usize, subjects: &[Pattern]) -> u64 {
        match self.address {
            Address::All => {
                let subject = subject(self.publisher);
                let is_for = subjects.is_empty() || subjects.iter().any(|it| it.matches(&subject));
                if is_for { self.published } else { 0 }
            }
            Address::InTurn(turns) => {
                let turns = u64::from(turns);
                self.published / turns + u64::from((number as u64) < self.published % turns)
            }
            Address::One(target) if usize::from(target) == number => self.published,
            Address::One(_) => 0,
        }
    }
}

/// Returns an empty histogram that grows, and keeps three digits of any value.
pub(super) fn new_histogram() -> Histogram<u64> {
    Histogram::new(3).expect("three digits are within its bounds")
}

pub(super) fn record(latency: &mut Histogram<u64>, time: Duration) {
    let nanoseconds = time.as_nanos().try_into().unwrap_or(u64::MAX);
    (latency.record(nanoseconds)).expect("the histogram grows as it must");
}
