//! `oxide-bus bench`: made-up load on a bus, counted and timed.

mod crew;
mod load;
mod measure;
mod progress;
mod report;

use std::io::{self, Write};
use std::num::NonZero;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::available_parallelism;
use std::time::Duration;

use clap::Args;
use oxide_bus::{DEFAULT_CAPACITY, Pattern};

use self::report::Report;
use crate::failure::Failure;
use crate::overflow::OverflowName;
use crate::{INTERRUPTED, arguments, interrupt, output, thread};

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
pub(crate) struct Options {
    /// How many threads, up to 1024, or tasks publish
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    publishers: u16,

    /// How many threads, up to 1024, or tasks subscribe; 0 measures publishing to nobody
    #[arg(long, value_name = "N", default_value_t = 4)]
    subscribers: u16,

    /// How many envelopes each subscriber's queue holds
    #[arg(long, value_name = "N", default_value_t = DEFAULT_CAPACITY, value_parser = arguments::capacity())]
    capacity: usize,

    /// What happens to an envelope when a subscriber's queue is full
    #[arg(long, value_enum, default_value_t = OverflowName::DropNewest)]
    overflow: OverflowName,

    /// Divide the subscribers into so many groups, whose members share a queue
    ///
    /// Each envelope goes to one member of each group: the members compete.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    groups: Option<u16>,

    /// Have all subscribers listen to these subjects only; repeat it for more
    ///
    /// The first publisher's envelopes have the subject bench.0, the second's bench.1, and so on. In a
    /// pattern, * stands for any one word, and > at the end for one or more. A pattern that matches none of
    /// them is no error: that measures publishing past those who listen to something else.
    #[arg(long, value_name = "PATTERN")]
    subject: Vec<Pattern>,

    /// Use tasks on a tokio runtime instead of threads
    ///
    /// A publisher that always finds room lets the others run after every 128th envelope.
    #[arg(long = "async")]
    tasks: bool,

    /// With --async: how many threads the runtime has, up to 1024 [default: one for each core]
    #[arg(long, value_name = "N", requires = "tasks", value_parser = clap::value_parser!(u16).range(1..=thread::MOST.into()))]
    workers: Option<u16>,

    /// How many envelopes are published, by all publishers together [default: 1000000]
    #[arg(long, value_name = "N")]
    messages: Option<u64>,

    /// Publish for so long instead; fractions are allowed
    #[arg(long, value_name = "SECONDS", conflicts_with = "messages", value_parser = arguments::seconds)]
    duration: Option<Duration>,

    /// How many bytes each envelope carries, freshly allocated for each
    #[arg(long, value_name = "BYTES", default_value_t = 0)]
    payload: u32,

    /// Print the result as one JSON object instead of a table
    #[arg(long, long_help = JSON)]
    json: bool,
}

const JSON: &str = "\
Print the result as one JSON object instead of a table

Its keys: publishers, subscribers, groups (null without), subjects (a list of patterns, empty without), workers (null for threads), capacity, overflow, payload_bytes, published, \
delivered, dropped, received, lost, evicted (how many subscribers were), elapsed_s, publishes_per_s, deliveries_per_s, and latency_ns with samples, p50, p90, p99, p999 and \
max, which are zero where nothing was received.";

const EXAMPLES: &str = "\
Examples:
  oxide-bus bench
      A million envelopes from one publisher to four subscribers, who may lose some.
  oxide-bus bench --overflow block --publishers 2 --subscribers 8
      Two publishers that wait for the slowest of eight subscribers: nothing is lost.
  oxide-bus bench --overflow drop-oldest --capacity 16
      Short queues that keep the newest: what is lost was delivered before.
  oxide-bus bench --overflow block --subscribers 8 --groups 2
      Two teams of four that share the work: each envelope is received twice.
  oxide-bus bench --overflow block --publishers 4 --subject bench.0 --subject bench.3
      Subscribers to two of four publishers: each receives half of what is published.
  oxide-bus bench --async --workers 2 --subscribers 16
      The first again, by tasks: one that publishes, 16 that receive, on two threads.
  oxide-bus bench --duration 10 --payload 1024 --json
      Ten seconds with 1 KiB in each envelope; the result is for a program to read.";

impl Options {
    /// How many envelopes are published, unless there is a duration.
    fn messages(&self) -> u64 {
        self.messages.unwrap_or(1_000_000)
    }

    /// How many threads the runtime has, if there is one.
    fn workers(&self) -> Option<u16> {
        let cores = || available_parallelism().map_or(1, NonZero::get);
        self.tasks.then(|| {
            self.workers
                .unwrap_or_else(|| cores().try_into().unwrap_or(thread::MOST))
        })
    }

    /// How many queues there are: one for each group, or else for each subscriber.
    fn queues(&self) -> u16 {
        self.groups.unwrap_or(self.subscribers)
    }

    /// Whether no group is empty, and there are not too many threads.
    fn check(&self) -> Result<(), Failure> {
        let crowds = [
            ("publishers", self.publishers),
            ("subscribers", self.subscribers),
        ];
        let too_many = crowds.into_iter().find(|&(_, size)| size > thread::MOST);
        if let Some((name, size)) = too_many.filter(|_| !self.tasks) {
            return Err(Failure::usage(format_args!(
                "--{name} {size} is more than {} threads; with --async they are tasks",
                thread::MOST
            )));
        }
        match self.groups {
            Some(groups) if groups > self.subscribers => Err(Failure::usage(format_args!(
                "--groups {groups} is more than there are subscribers: {}",
                self.subscribers
            ))),
            _ => Ok(()),
        }
    }
}

pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    options.check()?;
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
    let report = Report::new(options, &counts);
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
