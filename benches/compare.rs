//! Compares this crate with what a user would pick instead.
//!
//! ```sh
//! cargo bench --bench compare                                  # the whole table
//! cargo bench --bench compare -- --quick                       # in less than 90 seconds
//! cargo bench --bench compare -- --cell a,b --json table.json  # some of it, and as JSON
//! ```
//!
//! Every contestant does the same job with the same envelopes, in turns; see
//! `compare/envelopes.rs` for what is inside the clock and `compare/measure.rs` for the turns.

#![expect(clippy::cast_precision_loss, reason = "counts here are far below 2^52")]

#[path = "compare/cells/mod.rs"]
mod cells;
#[path = "compare/contestants/mod.rs"]
mod contestants;
#[path = "compare/envelopes.rs"]
mod envelopes;
#[path = "compare/machine.rs"]
mod machine;
#[path = "compare/measure.rs"]
mod measure;
#[path = "compare/report.rs"]
mod report;

use std::alloc::System;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use mockalloc::Mockalloc;

use crate::cells::{CELLS, Effort};
use crate::machine::Machine;

#[global_allocator]
static ALLOCATOR: Mockalloc<System> = Mockalloc(System);

/// Compares oxide-bus with its peers, side by side in one process.
#[derive(Debug, Parser)]
#[command(name = "cargo bench --bench compare --")]
struct Arguments {
    /// Fewer rounds: under 90 seconds instead of under 10 minutes.
    #[arg(long)]
    quick: bool,
    /// Only these cells, for example `a,b`.
    #[arg(long, value_delimiter = ',', value_name = "LETTERS", value_parser = letter)]
    cell: Vec<char>,
    /// Also writes the medians to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

fn letter(text: &str) -> Result<char, String> {
    (text.parse().ok())
        .filter(|letter| CELLS.iter().any(|cell| cell.letter == *letter))
        .ok_or_else(|| "there are the cells a to j".to_owned())
}

fn main() -> ExitCode {
    // `cargo test --benches` runs it without, and wants no measurements.
    if !std::env::args().any(|argument| argument == "--bench") {
        eprintln!("nothing is measured: run `cargo bench --bench compare`");
        return ExitCode::SUCCESS;
    }
    match compare(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn compare(arguments: &Arguments) -> io::Result<()> {
    let effort = if arguments.quick {
        Effort::Quick
    } else {
        Effort::Full
    };
    let machine = Machine::this();
    let mut out = io::stdout();
    writeln!(out, "{}", report::heading(&machine))?;
    let mut rows = Vec::new();
    for cell in &CELLS {
        if arguments.cell.is_empty() || arguments.cell.contains(&cell.letter) {
            let of_cell = (cell.run)(cell, effort);
            writeln!(out, "{}", report::table(cell, &of_cell))?;
            rows.extend(of_cell);
        }
    }
    if let Some(file) = &arguments.json {
        let json = report::json(&machine, &rows);
        fs::write(file, format!("{json:#}\n"))?;
    }
    Ok(())
}
