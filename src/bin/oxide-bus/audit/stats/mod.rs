//! `oxide-bus audit stats`: counts the envelopes of audit logs by source and kind, and shows what went wrong.

mod denied;
mod gap_list;
mod kind;
mod lost;
mod page;
mod spoken;
mod summary;
mod timeline;

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use self::summary::LogSummary;
use super::super::failure::Failure;
use super::super::output;
use super::open_log::OpenLog;

/// Counts envelopes by source and kind, and shows what went wrong
///
/// Counts the envelopes by source and by subject. A log has the subject only of a command or an event. For another
/// message its kind is shown: what its keys `kind` and `type` say, or its only key. Then come gaps in the sequence
/// numbers, refused publishes, losses, the busiest second, and the first and the last time. `oxide-bus audit verify`
/// says whether a log is whole.
///
/// An envelope that is in two of the logs counts twice. The logs are read one after the other. If several logs have
/// envelopes of the same second, these are added up, unless 4,096 other seconds were read in between. A line that is no
/// record is counted, and makes the exit code 1. A cut last line is reported, and nothing more.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct StatsOptions {
    /// The files, those of one log in the order in which they were written
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Print JSON
    #[arg(long, conflicts_with = "report")]
    json: bool,

    /// Write a page for a browser to this file instead, which needs nothing else
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  oxide-bus audit stats audit.jsonl.1 audit.jsonl
      What a log that was rotated has in it.
  oxide-bus audit stats audit.jsonl --report audit.html
      The same as a page to look at.";

pub(crate) fn run(options: &StatsOptions) -> Result<ExitCode, Failure> {
    let logs = OpenLog::open_all(options.files.clone())?;
    if let Some(report) = &options.report
        && logs
            .iter()
            .any(|log| output::is_same_file(log.path(), report))
    {
        let report = report.display();
        return Err(Failure::usage(format_args!(
            "{report}: the report would replace a log"
        )));
    }
    let mut summary = LogSummary::default();
    let mut flaws = Vec::new();
    for log in &logs {
        let path = log.path().display().to_string();
        summary.begin_file();
        flaws.push(log.forwards(|line, record| summary.take(&path, line, &record))?);
    }
    summary.bad_lines = flaws.iter().map(|flaws| flaws.bad).sum();
    if let Some(report) = &options.report {
        let failed = |error| Failure::new(format_args!("{}: {error}", report.display()));
        fs::write(report, page::page(&summary)).map_err(failed)?;
    } else {
        let text = if options.json {
            // Numbers and texts can be written.
            let json = serde_json::to_string(&summary).map_err(Failure::new)?;
            output::shown_json(&json).into_owned() + "\n"
        } else {
            summary.to_string()
        };
        output::written(io::stdout().write_all(text.as_bytes()))?;
    }
    for (log, flaws) in logs.iter().zip(&flaws) {
        flaws.report(log);
    }
    Ok(ExitCode::from(u8::from(summary.bad_lines > 0)))
}
