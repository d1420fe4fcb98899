//! Fair measuring: contestants take turns in short rounds, and medians are reported.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use crate::run::contestants::{Burst, Conversation, Publish, Subscribe, Threads};
use crate::run::envelopes::{Envelopes, Payload};

/// How many envelopes a burst has, unless a cell says otherwise.
pub(crate) const BURST: usize = 64;

/// Lets every contestant run once in each round, and returns the samples of each. Each round begins with another
/// contestant, so a disturbance of the machine hits all alike. A first round is not counted.
pub(crate) fn interleave<C, S>(
    contestants: &mut [C],
    rounds: usize,
    mut run: impl FnMut(&mut C) -> S,
) -> Vec<Vec<S>> {
    let count = contestants.len();
    let mut samples: Vec<Vec<S>> = contestants.iter().map(|_| Vec::new()).collect();
    for round in 0..=rounds {
        for turn in 0..count {
            let index = (round + turn) % count;
            settle_allocator();
            let sample = run(&mut contestants[index]);
            if round > 0 {
                samples[index].push(sample);
            }
        }
    }
    samples
}

/// Lets the allocator clean up what the previous contestant has freed. The GNU allocator puts that off until a thread
/// asks for a large piece, which then pays for it, and cleans up ten thousand pieces at a time. Without this, a
/// contestant that allocates many envelopes at once would pay for one that makes thousands of copies.
fn settle_allocator() {
    for _ in 0..128 {
        drop(black_box(Vec::<u8>::with_capacity(32 * 1024)));
    }
}

/// The median of some samples, and how widely they spread.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Median {
    pub(crate) value: f64,
    /// The range of the middle half, relative to the median.
    pub(crate) spread: f64,
}

impl Median {
    pub(crate) fn of(samples: impl IntoIterator<Item = f64>) -> Self {
        let mut samples: Vec<f64> = samples.into_iter().collect();
        samples.sort_by(f64::total_cmp);
        let value = quantile(&samples, 50);
        let range = quantile(&samples, 75) - quantile(&samples, 25);
        Median {
            value,
            spread: if value == 0.0 { 0.0 } else { range / value },
        }
    }
}

/// Returns the value below which `percent` of the sorted samples lie.
pub(crate) fn quantile(sorted: &[f64], percent: usize) -> f64 {
    sorted[(sorted.len() - 1) * percent / 100]
}

/// What a few bursts took.
#[derive(Debug, Default)]
pub(crate) struct Bursts {
    pub(crate) published: usize,
    pub(crate) publishing: Duration,
    pub(crate) receiving: Duration,
    /// How many envelopes each subscriber received.
    pub(crate) received: Vec<usize>,
}

impl Bursts {
    pub(crate) fn per_publish(&self, time: Duration) -> f64 {
        nanoseconds(time) / self.published as f64
    }

    pub(crate) fn per_delivery(&self) -> f64 {
        let received: usize = self.received.iter().sum();
        nanoseconds(self.publishing + self.receiving) / received as f64
    }
}

/// What one thread does with a bus: it publishes a burst, then each subscriber takes its share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Drill {
    pub(crate) subscribers: usize,
    /// How many envelopes a burst has.
    pub(crate) burst: usize,
    /// How many of them each subscriber receives.
    pub(crate) each_takes: usize,
    /// How many of them the last subscriber receives.
    pub(crate) last_takes: usize,
    /// Whether whole envelopes are prepared before the clock starts.
    pub(crate) whole: bool,
}

impl Drill {
    /// Every subscriber receives everything.
    pub(crate) fn all(subscribers: usize) -> Self {
        Drill {
            subscribers,
            burst: BURST,
            each_takes: BURST,
            last_takes: BURST,
            whole: false,
        }
    }

    /// Runs this many bursts. The first of them is not counted: caches are cold after the turns of the others.
    pub(crate) fn run(
        self,
        bus: &mut dyn Burst,
        envelopes: &mut Envelopes,
        bursts: usize,
    ) -> Bursts {
        self.burst(bus, envelopes, &mut Bursts::new(self.subscribers));
        let mut counted = Bursts::new(self.subscribers);
        for _ in 0..bursts {
            self.burst(bus, envelopes, &mut counted);
        }
        counted
    }

    fn burst(self, bus: &mut dyn Burst, envelopes: &mut Envelopes, counted: &mut Bursts) {
        if self.whole {
            envelopes.prepare_whole(self.burst);
        } else {
            envelopes.prepare(self.burst);
        }
        let start = Instant::now();
        bus.publish(envelopes, self.burst);
        let published = Instant::now();
        for (subscriber, received) in counted.received.iter_mut().enumerate() {
            let last = subscriber + 1 == self.subscribers;
            let takes = if last {
                self.last_takes
            } else {
                self.each_takes
            };
            *received += bus.receive(subscriber, takes);
        }
        counted.receiving += published.elapsed();
        counted.publishing += published - start;
        counted.published += self.burst;
    }
}

impl Bursts {
    fn new(subscribers: usize) -> Self {
        Bursts {
            received: vec![0; subscribers],
            ..Bursts::default()
        }
    }
}

/// Runs every publisher and subscriber on a thread of its own, with the threads dealt to the cores in turn. Returns the
/// time from the start of the first to the end of the last.
///
/// If the scheduler placed them, a publisher and a subscriber would share a core in some rounds and not in others. The
/// times differ by several times, and the median would only tell which case is more frequent.
pub(crate) fn run_threads(threads: Threads, payload: Payload, each_publishes: usize) -> Duration {
    let publishers = threads.publishers.len();
    let total = each_publishes * publishers;
    let ready = Barrier::new(publishers + threads.subscribers.len());
    let ready = &ready;
    let publish = |core, mut publisher: Box<dyn Publish>| {
        stay_on_core(core);
        let mut envelopes = Envelopes::new(payload);
        envelopes.prepare(each_publishes);
        ready.wait();
        let start = Instant::now();
        publisher.publish(&mut envelopes, each_publishes);
        // The caller drops it when all threads have ended.
        (start, Instant::now(), Handle::Publisher(publisher))
    };
    let receive = |core, mut subscriber: Box<dyn Subscribe>| {
        stay_on_core(core);
        ready.wait();
        let start = Instant::now();
        subscriber.receive(total);
        (start, Instant::now(), Handle::Subscriber(subscriber))
    };
    let ended: Vec<_> = thread::scope(|scope| {
        let subscribers = (publishers..)
            .zip(threads.subscribers)
            .map(|(core, subscriber)| scope.spawn(move || receive(core, subscriber)));
        let publishers = (0..)
            .zip(threads.publishers)
            .map(|(core, publisher)| scope.spawn(move || publish(core, publisher)));
        let running: Vec<_> = subscribers.chain(publishers).collect();
        running
            .into_iter()
            .map(|thread| thread.join().expect("no contestant panics"))
            .collect()
    });
    let first = ended.iter().map(|(start, ..)| *start).min();
    let last = ended.iter().map(|(_, end, _)| *end).max();
    last.zip(first)
        .map(|(last, first)| last - first)
        .expect("threads")
}

/// What a thread returns.
#[expect(dead_code, reason = "kept to be dropped, outside the clock")]
enum Handle {
    Publisher(Box<dyn Publish>),
    Subscriber(Box<dyn Subscribe>),
}

/// Sends one envelope to and fro between two threads. Returns the nanoseconds of each round trip, sorted.
///
/// Each thread has a core of its own, for the same reason as in `run_threads`: on a shared core a round trip takes ten
/// times as long.
pub(crate) fn ping_pong(talk: Conversation, trips: usize) -> Vec<f64> {
    const WARM_UP: usize = 100;
    let Conversation {
        mut ask,
        mut answer,
    } = talk;
    thread::scope(|scope| {
        scope.spawn(move || {
            stay_on_core(1);
            let mut envelopes = Envelopes::new(Payload::Ping);
            for _ in 0..WARM_UP + trips {
                answer(&mut envelopes);
            }
        });
        let timed = scope.spawn(move || {
            stay_on_core(0);
            let mut envelopes = Envelopes::new(Payload::Ping);
            let mut trip = || {
                let start = Instant::now();
                ask(&mut envelopes);
                nanoseconds(start.elapsed())
            };
            for _ in 0..WARM_UP {
                trip();
            }
            let mut took: Vec<f64> = (0..trips).map(|_| trip()).collect();
            took.sort_by(f64::total_cmp);
            took
        });
        timed.join().expect("no contestant panics")
    })
}

/// Binds this thread to a core, where the system allows it. The index wraps around the number of cores.
pub(crate) fn stay_on_core(index: usize) {
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    if let Some(core) = cores.iter().cycle().nth(index) {
        core_affinity::set_for_current(*core);
    }
}

pub(crate) fn nanoseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e9
}
