//! Compares this crate with what a user would pick instead.
//!
//! ```sh
//! cargo bench --bench compare                                  # the whole table, under 15 minutes
//! cargo bench --bench compare -- --quick                       # in under three minutes
//! cargo bench --bench compare -- --cell a,b --json table.json  # some of it, and as JSON
//! ```
//!
//! With `--features tokio` tasks are compared too. Every contestant does the same job with the same
//! envelopes, in turns: `compare/envelopes.rs` says what is inside the clock, `compare/measure.rs`
//! how the turns are taken.

#[path = "compare/run.rs"]
mod run;

use std::process::ExitCode;

fn main() -> ExitCode {
    run::main(None)
}
