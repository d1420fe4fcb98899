//! One round of the benchmark: starts all publishers and subscribers together, and waits for the end.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use oxide_bus::{Pattern, SubscribeOptions};
use uuid::Uuid;

use super::super::failure::Failure;
use super::counts::Counts;
use super::duty::Duty;
use super::intake::Intake;
use super::medium::{LoadReceiver, LoadSender, Medium};
use super::payload::Address;
use super::point::BenchPoint;
use super::progress::{BenchProgress, Length};
use super::scenario::Scenario;
use super::sent::Orders;
use super::timeline::Timeline;
use super::workers::{WorkerHandle, Workers};

/// How often the progress is shown.
const TICK: Duration = Duration::from_millis(50);

/// The settings that all rounds share.
pub(super) struct Course {
    pub(super) length: Length,
    /// Whether the queues are sampled.
    pub(super) samples: bool,
    /// Set when the user wants it to end.
    pub(super) interrupted: Arc<AtomicBool>,
}

/// A subscriber that runs, and the id of its subscription, if it is one of the bus.
type RunningSubscriber = (Option<Uuid>, WorkerHandle<Result<Intake, Failure>>);

/// Runs publishers and subscribers to their end.
pub(super) fn run(
    point: &BenchPoint,
    course: &Course,
    bar: &BenchProgress,
) -> Result<Counts, Failure> {
    let medium = Medium::new(point);
    let size = usize::from(point.publishers) + usize::from(point.subscribers);
    let workforce = match point.workers {
        Some(workers) => Workers::of_tasks(size, workers)?,
        None => Workers::of_threads(size),
    };
    let (stop, progress) = (Arc::default(), Arc::default());

    let subscribers = (0..point.subscribers)
        .map(|number| subscribe(point, number, &medium, &workforce))
        .collect::<Result<Vec<_>, _>>()?;
    // No message is ever sent: the channel disconnects when the last publisher is done.
    let (running, all_done) = mpsc::channel::<Infallible>();
    let publishers = (0..point.publishers)
        .map(|number| {
            let orders = Orders {
                scenario: point.scenario,
                publisher: number,
                address: address(point),
                quota: quota(course.length, point.publishers, number),
                payload: point.payload_bytes as usize,
                stop: Arc::clone(&stop),
                progress: Arc::clone(&progress),
            };
            let name = format!("publisher-{number}");
            workforce.publish(&name, medium.sender(&name), orders, running.clone())
        })
        .collect::<Result<Vec<_>, _>>()?;
    drop(running);

    workforce.start();
    let began = Instant::now();
    let round = Watched {
        began,
        stop: &stop,
        progress: &progress,
        all_done: &all_done,
    };
    let timeline = round.watch(course, &medium, bar);

    let sent = (publishers.into_iter())
        .map(|publisher| workforce.join(publisher).flatten())
        .collect::<Result<_, _>>()?;
    let mut counts = Counts {
        began,
        sent,
        intakes: finish(point.scenario, subscribers, medium, &workforce)?,
        queues: point.queues().into(),
        subjects: point.subjects.clone(),
        tells_losses: point.by.tells_losses(),
        timeline,
    };
    let passed_on = counts
        .intakes
        .iter_mut()
        .filter_map(|it| it.passed_on.take());
    let passed_on: Vec<_> = passed_on.collect();
    counts.sent.extend(passed_on);
    if course.samples {
        let (elapsed, lost) = (counts.elapsed(), counts.lost());
        counts.timeline.end(elapsed, lost);
    }
    Ok(counts)
}

/// A round that runs, as the thread that times it sees it.
struct Watched<'a> {
    began: Instant,
    stop: &'a AtomicBool,
    progress: &'a AtomicU64,
    all_done: &'a Receiver<Infallible>,
}

impl Watched<'_> {
    /// Shows the progress and takes samples, until the publishers are done. Stops them when their time is over, or when
    /// the user wants it.
    fn watch(&self, course: &Course, medium: &Medium, bar: &BenchProgress) -> Timeline {
        let mut timeline = Timeline::new();
        let bus = medium.bus().filter(|_| course.samples);
        if bus.is_some() {
            timeline.begin();
        }
        loop {
            let now = Instant::now();
            let mut tick = now + TICK;
            if let Length::Time(time) = course.length {
                let left = time.saturating_sub(now - self.began);
                if !left.is_zero() {
                    tick = tick.min(now + left.min(TICK));
                }
            }
            if bus.is_some() {
                tick = tick.min(timeline.due(self.began));
            }
            let timed_out = self
                .all_done
                .recv_timeout(tick.saturating_duration_since(now));
            let Err(RecvTimeoutError::Timeout) = timed_out else {
                return timeline;
            };
            let elapsed = self.began.elapsed();
            let is_over = matches!(course.length, Length::Time(time) if elapsed >= time);
            if is_over || course.interrupted.load(Ordering::Relaxed) {
                self.stop.store(true, Ordering::Relaxed);
            }
            if let Some(bus) = bus
                && Instant::now() >= timeline.due(self.began)
            {
                timeline.sample(elapsed, &bus.stats());
            }
            bar.show(self.progress.load(Ordering::Relaxed), elapsed);
        }
    }
}

/// Lets the subscribers receive what is queued, and waits for their end. The stages of a pipeline end one by one: each
/// passes on what it has before the next one closes.
fn finish(
    scenario: Scenario,
    subscribers: Vec<RunningSubscriber>,
    medium: Medium,
    workforce: &Workers,
) -> Result<Vec<Intake>, Failure> {
    let in_turn = medium
        .bus()
        .cloned()
        .filter(|_| scenario == Scenario::Pipeline);
    if in_turn.is_none() {
        medium.close();
    }
    (subscribers.into_iter())
        .map(|(id, worker)| {
            if let Some((bus, id)) = in_turn.as_ref().zip(id) {
                bus.unsubscribe(id); // it is gone already if it was evicted
            }
            workforce.join(worker).flatten()
        })
        .collect()
}

/// Subscribes one subscriber, and starts its thread or task.
fn subscribe(
    point: &BenchPoint,
    number: u16,
    medium: &Medium,
    workforce: &Workers,
) -> Result<RunningSubscriber, Failure> {
    let name = format!("subscriber-{number}");
    let terms = SubscribeOptions::new()
        .name(&name)
        .capacity(point.capacity)
        .overflow(point.overflow.into());
    let terms = match point.groups {
        Some(groups) => terms.group(format!("group-{}", number % groups)),
        None => terms,
    };
    let terms = if point.scenario.is_addressed() {
        let own: Pattern = (format!("bench.*.{number}").parse()).expect("three words");
        terms.pattern(own)
    } else {
        (point.subjects.iter().cloned()).fold(terms, SubscribeOptions::pattern)
    };
    let receiver = medium.receiver(number, terms)?;
    let id = match &receiver {
        LoadReceiver::Bus(subscription) => Some(subscription.id()),
        LoadReceiver::Channel(_) => None,
    };
    let duty = duty(point, number, medium, &name);
    Ok((id, workforce.receive(&name, receiver, duty)?))
}

/// Returns what a subscriber does with what it receives. Only the bus has scenarios in which subscribers publish.
fn duty(point: &BenchPoint, number: u16, medium: &Medium, name: &str) -> Duty {
    match (point.scenario, medium.sender(name)) {
        (Scenario::Pipeline, LoadSender::Bus(publisher)) if number + 1 < point.subscribers => {
            Duty::PassOn(publisher, number, Address::One(number + 1))
        }
        (Scenario::Request, LoadSender::Bus(publisher)) => Duty::Answer(publisher, number),
        (scenario, _) => match scenario.work() {
            Some(time) if number == 0 => Duty::Work(time),
            _ => Duty::Listen,
        },
    }
}

/// Returns the subscribers that a publisher's envelopes are for.
fn address(point: &BenchPoint) -> Address {
    match point.scenario {
        Scenario::Targeted | Scenario::Request => Address::InTurn(point.subscribers),
        Scenario::Pipeline => Address::One(0),
        _ => Address::All,
    }
}

/// Returns how many of all messages this publisher publishes.
fn quota(length: Length, publishers: u16, number: u16) -> u64 {
    match length {
        Length::Time(_) => u64::MAX,
        Length::Envelopes(all) => {
            let (publishers, number) = (u64::from(publishers), u64::from(number));
            all / publishers + u64::from(number < all % publishers)
        }
    }
}
