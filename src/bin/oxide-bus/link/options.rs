//! The options of `oxide-bus link`.

use std::time::Duration;

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use oxide_bus::Pattern;
use oxide_bus::link::StreamStart;

use super::super::arguments;
use super::super::limits::EnvelopeLimits;

/// Joins the standard input and output to other buses, over a NATS server
///
/// Reads JSON Lines, one envelope a line, and sends those that match --export. Envelopes of others that match --import
/// are printed as JSON Lines. Each has the header link-origin, which names the link that sent it. Envelopes with that
/// header are not sent.
///
/// Envelopes are kept until the server has them, so the reading waits while the server is away. A line on stderr says
/// when the server goes away, and when it is back. With --import the command goes on after the end of the input, until
/// Ctrl-C. At the end it sends what was read, and prints a summary on stderr.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("direction").required(true).multiple(true))]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct LinkOptions {
    #[command(subcommand)]
    pub(super) command: Option<LinkCommand>,

    /// The server, such as `nats://localhost:4222`, `tls://host` or `nats://user:password@host`
    #[arg(long, value_name = "URL", required = true)]
    pub(super) nats: Option<String>,

    /// The name of this link: lowercase letters, digits and hyphens; no other link at the server may have it
    #[arg(long = "name", value_name = "NAME", required = true)]
    pub(super) link_name: Option<String>,

    /// Send the envelopes that are read and have such a subject; repeat it for more. This or --import must be given
    #[arg(long, value_name = "PATTERN", group = "direction")]
    pub(super) export: Vec<Pattern>,

    /// Print the envelopes of others that have such a subject; repeat it for more
    #[arg(long, value_name = "PATTERN", group = "direction")]
    pub(super) import: Vec<Pattern>,

    /// Print the envelopes of others that have such a subject, and share them: each goes to one of all links with this
    /// group. Not with --durable
    #[arg(long, value_name = "GROUP=PATTERN", group = "direction", value_parser = shared, conflicts_with = "durable")]
    pub(super) import_shared: Vec<SharedPattern>,

    /// Join this server too, by the same name: what comes from one of the two and matches --export goes out to the
    /// other
    #[arg(long, value_name = "URL", requires = "export")]
    pub(super) transit: Option<String>,

    /// Send to this stream of the server, and print what is stored there, also envelopes that were sent while this link
    /// was away after its first start. The stream must exist
    #[arg(long, value_name = "STREAM")]
    pub(super) durable: Option<String>,

    /// Where a link that is new to the stream begins
    #[arg(
        long,
        value_name = "PLACE",
        default_value = "new",
        requires = "durable"
    )]
    pub(super) start: StartName,

    /// A file with credentials for the server
    #[cfg(feature = "nats-nkeys")]
    #[arg(long, value_name = "FILE")]
    pub(super) credentials: Option<std::path::PathBuf>,

    /// How long to wait for the server at the start, and at the end until it has everything [above zero]
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = arguments::seconds, allow_negative_numbers = true)]
    pub(super) timeout: Duration,

    // Last, because its heading applies to every option after it.
    #[command(flatten)]
    pub(super) limits: EnvelopeLimits,
}

#[derive(Debug, Subcommand)]
pub(super) enum LinkCommand {
    Permissions(PermissionsOptions),
}

/// Prints the permissions that a link of this name needs, for the configuration of a NATS server
///
/// With them no other user of the server can send under this name.
#[derive(Debug, Args)]
pub(super) struct PermissionsOptions {
    /// The name of the link
    #[arg(long, value_name = "NAME")]
    pub(super) name: String,

    /// The stream, if the link is durable
    #[arg(long, value_name = "STREAM")]
    pub(super) durable: Option<String>,
}

/// An import in a group.
#[derive(Debug, Clone)]
pub(super) struct SharedPattern {
    pub(super) group: String,
    pub(super) pattern: Pattern,
}

/// Parses a group and a pattern. Only a pattern may have another `=`.
fn shared(text: &str) -> Result<SharedPattern, String> {
    let (group, pattern) = text
        .split_once('=')
        .ok_or("it must be a group and a pattern, with `=` between them")?;
    let pattern = pattern
        .parse::<Pattern>()
        .map_err(|error| error.to_string())?;
    Ok(SharedPattern {
        group: group.to_owned(),
        pattern,
    })
}

/// Where a link begins in its stream, with the names on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum StartName {
    /// With the first envelope that is sent from then on
    New,
    /// With the last envelope of each subject that the stream keeps
    LastPerSubject,
    /// With the first envelope that the stream keeps
    First,
}

impl From<StartName> for StreamStart {
    fn from(name: StartName) -> Self {
        match name {
            StartName::New => StreamStart::New,
            StartName::LastPerSubject => StreamStart::LastPerSubject,
            StartName::First => StreamStart::First,
        }
    }
}

const EXAMPLES: &str = "\
Examples:
  oxide-bus link --nats nats://localhost --name south --import 'event.>'
      Print the events of all others.
  oxide-bus link --nats nats://localhost --name north --export 'event.>' < log.jsonl
      Send the events in a log, and end when the server has them.
  oxide-bus link --nats nats://localhost --name south --import 'event.>' --durable EVENTS
      Print the events in the stream EVENTS of the server, also those that came while nobody read.
  oxide-bus link --nats nats://near --transit nats://far --name middle --import '>' --export '>'
      Bring what the links at either server send to those at the other one, and print it.
  oxide-bus link permissions --name north
      What to write into the configuration of the server.";
