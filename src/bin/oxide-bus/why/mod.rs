//! `oxide-bus why`: says what caused an envelope and what it caused, from audit logs.
//!
//! It reads the logs twice: backwards for the causes, forwards for the effects. Its memory depends on the question, not
//! on the length of the logs.

mod account;
mod causes;
mod filter_words;
mod found;
mod id_prefix;
mod report;
mod run_past;
mod text;
mod tree;

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use chrono::TimeDelta;
use clap::Args;

use self::account::WhyAccount;
use self::id_prefix::IdPrefix;
use self::report::Reporter;
use super::audit::open_log::OpenLog;
use super::failure::Failure;
use super::{arguments, output};

/// Says what caused an envelope and what it caused, from audit logs
///
/// Prints a tree: for each envelope the chain of its causes, by correlation id, and everything that it caused. Each
/// envelope is shown with its headers, its records in the logs, the subscriptions that it matched, and those that lost
/// something then. After the tree come other envelopes of the same trace (the header `traceparent`), and the refusals,
/// losses and endings soon after one of these. An envelope that several linked programs have in their logs is shown
/// once, with each record. Anything that an audit log does not hold is shown as not recorded.
///
/// A line that is no record is counted, and makes the exit code 1. The exit code is also 1 if causes or effects go from
/// log to log so often that the rest is left out. A cut last line is reported, and nothing more.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct WhyOptions {
    /// The id of an envelope, or enough of its beginning to be the only one
    #[arg(value_name = "ID", required = true)]
    ids: Vec<IdPrefix>,

    /// A file of an audit log; repeat it for more, those of one log in the order in which they were written
    #[arg(long = "log", value_name = "FILE", required = true)]
    logs: Vec<PathBuf>,

    /// How many seconds after an envelope a refusal or a loss is shown
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = arguments::seconds, allow_negative_numbers = true)]
    around: Duration,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The most readings of several logs, for the causes and for the effects. A chain needs one for each time that it goes
/// from one log to another.
const MAX_READINGS: u32 = 16;

const EXAMPLES: &str = "\
Examples:
  oxide-bus why 019acf5e-7c1b --log audit.jsonl
      What caused the envelope whose id begins so, and what it caused.
  oxide-bus why 019acf5e-7c1b --log north.jsonl --log south.jsonl
      The same, in the logs of two programs that are linked.
  oxide-bus why 019acf5e-7c1b --log audit.jsonl.1 --log audit.jsonl --json
      For a program, from a log that was rotated.";

pub(crate) fn run(options: WhyOptions) -> Result<ExitCode, Failure> {
    let logs = OpenLog::open_all(options.logs)?;
    let causes = causes::find(&logs, &options.ids)?;
    let around = TimeDelta::from_std(options.around).unwrap_or(TimeDelta::MAX);
    let mut account = WhyAccount::new(causes, around);
    account.read(&logs)?;
    let reporter = Reporter {
        account: &account,
        paths: logs.iter().map(OpenLog::path).collect(),
    };
    output::written(print(&reporter, options.json, options.around))?;
    let mut is_good = !account.is_cut;
    if account.is_cut {
        output::complain(format_args!(
            "the logs were read {MAX_READINGS} times; further causes and effects are left out"
        ));
    }
    for (log, flaws) in logs.iter().zip(&account.flaws) {
        is_good &= flaws.bad == 0;
        flaws.report(log);
    }
    Ok(ExitCode::from(u8::from(!is_good)))
}

/// Prints one envelope after the other, so that the whole answer is never in memory.
fn print(reporter: &Reporter<'_>, json: bool, around: Duration) -> io::Result<()> {
    let mut stdout = BufWriter::new(io::stdout().lock());
    let caused = reporter.account.caused_by();
    let rest = reporter.rest();
    let mut separator = "{\"envelopes\":[";
    for row in tree::rows(reporter.account, &caused) {
        let effects = caused.get(&row.id).map_or(&[][..], Vec::as_slice);
        let Some(envelope) = reporter.envelope(row.id, effects) else {
            continue;
        };
        if json {
            let envelope = output::shown_json(&serde_json::to_string(&envelope)?).into_owned();
            write!(stdout, "{separator}{envelope}")?;
            separator = ",";
        } else {
            stdout.write_all(text::envelope(&row, &envelope).as_bytes())?;
        }
    }
    if json {
        let rest = serde_json::to_string(&rest)?;
        // The keys of the rest go on in the same object.
        let rest = output::shown_json(rest.trim_start_matches('{')).into_owned();
        writeln!(stdout, "],{rest}")?;
    } else {
        stdout.write_all(text::rest(&rest, around.as_secs_f64()).as_bytes())?;
    }
    stdout.flush()
}

/// Returns the trace that an envelope belongs to: the second part of the header that W3C Trace Context defines.
fn trace_id(headers: &BTreeMap<String, String>) -> Option<String> {
    let trace = headers.get("traceparent")?.split('-').nth(1)?;
    let is_id = trace.len() == 32 && trace.chars().all(|c| c.is_ascii_hexdigit());
    is_id.then(|| trace.to_ascii_lowercase())
}
