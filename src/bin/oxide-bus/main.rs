//! The `oxide-bus` command: replays logs of envelopes over a bus, reads audit logs, measures the bus, checks it under
//! load, and shows a running one.

mod arguments;
mod audit;
mod bench;
mod failure;
mod interrupt;
mod limits;
#[cfg(feature = "nats")]
mod link;
mod manual;
pub(crate) mod output;
mod overflow;
mod replay;
mod soak;
mod thread;
#[cfg(unix)]
mod top;
pub(crate) mod usage;
mod why;

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

use self::failure::Failure;

/// The exit code if the command line is wrong, or the input cannot be read.
const USAGE: u8 = 2;

/// The exit code of a command that was interrupted.
const INTERRUPTED: u8 = 130;

/// Replays logs of envelopes over an oxide-bus message bus, reads audit logs, measures the bus, checks it under load,
/// and shows a running one
///
/// An envelope is a message with its provenance: id, source, time. In a program that embeds the bus,
/// publishers hand envelopes to it, and it hands them to all subscribers that listen. This command
/// runs such a bus to try it out: with the envelopes of a log, or with made-up load.
#[derive(Debug, Parser)]
#[command(version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: TopCommand,
}

#[derive(Debug, Subcommand)]
enum TopCommand {
    Replay(replay::ReplayOptions),
    Bench(bench::BenchOptions),
    Audit(audit::AuditOptions),
    Why(why::WhyOptions),
    Soak(soak::SoakOptions),
    #[cfg(unix)]
    Top(top::TopOptions),
    #[cfg(feature = "nats")]
    Link(link::LinkOptions),
    Completions(manual::CompletionOptions),
    Man(manual::ManualOptions),
}

const EXIT_CODES: &str = "\
Exit codes:
  0    all is well (also where whoever read the output went away)
  1    there were bad lines, a log is not whole, or something went wrong on the way
  2    the command line is wrong, or the input cannot be read
  3    a log is whole as far as it goes, but ends without a closing record
  4    a log has no other flaw than messages of another vocabulary
  130  it was interrupted by Ctrl-C; a second Ctrl-C kills it";

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args_os().collect();
    let outcome = match parse(&arguments) {
        Ok(Cli { command }) => match command {
            TopCommand::Replay(options) => replay::run(options),
            TopCommand::Bench(options) => bench::run(&options),
            TopCommand::Audit(options) => audit::run(&options),
            TopCommand::Why(options) => why::run(options),
            TopCommand::Soak(options) => soak::run(&options),
            #[cfg(unix)]
            TopCommand::Top(options) => top::run(&options),
            #[cfg(feature = "nats")]
            TopCommand::Link(options) => link::run(&options),
            TopCommand::Completions(options) => manual::complete(&options),
            TopCommand::Man(options) => manual::explain(&options),
        },
        Err(error) if is_mistake(&error) => Err(Failure::usage(usage::line(error, &arguments))),
        // The user asked for the help or the version.
        Err(answer) if !answer.use_stderr() => {
            output::written(answer.print()).map(|()| ExitCode::SUCCESS)
        }
        // The user did not ask for this help: a script that leaves out the subcommand must not take it for success.
        Err(help) => {
            let _ = help.print(); // if that fails there is nobody left to tell
            Ok(ExitCode::from(USAGE))
        }
    };
    outcome.unwrap_or_else(|failure| {
        output::complain(&failure);
        failure.exit_code()
    })
}

/// Reads the arguments. The first is the name by which the command was called.
pub(crate) fn parse(arguments: &[OsString]) -> Result<Cli, clap::Error> {
    let cli = Cli::try_parse_from(arguments)?;
    if let TopCommand::Bench(options) = &cli.command {
        options.check()?;
    }
    Ok(cli)
}

/// Returns whether an error is a complaint, and not the help or the version.
pub(crate) fn is_mistake(error: &clap::Error) -> bool {
    error.use_stderr() && error.kind() != ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
}
