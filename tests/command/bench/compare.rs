//! Tests of the comparison with an earlier result.

use std::process::Output;

use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::bench;
use super::sweep::results;
use crate::support::command::{file, path, text};

const SMALL: &[&str] = &["--messages", "200", "--subscribers", "1,2"];

/// A factor on all rates of a round, and what its latencies become.
type Change = (f64, fn(u64) -> u64);

const BETTER: Change = (1e4, |time| time / 10_000 + 1);

const WORSE: Change = (1e-4, |time| time * 10_000);

/// Returns a result of five rounds, each of them changed.
fn old(change: impl Fn(usize) -> Change) -> NamedTempFile {
    let mut lines = results(&[SMALL, &["--rounds", "5"]].concat());
    for line in &mut lines {
        let rounds = line["rounds"].as_array_mut().expect("a list");
        for (number, round) in rounds.iter_mut().enumerate() {
            let (factor, of_time) = change(number);
            let rate = &mut round["deliveries_per_s"];
            *rate = json!(rate.as_f64().expect("a number") * factor);
            for key in ["p50", "p99"] {
                let time = &mut round["latency_ns"][key];
                *time = json!(of_time(time.as_u64().expect("a number")));
            }
        }
    }
    file(&text_of(&lines))
}

fn text_of(lines: &[Value]) -> String {
    let lines: Vec<_> = lines.iter().map(Value::to_string).collect();
    lines.join("\n")
}

fn compared(old: &NamedTempFile, more: &[&str]) -> Output {
    bench(&[SMALL, &["--compare", path(old)], more].concat())
}

#[test]
fn what_is_worse_beyond_the_noise_is_told_and_fails_if_it_is_too_much() {
    let old = old(|_| BETTER);
    let output = compared(&old, &[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let stdout = text(&output.stdout);
    assert!(stdout.contains(&format!("Changed beyond the noise since {}:\n", path(&old))));
    for subscribers in [1, 2] {
        for figure in ["rate", "median latency", "99th percentile of latency"] {
            let line = format!("  subscribers {subscribers}: {figure} worse by ");
            assert!(stdout.contains(&line), "{line}: {stdout}");
        }
    }
    let output = compared(&old, &["--fail-over", "50"]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = text(&output.stderr);
    assert!(
        stderr.contains("by more than 50 %: subscribers "),
        "{stderr}"
    );
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

#[test]
fn what_is_better_never_fails() {
    let old = old(|_| WORSE);
    let output = compared(&old, &["--fail-over", "0.1"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let stdout = text(&output.stdout);
    assert_eq!(stdout.matches(" better by ").count(), 6, "{stdout}");
    assert_eq!(stdout.matches(" worse by ").count(), 0, "{stdout}");
}

#[test]
fn what_lies_within_the_spread_of_the_rounds_has_not_changed() {
    let spread = |number: usize| -> Change { [(1e-4, BETTER.1), (1e4, WORSE.1)][number % 2] };
    let old = old(spread);
    let output = compared(&old, &["--fail-over", "0.1"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let said = format!(
        "Nothing has changed beyond the noise since {}.\n",
        path(&old)
    );
    assert!(
        text(&output.stdout).ends_with(&said),
        "{}",
        text(&output.stdout)
    );
}

#[test]
fn with_json_stdout_has_the_result_only() {
    let old = old(|_| WORSE);
    let output = compared(&old, &["--json"]);
    for line in text(&output.stdout).lines() {
        assert_eq!(
            serde_json::from_str::<Value>(line).expect("JSON")["by"],
            "oxide-bus"
        );
    }
    assert_eq!(text(&output.stderr).matches(" better by ").count(), 6);
}

#[test]
fn a_share_of_losses_is_compared_also_where_nothing_was_or_is_lost() {
    let losing = [
        "--scenario",
        "slow-consumer",
        "--overflow",
        "drop-newest",
        "--subscribers",
        "1",
        "--capacity",
        "1",
        "--messages",
        "500",
    ];
    let keeping = ["--subscribers", "1", "--messages", "500"];
    let lose = |lost: u64| {
        move |round: &mut Value| {
            round["received"] = json!(500 - lost);
            round["lost"] = json!(lost);
        }
    };
    let compared = |load: &[&str], change: &dyn Fn(&mut Value)| {
        let mut lines = results(&[load, &["--rounds", "5"]].concat());
        for round in lines[0]["rounds"].as_array_mut().expect("a list") {
            change(round);
        }
        let old = file(&text_of(&lines));
        bench(&[load, &["--compare", path(&old), "--fail-over", "0.1"]].concat())
    };
    let output = compared(&losing, &lose(0));
    let stdout = text(&output.stdout);
    let line = stdout.lines().find(|line| line.contains("share of lost"));
    let line = line.unwrap_or_else(|| panic!("{stdout}"));
    assert!(
        line.starts_with("  share of lost envelopes worse by "),
        "{line}"
    );
    assert!(line.contains(" percentage points: "), "{line}");
    assert!(line.ends_with(" %, was none"), "{line}");
    assert_eq!(output.status.code(), Some(1), "{stdout}");

    let stdout = compared(&keeping, &lose(125)).stdout;
    let line = "  share of lost envelopes better by 25.000 percentage points: none, was 25.000 %\n";
    assert!(text(&stdout).contains(line), "{}", text(&stdout));

    let stdout = compared(&keeping, &|_| ()).stdout;
    assert!(!text(&stdout).contains("lost envelopes"), "none as before");
}

#[test]
fn rounds_of_the_same_time_are_compared_and_others_are_not() {
    let timed = |time: &str, more: &[&str]| bench(&[&["--duration", time], more].concat());
    let first = timed("0.0123", &["--rounds", "5", "--json"]).stdout;
    let old = file(text(&first));
    let output = timed("0.0123", &["--compare", path(&old)]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let output = timed("1000", &["--compare", path(&old)]);
    assert_eq!(output.status.code(), Some(2));
    let said = "it has the duration_s 0.0123, and this run has 1000.0\n";
    let stderr = text(&output.stderr);
    assert!(stderr.ends_with(said), "{stderr}");
}

#[test]
fn a_blank_line_at_the_end_of_a_result_is_skipped() {
    let lines = text_of(&results(&[SMALL, &["--rounds", "5"]].concat()));
    let output = compared(&file(&format!("{lines}\n\n")), &[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn a_file_that_is_no_such_result_is_refused_before_anything_runs() {
    let mut good = results(&[SMALL, &["--rounds", "5", "--warm-up", "0"]].concat());
    for line in &mut good {
        assert_eq!(line["messages"], 200);
        line["messages"] = json!(1_000_000_000_000_u64);
    }
    let with = |key: &str, value: Value| {
        let mut lines = good.clone();
        for line in &mut lines {
            line[key] = value.clone();
        }
        text_of(&lines)
    };
    let fewer = with("rounds", json!([good[0]["rounds"][0]]));
    let cases = [
        (String::new(), "it has no result"),
        (
            "not JSON\n".to_owned(),
            "line 1 is no result of `bench --json`: ",
        ),
        (
            "{\"seed\":7}\n".to_owned(),
            "line 1 is no result of `bench --json`: missing field `rounds`",
        ),
        (
            "{\"rounds\":9}\n".to_owned(),
            "line 1 is no result of `bench --json`: ",
        ),
        (
            fewer,
            "line 1 has 1 of the 5 rounds that a comparison needs",
        ),
        (
            with("scenario", json!("burst")),
            "it has the scenario \"burst\", and this run has \"broadcast\"",
        ),
        (
            with("capacity", json!(64)),
            "it has the capacity 64, and this run has 128",
        ),
        (
            with("messages", json!(200)),
            "it has the messages 200, and this run has 1000000000000",
        ),
        (
            with("duration_s", json!(0.5)),
            "it has the duration_s 0.5, and this run has null",
        ),
        (
            text_of(&good[..1]),
            "it has the subscribers 1, and this run has 2",
        ),
    ];
    for (content, trouble) in cases {
        let old = file(&content);
        let long = [
            "--compare",
            path(&old),
            "--subscribers",
            "1,2",
            "--messages",
            "1000000000000",
        ];
        let output = bench(&long);
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert_eq!(text(&output.stdout), "");
        assert!(
            stderr.starts_with(&format!("oxide-bus: {}: {trouble}", path(&old))),
            "{stderr}"
        );
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}
