//! `oxide-bus link`: joins the standard input and output to a NATS server, by a bus of the command's own.
//!
//! One thread reads and publishes, the link sends and receives on its own, another thread prints. The main thread waits
//! for their news.

mod summary;

use std::error::Error;
#[cfg(feature = "nats-nkeys")]
use std::fs;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use clap::{ArgGroup, Args, Subcommand};
use oxide_bus::kernel::Message;
use oxide_bus::link::nats::{Nats, Permissions};
use oxide_bus::link::{Link, LinkBuilder, LinkError, NotReadyError};
use oxide_bus::{Envelope, MessageBus, Overflow, Pattern, SubscribeOptions};

use self::summary::summary;
use super::failure::Failure;
use super::limits::EnvelopeLimits;
use super::replay::accounts::ReplayAccounts;
use super::replay::progress::ReplayProgress;
use super::replay::reader::{self, Input};
use super::replay::{News, Teller, drain, printer, report_rest};
use super::{INTERRUPTED, arguments, interrupt, output, thread};

/// Joins the standard input and output to other buses, over a NATS server
///
/// Reads JSON Lines, one envelope a line, and sends those that match --export. Envelopes of others that match --import are
/// printed as JSON Lines, each with the header link-origin: the name of the link that it came by. Envelopes with that
/// header are not sent.
///
/// What is sent is kept until the server has it: while the server is away, the reading waits. With --import it goes on at
/// the end of the input, until Ctrl-C. At the end what was read is sent, and a summary is printed on stderr.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("direction").required(true).multiple(true))]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct LinkOptions {
    #[command(subcommand)]
    command: Option<LinkCommand>,

    /// The server, such as `nats://localhost:4222`, `tls://host` or `nats://user:password@host`
    #[arg(long, value_name = "URL", required = true)]
    nats: Option<String>,

    /// The name of this link: lowercase letters, digits and hyphens; no other link at the server may have it
    #[arg(long = "name", value_name = "NAME", required = true)]
    link_name: Option<String>,

    /// Send what is read and has such a subject; repeat it for more. This or --import must be given
    #[arg(long, value_name = "PATTERN", group = "direction")]
    export: Vec<Pattern>,

    /// Print what others send that has such a subject; repeat it for more
    #[arg(long, value_name = "PATTERN", group = "direction")]
    import: Vec<Pattern>,

    /// Send to this stream of the server, and print what is stored there, also what was sent while this link was away after its first start. The stream must exist
    #[arg(long, value_name = "STREAM")]
    durable: Option<String>,

    /// A file with credentials for the server
    #[cfg(feature = "nats-nkeys")]
    #[arg(long, value_name = "FILE")]
    credentials: Option<std::path::PathBuf>,

    /// How long to wait for the server in the beginning, and at the end until it has everything [above zero]
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = arguments::seconds, allow_negative_numbers = true)]
    timeout: Duration,

    // Last, since its heading applies to every option after it.
    #[command(flatten)]
    limits: EnvelopeLimits,
}

#[derive(Debug, Subcommand)]
enum LinkCommand {
    Permissions(PermissionsOptions),
}

/// Prints what a NATS server is to permit a link of this name, for the server's configuration
///
/// With them no other user of the server can send under this name.
#[derive(Debug, Args)]
struct PermissionsOptions {
    /// The name of the link
    #[arg(long, value_name = "NAME")]
    name: String,

    /// The stream, if the link is durable
    #[arg(long, value_name = "STREAM")]
    durable: Option<String>,
}

const EXAMPLES: &str = "\
Examples:
  oxide-bus link --nats nats://localhost --name south --import 'event.>'
      Print the events of all others.
  oxide-bus link --nats nats://localhost --name north --export 'event.>' < log.jsonl
      Send the events in a log, and end when the server has them.
  oxide-bus link --nats nats://localhost --name south --import 'event.>' --durable EVENTS
      Print the events in the stream EVENTS of the server, also those that came while nobody read.
  oxide-bus link permissions --name north
      What to write into the configuration of the server.";

/// The header of an envelope that a link has brought.
const LINK_ORIGIN: &str = "link-origin";

pub(crate) fn run(options: LinkOptions) -> Result<ExitCode, Failure> {
    match &options.command {
        Some(LinkCommand::Permissions(PermissionsOptions { name, durable })) => {
            let mut permissions = Permissions::new(name).map_err(not_begun)?;
            if let Some(stream) = durable {
                permissions = permissions.durable(stream);
            }
            output::written(writeln!(io::stdout(), "{permissions}"))?;
            Ok(ExitCode::SUCCESS)
        }
        None => join(options),
    }
}

/// What ends the command.
struct LinkEnd {
    fed: Option<Result<u64, Failure>>,
    printed: Option<Result<(), Failure>>,
    is_interrupted: bool,
}

fn join(options: LinkOptions) -> Result<ExitCode, Failure> {
    let (teller, news) = Teller::new();
    let interrupted = teller.clone();
    interrupt::on_first(move || interrupted.tell(News::Interrupted))?;

    let bus = MessageBus::new();
    let (timeout, codec) = (options.timeout, options.limits.codec());
    let (reads, prints) = (!options.export.is_empty(), !options.import.is_empty());
    let progress = Arc::new(ReplayProgress::new(1));
    if prints {
        // Before the link begins, so that everything is printed.
        let brought = SubscribeOptions::new()
            .name("printer")
            .overflow(Overflow::Block)
            .predicate(came_by_link);
        let brought = bus.subscribe_with(brought).map_err(failed)?;
        let (teller, progress) = (teller.clone(), Arc::clone(&progress));
        thread::spawn("printer", move || {
            if let Some(printed) = printer::print(brought, &progress) {
                teller.tell(News::Printed(printed));
            }
        })?;
    }
    let stream = options.durable.clone();
    let link = builder(options, &bus)?.codec(codec).time_limit(timeout);
    let link = match stream {
        Some(stream) => link.durable(stream).spawn(&bus),
        None => link.spawn(&bus),
    };
    let link = link.map_err(not_begun)?;
    (link.ready(timeout)).map_err(|error| not_ready(error, link.name()))?;
    output::complain(format_args!("the link {} is ready", link.name()));
    let accounts = Arc::new(ReplayAccounts::new(false));
    let is_over = Arc::new(AtomicBool::new(false));
    if reads {
        let (bus, accounts, is_over) = (bus.clone(), Arc::clone(&accounts), Arc::clone(&is_over));
        thread::spawn("reader", move || {
            let fed = reader::reader(&Input::Stdin, codec, false, &accounts, |line, envelope| {
                if is_over.load(Ordering::Relaxed) {
                    return ControlFlow::Break(());
                }
                if came_by_link(&envelope) {
                    return accounts.bad(|| {
                        let input = Input::Stdin;
                        output::complain(format_args!(
                            "{input}: line {line}: it came by a link, so it is not sent"
                        ));
                    });
                }
                accounts.publish(envelope, |envelope| bus.publish(envelope), |_| {})
            });
            teller.tell(News::Fed(fed));
        })?;
    }
    let mut end = wait(&news, prints);
    // Relaxed: a hint to the reader. One envelope more on the bus does no harm.
    is_over.store(true, Ordering::Relaxed);
    let drained = link.drain(timeout);
    bus.close();
    if prints && end.printed.is_none() {
        end.printed = Some(drain(&news, &progress));
    }
    let (counters, stats) = (accounts.close(), link.stats());
    report_rest(&Input::Stdin, &counters, end.fed.as_ref());
    output::say(&summary(&counters, &stats, reads));
    end.fed.transpose()?;
    end.printed.transpose()?;
    drained.map_err(failed)?;
    Ok(if end.is_interrupted {
        ExitCode::from(INTERRUPTED)
    } else {
        counters.exit_code()
    })
}

/// Waits for the end: of the input if nothing is printed, of the output, or by Ctrl-C.
fn wait(news: &Receiver<News>, prints: bool) -> LinkEnd {
    let mut end = LinkEnd {
        fed: None,
        printed: None,
        is_interrupted: false,
    };
    loop {
        match news.recv() {
            Ok(News::Fed(fed)) => {
                let goes_on = prints && fed.is_ok();
                end.fed = Some(fed);
                if goes_on {
                    continue;
                }
            }
            Ok(News::Printed(printed)) => end.printed = Some(printed),
            Ok(News::Interrupted) | Err(_) => end.is_interrupted = true,
        }
        return end;
    }
}

fn builder(options: LinkOptions, bus: &MessageBus) -> Result<LinkBuilder<Nats, Message>, Failure> {
    // Clap insists on both, unless there is a subcommand.
    let nats = Nats::new(options.nats.unwrap_or_default());
    #[cfg(feature = "nats-nkeys")]
    let nats = match options.credentials {
        Some(path) => {
            let unreadable = |error: &dyn Error| {
                let (path, error) = (path.display(), in_words(error));
                Failure::usage(format_args!("{path}: {error}"))
            };
            let content = fs::read_to_string(&path).map_err(|error| unreadable(&error))?;
            nats.credentials(&content)
                .map_err(|error| unreadable(&error))?
        }
        None => nats,
    };
    let link = Link::over(nats).name(options.link_name.unwrap_or_default());
    let link = (options.export.into_iter()).fold(link, LinkBuilder::export);
    let publisher = bus.trusted_publisher("link");
    Ok((options.import.into_iter()).fold(link, |link, pattern| {
        link.import(pattern, publisher.clone())
    }))
}

fn came_by_link(envelope: &Envelope<Message>) -> bool {
    envelope.header(LINK_ORIGIN).is_some()
}

/// Returns the failure of a link that was not made. Only the name comes from the command line and is not checked there.
fn not_begun(error: LinkError) -> Failure {
    match error {
        LinkError::Name(_) => Failure::usage(in_words(&error)),
        _ => failed(error),
    }
}

/// Returns the failure of a link that the server does not let begin, with where its permissions are printed.
fn not_ready(error: NotReadyError, name: &str) -> Failure {
    match error {
        NotReadyError::Denied { .. } => Failure::new(format_args!(
            "{error} (see `oxide-bus link permissions --name {name}`)"
        )),
        _ => failed(error),
    }
}

/// Returns the failure that this error of the library means.
fn failed(error: impl Error) -> Failure {
    Failure::new(in_words(&error))
}

/// Returns an error and its sources, in one line. Some errors of other crates end with their source already.
fn in_words(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let cause = error.to_string();
        if !words.ends_with(&cause) {
            words += ": ";
            words += &cause;
        }
        source = error.source();
    }
    words
}
