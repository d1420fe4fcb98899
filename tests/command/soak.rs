//! Tests of `oxide-bus soak`: it succeeds on a bus that keeps its promises, and its rounds follow from their seed.

use std::process::{Command, Output};

use serde_json::Value;

use crate::support::command::text;

fn soak(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_oxide-bus"))
        .arg("soak")
        .args(arguments)
        .output()
        .expect("the command runs")
}

fn topology(seed: &str) -> String {
    let output = soak(&["--show", "--seed", seed]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout).to_owned()
}

#[test]
fn a_short_soak_finds_nothing_and_says_what_it_did() {
    let output = soak(&["--seconds", "1", "--seed", "5", "--json"]);
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert_eq!(
        stderr, "",
        "nothing but where a promise is broken, unless on a terminal"
    );
    let result: Value = serde_json::from_str(stdout).expect("it is one JSON object");
    let count = |key: &str| result[key].as_u64().expect(key);
    assert_eq!(count("seed"), 5);
    assert!(count("rounds") >= 1, "{result}");
    assert!(count("published") > 0 && count("received") > 0, "{result}");
    assert!(count("looked_over") > 0, "{result}");
}

#[test]
fn without_json_the_summary_is_one_line_with_the_seed_to_go_on_with() {
    let output = soak(&["--seconds", "0.2", "--seed", "5"]);
    let stdout = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(stdout.lines().count(), 1, "{stdout}");
    assert!(stdout.starts_with("No promise was broken in "), "{stdout}");
    assert!(stdout.contains("--seed 5:"), "{stdout}");
    let next = stdout.rsplit_once("--seed ").expect("it is named").1;
    let next = next.split(' ').next().expect("it is a number");
    assert_ne!(topology(next), topology("5"));
}

#[test]
fn the_same_seed_makes_the_same_topology() {
    for seed in ["0", "5", "18446744073709551615"] {
        let shown = topology(seed);
        assert!(shown.starts_with(&format!("seed {seed}: ")), "{shown}");
        assert_eq!(shown, topology(seed));
    }
    let all: std::collections::BTreeSet<_> = (0..20)
        .map(|seed| {
            topology(&seed.to_string())
                .split_once(':')
                .expect("a seed")
                .1
                .to_owned()
        })
        .collect();
    assert!(
        all.len() > 10,
        "seeds differ in more than their number: {all:?}"
    );
}
