//! `oxide-bus replay`: publishes a log of envelopes again, on a bus of its own.
//!
//! One thread reads and publishes, others receive and print. They may be stuck in a read or a write, so the main thread
//! waits for their news.

pub(crate) mod accounts;
pub(crate) mod counters;
mod options;
mod pace;
pub(crate) mod printer;
pub(crate) mod progress;
pub(crate) mod reader;

use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use indicatif::HumanCount;
use oxide_bus::codec::Codec;
use oxide_bus::{Capability, Grant, MessageBus, Publisher, SubscribeOptions};

pub(crate) use self::options::ReplayOptions;

use self::accounts::ReplayAccounts;
use self::counters::Counters;
use self::pace::Schedule;
use self::progress::ReplayProgress;
use self::reader::Input;
use super::failure::Failure;
use super::overflow::OverflowName;
use super::{INTERRUPTED, interrupt, output, thread};

/// The bus accepts names of at least this many bytes, because it has names of its own.
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

    /// Sends news. If the main thread no longer listens, the command is about to end.
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
        let fed = reader::reader(&options.input, codec, options.audit, &books, |_, _| {
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
            "{input}: not a log of envelopes: no line is one; `oxide-bus replay --audit` reads an audit log"
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
        let mut schedule = Schedule::of(options.pace.as_ref(), options.rate, &options.input)?;
        move || {
            let fed = reader::reader(
                &options.input,
                codec,
                options.audit,
                &accounts,
                |line, envelope| {
                    let is_early = options.from.is_some_and(|from| envelope.timestamp < from);
                    let is_late = options
                        .until
                        .is_some_and(|until| envelope.timestamp >= until);
                    if is_early || is_late {
                        return ControlFlow::Continue(());
                    }
                    if let Some(schedule) = &mut schedule
                        && schedule.wait(&envelope).is_break()
                    {
                        return ControlFlow::Break(());
                    }
                    let publish = |envelope| match &allowed {
                        Some(publisher) => publisher.forward(envelope),
                        None => bus.publish(envelope),
                    };
                    accounts.publish(envelope, publish, |refused| {
                        output::complain(format_args!("{}: line {line}: {refused}", options.input));
                    })
                },
            );
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

/// Returns the publisher that decides which envelopes may enter the bus, unless all of them may.
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
