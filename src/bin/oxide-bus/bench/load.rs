//! The load of the benchmark: its payload, and the loops of its publishers and subscribers.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use oxide_bus::{
    AsyncPublisher, AsyncSubscription, Pattern, Payload, Publisher, RecvError, Subject,
    Subscription,
};

use super::super::failure::Failure;
use super::duty::Duty;
use super::medium::{LoadReceipt, LoadReceiver, LoadSender, ReceivedLoad};
use super::scenario::Scenario;

/// After so many envelopes a publisher reports its progress.
const TOLD: u64 = 256;

/// After so many envelopes a task that publishes on a channel lets others run, as the bus does by itself.
pub(super) const YIELDS: u64 = 128;

/// The payload of an envelope.
pub(super) struct BenchLoad {
    /// The number of the publisher, as a token of the subject.
    pub(super) publisher: &'static str,
    /// The number of the subscriber that it is for, if it is for one.
    pub(super) target: Option<&'static str>,
    /// When it was about to be published, if it is one of those that are timed.
    pub(super) published: Option<Instant>,
    pub(super) bytes: Box<[u8]>,
}

impl Payload for BenchLoad {
    fn subject(&self) -> Subject<'_> {
        match self.target {
            None => subject(self.publisher),
            Some(target) => Subject::new(["bench", self.publisher, target]),
        }
    }
}

/// Returns the subject of a publisher's envelopes.
fn subject(publisher: &str) -> Subject<'_> {
    Subject::new(["bench", publisher])
}

/// The subscribers that a publisher's envelopes are for. The numbers are static, so envelopes carry them without a
/// reference count that threads would share.
#[derive(Debug, Clone, Copy)]
pub(super) enum Address {
    /// All that listen.
    All,
    /// Each of these, in turn.
    InTurn(&'static [&'static str]),
    /// The one with this number.
    One(&'static str),
}

impl Address {
    /// Returns the subscriber that the next envelope is for, by how many were published before.
    pub(super) fn of(self, published: u64) -> Option<&'static str> {
        match self {
            Address::All => None,
            Address::InTurn(numbers) => {
                let turn = published % numbers.len() as u64;
                Some(numbers[usize::try_from(turn).expect("less than their number")])
            }
            Address::One(number) => Some(number),
        }
    }
}

/// The orders of a publisher: what it has to do.
pub(super) struct Orders {
    pub(super) scenario: Scenario,
    /// The publisher's number.
    pub(super) publisher: &'static str,
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
    publisher: &'static str,
    address: Address,
    pub(super) published: u64,
    pub(super) delivered: u64,
    pub(super) dropped: u64,
    /// The times of its requests, in nanoseconds.
    pub(super) latency: Histogram<u64>,
    pub(super) began: Instant,
    pub(super) ended: Instant,
}

/// A subscriber's counts.
pub(super) struct Intake {
    pub(super) received: u64,
    pub(super) lost: u64,
    /// Whether it was evicted, because its queue was full.
    pub(super) evicted: bool,
    /// Whether it is where the time of an envelope ends.
    times: bool,
    /// The times from before the publish to after the receive, in nanoseconds.
    pub(super) latency: Histogram<u64>,
    /// What it published for the next stage.
    pub(super) passed_on: Option<Sent>,
    pub(super) ended: Instant,
}

impl Sent {
    pub(super) fn begin(publisher: &'static str, address: Address) -> Self {
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
    fn next(&self, orders: &Orders) -> Option<BenchLoad> {
        let goes_on = self.published < orders.quota && !orders.stop.load(Ordering::Relaxed);
        goes_on.then(|| BenchLoad {
            publisher: self.publisher,
            target: self.address.of(self.published),
            bytes: vec![0xA5; orders.payload].into(),
            published: (orders.scenario.times(self.published)).then(Instant::now),
        })
    }

    fn count(&mut self, receipt: LoadReceipt) {
        self.published += 1;
        self.delivered += receipt.delivered;
        self.dropped += receipt.dropped;
    }

    /// Reports the progress, and returns how long the publisher sleeps before the next envelope.
    fn report(&self, orders: &Orders) -> Option<Duration> {
        if self.published.is_multiple_of(TOLD) {
            orders.progress.fetch_add(TOLD, Ordering::Relaxed);
        }
        orders.scenario.pause(self.published)
    }

    fn end(mut self) -> Self {
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
            Address::InTurn(numbers) => {
                let turns = numbers.len() as u64;
                self.published / turns + u64::from((number as u64) < self.published % turns)
            }
            Address::One(target) if target == number.to_string() => self.published,
            Address::One(_) => 0,
        }
    }
}

impl Intake {
    fn begin(duty: &Duty) -> Self {
        Intake {
            received: 0,
            lost: 0,
            evicted: false,
            times: duty.times(),
            latency: new_histogram(),
            passed_on: duty.passes_on(),
            ended: Instant::now(),
        }
    }

    /// Counts a receive. Returns whether there is more to come.
    fn count(&mut self, received: &Result<ReceivedLoad, RecvError>) -> bool {
        match received {
            Ok(delivery) => {
                self.received += 1;
                black_box(&delivery.message.bytes);
                if let Some(published) = delivery.message.published
                    && self.times
                {
                    record(&mut self.latency, published.elapsed());
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

    /// Counts what was published for other subscribers.
    fn count_passed_on(&mut self, receipt: impl Into<LoadReceipt>) {
        if let Some(sent) = &mut self.passed_on {
            sent.count(receipt.into());
        }
    }

    fn end(mut self) -> Self {
        self.ended = Instant::now();
        self
    }
}

/// Publishes until the quota is reached or the publisher must stop.
pub(super) fn publish(
    handle: &LoadSender<Publisher<BenchLoad>>,
    orders: &Orders,
) -> Result<Sent, Failure> {
    let mut sent = Sent::begin(orders.publisher, orders.address);
    while let Some(load) = sent.next(orders) {
        let receipt = match (handle, load.published) {
            (LoadSender::Bus(handle), Some(asked)) if orders.scenario == Scenario::Request => {
                handle.request(load).map_err(Failure::new)?;
                record(&mut sent.latency, asked.elapsed());
                LoadReceipt::ANSWERED
            }
            _ => handle.publish(load)?,
        };
        sent.count(receipt);
        if let Some(pause) = sent.report(orders) {
            thread::sleep(pause);
        }
    }
    Ok(sent.end())
}

/// Does the same as a task.
pub(super) async fn publish_async(
    handle: &LoadSender<AsyncPublisher<BenchLoad>>,
    orders: &Orders,
) -> Result<Sent, Failure> {
    let mut sent = Sent::begin(orders.publisher, orders.address);
    while let Some(load) = sent.next(orders) {
        let receipt = match (handle, load.published) {
            (LoadSender::Bus(handle), Some(asked)) if orders.scenario == Scenario::Request => {
                handle.request(load).await.map_err(Failure::new)?;
                record(&mut sent.latency, asked.elapsed());
                LoadReceipt::ANSWERED
            }
            _ => handle.publish(load, sent.published).await?,
        };
        sent.count(receipt);
        if let Some(pause) = sent.report(orders) {
            tokio::time::sleep(pause).await;
        }
    }
    Ok(sent.end())
}

/// Receives until the bus closes, or until the subscriber is evicted.
pub(super) fn receive(
    mut receiver: LoadReceiver<Subscription<BenchLoad>>,
    duty: &Duty,
) -> Result<Intake, Failure> {
    let mut intake = Intake::begin(duty);
    loop {
        let received = receiver.recv();
        if !intake.count(&received) {
            return Ok(intake.end());
        }
        if let Some((draft, publisher)) = received.ok().as_deref().and_then(|it| duty.perform(it)) {
            intake.count_passed_on(publisher.publish(draft).map_err(Failure::new)?);
        }
    }
}

/// Does the same as a task.
pub(super) async fn receive_async(
    mut receiver: LoadReceiver<AsyncSubscription<BenchLoad>>,
    duty: &Duty,
) -> Result<Intake, Failure> {
    let mut intake = Intake::begin(duty);
    loop {
        let received = receiver.recv().await;
        if !intake.count(&received) {
            return Ok(intake.end());
        }
        if let Some((draft, publisher)) = received.ok().as_deref().and_then(|it| duty.perform(it)) {
            let publisher = publisher.clone().into_async();
            let published = publisher.publish(draft).await;
            intake.count_passed_on(published.map_err(Failure::new)?);
        }
    }
}

/// Returns an empty histogram that grows, and keeps three digits of any value.
pub(super) fn new_histogram() -> Histogram<u64> {
    Histogram::new(3).expect("three digits are within its bounds")
}

fn record(latency: &mut Histogram<u64>, time: Duration) {
    let nanoseconds = time.as_nanos().try_into().unwrap_or(u64::MAX);
    (latency.record(nanoseconds)).expect("the histogram grows as it must");
}
