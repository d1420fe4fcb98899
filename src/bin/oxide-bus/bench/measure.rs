//! One run of the benchmark: starts all publishers and subscribers together, waits for the end, and checks the counts.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use oxide_bus::{Bus, Capability, Pattern, SubscribeOptions};

use super::super::failure::Failure;
use super::BenchOptions;
use super::load::{BenchLoad, Intake, Orders, Sent};
use super::progress::BenchProgress;
use super::workers::{WorkerHandle, Workers};

/// How often the progress is shown.
const TICK: Duration = Duration::from_millis(50);

/// What the publishers and the subscribers counted, each for itself.
pub(super) struct Counts {
    /// When the thread that times the run saw it begin.
    began: Instant,
    pub(super) sent: Vec<Sent>,
    pub(super) intakes: Vec<Intake>,
    /// How many queues the subscribers have.
    queues: usize,
    /// What the subscribers listen to; everything, if this is empty.
    subjects: Vec<Pattern>,
}

impl Counts {
    pub(super) fn published(&self) -> u64 {
        self.sent.iter().map(|sent| sent.published).sum()
    }

    pub(super) fn delivered(&self) -> u64 {
        self.sent.iter().map(|sent| sent.delivered).sum()
    }

    pub(super) fn dropped(&self) -> u64 {
        self.sent.iter().map(|sent| sent.dropped).sum()
    }

    pub(super) fn received(&self) -> u64 {
        self.intakes.iter().map(|intake| intake.received).sum()
    }

    pub(super) fn lost(&self) -> u64 {
        self.intakes.iter().map(|intake| intake.lost).sum()
    }

    /// Returns how many subscribers were evicted.
    pub(super) fn evicted(&self) -> usize {
        self.intakes.iter().filter(|intake| intake.evicted).count()
    }

    /// Returns the time from the start to the end of the last publisher or subscriber. The start is when a publisher or
    /// the thread that times the run began, whichever was first. A duration that was asked for counts from the latter.
    pub(super) fn elapsed(&self) -> Duration {
        let began = self.sent.iter().map(|sent| sent.began);
        let ended = (self.sent.iter().map(|sent| sent.ended))
            .chain(self.intakes.iter().map(|intake| intake.ended))
            .max();
        ended.map_or(Duration::ZERO, |ended| {
            ended - began.fold(self.began, Instant::min)
        })
    }

    /// Checks that the two sides agree, and that every envelope is accounted for at every queue.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let (due, delivered, dropped) = (self.due(), self.delivered(), self.dropped());
        let (received, lost) = (self.received(), self.lost());
        if delivered + dropped != received + lost {
            return Err(Failure::new(format_args!(
                "the counts do not agree: by the receipts {delivered} deliveries were made and \
                 {dropped} dropped; the subscribers received {received} and lost {lost}"
            )));
        }
        match self.queues().find(|queue| !queue.is_complete(due)) {
            None => Ok(()),
            Some(QueueTotals { received, lost, .. }) => Err(Failure::new(format_args!(
                "the counts do not agree: of {due} envelopes at one queue {received} were \
                 received and {lost} lost"
            ))),
        }
    }

    /// Returns how many envelopes were published for each queue, whatever became of them.
    fn due(&self) -> u64 {
        let sent = self.sent.iter().filter(|sent| sent.is_for(&self.subjects));
        sent.map(|sent| sent.published).sum()
    }

    /// Returns what was counted at each queue. The members of a group share one queue; the subscribers join the groups
    /// in turn.
    fn queues(&self) -> impl Iterator<Item = QueueTotals> {
        (0..self.queues).map(|number| {
            let members = (self.intakes.iter()).skip(number).step_by(self.queues);
            members.fold(QueueTotals::default(), |queue, intake| QueueTotals {
                received: queue.received + intake.received,
                lost: queue.lost + intake.lost,
                evicted: queue.evicted || intake.evicted,
            })
        })
    }
}

/// The counts of one queue.
#[derive(Default)]
struct QueueTotals {
    received: u64,
    lost: u64,
    evicted: bool,
}

impl QueueTotals {
    /// Returns whether the queue accounts for everything that was due, or for everything up to the eviction.
    fn is_complete(&self, due: u64) -> bool {
        let seen = self.received + self.lost;
        if self.evicted {
            self.lost == 1 && seen <= due
        } else {
            seen == due
        }
    }
}

/// Runs publishers and subscribers to their end. `stop` ends the publishers early.
pub(super) fn run(options: &BenchOptions, stop: &Arc<AtomicBool>) -> Result<Counts, Failure> {
    let bus = Bus::new();
    let size = usize::from(options.publishers) + usize::from(options.subscribers);
    let workforce = match options.workers() {
        Some(workers) => Workers::of_tasks(size, workers)?,
        None => Workers::of_threads(size),
    };
    let progress = Arc::new(AtomicU64::new(0));

    let subscribers = subscribe(options, &bus, &workforce)?;
    let speak = Capability::new("bench:publish");
    bus.grant(&speak).expect("a short name");
    // No message is ever sent: the channel disconnects when the last publisher is done.
    let (running, all_done) = mpsc::channel::<Infallible>();
    let publishers = (0..options.publishers)
        .map(|number| {
            let orders = Orders {
                publisher: number.to_string().leak(), // once per publisher, in a process that ends with the run
                quota: quota(options, number),
                payload: options.payload as usize,
                stop: Arc::clone(stop),
                progress: Arc::clone(&progress),
            };
            let name = format!("publisher-{number}");
            let publisher = bus.publisher(name.as_str(), &speak);
            workforce.publish(&name, publisher, orders, running.clone())
        })
        .collect::<Result<Vec<_>, _>>()?;
    drop(running);

    workforce.start();
    let began = Instant::now();
    let bar = BenchProgress::new(options.length());
    while let Err(RecvTimeoutError::Timeout) = all_done.recv_timeout(tick(options, began)) {
        let elapsed = began.elapsed();
        if options.duration.is_some_and(|duration| elapsed >= duration) {
            stop.store(true, Ordering::Relaxed);
        }
        bar.show(progress.load(Ordering::Relaxed), elapsed);
    }

    let sent = publishers
        .into_iter()
        .map(|publisher| workforce.join(publisher).flatten())
        .collect::<Result<_, _>>()?;
    bus.close();
    let intakes = subscribers
        .into_iter()
        .map(|subscriber| workforce.join(subscriber))
        .collect::<Result<_, _>>()?;
    Ok(Counts {
        began,
        sent,
        intakes,
        queues: options.queues().into(),
        subjects: options.subject.clone(),
    })
}

/// Subscribes all subscribers, and starts their threads or tasks.
fn subscribe(
    options: &BenchOptions,
    bus: &Bus<BenchLoad>,
    workforce: &Workers,
) -> Result<Vec<WorkerHandle<Intake>>, Failure> {
    (0..options.subscribers)
        .map(|number| {
            let name = format!("subscriber-{number}");
            let terms = SubscribeOptions::new()
                .name(&name)
                .capacity(options.capacity)
                .overflow(options.overflow.into());
            let terms = match options.groups {
                Some(groups) => terms.group(format!("group-{}", number % groups)),
                None => terms,
            };
            let terms = (options.subject.iter().cloned()).fold(terms, SubscribeOptions::pattern);
            let subscription = bus.subscribe_with(terms).map_err(Failure::new)?;
            workforce.receive(&name, subscription)
        })
        .collect()
}

/// Returns how many of all messages this publisher publishes.
fn quota(options: &BenchOptions, number: u16) -> u64 {
    if options.duration.is_some() {
        return u64::MAX;
    }
    let (all, publishers) = (options.messages, u64::from(options.publishers));
    all / publishers + u64::from(u64::from(number) < all % publishers)
}

/// Returns how long to wait before the progress is shown again, at most up to the end of the run.
fn tick(options: &BenchOptions, began: Instant) -> Duration {
    match options
        .duration
        .map(|duration| duration.saturating_sub(began.elapsed()))
    {
        Some(left) if !left.is_zero() => left.min(TICK),
        _ => TICK,
    }
}
