//! One run: everybody from a common start to the end.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use oxide_bus::{Bus, Capability, Pattern, SubscribeOptions};

use super::super::failure::Failure;
use super::Options;
use super::load::{Intake, Load, Orders, Sent};
use super::progress::Progress;
use super::workers::{Job, Workers};

/// How often the progress is looked at.
const TICK: Duration = Duration::from_millis(50);

/// What publishers and subscribers counted, each for itself.
pub(super) struct Counts {
    /// When the thread that times the run saw it begin.
    began: Instant,
    pub(super) sent: Vec<Sent>,
    pub(super) intakes: Vec<Intake>,
    /// How many queues the subscribers have.
    queues: usize,
    /// What they listen to; if nothing is named, to everything.
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

    /// How many subscribers were put out.
    pub(super) fn evicted(&self) -> usize {
        self.intakes.iter().filter(|intake| intake.evicted).count()
    }

    /// From the start to the last subscriber's end. At the start, a publisher or the thread that
    /// times the run comes first; the time that was asked for counts from the latter.
    pub(super) fn elapsed(&self) -> Duration {
        let began = self.sent.iter().map(|sent| sent.began);
        let ended = (self.sent.iter().map(|sent| sent.ended))
            .chain(self.intakes.iter().map(|intake| intake.ended))
            .max();
        ended.map_or(Duration::ZERO, |ended| {
            ended - began.fold(self.began, Instant::min)
        })
    }

    /// Whether the two sides agree, and every envelope is accounted for at every queue.
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
            Some(Queue { received, lost, .. }) => Err(Failure::new(format_args!(
                "the counts do not agree: of {due} envelopes at one queue {received} were \
                 received and {lost} lost"
            ))),
        }
    }

    /// How many envelopes are for each queue, whatever becomes of them.
    fn due(&self) -> u64 {
        let sent = self.sent.iter().filter(|sent| sent.is_for(&self.subjects));
        sent.map(|sent| sent.published).sum()
    }

    /// What was counted at each queue. The members of a group share one: the subscribers take turns
    /// in which group they join.
    fn queues(&self) -> impl Iterator<Item = Queue> {
        (0..self.queues).map(|number| {
            let members = (self.intakes.iter()).skip(number).step_by(self.queues);
            members.fold(Queue::default(), |queue, intake| Queue {
                received: queue.received + intake.received,
                lost: queue.lost + intake.lost,
                evicted: queue.evicted || intake.evicted,
            })
        })
    }
}

/// What came out of a queue.
#[derive(Default)]
struct Queue {
    received: u64,
    lost: u64,
    evicted: bool,
}

impl Queue {
    /// Whether it accounts for all that was due, or up to the eviction.
    fn is_complete(&self, due: u64) -> bool {
        let seen = self.received + self.lost;
        if self.evicted {
            self.lost == 1 && seen <= due
        } else {
            seen == due
        }
    }
}

/// Runs publishers and subscribers to their end, which `stop` brings on.
pub(super) fn run(options: &Options, stop: &Arc<AtomicBool>) -> Result<Counts, Failure> {
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
    // Nothing is ever sent: the channel disconnects when the last publisher is done.
    let (running, all_done) = mpsc::channel::<Infallible>();
    let publishers = (0..options.publishers)
        .map(|number| {
            let orders = Orders {
                publisher: number.to_string().leak(), // once for each, and the run is the process
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
    let bar = Progress::new(options.length());
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

/// Subscribes everybody, and sets them to work.
fn subscribe(
    options: &Options,
    bus: &Bus<Load>,
    workforce: &Workers,
) -> Result<Vec<Job<Intake>>, Failure> {
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

/// The part of all messages that this publisher publishes.
fn quota(options: &Options, number: u16) -> u64 {
    if options.duration.is_some() {
        return u64::MAX;
    }
    let (all, publishers) = (options.messages, u64::from(options.publishers));
    all / publishers + u64::from(u64::from(number) < all % publishers)
}

/// How long to wait before the next look: up to the end of the run, if that is sooner.
fn tick(options: &Options, began: Instant) -> Duration {
    match options
        .duration
        .map(|duration| duration.saturating_sub(began.elapsed()))
    {
        Some(left) if !left.is_zero() => left.min(TICK),
        _ => TICK,
    }
}
