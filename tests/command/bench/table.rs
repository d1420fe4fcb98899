//! Tests of the table that a run prints.

use super::{bench, text};

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
