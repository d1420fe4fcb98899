//! `oxide-bus soak`: everything that users of a bus do, at once and at random, and what the bus promises, checked.
//!
//! Only the public interface is used.

mod account;
mod asking;
mod checks;
mod conductor;
mod load;
mod publishers;
mod readers;
mod report;
mod revoking;
mod round;
mod solo;
mod subscriber;
mod topology;
mod visitors;
mod watchdog;
mod worker;

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Args;

use self::report::{Ticker, Totals};
use self::topology::Topology;
use super::failure::Failure;
use super::{INTERRUPTED, arguments, interrupt, output};

/// How long a round is, unless time is up before.
const ROUND: Duration = Duration::from_secs(1);

/// Checks what the bus promises, under random load of all kinds, for as long as you like
///
/// In rounds of a second, each with a fresh bus and a topology drawn from a seed: publishers under grants of all kinds,
/// every overflow policy and filter, groups, threads and tasks, subscribers that are slow or stuck, predicates
/// that panic, requests and answers, retained envelopes, batches, subscribers that come and go, patterns that change,
/// capabilities that are revoked, a bus that closes.
///
/// Each publisher numbers its envelopes, so each subscriber knows what it misses. Checked all along: losses are told, once
/// and where they lie; order; subscribing, leaving and revoking are barriers; answers belong to their questions;
/// receipts, figures and accounts agree; payloads are freed; nobody hangs.
///
/// The first broken promise ends it with exit code 1, and with the seed of that round, the topology, and the last
/// steps of everybody. The topology follows from the seed; how threads interleave does not, so it may take several runs
/// to see the same again.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, allow_negative_numbers = true)]
pub(crate) struct Options {
    /// How long it goes on; fractions are allowed [above zero]
    #[arg(long, value_name = "N", value_parser = minutes)]
    minutes: Option<Duration>,

    /// The same in seconds [above zero; default: 60]
    #[arg(long, value_name = "N", conflicts_with = "minutes", value_parser = arguments::seconds)]
    seconds: Option<Duration>,

    /// The seed of the first round, a whole number; each round's seed gives the next [default: a random one]
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,

    /// Print the topology of the first round, and do nothing
    #[arg(long)]
    show: bool,

    /// Print the result as one JSON object instead of a sentence
    #[arg(long, long_help = JSON)]
    json: bool,
}

const JSON: &str = "\
Print the result as one JSON object instead of a sentence

Its keys: seed, next_seed (of the round that would have come next), rounds, published, received, lost, looked_over (how often everybody rested and the accounts \
were compared), elapsed_s.";

const EXAMPLES: &str = "\
Examples:
  oxide-bus soak --minutes 30
      Half an hour of rounds from a random seed.
  oxide-bus soak --seed 7 --seconds 10
      Ten seconds of rounds, of which the first has the seed 7.
  oxide-bus soak --seed 7 --show
      Who would take part in that first round.";

fn minutes(text: &str) -> Result<Duration, String> {
    let minutes = arguments::positive(text)?;
    Ok(Duration::try_from_secs_f64(minutes * 60.0).unwrap_or(Duration::MAX))
}

/// The seed of the round after one (`SplitMix64`).
fn next_seed(seed: u64) -> u64 {
    let mut mixed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let seed = options.seed.unwrap_or_else(|| fastrand::u64(..));
    if options.show {
        output::written(writeln!(io::stdout(), "{}", Topology::draw(seed)))?;
        return Ok(ExitCode::SUCCESS);
    }
    let interrupted = Arc::new(AtomicBool::new(false));
    interrupt::on_first({
        let interrupted = Arc::clone(&interrupted);
        move || interrupted.store(true, Ordering::Relaxed)
    })?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .map_err(|error| Failure::new(format_args!("cannot start a runtime: {error}")))?;
    conductor::listen_for_panics();

    let (length, began) = (length(options), Instant::now());
    let mut ticker = Ticker::new();
    let mut totals = Totals {
        seed,
        next_seed: seed,
        ..Totals::default()
    };
    while !interrupted.load(Ordering::Relaxed) && began.elapsed() < length {
        let left = length.saturating_sub(began.elapsed());
        totals.add(&conductor::run(
            runtime.handle(),
            totals.next_seed,
            left.min(ROUND),
        )?);
        totals.next_seed = next_seed(totals.next_seed);
        totals.elapsed_s = began.elapsed().as_secs_f64();
        ticker.tick(&totals);
    }
    let text = if options.json {
        totals.json()
    } else {
        totals.summary()
    };
    output::written(writeln!(io::stdout(), "{text}"))?;
    Ok(if interrupted.load(Ordering::Relaxed) {
        ExitCode::from(INTERRUPTED)
    } else {
        ExitCode::SUCCESS
    })
}

fn length(options: &Options) -> Duration {
    let length = options.minutes.or(options.seconds);
    length.unwrap_or(Duration::from_mins(1))
}
