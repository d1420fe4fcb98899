//! `oxide-bus top`: shows a running bus, in the terminal or once as text or JSON.

mod cells;
mod drawing;
mod live;
mod order;
mod rates;
mod row;
mod termination;
mod text;
mod watch;

use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use clap::Args;
use oxide_bus::inspect::{LookError, Snapshot, look};

use self::rates::Rates;
use super::failure::Failure;
use super::{arguments, output};

/// How often the live view looks by default.
const INTERVAL: Duration = Duration::from_secs(1);

/// Shows the queues, capabilities and links of a running program
///
/// The program embeds the bus with the feature `inspect`, and calls `bus.serve_inspection(PATH)`. For each subscription
/// this shows how full its queue is, how many envelopes a second come in, go out and are lost, and how long the oldest
/// one has been seen waiting. It also shows the overflow policy and the filter. The subscription that loses most comes
/// first, then the fullest. For each capability it shows the scope and the denials. For the newest envelopes it shows
/// the sources. Looking changes nothing.
#[derive(Debug, Args)]
#[command(after_help = TOP_HELP)]
pub(crate) struct TopOptions {
    /// Print one snapshot as a text, or with --json as JSON, and end
    #[arg(long)]
    once: bool,

    /// Print one snapshot as one line of JSON, and end
    #[arg(long)]
    json: bool,

    /// Look this often [default: 1 in the live view]; with --once and --json look twice, this far apart, for rates
    #[arg(long, value_name = "SECONDS", value_parser = arguments::seconds, allow_negative_numbers = true)]
    interval: Option<Duration>,

    /// The socket of the program
    #[arg(value_name = "PATH")]
    path: PathBuf,
}

const TOP_HELP: &str = "\
Keys:
  q, Esc       end                    s       sort by loss, name, rate in, rate out
  up, down     choose a subscription  /       filter by name, policy and patterns
  Enter        its advisories         p       pause

JSON has version, snapshot (see the documents of oxide_bus::inspect::Snapshot), and with --interval \
rates: seconds, published_per_s, denied_per_s, subscriptions (id, in_per_s, out_per_s, dropped_per_s), \
capabilities (capability, denied_per_s).

If the program does not answer the first look, the exit code is 2; if it ends between two looks, 1. The live \
view then waits for it to come back; q ends that, with exit code 1.

Examples:
  oxide-bus top /run/user/1000/kernel.sock
  oxide-bus top /run/user/1000/kernel.sock --json --interval 5";

pub(crate) fn run(options: &TopOptions) -> Result<ExitCode, Failure> {
    let path = &options.path;
    let failed = |error: LookError| format!("{}: {}", path.display(), reason(&error));
    let is_live = !(options.once || options.json);
    if is_live && !io::stdout().is_terminal() {
        return Err(Failure::usage(
            "standard output is no terminal: use --once or --json",
        ));
    }
    let first = look(path).map_err(|error| Failure::usage(failed(error)))?;
    if is_live {
        return live::run(path, options.interval.unwrap_or(INTERVAL), first);
    }
    let (snapshot, rates) = match options.interval {
        None => (first, None),
        Some(interval) => {
            thread::sleep(interval);
            let second = look(path).map_err(|error| Failure::new(failed(error)))?;
            let rates = Rates::between(&first, &second);
            (second, rates)
        }
    };
    let text = if options.json {
        json(&snapshot, rates.as_ref())
    } else {
        text::of(&snapshot, rates.as_ref())
    };
    output::written(writeln!(io::stdout(), "{text}"))?;
    Ok(ExitCode::SUCCESS)
}

fn json(snapshot: &Snapshot, rates: Option<&Rates>) -> String {
    let mut answer = serde_json::json!({ "version": 1, "snapshot": snapshot });
    if let Some(rates) = rates {
        answer["rates"] = serde_json::json!(rates);
    }
    answer.to_string()
}

/// Returns why there is no snapshot, with the reason behind it.
fn reason(error: &LookError) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
