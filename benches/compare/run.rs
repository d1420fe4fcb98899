//! The comparison as a command: which cells run, and where the figures go.

#![expect(clippy::cast_precision_loss, reason = "counts here are far below 2^52")]

mod cells;
mod contestants;
mod envelopes;
mod machine;
mod measure;
mod proc;
mod report;

use std::env;
use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use clap::Parser;
use serde_json::Value;

use self::cells::memory::Counter;
use self::cells::{CELLS, Cell, Effort, Run};
use self::machine::Machine;

/// Compares oxide-bus with its peers, side by side in one process.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo bench --bench compare --")]
struct Arguments {
    /// Fewer rounds: under three minutes instead of under 15 minutes.
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
        .ok_or_else(|| {
            "there are the cells a to j and m to v, and k and l with the feature `tokio`".to_owned()
        })
}

/// Runs the timed cells itself and the counted ones in another process. With a counter, runs only the counted ones.
pub(crate) fn main(counter: Option<Counter>) -> ExitCode {
    // `cargo test --benches` runs it without this argument, and wants no measurements.
    if !env::args().any(|argument| argument == "--bench") {
        eprintln!("nothing is measured: run `cargo bench --bench compare`");
        return ExitCode::SUCCESS;
    }
    match compare(&Arguments::parse(), counter) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn compare(arguments: &Arguments, counter: Option<Counter>) -> Result<(), Box<dyn Error>> {
    let effort = if arguments.quick {
        Effort::Quick
    } else {
        Effort::Full
    };
    let machine = Machine::this();
    let mut out = io::stdout();
    if counter.is_none() {
        writeln!(out, "{}", report::heading(&machine))?;
    }
    let mut as_json = Vec::new();
    let mut for_another_process = Vec::new();
    for cell in CELLS.iter().filter(|cell| arguments.wants(cell)) {
        let rows = match (cell.run, counter) {
            (Run::Timed(run), None) => run(cell, effort),
            (Run::Counted(run), Some(counter)) => run(cell, counter),
            (Run::Counted(_), None) => {
                for_another_process.push(cell.letter);
                continue;
            }
            (Run::Timed(_), Some(_)) => continue,
        };
        writeln!(out, "{}", report::table(cell, &rows))?;
        as_json.extend(rows.iter().map(report::row_as_json));
    }
    if !for_another_process.is_empty() {
        as_json.extend(run_counted(&for_another_process)?);
    }
    if let Some(file) = &arguments.json {
        let json = report::json(&machine, &as_json);
        fs::write(file, format!("{json:#}\n"))?;
    }
    Ok(())
}

impl Arguments {
    fn wants(&self, cell: &Cell) -> bool {
        self.cell.is_empty() || self.cell.contains(&cell.letter)
    }
}

/// Runs cells in the process that counts allocations, which prints its part of the table itself.
fn run_counted(letters: &[char]) -> Result<Vec<Value>, Box<dyn Error>> {
    let letters: Vec<_> = letters.iter().map(char::to_string).collect();
    let file = tempfile::NamedTempFile::new()?;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["bench", "--quiet", "--bench", "compare_alloc"])
        .args(cfg!(feature = "tokio").then_some("--features=tokio")) // otherwise everything is built again
        .args(["--", "--cell", &letters.join(",")])
        .arg("--json")
        .arg(file.path())
        .status()?;
    if !status.success() {
        return Err("the cells that count allocations failed".into());
    }
    let mut counted: Value = serde_json::from_slice(&fs::read(file.path())?)?;
    match counted["cells"].take() {
        Value::Array(cells) => Ok(cells),
        _ => Err("the cells that count allocations left no figures".into()),
    }
}
