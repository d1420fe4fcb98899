//! `oxide-bus bench`: publishes made-up load on a bus, and counts and times what arrives.

pub(crate) mod figures;
mod load;
mod measure;
mod progress;
mod report;
mod workers;

use std::io::{self, Write};
use std::num::NonZero;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::available_parallelism;
use std::time::Duration;

use clap::Args;
use clap::error::ErrorKind;
use oxide_bus::Pattern;
use oxide_bus::limits::DEFAULT_CAPACITY;

use self::progress::Length;
use self::report::BenchReport;
use super::arguments::{Bounds, CAPACITY, THREADS};
use super::failure::Failure;
use super::overflow::OverflowName;
use super::{INTERRUPTED, arguments, interrupt, output, thread};

/// How many tasks of one kind there may be.
const MOST_TASKS: u64 = u16::MAX as u64;

const PUBLISHERS: Bounds = THREADS.or_tasks(MOST_TASKS);

const SUBSCRIBERS: Bounds = Bounds::new(0, thread::MOST as u64).or_tasks(MOST_TASKS);

/// There are at most as many groups as subscribers.
const GROUPS: Bounds = PUBLISHERS;

const MESSAGES: Bounds = Bounds::new(0, u64::MAX);

const PAYLOAD: Bounds = Bounds::new(0, u32::MAX as u64);

/// Measures the bus: publishers and subscribers on threads of their own, or as tasks, as fast as they can
///
/// Each publisher and each subscriber is a thread; with --async, a task. All subscribers listen to
/// everything, unless --subject says to what. When the last publisher is done the bus is closed and the
/// subscribers receive what is still queued. The time is from the start to the end of the last of them,
/// and the rates are over that time.
///
/// The publishers' receipts say what was delivered, and what was dropped because a queue was full; the
/// subscribers count what they received, and what they were told they lost. An envelope that drop-oldest
/// displaces is delivered by the receipts, and lost for the subscriber. The counts are checked: delivered
/// and dropped together make received and lost; each subscriber, or each group, has received or lost
/// everything that was published and that it listens to, or was evicted on its first loss. If not, that
/// is an error.
///
/// Latency is the time from just before an envelope is published to when a subscriber has it. Reading
/// the clock takes longer than publishing may, so only one envelope in 16 of each publisher, its first
/// included, is timed. Under full load latency is mostly the time spent in the queue, so it grows
/// with the capacity.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, allow_negative_numbers = true)]
pub(crate) struct BenchOptions {
    #[arg(
        long, value_name = "N", default_value_t = 1, value_parser = PUBLISHERS.parser::<u16>(),
        help = PUBLISHERS.help("How many threads or tasks publish"),
    )]
    publishers: u16,

    #[arg(
        long, value_name = "N", default_value_t = 4, value_parser = SUBSCRIBERS.parser::<u16>(),
        help = SUBSCRIBERS.help("How many threads or tasks subscribe; 0 measures publishing to nobody"),
    )]
    subscribers: u16,

    #[arg(
        long, value_name = "N", default_value_t = DEFAULT_CAPACITY, value_parser = CAPACITY.parser::<usize>(),
        help = CAPACITY.help("How many envelopes each subscriber's queue holds"),
    )]
    capacity: usize,

    /// What happens to an envelope when a subscriber's queue is full
    #[arg(long, value_enum, default_value_t = OverflowName::Block)]
    overflow: OverflowName,

    #[arg(
        long, value_name = "N", value_parser = GROUPS.parser::<u16>(),
        help = GROUPS.help(TEAMS),
        long_help = GROUPS.help(TEAMS) + TEAMS_AT_LENGTH,
    )]
    groups: Option<u16>,

    /// Have all subscribers listen to these subjects only; repeat it for more
    ///
    /// The first publisher's envelopes have the subject bench.0, the second's bench.1, and so on. In a
    /// pattern, * stands for any one word, and > at the end for one or more. A pattern that matches none of
    /// them is no error: that measures publishing past subscribers that listen to something else.
    #[arg(long, value_name = "PATTERN")]
    subject: Vec<Pattern>,

    /// Use tasks on a tokio runtime instead of threads
    ///
    /// A publisher that always finds room lets the others run after every 128th envelope.
    #[arg(long = "async")]
    tasks: bool,

    #[arg(
        long, value_name = "N", requires = "tasks", value_parser = THREADS.parser::<u16>(),
        help = THREADS.help("With --async: how many threads the runtime has") + " [default: one for each core]",
    )]
    workers: Option<u16>,

    #[arg(
        long, value_name = "N", default_value_t = 1_000_000, value_parser = MESSAGES.parser::<u64>(),
        help = MESSAGES.help("How many envelopes are published, by all publishers together"),
    )]
    messages: u64,

    /// Publish for so long instead; fractions are allowed [above zero]
    #[arg(long, value_name = "SECONDS", conflicts_with = "messages", value_parser = arguments::seconds)]
    duration: Option<Duration>,

    #[arg(
        long, value_name = "BYTES", default_value_t = 0, value_parser = PAYLOAD.parser::<u32>(),
        help = PAYLOAD.help("How many bytes each envelope carries, freshly allocated for each"),
    )]
    payload: u32,

    /// Print the result as one JSON object instead of a table
    #[arg(long, long_help = JSON)]
    json: bool,
}

const TEAMS: &str = "Divide the subscribers into so many groups, whose members share a queue";

const TEAMS_AT_LENGTH: &str = "

Each envelope goes to one member of each group: the members compete. There may be no more groups than subscribers.";

const JSON: &str = "\
Print the result as one JSON object instead of a table

Its keys: publishers, subscribers, groups (null without), subjects (a list of patterns, empty without), workers (null for threads), capacity, overflow, payload_bytes, published, \
delivered, dropped, received, lost, evicted (how many subscribers were), elapsed_s, publishes_per_s, deliveries_per_s, and latency_ns with samples, p50, p90, p99, p999 and \
max, which are whole nanoseconds, or null where there are no samples.";

const EXAMPLES: &str = "\
Examples:
  oxide-bus bench
      A million envelopes from one publisher to four subscribers; nothing is lost.
  oxide-bus bench --publishers 2 --subscribers 8
      Two publishers that wait for the slowest of eight subscribers.
  oxide-bus bench --overflow drop-newest
      A publisher that waits for nobody, and subscribers that may lose some.
  oxide-bus bench --overflow drop-oldest --capacity 16
      Short queues that keep the newest: what is lost was delivered before.
  oxide-bus bench --subscribers 8 --groups 2
      Two teams of four that share the work: each envelope is received twice.
  oxide-bus bench --publishers 4 --subject bench.0 --subject bench.3
      Subscribers to two of four publishers: each receives half of what is published.
  oxide-bus bench --async --workers 2 --subscribers 16
      The first again, by tasks: one that publishes, 16 that receive, on two threads.
  oxide-bus bench --duration 10 --payload 1024 --json
      Ten seconds with 1 KiB in each envelope; the result is for a program to read.";

impl BenchOptions {
    /// Returns the number of threads of the runtime, if there is one.
    fn workers(&self) -> Option<u16> {
        let cores = || available_parallelism().map_or(1, NonZero::get);
        self.tasks.then(|| {
            self.workers
                .unwrap_or_else(|| cores().try_into().unwrap_or(thread::MOST))
        })
    }

    /// Returns the length of the run.
    fn length(&self) -> Length {
        self.duration
            .map_or(Length::Envelopes(self.messages), Length::Time)
    }

    /// Returns the number of queues: one for each group, or else for each subscriber.
    fn queues(&self) -> u16 {
        self.groups.unwrap_or(self.subscribers)
    }

    /// Checks that no group is empty, and that there are not too many threads.
    pub(crate) fn check(&self) -> Result<(), clap::Error> {
        let wrong = |text: String| clap::Error::raw(ErrorKind::ValueValidation, text);
        for (name, bounds, size) in [
            ("publishers", PUBLISHERS, self.publishers),
            ("subscribers", SUBSCRIBERS, self.subscribers),
        ] {
            (bounds.check(size.into(), self.tasks)).map_err(|must| {
                wrong(format!("invalid value '{size}' for '--{name} <N>': {must}"))
            })?;
        }
        match self.groups {
            Some(groups) if groups > self.subscribers => Err(wrong(format!(
                "--groups {groups} is more than there are subscribers: {}",
                self.subscribers
            ))),
            _ => Ok(()),
        }
    }
}

pub(crate) fn run(options: &BenchOptions) -> Result<ExitCode, Failure> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let stop = Arc::new(AtomicBool::new(false));
    interrupt::on_first({
        let (interrupted, stop) = (Arc::clone(&interrupted), Arc::clone(&stop));
        move || {
            interrupted.store(true, Ordering::Relaxed);
            stop.store(true, Ordering::Relaxed);
        }
    })?;

    let counts = measure::run(options, &stop)?;
    let report = BenchReport::new(options, &counts);
    let text = if options.json {
        report.json()
    } else {
        report.table()
    };
    output::written(writeln!(io::stdout(), "{text}"))?;
    counts.check()?;
    Ok(if interrupted.load(Ordering::Relaxed) {
        ExitCode::from(INTERRUPTED)
    } else {
        ExitCode::SUCCESS
    })
}
