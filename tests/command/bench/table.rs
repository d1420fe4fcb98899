//! Tests of the table that a run prints.

use std::fs;

use super::bench;
use crate::support::command::{file, path, text};

/// Returns the names and values of the printed table, top to bottom.
fn table(arguments: &[&str]) -> Vec<(String, String)> {
    let output = bench(arguments);
    assert!(output.status.success());
    assert_eq!(text(&output.stderr), "", "no progress bar in a pipe");
    text(&output.stdout)
        .lines()
        .filter_map(|line| line.strip_prefix('|')?.strip_suffix('|'))
        .map(|row| row.trim().rsplit_once("  ").unwrap_or((row, "")))
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .collect()
}

#[test]
fn where_nobody_listens_the_rate_is_that_of_the_publishes_and_a_line_says_so() {
    let page = file("");
    let note = "Where nothing is received, the rate is that of the publishes.";
    let small = [
        "--messages",
        "500",
        "--rounds",
        "3",
        "--report",
        path(&page),
    ];
    let output = bench(&[&small[..], &["--subscribers", "0,2"]].concat());
    let stdout = text(&output.stdout);
    let row = stdout
        .lines()
        .find_map(|line| line.strip_prefix("|           0 "));
    let row = row.unwrap_or_else(|| panic!("a row for nobody in {stdout}"));
    let rate = row.split_whitespace().next().expect("a rate");
    assert_ne!(rate, "0");
    assert!(stdout.contains(&format!("\n{note}\n")), "{stdout}");
    let html = fs::read_to_string(page.path()).expect("it is UTF-8");
    assert!(html.contains(&format!("<tr><td>0<td>{rate}<td>")), "{rate}");
    assert!(html.contains(&format!("<p>{note}</p>")));

    let output = bench(&[&small[..], &["--subscribers", "1,2"]].concat());
    assert!(!text(&output.stdout).contains(note));
    let html = fs::read_to_string(page.path()).expect("it is UTF-8");
    assert!(!html.contains(note));

    let table = table(&[&small[..], &["--subscribers", "0"]].concat());
    let names = table[..3].iter().map(|(name, _)| name.as_str());
    let first = [
        "deliveries a second",
        "publishes a second",
        "spread of rounds",
    ];
    assert_eq!(names.collect::<Vec<_>>(), first);
}

/// Returns the heading of the latencies in a table, and the figures below it.
fn latencies(table: &[(String, String)]) -> (&str, Vec<&str>) {
    let at = table.iter().position(|(name, _)| name == "median");
    let at = at.expect("a median");
    let figures = table[at..].iter().map(|(_, figure)| figure.as_str());
    (&table[at - 1].0, figures.collect())
}

#[test]
fn without_json_it_prints_a_table_with_the_deliveries_a_second_first() {
    let table = table(&["--messages", "12345"]);
    assert_eq!(table[0].0, "deliveries a second");
    assert!(table[0].1.chars().all(|c| c.is_ascii_digit() || c == ','));
    for (name, value) in [
        ("published", "12,345"),
        ("delivered", "49,380"),
        ("dropped", "0"),
        ("received", "49,380"),
        ("lost", "0"),
        ("groups", "none"),
        ("subjects", "all"),
        ("overflow", "block"),
    ] {
        assert!(
            table.contains(&(name.to_owned(), value.to_owned())),
            "{name} in {table:?}"
        );
    }
}

#[test]
fn all_latencies_of_a_table_are_in_the_unit_that_fits_their_median() {
    let table = table(&["--messages", "1000"]);
    let (heading, figures) = latencies(&table);
    let figures: Vec<f64> = (figures.iter())
        .map(|figure| figure.replace(',', "").parse().expect("a number, no unit"))
        .collect();
    assert_eq!(figures.len(), 5);
    assert!(figures.is_sorted(), "{figures:?}");
    match heading {
        "latency (ns)" | "latency (µs)" => assert!((1.0..1_000.0).contains(&figures[0])),
        "latency (ms)" => assert!(figures[0] >= 1.0),
        other => panic!("{other}"),
    }
}

#[test]
fn where_nothing_was_timed_a_table_has_no_latencies() {
    let table = table(&["--subscribers", "0", "--messages", "10"]);
    assert_eq!(latencies(&table), ("latency", vec!["-"; 5]));
}
