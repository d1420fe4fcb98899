//! The load of the benchmark: its payload, and the loops of its publishers and subscribers.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use hdrhistogram::Histogram;
use oxide_bus::{
    AsyncPublisher, AsyncSubscription, Delivery, Pattern, Payload, PublishError, Publisher,
    Receipt, RecvError, Subject, Subscription,
};

/// One in so many envelopes of each publisher is timed.
const TIMED: u64 = 16;

/// After so many envelopes a publisher reports its progress.
const TOLD: u64 = 256;

/// The payload of an envelope.
pub(super) struct BenchLoad {
    /// The number of the publisher, as a token of the subject.
    publisher: &'static str,
    /// When it was about to be published, if it is one of those that are timed.
    published: Option<Instant>,
    bytes: Box<[u8]>,
}

impl Payload for BenchLoad {
    fn subject(&self) -> Subject<'_> {
        subject(self.publisher)
    }
}

/// Returns the subject of a publisher's envelopes.
fn subject(publisher: &str) -> Subject<'_> {
    Subject::new(["bench", publisher])
}

/// The orders of a publisher: what it has to do.
pub(super) struct Orders {
    /// The publisher's number. It is static, so envelopes carry it without a reference count that threads would share.
    pub(super) publisher: &'static str,
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
    publisher: &'static str,
    pub(super) published: u64,
    pub(super) delivered: u64,
    pub(super) dropped: u64,
    pub(super) began: Instant,
    pub(super) ended: Instant,
}

/// A subscriber's counts.
pub(super) struct Intake {
    pub(super) received: u64,
    pub(super) lost: u64,
    /// Whether it was evicted, because its queue was full.
    pub(super) evicted: bool,
    /// The times from before the publish to after the receive, in nanoseconds.
    pub(super) latency: Histogram<u64>,
    pub(super) ended: Instant,
}

impl Sent {
    fn begin(orders: &Orders) -> Self {
        let now = Instant::now();
        Sent {
            publisher: orders.publisher,
            published: 0,
            delivered: 0,
            dropped: 0,
            began: now,
            ended: now,
        }
    }

    /// Returns the next payload, if there is more to publish.
    fn next(&self, orders: &Orders) -> Option<BenchLoad> {
        let goes_on = self.published < orders.quota && !orders.stop.load(Ordering::Relaxed);
        goes_on.then(|| BenchLoad {
            publisher: self.publisher,
            bytes: vec![0xA5; orders.payload].into(),
            published: self.published.is_multiple_of(TIMED).then(Instant::now),
        })
    }

    fn count(&mut self, receipt: &Receipt, orders: &Orders) {
        self.published += 1;
        self.delivered += receipt.delivered() as u64;
        self.dropped += receipt.dropped() as u64;
        if self.published.is_multiple_of(TOLD) {
            orders.progress.fetch_add(TOLD, Ordering::Relaxed);
        }
    }

    fn end(mut self) -> Self {
        self.ended = Instant::now();
        self
    }

    /// Returns whether a subscriber to these subjects gets what was sent. Without subjects it listens to everything.
    pub(super) fn is_for(&self, subjects: &[Pattern]) -> bool {
        let subject = subject(self.publisher);
        subjects.is_empty() || subjects.iter().any(|pattern| pattern.matches(&subject))
    }
}

impl Intake {
    fn begin() -> Self {
        Intake {
            received: 0,
            lost: 0,
            evicted: false,
            latency: new_histogram(),
            ended: Instant::now(),
        }
    }

    /// Counts a receive. Returns whether there is more to come.
    fn count(&mut self, received: Result<Delivery<BenchLoad>, RecvError>) -> bool {
        match received {
            Ok(delivery) => {
                self.received += 1;
                black_box(&delivery.message.bytes);
                if let Some(published) = delivery.message.published {
                    let nanoseconds = published.elapsed().as_nanos();
                    (self.latency)
                        .record(nanoseconds.try_into().unwrap_or(u64::MAX))
                        .expect("the histogram grows as it must");
                }
            }
            Err(RecvError::Lagged { missed: lost }) => self.lost += lost,
            Err(RecvError::Disconnected) => return false,
            Err(RecvError::Evicted) => {
                self.evicted = true;
                return false;
            }
        }
        true
    }

    fn end(mut self) -> Self {
        self.ended = Instant::now();
        self
    }
}

/// Publishes until the quota is reached or the publisher must stop.
pub(super) fn publish(
    handle: &Publisher<BenchLoad>,
    orders: &Orders,
) -> Result<Sent, PublishError<BenchLoad>> {
    let mut sent = Sent::begin(orders);
    while let Some(load) = sent.next(orders) {
        sent.count(&handle.publish(load)?, orders);
    }
    Ok(sent.end())
}

/// Does the same as a task.
pub(super) async fn publish_async(
    handle: &AsyncPublisher<BenchLoad>,
    orders: &Orders,
) -> Result<Sent, PublishError<BenchLoad>> {
    let mut sent = Sent::begin(orders);
    while let Some(load) = sent.next(orders) {
        sent.count(&handle.publish(load).await?, orders);
    }
    Ok(sent.end())
}

/// Receives until the bus closes, or until the subscriber is evicted.
pub(super) fn receive(mut subscription: Subscription<BenchLoad>) -> Intake {
    let mut intake = Intake::begin();
    while intake.count(subscription.recv()) {}
    intake.end()
}

/// Does the same as a task.
pub(super) async fn receive_async(mut subscription: AsyncSubscription<BenchLoad>) -> Intake {
    let mut intake = Intake::begin();
    while intake.count(subscription.recv().await) {}
    intake.end()
}

/// Returns an empty histogram that grows, and keeps three digits of any value.
pub(super) fn new_histogram() -> Histogram<u64> {
    Histogram::new(3).expect("three digits are within its bounds")
}
