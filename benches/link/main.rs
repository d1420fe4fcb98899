//! Compares a link over a NATS server with what carries it: the server's own client, `async-nats`.
//!
//! ```sh
//! cargo bench --features nats --bench link               # about three minutes
//! cargo bench --features nats --bench link -- --quick    # less than one
//! cargo bench --features nats --bench link -- --durable  # only durable links
//! ```
//!
//! It starts a server of its own, on a free port. All contestants carry the same notes of 200 bytes, in turns. Each
//! side has a thread with a runtime of its own. A ratio of one run can be compared with one of another run; times
//! cannot.

mod bare;
mod durable;
mod latency;
mod linked;
mod local;
mod note;
#[path = "../../tests/link/nats/server.rs"]
#[allow(dead_code, reason = "a bench kills and stops no server")]
mod server;
mod sides;
#[path = "../../tests/support/command.rs"]
#[allow(dead_code, reason = "the server needs a part of it")]
mod support;
mod table;
mod throughput;

use std::env;
use std::process::ExitCode;

use clap::Parser;

use self::server::Server;

/// Compares a link with the bare client.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo bench --features nats --bench link --")]
struct Arguments {
    /// Fewer rounds.
    #[arg(long)]
    quick: bool,
    /// Runs only one contestant of the throughput for this many rounds, for a profiler.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Compares only durable links.
    #[arg(long)]
    durable: bool,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    // `cargo test --benches` runs it without this argument, and wants no measurements.
    if !env::args().any(|argument| argument == "--bench") {
        eprintln!("nothing is measured: run `cargo bench --features nats --bench link`");
        return ExitCode::SUCCESS;
    }
    let arguments = Arguments::parse();
    let Some(server) = Server::start() else {
        return ExitCode::FAILURE; // it has said why
    };
    let rounds = if arguments.quick { 7 } else { 31 };
    let url = server.url().leak(); // for threads that end with the process
    if let Some(name) = &arguments.only {
        throughput::run_alone(url, rounds, name);
        return ExitCode::SUCCESS;
    }
    println!("medians of {rounds} rounds, in turns; ~ marks unsteady figures\n");
    if !arguments.durable {
        throughput::compare(url, rounds);
        latency::compare(url, rounds);
        local::compare(url, rounds);
        println!();
    }
    let Some(streams) = Server::with_streams() else {
        return ExitCode::FAILURE;
    };
    durable::compare(&streams, rounds);
    ExitCode::SUCCESS
}
