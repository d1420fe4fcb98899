//! The load of the benchmark: its payload, and the loops of its publishers and subscribers.

use std::hint::black_box;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use oxide_bus::{
    AsyncPublisher, AsyncSubscription, Envelope, Pattern, Payload, Publisher, RecvError, Subject,
    Subscription,
};

use super::super::failure::Failure;
use super::duty::Duty;
use super::medium::{LoadReceipt, LoadReceiver, LoadSender};
use super::scenario::Scenario;

/// After so many envelopes a publisher reports its progress.
const TOLD: u64 = 256;

/// After so many envelopes a task that publishes on a channel lets others run, as the bus does by itself.
pub(super) const YIELDS: u64 = 128;

/// The payload of an envelope.
pub(super) struct BenchLoad {
    /// The number of the publisher, a token of the subject.
    pub(super) publisher: u16,
    /// The number of the subscriber that it is for, if it is for one; a token as well.
    pub(super) target: Option<u16>,
    /// When it was about to be published, if it is one of those that are timed.
    pub(super) published: Option<Instant>,
    pub(super) bytes: Box<[u8]>,
}

impl Payload for BenchLoad {
    fn subject(&self) -> Subject<'_> {
        match self.target {
            None => subject(self.publisher),
            Some(target) => Subject::new(["bench", token(self.publisher), token(target)]),
        }
    }
}

/// Returns the subject of a publisher's envelopes.
fn subject<'a>(publisher: u16) -> Subject<'a> {
    Subject::new(["bench", token(publisher)])
}

/// The numbers of publishers and subscribers as texts. Envelopes have the numbers only: the less is moved the better.
static TOKENS: OnceLock<Vec<String>> = OnceLock::new();

/// Prepares the texts of so many numbers. Call this once, before any envelope is made.
pub(super) fn prepare_tokens(count: u16) {
    TOKENS.get_or_init(|| (0..count).map(|number| number.to_string()).collect());
}

fn token(number: u16) -> &'static str {
    &TOKENS.get().expect("prepared")[usize::from(number)]
}

/// The subscribers that a publisher's envelopes are for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Address {
    /// All that listen.
    All,
    /// Each of so many, in turn.
    InTurn(u16),
    /// The one with this number.
    One(u16),
}

impl Address {
    /// Returns the subscriber that the next envelope is for, by how many were published before.
    pub(super) fn of(self, published: u64) -> Option<u16> {
        match self {
            Address::All => None,
            Address::InTurn(turns) => {
                let turn = published % u64::from(turns);
                Some(turn.try_into().expect("less than their number"))
            }
            Address::One(number) => Some(number),
        }
    }
}

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
            Address::InTurn(turns) => {
                let turns = u64::from(turns);
                self.published / turns + u64::from((number as u64) < self.published % turns)
            }
            Address::One(target) if usize::from(target) == number => self.published,
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
    fn count(
        &mut self,
        received: &Result<impl Deref<Target = Envelope<BenchLoad>>, RecvError>,
    ) -> bool {
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
    match handle {
        LoadSender::Bus(publisher) if orders.scenario == Scenario::Request => {
            publish_each(orders, |sent, load| {
                let asked = Instant::now();
                publisher.request(load).map_err(Failure::new)?;
                record(&mut sent.latency, asked.elapsed());
                Ok(LoadReceipt::ANSWERED)
            })
        }
        LoadSender::Bus(publisher) => publish_each(orders, |_, load| {
            let receipt = publisher.publish(load).map_err(Failure::new)?;
            Ok(receipt.into())
        }),
        LoadSender::Channel(channel) => publish_each(orders, |_, load| Ok(channel.send(load))),
    }
}

/// Publishes by a function. There is a loop of its own for each way, so that none is slower for the others.
fn publish_each(
    orders: &Orders,
    publish: impl Fn(&mut Sent, BenchLoad) -> Result<LoadReceipt, Failure>,
) -> Result<Sent, Failure> {
    let mut sent = Sent::begin(orders.publisher, orders.address);
    while let Some(load) = sent.next(orders) {
        let receipt = publish(&mut sent, load)?;
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
        let receipt = match handle {
            LoadSender::Bus(handle) if orders.scenario == Scenario::Request => {
                let asked = Instant::now();
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
    receiver: LoadReceiver<Subscription<BenchLoad>>,
    duty: &Duty,
) -> Result<Intake, Failure> {
    match receiver {
        LoadReceiver::Bus(mut subscription) => receive_each(duty, || subscription.recv()),
        LoadReceiver::Channel(mut channel) => receive_each(duty, || channel.recv()),
    }
}

/// Receives by a function.
fn receive_each<D: Deref<Target = Envelope<BenchLoad>>>(
    duty: &Duty,
    mut receive: impl FnMut() -> Result<D, RecvError>,
) -> Result<Intake, Failure> {
    let mut intake = Intake::begin(duty);
    loop {
        let received = receive();
        if !intake.count(&received) {
            return Ok(intake.end());
        }
        if let Ok(envelope) = &received
            && let Some((draft, publisher)) = duty.perform(envelope)
        {
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
