//! `oxide-bus audit`: reads audit logs.

pub(crate) mod log_line;
pub(crate) mod open_log;
mod stats;
mod verify;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use self::stats::StatsOptions;
use self::verify::VerifyOptions;
use super::failure::Failure;

/// Reads audit logs, which a program that embeds the bus has written
#[derive(Debug, Args)]
pub(crate) struct AuditOptions {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    Verify(VerifyOptions),
    Stats(StatsOptions),
}

pub(crate) fn run(options: &AuditOptions) -> Result<ExitCode, Failure> {
    match &options.command {
        AuditCommand::Verify(options) => verify::run(options),
        AuditCommand::Stats(options) => stats::run(options),
    }
}
