//! `oxide-bus soak`: does everything that users of a bus do, at once and at random, and checks what the bus promises.
//!
//! The checks are in `account` (what a subscription receives), `round` (the whole bus) and `worker` (each call). They
//! use only the public interface. What the workers of a round share is in `state`.

/// Checks a promise, and ends the process if it is broken: `holds => "who", "broken how", ..`.
macro_rules! promise {
    ($holds:expr => $by:expr, $($what:tt)+) => {
        if !$holds {
            broken($by, format_args!($($what)+))
        }
    };
}

mod account;
mod part;
mod report;
mod round;
mod state;
mod worker;

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{panic, thread};

use clap::Args;
use console::Term;
use serde::Serialize;
use tokio::runtime::Builder;

use self::part::mixed;
use self::report::{CURRENT, broken};
use self::round::Round;
use self::state::RoundState;
use super::bench::figures::grouped;
use super::failure::Failure;
use super::thread::spawn;
use super::{INTERRUPTED, arguments, interrupt, output};

/// How often the watchdog looks for a new step of any worker, and after how many looks without one the round hangs.
/// It counts looks and not time, since the whole process may be stopped for a while.
const LOOK: Duration = Duration::from_millis(200);
const LOOKS: u32 = 60;

/// Checks what the bus promises, under random load of all kinds, for as long as you like
///
/// It runs short rounds. Each has a fresh bus and a topology that is drawn from a seed: publishers with and without
/// grants, every overflow policy and filter, groups, threads and tasks, requests, batches, and retained envelopes. Some
/// subscribers are slow or stuck, and some predicates panic. Subscribers come and go, patterns change, capabilities are
/// revoked, the bus closes.
///
/// Each publisher numbers its envelopes, so each subscriber knows what it misses. These promises are checked all along.
/// Losses are told, once and where they lie. The order holds. Subscribing, changing patterns, leaving and revoking are
/// barriers. Answers belong to their questions. Receipts, figures and accounts agree. Payloads are freed. Nobody hangs.
///
/// The first broken promise ends it with exit code 1. It prints the seed of that round, the topology, and the last
/// steps of every worker. The topology follows from the seed, but the interleaving of threads does not. So it may take
/// several runs to see the same again.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, allow_negative_numbers = true)]
pub(crate) struct SoakOptions {
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

Its keys: seed, next_seed (of the round that would have come next), rounds, published, received, lost, looked_over \
(how often everybody rested and the figures were compared), elapsed_s.";

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

/// The sums over all rounds so far.
#[derive(Default, Serialize)]
struct Totals {
    seed: u64,
    next_seed: u64,
    rounds: u64,
    published: u64,
    received: u64,
    lost: u64,
    looked_over: u64,
    elapsed_s: f64,
}

pub(crate) fn run(options: &SoakOptions) -> Result<ExitCode, Failure> {
    let seed = options.seed.unwrap_or_else(|| fastrand::u64(..));
    if options.show {
        output::written(writeln!(
            io::stdout(),
            "{}",
            RoundState::new(seed).topology()
        ))?;
        return Ok(ExitCode::SUCCESS);
    }
    let interrupted = Arc::new(AtomicBool::new(false));
    let interrupt = Arc::clone(&interrupted);
    interrupt::on_first(move || interrupt.store(true, Ordering::Relaxed))?;
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build();
    let runtime = runtime.map_err(|error| Failure::new(format_args!("no runtime: {error}")))?;
    panic::set_hook(Box::new(|panic| broken("a panic", format_args!("{panic}"))));
    spawn("watchdog", watch)?;

    let length = (options.minutes.or(options.seconds)).unwrap_or(Duration::from_mins(1));
    let (began, mut told) = (Instant::now(), Instant::now());
    let mut it = Totals {
        seed,
        next_seed: seed,
        ..Totals::default()
    };
    while !interrupted.load(Ordering::Relaxed) && began.elapsed() < length {
        let round = Round::new(it.next_seed);
        *CURRENT.lock() = Some(round.state.described());
        let time = Duration::from_millis(20 + mixed(it.next_seed) % 300);
        let [published, received, lost] = round.run(runtime.handle(), time);
        it.rounds += 1;
        it.published += published;
        it.received += received;
        it.lost += lost;
        it.looked_over += u64::from(!round.state.is_abrupt);
        forget(round);
        it.next_seed = mixed(it.next_seed);
        it.elapsed_s = began.elapsed().as_secs_f64();
        if Term::stderr().is_term() && told.elapsed() >= Duration::from_secs(1) {
            told = Instant::now();
            output::say(&format!("{}\n", it.summary()));
        }
    }
    let text = if options.json {
        serde_json::to_string(&it).expect("numbers can be written")
    } else {
        it.summary()
    };
    output::written(writeln!(io::stdout(), "{text}"))?;
    let was_interrupted = interrupted.load(Ordering::Relaxed);
    Ok(ExitCode::from(if was_interrupted {
        INTERRUPTED
    } else {
        0
    }))
}

impl Totals {
    fn summary(&self) -> String {
        let [published, received, lost] = [self.published, self.received, self.lost].map(grouped);
        let (rounds, seed, looked_over) = (self.rounds, self.seed, grouped(self.looked_over));
        format!(
            "No promise was broken in {rounds} rounds from --seed {seed}: {published} published, {received} received, \
             {lost} lost and told, looked over {looked_over} times in {:.1} s; --seed {} goes on",
            self.elapsed_s, self.next_seed,
        )
    }
}

/// The watchdog: reports a round in which no worker takes a step for long.
fn watch() {
    let (mut last, mut looks) = (None, 0);
    while looks < LOOKS {
        thread::sleep(LOOK);
        let traces = (CURRENT.lock().as_ref()).map(|it| Arc::clone(&it.traces));
        let now = traces.and_then(|it| it.lock().iter().map(|it| it.last()).max().flatten());
        looks = if now == last { looks + 1 } else { 0 };
        last = now;
    }
    broken(
        "the bus",
        format_args!("it hangs: nobody has taken a step for long"),
    )
}

/// Drops a round, and checks that no payload is left.
fn forget(round: Round) {
    let alive = Arc::clone(&round.state.alive);
    drop(round);
    let since = Instant::now();
    while Arc::strong_count(&alive) > 1 {
        let left = Arc::strong_count(&alive) - 1;
        promise!(since.elapsed() < LOOK * LOOKS => "the bus", "has {left} payloads left at its end");
        thread::sleep(Duration::from_micros(100));
    }
}
