//! `oxide-bus replay`: publishes a log of envelopes again, on a bus of the command's own.
//!
//! One thread reads and publishes, others receive and print. The main thread waits for their news, since they may be
//! stuck in a read or a write.

pub(crate) mod accounts;
pub(crate) mod counters;
mod pace;
pub(crate) mod printer;
pub(crate) mod progress;
pub(crate) mod reader;

use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use clap::Args;
use indicatif::HumanCount;
use oxide_bus::codec::Codec;
use oxide_bus::limits::DEFAULT_CAPACITY;
use oxide_bus::{Capability, Grant, MessageBus, Pattern, Publisher, SubscribeOptions};

use self::accounts::ReplayAccounts;
use self::counters::Counters;
use self::pace::Pace;
use self::progress::ReplayProgress;
use self::reader::Input;
use super::arguments::{CAPACITY, THREADS};
use super::failure::Failure;
use super::limits::EnvelopeLimits;
use super::overflow::OverflowName;
use super::{INTERRUPTED, arguments, interrupt, output, thread};

/// Replays a log of envelopes over a bus, and prints what a subscriber receives
///
/// Reads JSON Lines: one envelope a line, blank lines aside. Each is published on a bus, and what a
/// subscriber receives there is printed as JSON Lines, in the form in which this program writes
/// envelopes. On a terminal, control, bidirectional and zero-width characters are escaped as JSON escapes
/// them. Nothing is lost, unless --overflow says so: when the subscriber's queue is full, the reading waits.
///
/// A line that is no envelope is reported on stderr with its number, and the others go on; the exit
/// code is 1 then. After 20 of them the others are only counted. A byte-order mark is passed over. A file that is
/// compressed or in UTF-16 is not read, and neither is one to which the output goes.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ReplayOptions {
    /// The log; `-` is the standard input
    #[arg(value_name = "FILE", default_value = "-")]
    input: Input,

    /// Listen to these subjects only; repeat it for more
    #[arg(long, value_name = "PATTERN", long_help = SUBJECT)]
    subject: Vec<Pattern>,

    /// Listen to envelopes from this source only; repeat it for more
    #[arg(long, value_name = "NAME")]
    source: Vec<String>,

    /// Let only envelopes of this source onto the bus; repeat it for more
    ///
    /// Whatever else the log has in it is refused, reported on stderr with its line, and counted as bad.
    #[arg(long = "as", value_name = "SOURCE")]
    speak_as: Vec<String>,

    /// Let only envelopes with these subjects onto the bus, of the sources of --as; repeat it for more
    #[arg(long, value_name = "PATTERN", requires = "speak_as")]
    allow: Vec<Pattern>,

    #[arg(
        long, value_name = "N", default_value_t = DEFAULT_CAPACITY, value_parser = CAPACITY.parser::<usize>(), allow_negative_numbers = true,
        help = CAPACITY.help("How many envelopes the subscriber's queue holds"),
    )]
    capacity: usize,

    /// What happens to an envelope when the subscriber's queue is full
    ///
    /// With evict that is the end of the replay, and the exit code is 1.
    #[arg(long, value_enum, default_value_t = OverflowName::Block)]
    overflow: OverflowName,

    #[arg(
        long, value_name = "N", value_parser = THREADS.parser::<u16>(), allow_negative_numbers = true,
        help = THREADS.help(MEMBERS),
        long_help = THREADS.help(MEMBERS) + MEMBERS_AT_LENGTH,
    )]
    members: Option<u16>,

    /// Publish so many envelopes a second, fractions allowed [above zero] [default: as fast as possible]
    ///
    /// The pace is kept from the start: after a hold-up it catches up.
    #[arg(long, value_name = "N", value_parser = arguments::positive, allow_negative_numbers = true)]
    rate: Option<f64>,

    /// Only check that every line is an envelope, and say so on stderr: publish and print nothing
    #[arg(long, conflicts_with_all = ["subject", "source", "speak_as", "allow", "capacity", "overflow", "members", "rate", "stats"])]
    check: bool,

    /// Accept keys that the format does not know, and leave them out
    #[arg(long)]
    lenient: bool,

    #[command(flatten)]
    statistics: Statistics,

    // Last, since its heading applies to every option after it.
    #[command(flatten)]
    limits: EnvelopeLimits,
}

/// What is said at the end.
#[derive(Debug, Clone, Copy, Args)]
struct Statistics {
    /// At the end, say on stderr how many envelopes went where
    #[arg(long, long_help = STATS)]
    stats: bool,

    /// With --stats, list all subjects by name, and not only the ten with the most envelopes
    #[arg(long, requires = "stats")]
    all_subjects: bool,
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
    "Let the subscriber be a group of so many members, each in a thread of its own";

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
  oxide-bus replay --check log.jsonl
      Whether all is well, or which lines are bad.";

/// The bus accepts names of at least so many bytes, since it has names of its own.
const MIN_NAME: usize = 256;

/// How long the printing may stand still after Ctrl-C.
const MAX_STANDSTILL: Duration = Duration::from_secs(1);

/// What the main thread waits for. The other threads may be stuck in a read or a write for ever.
pub(crate) enum News {
    /// The input has ended, after this number of envelopes, or failed.
    Fed(Result<u64, Failure>),
    /// Everything is printed, or the output has no reader any more, or printing failed.
    Printed(Result<(), Failure>),
    /// Ctrl-C was pressed.
    Interrupted,
}

/// Sends news to the main thread.
#[derive(Clone)]
pub(crate) struct Teller(Sender<News>);

impl Teller {
    /// Returns a teller, and what the main thread listens to.
    pub(crate) fn new() -> (Self, Receiver<News>) {
        let (sender, news) = mpsc::channel();
        (Teller(sender), news)
    }

    /// Sends news. If the main thread does not listen any more, the command is about to end anyway.
    pub(crate) fn tell(&self, news: News) {
        let _ = self.0.send(news);
    }
}

pub(crate) fn run(options: ReplayOptions) -> Result<ExitCode, Failure> {
    let (teller, news) = Teller::new();
    let interrupted = teller.clone();
    interrupt::on_first(move || interrupted.tell(News::Interrupted))?;
    if options.check {
        check(options, teller, &news)
    } else {
        replay(options, &teller, &news)
    }
}

/// Reads the whole log, and reports on stderr whether every line is an envelope.
fn check(
    options: ReplayOptions,
    teller: Teller,
    news: &Receiver<News>,
) -> Result<ExitCode, Failure> {
    let accounts = Arc::new(ReplayAccounts::new(false));
    let (input, codec, books) = (
        options.input.clone(),
        codec(&options),
        Arc::clone(&accounts),
    );
    thread::spawn("reader", move || {
        let fed = reader::reader(&options.input, codec, &books, |_, _| {
            ControlFlow::Continue(())
        });
        teller.tell(News::Fed(fed));
    })?;
    let fed = match news.recv() {
        Ok(News::Fed(fed)) => Some(fed),
        _ => None,
    };
    let counters = accounts.close();
    report_rest(&input, &counters, fed.as_ref());
    let Some(fed) = fed else {
        return Ok(ExitCode::from(INTERRUPTED));
    };
    let envelopes = HumanCount(fed?);
    if counters.is_good() {
        output::complain(format_args!(
            "{input}: all is well (envelopes: {envelopes})"
        ));
    }
    Ok(counters.exit_code())
}

/// Reports how many bad lines were not shown, and whether all lines of the input were bad.
pub(crate) fn report_rest(input: &Input, counters: &Counters, fed: Option<&Result<u64, Failure>>) {
    let count = counters.unreported();
    if count > 0 {
        let count = HumanCount(count);
        output::complain(format_args!("{input}: more bad lines: {count}"));
    }
    if matches!(fed, Some(Ok(0))) && !counters.is_good() {
        output::complain(format_args!(
            "{input}: not a log of envelopes: no line is one"
        ));
    }
}

fn replay(
    options: ReplayOptions,
    teller: &Teller,
    news: &Receiver<News>,
) -> Result<ExitCode, Failure> {
    let max_name = options.limits.name().max(MIN_NAME);
    let bus = MessageBus::builder().max_name(max_name).build();
    let members = options.members.unwrap_or(1);
    let subscriptions = (0..members)
        .map(|_| bus.subscribe_with(terms(&options)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(Failure::usage)?;
    let accounts = Arc::new(ReplayAccounts::new(options.statistics.stats));
    let progress = Arc::new(ReplayProgress::new(members));
    let (statistics, overflow, codec) = (options.statistics, options.overflow, codec(&options));
    let input = options.input.clone();

    let allowed = allowance(&options, &bus)?;
    for subscription in subscriptions {
        let (teller, progress) = (teller.clone(), Arc::clone(&progress));
        thread::spawn("printer", move || {
            if let Some(printed) = printer::print(subscription, &progress) {
                teller.tell(News::Printed(printed));
            }
        })?;
    }
    thread::spawn("reader", {
        let (teller, bus, accounts) = (teller.clone(), bus.clone(), Arc::clone(&accounts));
        let mut pace = options.rate.map(Pace::new);
        move || {
            let fed = reader::reader(&options.input, codec, &accounts, |line, envelope| {
                if let Some(pace) = &mut pace {
                    pace.wait();
                }
                let publish = |envelope| match &allowed {
                    Some(publisher) => publisher.forward(envelope),
                    None => bus.publish(envelope),
                };
                accounts.publish(envelope, publish, |refused| {
                    output::complain(format_args!("{}: line {line}: {refused}", options.input));
                })
            });
            teller.tell(News::Fed(fed));
        }
    })?;

    let (mut fed, mut interrupted) = (None, false);
    let printed = loop {
        match news.recv() {
            Ok(News::Fed(end)) => {
                fed = Some(end);
                bus.close();
            }
            Ok(News::Printed(end)) => break end,
            Ok(News::Interrupted) | Err(_) => {
                interrupted = true;
                bus.close();
                break drain(news, &progress);
            }
        }
    };
    // A publish that waits for room would hold the lock of the accounts.
    bus.close();
    let mut counters = accounts.close();
    if overflow == OverflowName::DropOldest {
        counters.enter_displaced(progress.lost());
    }
    report_rest(&input, &counters, fed.as_ref());
    if statistics.stats {
        output::say(&counters.table(statistics.all_subjects, output::width()));
    }
    fed.transpose()?;
    printed?;
    Ok(if interrupted {
        ExitCode::from(INTERRUPTED)
    } else {
        counters.exit_code()
    })
}

/// Waits until everything that was received is printed, unless the output is stuck.
pub(crate) fn drain(news: &Receiver<News>, progress: &ReplayProgress) -> Result<(), Failure> {
    let mut before = progress.printed();
    loop {
        match news.recv_timeout(MAX_STANDSTILL) {
            Ok(News::Printed(end)) => return end,
            Ok(_) => {}
            Err(_) => {
                let now = progress.printed();
                if now == before {
                    output::complain("standard output is stuck, so not everything is printed");
                    return Ok(());
                }
                before = now;
            }
        }
    }
}

/// Returns the publisher through which envelopes enter the bus, if not all of them may.
fn allowance(options: &ReplayOptions, bus: &MessageBus) -> Result<Option<Publisher>, Failure> {
    if options.speak_as.is_empty() && options.allow.is_empty() {
        return Ok(None);
    }
    let capability = Capability::new("replay");
    let mut grant = Grant::new(&capability).forwards();
    if !options.speak_as.is_empty() {
        grant = grant.sources(options.speak_as.iter().map(String::as_str));
    }
    if !options.allow.is_empty() {
        grant = grant.patterns(options.allow.iter().cloned());
    }
    bus.grant(grant).map_err(Failure::usage)?;
    Ok(Some(bus.publisher("replay", capability)))
}

fn codec(options: &ReplayOptions) -> Codec {
    options.limits.codec().lenient(options.lenient)
}

fn terms(options: &ReplayOptions) -> SubscribeOptions {
    let terms = SubscribeOptions::new()
        .name("printer")
        .capacity(options.capacity)
        .overflow(options.overflow.into());
    let terms = match options.members {
        Some(_) => terms.group("printers"),
        None => terms,
    };
    let terms = options
        .subject
        .iter()
        .cloned()
        .fold(terms, SubscribeOptions::pattern);
    (options.source.iter()).fold(terms, |terms, name| terms.source(name.as_str()))
}
