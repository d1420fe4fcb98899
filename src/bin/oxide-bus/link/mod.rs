//! `oxide-bus link`: joins the standard input and output to a NATS server, over a bus of its own.
//!
//! One thread reads and publishes, another sends and receives for the link, a third prints. The main thread waits for
//! their news.

mod options;
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

use oxide_bus::kernel::Message;
use oxide_bus::link::nats::{Nats, Permissions};
use oxide_bus::link::{Link, LinkBuilder, LinkError, LinkThread, NotReadyError};
use oxide_bus::{Advisory, Envelope, MessageBus, Overflow, SubscribeOptions, Subscription};

pub(crate) use self::options::LinkOptions;

use self::options::{LinkCommand, PermissionsOptions};
use self::summary::summary;
use super::failure::Failure;
use super::replay::accounts::ReplayAccounts;
use super::replay::progress::ReplayProgress;
use super::replay::reader::{self, Input};
use super::replay::{News, Teller, drain, printer, report_rest};
use super::{INTERRUPTED, interrupt, output, thread};

/// The header of an envelope that a link has brought.
const LINK_ORIGIN: &str = "link-origin";

pub(crate) fn run(options: &LinkOptions) -> Result<ExitCode, Failure> {
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

/// The reason why the command ends.
struct LinkEnd {
    fed: Option<Result<u64, Failure>>,
    printed: Option<Result<(), Failure>>,
    is_interrupted: bool,
}

fn join(options: &LinkOptions) -> Result<ExitCode, Failure> {
    let (teller, news) = Teller::new();
    let interrupted = teller.clone();
    interrupt::on_first(move || interrupted.tell(News::Interrupted))?;

    let bus = MessageBus::new();
    let (timeout, codec) = (options.timeout, options.limits.codec());
    let reads = !options.export.is_empty();
    let prints = !options.import.is_empty() || !options.import_shared.is_empty();
    let progress = Arc::new(ReplayProgress::new(1));
    if prints {
        // Subscribes before the link begins, so everything is printed.
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
    let told = SubscribeOptions::new().name("reporter");
    let told = bus.advisories_with(told).map_err(failed)?;
    let servers = options.nats.iter().chain(&options.transit);
    let links = servers.map(|server| begin(options, server, &bus));
    let links = links.collect::<Result<Vec<_>, _>>()?;
    for link in &links {
        (link.ready(timeout)).map_err(|error| not_ready(error, link.name()))?;
    }
    if let Some(link) = links.first() {
        output::complain(format_args!("the link {} is ready", link.name()));
    }
    thread::spawn("reporter", || report(told))?;
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
    let drained: Vec<_> = links.iter().map(|link| link.drain(timeout)).collect();
    bus.close();
    if prints && end.printed.is_none() {
        end.printed = Some(drain(&news, &progress));
    }
    let counters = accounts.close();
    let stats: Vec<_> = links.iter().map(|link| link.stats()).collect();
    report_rest(&Input::Stdin, &counters, end.fed.as_ref());
    output::say(&summary(&counters, &stats, reads));
    end.fed.transpose()?;
    end.printed.transpose()?;
    drained
        .into_iter()
        .collect::<Result<(), _>>()
        .map_err(failed)?;
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

/// Begins a link at one server.
fn begin(options: &LinkOptions, server: &str, bus: &MessageBus) -> Result<LinkThread, Failure> {
    let link = builder(options, server, bus)?;
    let link = match &options.durable {
        Some(stream) => link.durable(stream).spawn(bus),
        None => link.spawn(bus),
    };
    link.map_err(not_begun)
}

fn builder(
    options: &LinkOptions,
    server: &str,
    bus: &MessageBus,
) -> Result<LinkBuilder<Nats, Message>, Failure> {
    let nats = Nats::new(server);
    #[cfg(feature = "nats-nkeys")]
    let nats = match &options.credentials {
        Some(path) => {
            let unreadable = |error: &dyn Error| {
                let (path, error) = (path.display(), in_words(error));
                Failure::usage(format_args!("{path}: {error}"))
            };
            let content = fs::read_to_string(path).map_err(|error| unreadable(&error))?;
            nats.credentials(&content)
                .map_err(|error| unreadable(&error))?
        }
        None => nats,
    };
    // Clap requires a name, unless there is a subcommand.
    let mut link = Link::over(nats)
        .name(options.link_name.as_deref().unwrap_or_default())
        .codec(options.limits.codec())
        .time_limit(options.timeout)
        .start(options.start.into());
    if options.transit.is_some() {
        link = link.transit();
    }
    for pattern in &options.export {
        link = link.export(pattern.clone());
    }
    let publisher = bus.trusted_publisher("link");
    for pattern in &options.import {
        link = link.import(pattern.clone(), publisher.clone());
    }
    for shared in &options.import_shared {
        link = link.import_shared(&*shared.group, shared.pattern.clone(), publisher.clone());
    }
    Ok(link)
}

/// Prints the bus's advisories about its links, until the bus closes.
fn report(mut told: Subscription<Advisory>) {
    for told in told.iter().flatten() {
        match &told.message {
            Advisory::LinkCut { link } => {
                output::complain(format_args!("the link {link} has lost its server"));
            }
            Advisory::LinkRestored { link } => {
                output::complain(format_args!("the link {link} has its server again"));
            }
            Advisory::LinkNamesake { link } => {
                output::complain(format_args!(
                    "another link at the server has the name {link}"
                ));
            }
            _ => {}
        }
    }
}

fn came_by_link(envelope: &Envelope<Message>) -> bool {
    envelope.header(LINK_ORIGIN).is_some()
}

/// Returns the failure of a link that was not made. Names are the only arguments that are not checked before.
fn not_begun(error: LinkError) -> Failure {
    match error {
        LinkError::Name(_) | LinkError::Group(_) => Failure::usage(in_words(&error)),
        _ => failed(error),
    }
}

/// Returns the failure of a link that the server does not let begin. It says which command prints the permissions.
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
