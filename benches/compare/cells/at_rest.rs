//! Cells about waking subscribers that sleep.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use super::{Cell, Effort, Row, Unit};
use crate::run::contestants::{Entrants, Threads, enter};
use crate::run::envelopes::{Envelopes, Payload};
use crate::run::measure::{Median, interleave, nanoseconds, quantile, stay_on_core};
use crate::run::proc::{ProcessorTime, Sleepers};

/// The numbers of subscribers.
const CROWDS: [usize; 3] = [1, 8, 64];

/// The first publishes of a turn, which are not counted.
const WARM_UP: usize = 3;

pub(super) fn threads_and_tasks(cell: &Cell, effort: Effort) -> Vec<Row> {
    let publishes = effort.choose(12, 24);
    let cases = ["1 thread", "8 threads", "64 threads"];
    let mut rows = Vec::new();
    for (subscribers, case) in CROWDS.into_iter().zip(cases) {
        let entrants = enter(|contestant| {
            let able = contestant.at_rest(subscribers);
            able.map(|_| contestant)
        });
        rows.extend(in_turns(cell, effort, case, entrants, |contestant| {
            let threads = contestant.at_rest(subscribers).expect("it was able");
            wake_threads(threads, publishes)
        }));
    }
    #[cfg(feature = "tokio")]
    rows.extend(tasks::rows(cell, effort, publishes));
    rows
}

/// Returns a row for each figure.
fn in_turns<T>(
    cell: &Cell,
    effort: Effort,
    case: &'static str,
    mut entrants: Entrants<T>,
    run: impl Fn(&T) -> Vec<Wake>,
) -> Vec<Row> {
    let samples = interleave(&mut entrants.present, effort.choose(3, 9), |entrant| {
        let wakes = run(&entrant.brings);
        let median = |figure: fn(&Wake) -> f64| {
            let mut figures: Vec<_> = wakes.iter().map(figure).collect();
            figures.sort_by(f64::total_cmp);
            quantile(&figures, 50)
        };
        [
            median(|wake| wake.publish),
            median(|wake| wake.processor),
            median(|wake| wake.last),
        ]
    });
    let row = |(unit, figure): (Unit, usize)| Row {
        case: Some(case),
        ..Row::of(cell, &entrants, unit, |index| {
            Median::of(samples[index].iter().map(|figures| figures[figure]))
        })
    };
    [
        (Unit::NanosecondsPerPublish, 0),
        (Unit::PublisherProcessorTime, 1),
        (Unit::UntilLastHasIt, 2),
    ]
    .map(row)
    .into()
}

/// The nanoseconds of one publish to subscribers that sleep.
struct Wake {
    publish: f64,
    /// The processor time of the publishing thread.
    processor: f64,
    /// From the start until the last subscriber had received.
    last: f64,
}

/// Counts the subscribers that have received.
struct Finish {
    begin: Instant,
    /// How many have not received yet.
    missing: AtomicUsize,
    /// When the last of the others received, counted from the beginning.
    last: AtomicU64,
    publisher: Thread,
}

impl Finish {
    /// Is called on the publishing thread.
    fn new() -> Self {
        Finish {
            begin: Instant::now(),
            missing: AtomicUsize::new(0),
            last: AtomicU64::new(0),
            publisher: thread::current(),
        }
    }

    /// Records that a subscriber has received.
    fn arrive(&self) {
        let now = self.begin.elapsed().as_nanos();
        let now = u64::try_from(now).expect("it does not take centuries");
        self.last.fetch_max(now, Ordering::Relaxed);
        // Release: pairs with the load in `wait`, so that all times are visible there.
        if self.missing.fetch_sub(1, Ordering::Release) == 1 {
            self.publisher.unpark();
        }
    }

    /// Waits for all subscribers. Returns when the last of them received, counted from the beginning.
    fn wait(&self) -> Duration {
        // Acquire: pairs with `arrive`.
        while self.missing.load(Ordering::Acquire) > 0 {
            thread::park_timeout(Duration::from_secs(1));
        }
        Duration::from_nanos(self.last.load(Ordering::Relaxed))
    }

    /// Publishes this many times, each time when all subscribers sleep.
    fn publish(
        &self,
        publishes: usize,
        subscribers: usize,
        sleepers: &Sleepers,
        mut publish: impl FnMut(&mut Envelopes),
    ) -> Vec<Wake> {
        let mut envelopes = Envelopes::new(Payload::Ping);
        let mut processor = ProcessorTime::of_this_thread();
        let overhead = processor.overhead();
        let wakes = (0..WARM_UP + publishes).map(|_| {
            self.missing.store(subscribers, Ordering::Relaxed); // the publish makes it visible to them
            self.last.store(0, Ordering::Relaxed);
            sleepers.wait();
            let used = processor.read();
            let start = self.begin.elapsed();
            publish(&mut envelopes);
            let published = self.begin.elapsed();
            let used = processor.read() - used - overhead;
            let last = self.wait();
            Wake {
                publish: nanoseconds(published.saturating_sub(start)),
                processor: used.max(0.0),
                last: nanoseconds(last.saturating_sub(start)),
            }
        });
        wakes.skip(WARM_UP).collect()
    }
}

/// Runs every subscriber on a thread of its own, with the threads dealt to the cores in turn.
fn wake_threads(threads: Threads, publishes: usize) -> Vec<Wake> {
    let Threads {
        mut publishers,
        subscribers,
    } = threads;
    let count = subscribers.len();
    let mut publisher = publishers.pop().expect("one publisher");
    thread::scope(|scope| {
        let publishing = scope.spawn(move || {
            stay_on_core(0);
            let finish = &Finish::new();
            let sleepers = &Sleepers::default();
            let ready = &Barrier::new(count + 1);
            thread::scope(|scope| {
                for (core, mut subscriber) in (1..).zip(subscribers) {
                    scope.spawn(move || {
                        stay_on_core(core);
                        sleepers.add_this_thread();
                        ready.wait();
                        for _ in 0..WARM_UP + publishes {
                            subscriber.receive(1);
                            finish.arrive();
                        }
                    });
                }
                ready.wait();
                finish.publish(publishes, count, sleepers, |envelopes| {
                    publisher.publish(envelopes, 1);
                })
            })
        });
        publishing.join().expect("no contestant panics")
    })
}

#[cfg(feature = "tokio")]
mod tasks {
    use std::sync::Arc;

    use tokio::runtime::{Builder, Runtime};

    use super::{CROWDS, Cell, Effort, Finish, Row, Sleepers, WARM_UP, Wake, in_turns};
    use crate::run::contestants::tasks::{TaskBus, TaskCell, everybody};
    use crate::run::measure::stay_on_core;

    type Run = fn(usize, usize) -> Vec<Wake>;

    enum Woken {}

    impl TaskCell for Woken {
        type Brings = Run;

        fn bring<B: TaskBus>() -> Run {
            wake_tasks::<B>
        }
    }

    pub(super) fn rows(cell: &Cell, effort: Effort, publishes: usize) -> Vec<Row> {
        let cases = ["1 task", "8 tasks", "64 tasks"];
        let rows = CROWDS.into_iter().zip(cases).flat_map(|(tasks, case)| {
            let entrants = everybody::<Woken>().into();
            in_turns(cell, effort, case, entrants, |run| run(tasks, publishes))
        });
        rows.collect()
    }

    /// Runs tasks on a runtime with two threads, and a publisher outside of it.
    fn wake_tasks<B: TaskBus>(tasks: usize, publishes: usize) -> Vec<Wake> {
        let publishing = std::thread::spawn(move || {
            let sleepers = Arc::new(Sleepers::default());
            let workers = Arc::clone(&sleepers);
            let runtime = Builder::new_multi_thread()
                .worker_threads(2)
                .on_thread_start(move || workers.add_this_thread())
                .build();
            stay_on_core(0); // only now, so that the runtime's threads are not bound
            wake::<B>(&runtime.expect("a runtime"), &sleepers, tasks, publishes)
        });
        publishing.join().expect("no contestant panics")
    }

    fn wake<B: TaskBus>(
        runtime: &Runtime,
        sleepers: &Sleepers,
        tasks: usize,
        publishes: usize,
    ) -> Vec<Wake> {
        let (publisher, subscribers) = B::new(tasks);
        let finish = Arc::new(Finish::new());
        let running: Vec<_> = (subscribers.into_iter())
            .map(|mut subscriber| {
                let finish = Arc::clone(&finish);
                runtime.spawn(async move {
                    for _ in 0..WARM_UP + publishes {
                        B::receive(&mut subscriber).await;
                        finish.arrive();
                    }
                })
            })
            .collect();
        let wakes = finish.publish(publishes, tasks, sleepers, |envelopes| {
            let envelope = envelopes.take(1).next().expect("one");
            runtime.block_on(B::publish(&publisher, envelope));
        });
        for task in running {
            runtime.block_on(task).expect("no contestant panics");
        }
        wakes
    }
}
