//! The options of `oxide-bus replay`, and its help.

use chrono::{DateTime, Utc};
use clap::Args;
use oxide_bus::Pattern;
use oxide_bus::limits::DEFAULT_CAPACITY;

use super::super::arguments::{self, CAPACITY, THREADS};
use super::super::limits::EnvelopeLimits;
use super::super::overflow::OverflowName;
use super::pace::PaceName;
use super::reader::Input;

/// Replays a log of envelopes over a bus, and prints what a subscriber receives
///
/// Reads JSON Lines: one envelope a line, blank lines aside. Each is published on a bus, and what a subscriber receives
/// there is printed as JSON Lines, in the form in which this program writes envelopes. On a terminal, control,
/// bidirectional and zero-width characters are escaped as JSON escapes them. Nothing is lost, unless --overflow allows
/// it: when the subscriber's queue is full, the reading waits.
///
/// A line that is no envelope is reported on stderr with its number, and makes the exit code 1; the others go on. After
/// 20 of them the rest are only counted. A byte-order mark is passed over. A file that is compressed or in UTF-16 is
/// not read, and neither is the file of the output.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ReplayOptions {
    /// The log; `-` is the standard input
    #[arg(value_name = "FILE", default_value = "-")]
    pub(super) input: Input,

    /// Listen to these subjects only; repeat it for more
    #[arg(long, value_name = "PATTERN", long_help = SUBJECT)]
    pub(super) subject: Vec<Pattern>,

    /// Listen to envelopes from this source only; repeat it for more
    #[arg(long, value_name = "NAME")]
    pub(super) source: Vec<String>,

    /// Let only envelopes of this source onto the bus; repeat it for more
    ///
    /// All other envelopes of the log are refused, reported on stderr with their lines, and counted as bad.
    #[arg(long = "as", value_name = "SOURCE")]
    pub(super) speak_as: Vec<String>,

    /// Let only envelopes with these subjects onto the bus, of the sources of --as; repeat it for more
    #[arg(long, value_name = "PATTERN", requires = "speak_as")]
    pub(super) allow: Vec<Pattern>,

    #[arg(
        long, value_name = "N", default_value_t = DEFAULT_CAPACITY, value_parser = CAPACITY.parser::<usize>(), allow_negative_numbers = true,
        help = CAPACITY.help("How many envelopes the subscriber's queue holds"),
    )]
    pub(super) capacity: usize,

    /// What happens to an envelope when the subscriber's queue is full
    ///
    /// With evict the replay ends then, and the exit code is 1.
    #[arg(long, value_enum, default_value_t = OverflowName::Block)]
    pub(super) overflow: OverflowName,

    #[arg(
        long, value_name = "N", value_parser = THREADS.parser::<u16>(), allow_negative_numbers = true,
        help = THREADS.help(MEMBERS),
        long_help = THREADS.help(MEMBERS) + MEMBERS_AT_LENGTH,
    )]
    pub(super) members: Option<u16>,

    /// Publish this many envelopes a second, fractions allowed [above zero] [default: as fast as possible]
    ///
    /// The pace counts from the start: after a delay it catches up.
    #[arg(long, value_name = "N", value_parser = arguments::positive, allow_negative_numbers = true)]
    pub(super) rate: Option<f64>,

    /// Publish as the envelopes were made: `original`, `x2.5` for 2.5 times as fast, `step` for one a line of stdin
    ///
    /// The times of the envelopes decide, and their order stays. An envelope that is older than the one before it is
    /// published at once.
    #[arg(long, value_name = "PACE", conflicts_with = "rate")]
    pub(super) pace: Option<PaceName>,

    /// Pass over envelopes from before this time, such as 2026-11-24T06:00:00Z
    #[arg(long, value_name = "TIME")]
    pub(super) from: Option<DateTime<Utc>>,

    /// Pass over envelopes from this time on
    #[arg(long, value_name = "TIME")]
    pub(super) until: Option<DateTime<Utc>>,

    /// The log is an audit log: publish its envelopes, and pass over its other records
    #[arg(long)]
    pub(super) audit: bool,

    /// Only check that every line is an envelope, and say so on stderr: publish and print nothing
    #[arg(long, conflicts_with_all = ["subject", "source", "speak_as", "allow", "capacity", "overflow", "members", "rate", "pace", "from", "until", "stats"])]
    pub(super) check: bool,

    /// Accept keys that the format does not know, and leave them out
    #[arg(long)]
    pub(super) lenient: bool,

    #[command(flatten)]
    pub(super) statistics: Statistics,

    // Last, because its heading applies to every option after it.
    #[command(flatten)]
    pub(super) limits: EnvelopeLimits,
}

/// The statistics at the end.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct Statistics {
    /// At the end, say on stderr how many envelopes went where
    #[arg(long, long_help = STATS)]
    pub(super) stats: bool,

    /// With --stats, list all subjects by name, and not only the ten with the most envelopes
    #[arg(long, requires = "stats")]
    pub(super) all_subjects: bool,
}

const SUBJECT: &str = "\
Listen to these subjects only; repeat it for more

A subject is a list of words joined by dots:
  command.start.MODULE   command.stop.MODULE    command.invoke.MODULE.METHOD
  command.ping           event.started.MODULE   event.stopped.MODULE
  event.custom.MODULE.KIND                      event.pong.FROM
In a pattern, * stands for any one word, and > at the end for one or more. A dot, * or > that is part \
of a word is written with a backslash before it.";

const MEMBERS: &str =
    "Let the subscriber be a group of this many members, each in a thread of its own";

const MEMBERS_AT_LENGTH: &str = "

They share the queue and compete: each envelope is received and printed by one of them. Lines stay \
whole, but come in any order.";

const STATS: &str = "\
At the end, say on stderr how many envelopes went where

Lines read, of which some were bad and the others published; deliveries that matched the filters, of \
which some were delivered and the others dropped (with --overflow block only where it was \
interrupted); with --overflow drop-oldest, how many of the delivered were displaced by newer ones, and \
so not printed; then how many were published and delivered by subject, for the ten with the most of them, and for all \
others together. Lines are cut to the width of the terminal. 10,000 subjects at most are told apart.";

const EXAMPLES: &str = "\
Examples:
  oxide-bus replay log.jsonl --stats
      Print all envelopes in a log, and count them.
  oxide-bus replay log.jsonl --subject 'event.>' --source kernel
      Only the events that the kernel has published.
  oxide-bus replay log.jsonl --subject 'event.custom.web\\.browser.*' --rate 2.5
      Custom events of the module web.browser, while five are published every two seconds.
  oxide-bus replay peer.jsonl --as north --as south --allow 'event.>'
      What two peers have sent, as far as they may: their own events and nothing else.
  tail -f log.jsonl | oxide-bus replay --lenient
      What is appended to a log, as it comes, even if it has keys of its own.
  oxide-bus replay log.jsonl --overflow drop-oldest --capacity 100 --stats | less
      What a reader who is slow gets of a log, if old envelopes make way for new ones.
  oxide-bus replay log.jsonl --members 4 --subject 'command.>'
      The commands in a log, as a team of four that shares the work gets them.
  oxide-bus replay audit.jsonl --audit --pace x10 --from 2026-11-24T06:00:00Z
      What happened on a bus from six o'clock on, ten times as fast.
  oxide-bus replay --check log.jsonl
      Whether all is well, or which lines are bad.";
