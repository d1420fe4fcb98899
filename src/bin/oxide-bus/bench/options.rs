//! The options of `oxide-bus bench`, and which of them exclude each other.

use std::num::NonZero;
use std::path::PathBuf;
use std::thread::available_parallelism;
use std::time::Duration;
use std::{fmt, iter};

use clap::error::ErrorKind;
use clap::{ArgAction, Args};
use oxide_bus::Pattern;
use oxide_bus::limits::DEFAULT_CAPACITY;

use super::super::arguments::{self, Bounds, CAPACITY, THREADS};
use super::super::overflow::OverflowName;
use super::super::thread;
use super::contestant::Contestant;
use super::progress::Length;
use super::scenario::Scenario;

/// How many tasks of one kind there may be.
const MOST_TASKS: u64 = u16::MAX as u64;

const PUBLISHERS: Bounds = THREADS.or_tasks(MOST_TASKS);

const SUBSCRIBERS: Bounds = Bounds::new(0, thread::MOST as u64).or_tasks(MOST_TASKS);

/// There are at most as many groups as subscribers.
const GROUPS: Bounds = PUBLISHERS;

const MESSAGES: Bounds = Bounds::new(0, u64::MAX);

const PAYLOAD: Bounds = Bounds::new(0, u32::MAX as u64);

const ROUNDS: Bounds = Bounds::new(1, 1_000);

const WARM_UP: Bounds = Bounds::new(0, 1_000);

/// A comparison needs at least this many rounds of each result. In one of 126 figures, all rounds of one result are
/// above all of the other by chance.
pub(super) const LEAST_TO_COMPARE: u16 = 5;

/// The most points of a sweep.
const MOST_POINTS: usize = 256;

/// Measures the bus: publishers and subscribers on threads of their own, or as tasks, as fast as they can
///
/// Each publisher and each subscriber is a thread; with --async, a task. All subscribers listen to
/// everything, unless --subject or --scenario says to what. When the last publisher is done the bus is
/// closed and the subscribers receive what is still queued. The time is from the start to the end of the
/// last of them, and the rates are over that time.
///
/// A list of sizes or policies, with commas, is a sweep: each is measured with each of the other lists. If there are
/// several rounds, the median one is shown (by rate; by median latency if publishers sleep), with the spread of the
/// others. All points take turns, round by round, so a machine that is slower for a while is slower for all of them.
///
/// The publishers' receipts say what was delivered, and what was dropped because a queue was full; the subscribers
/// count what they received, and what they were told they lost. An envelope that drop-oldest displaces is delivered by
/// the receipts, and lost for the subscriber. The counts are checked: delivered and dropped together make received and
/// lost. Each subscriber, or each group, has received or lost everything that was published for it, or was evicted on
/// its first loss. If not, that is an error.
///
/// Latency is the time from just before an envelope is published to when a subscriber has it. Reading the clock may
/// take longer than publishing. So only one envelope in 16 of each publisher is timed, beginning with its first. In the
/// scenarios burst, at-rest and request each one is. Under full load latency is mostly the time spent in the queue, so
/// it grows with the capacity.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, allow_negative_numbers = true)]
pub(crate) struct BenchOptions {
    /// Which load is put on the bus
    #[arg(long, value_enum, default_value_t = Scenario::Broadcast)]
    pub(super) scenario: Scenario,

    #[arg(
        long, value_name = "N", default_values_t = [1], value_parser = PUBLISHERS.parser::<u16>(),
        value_delimiter = ',', num_args = 1, action = ArgAction::Set,
        help = PUBLISHERS.help("How many threads or tasks publish"),
    )]
    pub(super) publishers: Vec<u16>,

    #[arg(
        long, value_name = "N", default_values_t = [4], value_parser = SUBSCRIBERS.parser::<u16>(),
        value_delimiter = ',', num_args = 1, action = ArgAction::Set,
        help = SUBSCRIBERS.help("How many threads or tasks subscribe; 0 measures publishing to nobody"),
    )]
    pub(super) subscribers: Vec<u16>,

    #[arg(
        long, value_name = "N", default_values_t = [DEFAULT_CAPACITY], value_parser = CAPACITY.parser::<usize>(),
        value_delimiter = ',', num_args = 1, action = ArgAction::Set,
        help = CAPACITY.help("How many envelopes each subscriber's queue holds"),
    )]
    pub(super) capacity: Vec<usize>,

    /// What happens to an envelope when a subscriber's queue is full
    #[arg(
        long, value_enum, default_values_t = [OverflowName::Block],
        value_delimiter = ',', num_args = 1, action = ArgAction::Set,
    )]
    pub(super) overflow: Vec<OverflowName>,

    #[arg(
        long, value_name = "N", value_parser = GROUPS.parser::<u16>(),
        help = GROUPS.help(TEAMS),
        long_help = GROUPS.help(TEAMS) + TEAMS_AT_LENGTH,
    )]
    pub(super) groups: Option<u16>,

    /// Have all subscribers listen to these subjects only; repeat it for more
    ///
    /// The first publisher's envelopes have the subject bench.0, the second's bench.1, and so on. In a
    /// pattern, * stands for any one word, and > at the end for one or more. A pattern that matches none of
    /// them is no error: that measures publishing past subscribers that listen to something else.
    #[arg(long, value_name = "PATTERN")]
    pub(super) subject: Vec<Pattern>,

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
        long, value_name = "N", value_parser = MESSAGES.parser::<u64>(),
        help = MESSAGES.help("How many envelopes are published in a round, by all publishers together")
            + " [default: 1000000; fewer for slow scenarios]",
    )]
    messages: Option<u64>,

    /// Publish for this long in each round instead; fractions are allowed [above zero]
    #[arg(long, value_name = "SECONDS", conflicts_with = "messages", value_parser = arguments::seconds)]
    duration: Option<Duration>,

    #[arg(
        long, value_name = "BYTES", default_values_t = [0], value_parser = PAYLOAD.parser::<u32>(),
        value_delimiter = ',', num_args = 1, action = ArgAction::Set,
        help = PAYLOAD.help("How many bytes each envelope carries, freshly allocated for each"),
    )]
    pub(super) payload: Vec<u32>,

    #[arg(
        long, value_name = "N", value_parser = ROUNDS.parser::<u16>(),
        help = ROUNDS.help("How many rounds are measured") + " [default: 1; with --compare 5]",
    )]
    rounds: Option<u16>,

    #[arg(
        long, value_name = "N", value_parser = WARM_UP.parser::<u16>(),
        help = WARM_UP.help("How many rounds are run before, and not counted")
            + " [default: 1 if several rounds are measured]",
    )]
    warm_up: Option<u16>,

    /// Measure these as well, in the same way and in turns with the bus
    ///
    /// Each makes an envelope for each publish, as the bus does. Each channel has its own way when it is full: it waits
    /// or loses. The column overflow says which. They go with scenarios in which all subscribers listen to the same. A
    /// report shows what happens over time for the bus only.
    #[arg(
        long, value_enum, value_name = "CHANNEL",
        value_delimiter = ',', num_args = 1, action = ArgAction::Set,
    )]
    against: Vec<Contestant>,

    /// Print the result as JSON instead of a table
    #[arg(long, long_help = JSON)]
    pub(super) json: bool,

    /// Print the result as CSV instead of a table: a line for each round, with the keys of the JSON object
    #[arg(long, conflicts_with = "json")]
    pub(super) csv: bool,

    /// Write a page with plots as well: one file that needs no others
    #[arg(long, value_name = "FILE.html")]
    pub(super) report: Option<PathBuf>,

    /// Say what has changed since a result that --json printed
    ///
    /// Rates, latencies and the share of envelopes that were lost are compared. A figure has changed if all rounds of
    /// one result are above all rounds of the other. Both need 5 rounds, with the same sizes, of the same length. It is
    /// printed below the table, or on stderr with --json and --csv. Compare on the same machine only.
    #[arg(long, value_name = "OLD.json")]
    pub(super) compare: Option<PathBuf>,

    /// Fail with exit code 1 if a figure is worse by more than this [above zero]
    ///
    /// For the share of envelopes that were lost these are percentage points.
    #[arg(long, value_name = "PERCENT", requires = "compare", value_parser = arguments::positive)]
    pub(super) fail_over: Option<f64>,
}

const TEAMS: &str = "Divide the subscribers into this many groups, whose members share a queue";

const TEAMS_AT_LENGTH: &str = "

Each envelope goes to one member of each group: the members compete. There may be no more groups than subscribers.";

const JSON: &str = "\
Print the result as JSON instead of a table: one object, or in a sweep one for each point, in a line each

Its keys: scenario, by (what was measured), publishers, subscribers, groups (null without), subjects (a list of patterns, empty without), workers (null for threads), capacity, overflow, payload_bytes, \
messages (of a round; null with --duration), duration_s (null without); \
then of the round in the middle published, delivered, dropped, received, lost, evicted (how many subscribers were), elapsed_s, publishes_per_s, deliveries_per_s, and latency_ns with samples, p50, p90, p99, p999 and \
max, which are whole nanoseconds, or null where there are no samples; and rounds, a list with these figures of each round.";

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
      Like the first, by tasks, and with 16 that receive, on two threads.
  oxide-bus bench --duration 10 --payload 1024 --json
      Ten seconds with 1 KiB in each envelope; the result is for a program to read.
  oxide-bus bench --scenario at-rest --subscribers 1,4,16,64 --rounds 5 --report wakeup.html
      How long sleeping subscribers take to wake, by how many there are: a table, and a page with plots.
  oxide-bus bench --against tokio,crossbeam --rounds 5
      The same load on the bus and on the two channels, in turns.
  oxide-bus bench --rounds 5 --json > old.json
  oxide-bus bench --compare old.json --fail-over 10
      Fails if a figure is worse by more than 10 %, and that is no noise.";

impl BenchOptions {
    /// Returns the number of threads of the runtime, if there is one.
    pub(super) fn workers(&self) -> Option<u16> {
        let cores = || available_parallelism().map_or(1, NonZero::get);
        self.tasks.then(|| {
            self.workers
                .unwrap_or_else(|| cores().try_into().unwrap_or(thread::MOST))
        })
    }

    /// Returns the length of a round.
    pub(super) fn length(&self) -> Length {
        let messages = self.messages.unwrap_or(self.scenario.messages());
        self.duration
            .map_or(Length::Envelopes(messages), Length::Time)
    }

    /// Returns how many rounds are run before those that are measured, and how many are measured.
    pub(super) fn rounds(&self) -> (u16, u16) {
        let unsaid = self.compare.as_ref().map_or(1, |_| LEAST_TO_COMPARE);
        let rounds = self.rounds.unwrap_or(unsaid);
        (self.warm_up.unwrap_or(u16::from(rounds > 1)), rounds)
    }

    /// Returns all contestants: the bus, and the channels that it is measured against.
    pub(super) fn contestants(&self) -> impl Iterator<Item = &Contestant> {
        iter::once(&Contestant::OxideBus).chain(&self.against)
    }

    /// Checks that the options fit together: no group is empty, there are not too many threads, and so on.
    pub(crate) fn check(&self) -> Result<(), clap::Error> {
        self.check_sizes()?;
        self.check_sweep()?;
        self.check_scenario()?;
        let (_, rounds) = self.rounds();
        if self.compare.is_some() && rounds < LEAST_TO_COMPARE {
            return Err(wrong(format_args!(
                "--compare needs --rounds {LEAST_TO_COMPARE} or more: fewer do not show what is noise"
            )));
        }
        Ok(())
    }

    fn check_sizes(&self) -> Result<(), clap::Error> {
        for (name, bounds, sizes) in [
            ("publishers", PUBLISHERS, &self.publishers),
            ("subscribers", SUBSCRIBERS, &self.subscribers),
        ] {
            for &size in sizes {
                (bounds.check(size.into(), self.tasks)).map_err(|must| {
                    wrong(format_args!(
                        "invalid value '{size}' for '--{name} <N>': {must}"
                    ))
                })?;
            }
        }
        let fewest = self.subscribers.iter().min().copied().unwrap_or(0);
        match self.groups {
            Some(groups) if groups > fewest => Err(wrong(format_args!(
                "--groups {groups} is more than there are subscribers: {fewest}"
            ))),
            _ => Ok(()),
        }
    }

    fn check_sweep(&self) -> Result<(), clap::Error> {
        once("publishers", &self.publishers)?;
        once("subscribers", &self.subscribers)?;
        once("capacity", &self.capacity)?;
        once("payload", &self.payload)?;
        once("overflow", &self.overflow)?;
        once("against", &self.against)?;
        let points = [
            self.publishers.len(),
            self.subscribers.len(),
            self.capacity.len(),
            self.payload.len(),
            self.overflow.len(),
            self.contestants().count(),
        ];
        let points = points.into_iter().fold(1, usize::saturating_mul);
        if points > MOST_POINTS {
            return Err(wrong(format_args!(
                "these sweeps have {points} points together; there may be {MOST_POINTS}"
            )));
        }
        Ok(())
    }

    fn check_scenario(&self) -> Result<(), clap::Error> {
        let scenario = self.scenario;
        let what = if scenario.is_addressed() {
            if self.groups.is_some() {
                "not with --groups: each envelope is for one subscriber"
            } else if !self.subject.is_empty() {
                "not with --subject: each envelope is for one subscriber"
            } else if !self.against.is_empty() {
                "not with --against: the channels do not address a subscriber"
            } else if self.subscribers.contains(&0) {
                "not with --subscribers 0: each envelope is for one subscriber"
            } else if scenario == Scenario::Request && self.overflow != [OverflowName::Block] {
                "with --overflow block only: a question that is lost has no answer"
            } else {
                return Ok(());
            }
        } else if !self.against.is_empty() && (self.groups.is_some() || !self.subject.is_empty()) {
            "with --against not with --groups or --subject: every receiver of a channel gets everything"
        } else if self.tasks && self.against.contains(&Contestant::Crossbeam) {
            "with --async not against crossbeam: its channels block the thread"
        } else {
            return Ok(());
        };
        Err(wrong(format_args!("--scenario {scenario} goes {what}")))
    }
}

/// Checks that a sweep names nothing twice.
fn once<T: PartialEq + fmt::Display>(name: &str, sweep: &[T]) -> Result<(), clap::Error> {
    let twice = (1..sweep.len()).find(|&at| sweep[..at].contains(&sweep[at]));
    twice.map_or(Ok(()), |at| {
        Err(wrong(format_args!("--{name} has {} twice", sweep[at])))
    })
}

fn wrong(text: impl fmt::Display) -> clap::Error {
    clap::Error::raw(ErrorKind::ValueValidation, text)
}
