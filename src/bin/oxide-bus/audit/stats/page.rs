//! The statistics as a page for a browser. It needs nothing else: no script, no font, no picture.

use std::fmt::Write;

use super::super::super::output::escaped;
use super::summary::{LogSummary, written, written_second};

/// How many rows a table has. Further ones are counted.
const MAX_ROWS: usize = 200;

const STYLE: &str = include_str!("page.css");

/// A table in the making: rows of texts, and a number that is drawn as a bar.
struct Rows {
    heads: &'static [&'static str],
    lines: Vec<(u64, Vec<String>)>,
    others: u64,
}

pub(super) fn page(summary: &LogSummary) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>Audit log</title>\n<style>\n{STYLE}</style>\n<h1>Audit log</h1>\n"
    );
    page += &figures(summary);
    page += &timeline(summary);
    let said = summary.spoken.counts().into_iter().map(|it| {
        let kind = it.kind.unwrap_or("(not recorded)");
        (it.envelopes, vec![it.source.to_owned(), kind.to_owned()])
    });
    let gaps = summary.gaps.first.iter().map(|it| {
        let place = format!("{}: line {}", it.log, it.line);
        let told = format!("envelope {} instead of {}", it.found, it.expected);
        (it.found.saturating_sub(it.expected), vec![place, told])
    });
    let denied = summary.denied.counts().into_iter().map(|it| {
        let source = it.source.unwrap_or("(only counted)").to_owned();
        let why = it.why.unwrap_or_default().to_owned();
        (it.times, vec![it.capability.to_owned(), source, why])
    });
    let lost = summary.lost.counts().into_iter().map(|it| {
        let evicted = it.evicted.unwrap_or_default().to_owned();
        let loser = format!("{:?}", it.loser).to_lowercase();
        (it.envelopes, vec![loser, it.name.to_owned(), evicted])
    });
    for (title, rows) in [
        (
            "Who says what",
            Rows {
                heads: &["Envelopes", "Source", "Subject or kind"],
                lines: said.collect(),
                others: summary.spoken.others,
            },
        ),
        (
            "Gaps in the sequence",
            Rows {
                heads: &["Missing", "Where", "What"],
                lines: gaps.collect(),
                others: summary.gaps.more,
            },
        ),
        (
            "Denied",
            Rows {
                heads: &["Times", "Capability", "Source", "Why"],
                lines: denied.collect(),
                others: summary.denied.others,
            },
        ),
        (
            "Lost",
            Rows {
                heads: &["Envelopes", "By", "Name", "Evicted"],
                lines: lost.collect(),
                others: summary.lost.others,
            },
        ),
    ] {
        let _ = write!(page, "<h2>{title}</h2>\n{}", table(&rows)); // writing to a string does not fail
    }
    page
}

/// Returns a text as it may stand in the page.
fn html(text: &str) -> String {
    escaped(text.chars())
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn figures(summary: &LogSummary) -> String {
    let none = || "none".to_owned();
    let busiest = summary.timeline.busiest();
    let busiest =
        busiest.map(|it| format!("{} ({} envelopes)", written_second(it.second), it.envelopes));
    let mut list = "<dl>\n".to_owned();
    for (name, value) in [
        ("Envelopes", summary.envelopes.to_string()),
        ("Records", summary.records.to_string()),
        ("Runs", summary.runs.to_string()),
        ("Unwritable", summary.unwritable.to_string()),
        ("Missing in gaps", summary.gaps.missing.to_string()),
        ("Lines that are no records", summary.bad_lines.to_string()),
        ("First", summary.first.map_or_else(none, written)),
        ("Last", summary.last.map_or_else(none, written)),
        ("Busiest second", busiest.unwrap_or_else(none)),
    ] {
        let _ = writeln!(list, "<div><dt>{name}</dt><dd>{value}</dd></div>");
    }
    list + "</dl>\n"
}

fn timeline(summary: &LogSummary) -> String {
    let pieces: Vec<_> = summary.timeline.pieces().collect();
    let most = pieces
        .iter()
        .map(|piece| piece.envelopes)
        .max()
        .unwrap_or(0);
    if most == 0 {
        return String::new();
    }
    let width = summary.timeline.width();
    let mut chart = format!(
        "<h2>Envelopes over time</h2>\n<div class=\"chart\" role=\"img\" aria-label=\"At most {most} envelopes in {width} s\">\n"
    );
    for piece in &pieces {
        let (time, count) = (written_second(piece.second), piece.envelopes);
        let height = percent(count, most);
        let _ = writeln!(
            chart,
            "<i style=\"height:{height}%\" title=\"{time}: {count}\"></i>"
        );
    }
    let (first, last) = (pieces[0].second, pieces[pieces.len() - 1].second);
    let (first, last) = (written_second(first), written_second(last));
    let _ = writeln!(
        chart,
        "</div>\n<p class=\"axis\"><span>{first}</span><span>a bar is {width} s, the highest {most}</span><span>{last}</span></p>"
    );
    chart
}

fn table(rows: &Rows) -> String {
    if rows.lines.is_empty() {
        return "<p>None.</p>\n".to_owned();
    }
    let most = rows
        .lines
        .iter()
        .map(|(count, _)| *count)
        .max()
        .unwrap_or(0);
    let mut table = "<div class=\"wide\"><table>\n<tr>".to_owned();
    for head in rows.heads {
        let _ = write!(table, "<th>{head}</th>");
    }
    table += "</tr>\n";
    for (count, texts) in rows.lines.iter().take(MAX_ROWS) {
        let part = percent(*count, most);
        let _ = write!(
            table,
            "<tr><td class=\"count\"><b style=\"--part:{part}\"></b><span>{count}</span></td>"
        );
        for text in texts {
            let _ = write!(table, "<td>{}</td>", html(text));
        }
        table += "</tr>\n";
    }
    table += "</table></div>\n";
    let more = (rows.lines.len().saturating_sub(MAX_ROWS) as u64).saturating_add(rows.others);
    if more > 0 {
        let _ = writeln!(table, "<p>And more: {more}</p>");
    }
    table
}

/// Returns a part of the most in whole percents, and at least one if there is anything.
fn percent(count: u64, most: u64) -> u128 {
    let part = (u128::from(count) * 100).div_ceil(u128::from(most.max(1)));
    part.min(100)
}
