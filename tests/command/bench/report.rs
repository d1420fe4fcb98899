//! Tests of the page with plots.

use std::collections::BTreeSet;
use std::fs;
#[cfg(unix)]
use std::process::{Command, Stdio};

use tempfile::NamedTempFile;

use super::bench;
use crate::support::command::{file, path, text};

/// Returns the page of a run.
fn report_in(page: &NamedTempFile, arguments: &[&str]) -> String {
    let output = bench(&[&["--report", path(page)], arguments].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(
        text(&output.stdout).starts_with('+'),
        "the table is printed as well"
    );
    fs::read_to_string(page.path()).expect("it is UTF-8")
}

fn report(arguments: &[&str]) -> String {
    report_in(&file(""), arguments)
}

/// Returns what stands between two texts, each time.
fn between<'a>(page: &'a str, before: &str, after: &str) -> Vec<&'a str> {
    let parts = page.split(before).skip(1);
    parts.filter_map(|part| part.split(after).next()).collect()
}

/// A publisher that does not wait for 50 ms of work on a queue of 8, so there are samples and losses.
const LOSES: &[&str] = &[
    "--scenario",
    "slow-consumer",
    "--messages",
    "2500",
    "--capacity",
    "8",
];

#[test]
fn a_page_has_all_plots_and_needs_nothing_from_elsewhere() {
    let sweep = [
        "--overflow",
        "block,drop-newest",
        "--subscribers",
        "1,2",
        "--rounds",
        "2",
    ];
    let page = report(&[LOSES, &sweep].concat());
    assert!(page.starts_with("<!DOCTYPE html>"));
    assert!(page.ends_with("</html>\n"));
    assert_eq!(
        between(&page, "<h2>", "</h2>"),
        [
            "Throughput",
            "Latency by percentile",
            "Losses over time",
            "Queue fill over time"
        ]
    );
    assert_eq!(page.matches("<svg ").count(), 4);
    assert_eq!(page.matches("</svg>").count(), 4);
    let page = page.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
    for elsewhere in [
        "http:", "https:", "<script", "<link", "src=", "url(", "@import", "<image",
    ] {
        assert!(!page.contains(elsewhere), "{elsewhere}");
    }
}

#[test]
fn every_colour_of_a_plot_is_replaced_by_one_for_light_or_dark() {
    let page = report(
        &[
            LOSES,
            &["--overflow", "drop-newest", "--payload", "1,2,3,4,5,6,7,8"],
        ]
        .concat(),
    );
    let (style, body) = page.split_once("</style>").expect("a style");
    assert!(style.contains("@media(prefers-color-scheme:dark)"));
    let mut used = BTreeSet::new();
    for attribute in ["fill", "stroke"] {
        for colour in between(body, &format!(" {attribute}=\"#"), "\"") {
            used.insert((attribute, colour));
        }
    }
    used.remove(&("stroke", "808080")); // the grid, which is half transparent
    used.remove(&("fill", "000000")); // text, which has a rule of its own
    assert!(style.contains("svg text{fill:var(--ink)}"));
    assert!(used.len() > 8, "{used:?}");
    for (attribute, colour) in used {
        let rule = format!("svg [{attribute}=\"#{colour}\"]{{{attribute}:var(--");
        assert!(style.contains(&rule), "{rule}");
    }
}

#[test]
fn more_series_than_colours_are_several_plots() {
    let page = report(&[
        "--scenario",
        "slow-consumer",
        "--overflow",
        "drop-newest",
        "--messages",
        "1000",
        "--capacity",
        "1,2,3,4,5",
        "--payload",
        "0,1",
    ]);
    let titles = between(&page, "<h2>", "</h2>");
    let latencies = titles.iter().filter(|it| **it == "Latency by percentile");
    assert_eq!(latencies.count(), 2, "ten curves: {titles:?}");
    let (before, after) = page
        .split_once("<h2>Losses over time</h2>")
        .expect("there are losses");
    let point = "capacity 3, payload 1";
    assert_eq!(before.matches(point).count(), 1, "in a plot of latencies");
    assert!(after.contains(point), "and in one over time");
}

#[test]
fn where_publishers_sleep_the_latency_is_plotted_against_the_sweep() {
    let page = report(&[
        "--scenario",
        "at-rest",
        "--messages",
        "10",
        "--subscribers",
        "1,2",
    ]);
    assert_eq!(between(&page, "<h2>", "</h2>")[0], "Median latency");
}

#[test]
fn what_was_typed_is_shown_as_text() {
    let page = report(&[
        "--messages",
        "10",
        "--subject",
        "bench.>",
        "--subject",
        "<b&\"x\"",
    ]);
    assert!(page.contains("--subject bench.&gt; --subject &lt;b&amp;&quot;x&quot;"));
    assert!(!page.contains("<b&"));
}

#[test]
fn a_page_that_was_there_is_replaced_as_a_whole() {
    let page = file(&"old ".repeat(100_000));
    let text = report_in(&page, &["--messages", "10", "--subscribers", "0"]);
    assert!(text.starts_with("<!DOCTYPE html>") && text.ends_with("</html>\n"));
    assert!(!text.contains("old old"));
}

#[test]
fn a_page_that_was_there_stays_if_the_run_cannot_begin() {
    let page = file("old");
    let output = bench(&["--report", path(&page), "--compare", "no-such-file"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(fs::read_to_string(page.path()).expect("it is there"), "old");
}

/// If it ran, it would run for long.
const LONG: &[&str] = &["--messages", "1000000000000", "--subscribers", "1"];

#[test]
fn a_page_does_not_replace_the_result_that_is_compared() {
    let load = ["--messages", "10", "--subscribers", "1", "--rounds", "5"];
    let result = bench(&[&load[..], &["--json"]].concat()).stdout;
    let result = text(&result).replace("\"messages\":10,", "\"messages\":1000000000000,");
    let old = file(&result);
    let folder = tempfile::tempdir().expect("there is a place for files");
    let second = folder.path().join("report.html");
    let mut names = vec![path(&old)];
    if cfg!(unix) {
        fs::hard_link(old.path(), &second).expect("it can have a second name");
        names.push(second.to_str().expect("it is UTF-8"));
    }
    for name in names {
        let output = bench(&[LONG, &["--compare", path(&old), "--report", name]].concat());
        assert_eq!(output.status.code(), Some(2), "{name}");
        assert_eq!(
            text(&output.stderr),
            format!("oxide-bus: {name}: the report would replace the result that is compared\n")
        );
        assert_eq!(fs::read_to_string(old.path()).expect("it is there"), result);
    }
}

#[cfg(unix)]
#[test]
fn a_page_is_not_written_over_the_output() {
    let both = file("");
    let output = Command::new(env!("CARGO_BIN_EXE_oxide-bus"))
        .args(["bench", "--json", "--report", path(&both)])
        .args(LONG)
        .stdout(Stdio::from(both.reopen().expect("it can be written")))
        .output()
        .expect("the command runs");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        text(&output.stderr),
        format!(
            "oxide-bus: {}: the report is also the output\n",
            path(&both)
        )
    );
    assert_eq!(fs::read_to_string(both.path()).expect("it is there"), "");
}

#[cfg(unix)]
#[test]
fn a_page_can_be_written_to_a_pipe() {
    let output = bench(&["--messages", "10", "--report", "/dev/stdout"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let stdout = text(&output.stdout);
    assert!(stdout.starts_with('+') && stdout.ends_with("</html>\n"));
}
