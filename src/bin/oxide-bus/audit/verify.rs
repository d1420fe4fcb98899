//! `oxide-bus audit verify`: checks whether an audit log is whole.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use oxide_bus::audit::{ChainHead, Verifier};
use oxide_bus::kernel::Message;

use super::super::failure::Failure;
use super::super::limits::EnvelopeLimits;
use super::super::output;

/// The exit code of a log that is whole as far as it goes, but has no closing record.
const UNENDED: u8 = 3;

/// The exit code of a log whose only flaws are messages outside the vocabulary of `--messages`.
const FOREIGN: u8 = 4;

/// Looks whether a log is whole and in order, and prints a summary
///
/// Every line is decoded, to its last key. The exit code is 1 if records or envelopes are missing by their numbers, or
/// if the log says that it lost envelopes. It is also 1 if a line is no record, or if a record is not as a log writes
/// it. Each is reported on stderr with its file and line, and so is a missing opening record, or one after the closing
/// record. The exit code is 3 if nothing else is wrong, but some run of the log has no closing record: it has crashed,
/// it is still being written, or its end is elsewhere. An envelope over a limit cannot be read, which is reported too:
/// if the log was written with larger limits, set them here. In a log with a hash chain, lines that do not belong to it
/// are found. With --head, changes of the chain itself and a missing end are found too. A message may be any JSON: each
/// program has its own. With --messages, each must be one of this command's own. If only that is wrong, the log is not
/// damaged, and the exit code is 4. A last line that a crash has torn is counted, and nothing more: it was not known to
/// be on disk.
#[derive(Debug, Args)]
pub(crate) struct VerifyOptions {
    /// The files begin in the midst of a log: those before were rotated away
    #[arg(long)]
    continued: bool,

    /// Require that each message is a command or an event, as `oxide-bus replay` reads them
    #[arg(long)]
    messages: bool,

    /// Require this head of the log's hash chain, which was kept elsewhere, as RECORD:HASH: both are in each record
    /// with a hash, and `AuditLog::head` returns them
    #[arg(long)]
    head: Option<ChainHead>,

    /// The files, in the order in which they were written; the one without a number last
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    // Last, because its heading applies to every option after it.
    #[command(flatten)]
    limits: EnvelopeLimits,
}

pub(crate) fn run(options: &VerifyOptions) -> Result<ExitCode, Failure> {
    let VerifyOptions {
        files,
        continued,
        messages,
        head,
        limits,
    } = options;
    let mut verifier = Verifier::new().codec(limits.codec()).continued(*continued);
    if *messages {
        verifier = verifier.messages::<Message>();
    }
    if let Some(head) = head {
        verifier = verifier.head(*head);
    }
    for path in files {
        // A pipe must not be opened twice: its writer would think that the reader is gone.
        if path.is_file() && File::open(path).is_ok_and(|file| output::goes_to(&file)) {
            let path = path.display();
            return Err(Failure::usage(format_args!(
                "{path}: the input is also the output"
            )));
        }
    }
    let report = verifier.files(files).map_err(Failure::usage)?;
    for flaw in &report.flaws {
        let file = files[flaw.file].display();
        output::complain(format_args!("{file}: line {}: {}", flaw.line, flaw.finding));
    }
    if report.more_flaws > 0 {
        output::complain(format_args!("and {} more", report.more_flaws));
    }
    if report.foreign > 0 {
        output::complain(format_args!(
            "whole envelopes with messages of another vocabulary: {}",
            report.foreign
        ));
    }
    if !report.is_ended() {
        let runs = report.unended;
        output::complain(format_args!(
            "runs without a closing record: {runs}; what came last may be missing"
        ));
    }
    output::written(writeln!(io::stdout(), "{report}"))?;
    let flaws = report.flaws.len() as u64 + report.more_flaws;
    Ok(if flaws > report.foreign || report.lost > 0 {
        ExitCode::FAILURE
    } else if report.foreign > 0 {
        ExitCode::from(FOREIGN)
    } else if !report.is_ended() {
        ExitCode::from(UNENDED)
    } else {
        ExitCode::SUCCESS
    })
}
