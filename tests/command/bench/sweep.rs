//! Tests of sweeps, rounds, and what the bus is measured against.

use serde_json::Value;

use super::{THREADS, bench, count, number, result};
use crate::support::command::text;

/// Returns the objects that a run prints, one a line.
pub(super) fn results(arguments: &[&str]) -> Vec<Value> {
    let output = bench(&[&["--json"], arguments].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let lines = text(&output.stdout).lines();
    lines
        .map(|line| serde_json::from_str(line).expect("a JSON object"))
        .collect()
}

const SMALL: &[&str] = &["--messages", "500"];

#[test]
fn each_size_of_a_sweep_is_measured_with_each_of_the_others() {
    let sweeps = [
        "--publishers",
        "1,2",
        "--subscribers",
        "0,3",
        "--capacity",
        "8,16",
        "--payload",
        "0,100",
        "--overflow",
        "block,drop-oldest",
    ];
    let results = results(&[SMALL, &sweeps].concat());
    let keys = ["publishers", "subscribers", "capacity", "payload_bytes"];
    let mut seen: Vec<_> = (results.iter())
        .map(|it| (keys.map(|key| count(it, key)), it["overflow"].to_string()))
        .collect();
    assert_eq!(seen.len(), 32);
    assert_eq!(seen[0], ([1, 0, 8, 0], "\"block\"".to_owned()));
    assert_eq!(seen[31], ([2, 3, 16, 100], "\"drop-oldest\"".to_owned()));
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 32, "no two are the same");
    for result in &results {
        assert_eq!(count(result, "published"), 500);
    }
}

#[test]
fn of_several_rounds_the_one_in_the_middle_is_shown() {
    let result = result(&[SMALL, &["--rounds", "5", "--warm-up", "2"]].concat());
    let rounds = result["rounds"].as_array().expect("a list");
    assert_eq!(rounds.len(), 5, "those to warm up do not count");
    let rate = |round: &Value| number(round, "deliveries_per_s");
    let mut rates: Vec<_> = rounds.iter().map(rate).collect();
    rates.sort_by(f64::total_cmp);
    let shown = rate(&result);
    assert!((shown - rates[2]).abs() < f64::EPSILON, "{result}");
    let middle = rounds
        .iter()
        .find(|it| it["deliveries_per_s"] == result["deliveries_per_s"]);
    for (key, value) in middle
        .expect("it is one of them")
        .as_object()
        .expect("an object")
    {
        assert_eq!(value, &result[key], "{key}");
    }
}

#[test]
fn the_channels_that_it_is_measured_against_carry_the_same_load() {
    let cases: [(&[&str], &str, &str); 4] = [
        (THREADS, "block", "tokio,crossbeam"),
        (THREADS, "drop-newest", "tokio,crossbeam"),
        (THREADS, "drop-oldest", "crossbeam"),
        (&["--async", "--workers", "1"], "block", "tokio"),
    ];
    for (run_by, overflow, against) in cases {
        for scenario in ["broadcast", "slow-consumer", "burst"] {
            let load = [
                "--publishers",
                "2",
                "--scenario",
                scenario,
                "--overflow",
                overflow,
            ];
            let load = [SMALL, &load, &["--against", against], run_by].concat();
            let results = results(&load);
            assert_eq!(results.len(), 1 + against.split(',').count());
            for result in &results {
                let (received, lost) = (count(result, "received"), count(result, "lost"));
                assert_eq!(
                    (count(result, "published"), received + lost),
                    (500, 2_000),
                    "{result}"
                );
                let policy = match (result["by"].as_str().expect("a name"), overflow) {
                    ("oxide-bus", _) => overflow,
                    ("tokio", _) => "drop-oldest",
                    ("crossbeam", "block") => "block",
                    ("crossbeam", _) => "drop-newest",
                    other => panic!("{other:?}"),
                };
                assert_eq!(result["overflow"], policy);
                assert!(policy != "block" || lost == 0, "{result}");
            }
        }
    }
}

#[test]
fn publishing_to_nobody_can_be_measured_against_channels() {
    let load = ["--subscribers", "0", "--against", "tokio,crossbeam"];
    for result in results(&[SMALL, &load].concat()) {
        assert_eq!(
            (count(&result, "published"), count(&result, "delivered")),
            (500, 0)
        );
    }
}

#[test]
fn csv_has_a_line_for_each_round_with_the_keys_of_the_json_object() {
    let sweep = [
        "--subscribers",
        "1,2",
        "--rounds",
        "3",
        "--subject",
        "bench.0",
        "--subject",
        "a,b",
    ];
    let output = bench(&[SMALL, &sweep, &["--csv"]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let mut reader = csv::Reader::from_reader(output.stdout.as_slice());
    let heading = reader.headers().expect("a heading").clone();
    let at = |name: &str| {
        let at = heading.iter().position(|it| it == name);
        at.unwrap_or_else(|| panic!("{name} in {heading:?}"))
    };
    let lines: Vec<_> = reader.records().map(|it| it.expect("a line")).collect();
    let sizes = lines
        .iter()
        .map(|it| (&it[at("subscribers")], &it[at("round")]));
    let all = [
        ("1", "1"),
        ("1", "2"),
        ("1", "3"),
        ("2", "1"),
        ("2", "2"),
        ("2", "3"),
    ];
    assert_eq!(sizes.collect::<Vec<_>>(), all);
    for line in &lines {
        let subscribers: u64 = line[at("subscribers")].parse().expect("a number");
        assert_eq!(line[at("received")], (500 * subscribers).to_string());
        assert_eq!(&line[at("subjects")], "bench.0 a,b");
        assert_eq!(
            (&line[at("groups")], &line[at("scenario")]),
            ("", "broadcast")
        );
        assert!(line[at("latency_ns_p50")].parse::<u64>().is_ok());
    }
}

#[test]
fn the_table_of_a_sweep_has_a_line_for_each_point_and_the_latencies_in_plain_characters() {
    let sweep = ["--subscribers", "1,0,3", "--overflow", "block,drop-oldest"];
    let output = bench(&[SMALL, &sweep, &["--capacity", "9"]].concat());
    let table = text(&output.stdout);
    assert!(
        table.is_ascii() || table.replace('µ', "u").is_ascii(),
        "{table}"
    );
    let lines: Vec<Vec<&str>> = (table.lines())
        .filter_map(|line| line.strip_prefix("| "))
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(lines.len(), 7, "{table}");
    assert_eq!(
        lines[0][..3],
        ["subscribers", "overflow", "deliveries/s"],
        "what is swept: {table}"
    );
    let sizes: Vec<_> = lines[1..].iter().map(|line| (line[0], line[1])).collect();
    assert_eq!(sizes[0], ("1", "block"));
    assert_eq!(sizes[3], ("0", "drop-oldest"));
    assert_eq!(sizes[5], ("3", "drop-oldest"));
    assert!(
        table.contains("a character for each power of two"),
        "{table}"
    );
}

#[test]
fn a_sweep_that_cannot_be_is_told_in_one_line_before_anything_runs() {
    let missing = concat!(env!("CARGO_MANIFEST_DIR"), "/no-such-folder/report.html");
    let cases: &[(&[&str], &str)] = &[
        (
            &["--subscribers", "1,x"],
            "invalid value 'x' for '--subscribers <N>'",
        ),
        (
            &["--subscribers", "1,,2"],
            "invalid value '' for '--subscribers <N>'",
        ),
        (
            &["--capacity", "1,0"],
            "invalid value '0' for '--capacity <N>'",
        ),
        (&["--overflow", "block,never"], "invalid value 'never'"),
        (&["--payload", "1,2,1"], "--payload has 1 twice"),
        (&["--overflow", "evict,evict"], "--overflow has evict twice"),
        (&["--against", "tokio,tokio"], "--against has tokio twice"),
        (&["--against", "oxide-bus"], "invalid value 'oxide-bus'"),
        (
            &["--groups", "3", "--subscribers", "4,2"],
            "--groups 3 is more than there are subscribers: 2",
        ),
        (
            &["--subscribers", "8,2000"],
            "invalid value '2000' for '--subscribers <N>'",
        ),
        (
            &[
                "--subscribers",
                "1,2,3,4,5,6,7",
                "--publishers",
                "1,2,3,4,5,6,7",
                "--capacity",
                "1,2,3,4,5,6",
            ],
            "these sweeps have 294 points together; there may be 256",
        ),
        (&["--scenario", "fast"], "invalid value 'fast'"),
        (
            &["--scenario", "targeted", "--groups", "2"],
            "--scenario targeted goes not with --groups",
        ),
        (
            &["--scenario", "pipeline", "--subject", ">"],
            "--scenario pipeline goes not with --subject",
        ),
        (
            &["--scenario", "request", "--against", "tokio"],
            "--scenario request goes not with --against",
        ),
        (
            &["--scenario", "targeted", "--subscribers", "4,0"],
            "not with --subscribers 0",
        ),
        (
            &["--scenario", "request", "--overflow", "evict"],
            "with --overflow block only",
        ),
        (
            &["--against", "tokio", "--groups", "2"],
            "not with --groups or --subject",
        ),
        (
            &["--against", "crossbeam", "--async"],
            "not against crossbeam",
        ),
        (&["--rounds", "0"], "--rounds"),
        (&["--json", "--csv"], "--csv"),
        (&["--fail-over", "5"], "--compare"),
        (&["--compare", "old.json", "--fail-over", "0"], "above zero"),
        (
            &["--compare", "old.json", "--rounds", "4"],
            "--compare needs --rounds 5 or more",
        ),
        (&["--compare", "no-such-file.json"], "no-such-file.json: "),
        (&["--report", missing], "no-such-folder/report.html: "),
        (
            &["--report", env!("CARGO_MANIFEST_DIR")],
            env!("CARGO_MANIFEST_DIR"),
        ),
    ];
    for (arguments, trouble) in cases {
        // If it ran, it would run for long.
        let output = bench(&[*arguments, &["--messages", "1000000000000"]].concat());
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
        assert!(stderr.contains(trouble), "{arguments:?}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}
