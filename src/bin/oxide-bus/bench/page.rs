//! The report: one page of HTML that needs no other file, with plots.

use std::fmt::{Display, Write as _};
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{env, thread};

use chrono::{DateTime, SecondsFormat, Utc};

use super::super::failure::Failure;
use super::super::output;
use super::figures::{grouped, time, whole};
use super::gallery::{self, Figure};
use super::options::BenchOptions;
use super::plots::COLOURS;
use super::point::swept;
use super::result::PointResult;

/// The file of a report. It is opened before anything is measured, and written at the end.
pub(super) struct ReportFile {
    path: PathBuf,
    file: File,
}

/// The colours on a dark background, in the order of [`COLOURS`].
const DARK: [&str; 8] = [
    "#6cb6ff", "#ff9d57", "#4fd1a5", "#f08fd8", "#e0c14a", "#a9a4ff", "#ff7f92", "#9fb8c2",
];

const STYLE: &str = include_str!("page.css");

impl ReportFile {
    /// Opens the file. Its content stays until the report is written. It may be neither the output nor the earlier
    /// result that is compared.
    pub(super) fn open(path: &Path, compared: Option<&Path>) -> Result<Self, Failure> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path);
        let failed =
            |error: &dyn Display| Err(Failure::usage(format_args!("{}: {error}", path.display())));
        let file = match file {
            Err(error) => return failed(&error),
            Ok(file) => file,
        };
        if output::goes_to(&file) {
            return failed(&"the report is also the output");
        }
        if compared.is_some_and(|compared| output::is_same_file(path, compared)) {
            return failed(&"the report would replace the result that is compared");
        }
        let path = path.to_owned();
        Ok(ReportFile { path, file })
    }

    pub(super) fn write(
        mut self,
        results: &[PointResult],
        options: &BenchOptions,
    ) -> Result<(), Failure> {
        let page = page(results, options);
        let mut write = || -> io::Result<()> {
            // A pipe or a terminal has no beginning.
            if self.file.metadata()?.is_file() {
                self.file.set_len(0)?;
                self.file.rewind()?;
            }
            self.file.write_all(page.as_bytes())
        };
        let failed = |error| Failure::new(format_args!("{}: {error}", self.path.display()));
        write().map_err(failed)
    }
}

fn page(results: &[PointResult], options: &BenchOptions) -> String {
    let title = format!("oxide-bus bench: {}", options.scenario);
    let figures: String = gallery::figures(results).iter().map(figure).collect();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}{}</style>\n<h1>{title}</h1>\n\
         <p>{}.</p>\n{}\n{}\n<main>\n{figures}</main>\n</html>\n",
        colours(),
        escaped(&options.scenario.purpose()),
        facts(results),
        table(results),
    )
}

/// Returns the rules that replace the colours of the plots by those of the page.
fn colours() -> String {
    let mut light = String::new();
    let mut dark = String::new();
    let mut rules = String::new();
    for ((number, colour), dark_colour) in (0..).zip(COLOURS).zip(DARK) {
        let colour = format!("#{:02X}{:02X}{:02X}", colour.0, colour.1, colour.2);
        let _ = write!(light, "--s{number}:{colour};"); // writing to a string does not fail
        let _ = write!(dark, "--s{number}:{dark_colour};");
        let _ = writeln!(
            rules,
            "svg [fill=\"{colour}\"]{{fill:var(--s{number})}}\
             svg [stroke=\"{colour}\"]{{stroke:var(--s{number})}}\
             .s{number}{{background:var(--s{number})}}"
        );
    }
    format!(":root{{{light}}}\n@media(prefers-color-scheme:dark){{:root{{{dark}}}}}\n{rules}")
}

/// Returns the facts of the run: what was run, when, and on which machine.
fn facts(results: &[PointResult]) -> String {
    let now = DateTime::<Utc>::from(SystemTime::now());
    let arguments: Vec<_> = env::args().skip(1).collect();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let rounds = results.iter().map(|result| result.rounds.len()).max();
    let facts = [
        ("command", format!("oxide-bus {}", arguments.join(" "))),
        ("measured", now.to_rfc3339_opts(SecondsFormat::Secs, true)),
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
        (
            "machine",
            format!("{} {}, {cores} cores", env::consts::OS, env::consts::ARCH),
        ),
        ("rounds", rounds.unwrap_or(0).to_string()),
    ];
    let facts = facts.map(|(name, value)| format!("<dt>{name}<dd>{}\n", escaped(&value)));
    format!("<dl>\n{}</dl>", facts.concat())
}

fn table(results: &[PointResult]) -> String {
    let points: Vec<_> = results.iter().map(|result| &result.point).collect();
    let swept = swept(&points);
    let mut rows = String::from("<tr>");
    let names = results.first().map(|result| result.point.coordinates());
    let names = names
        .iter()
        .flat_map(|names| swept.iter().map(|&at| names[at].0));
    let figures = [
        "deliveries a second",
        "spread",
        "median",
        "99 %",
        "99.9 %",
        "lost",
    ];
    for name in names.chain(figures) {
        let _ = write!(rows, "<th scope=\"col\">{name}");
    }
    for result in results {
        let round = result.median();
        let coordinates = result.point.coordinates();
        let values = swept.iter().map(|&at| coordinates[at].1.clone());
        rows += "\n<tr>";
        for value in values.chain([
            whole(round.rate()),
            result.spread_in_percent(),
            time(round.latency_ns.p50),
            time(round.latency_ns.p99),
            time(round.latency_ns.p999),
            grouped(round.lost),
        ]) {
            let _ = write!(rows, "<td>{}", escaped(&value));
        }
    }
    let note =
        PointResult::rate_note(results).map_or(String::new(), |note| format!("\n<p>{note}</p>"));
    format!("<div class=\"wide\"><table>\n{rows}\n</table></div>{note}")
}

/// Returns a plot with its title and its legend.
fn figure(figure: &Figure) -> String {
    let mut legend = String::new();
    if figure.plot.is_some() && figure.names.iter().any(|name| !name.is_empty()) {
        for (number, name) in figure.names.iter().enumerate() {
            let _ = write!(legend, "<li><i class=\"s{number}\"></i>{}", escaped(name));
        }
        legend = format!("<ul>{legend}</ul>");
    }
    let title = escaped(figure.title);
    let plot = match &figure.plot {
        Some(svg) => svg.replacen(
            "<svg ",
            &format!("<svg role=\"img\" aria-label=\"{title}\" "),
            1,
        ),
        None => String::new(),
    };
    let note = escaped(figure.note);
    format!(
        "<figure>\n<figcaption><h2>{title}</h2><p>{note}</p>{legend}</figcaption>\n{plot}</figure>\n"
    )
}

fn escaped(text: &str) -> String {
    (text.replace('&', "&amp;").replace('<', "&lt;"))
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
