//! Tests of what the command reports about a log, and how much of it.

use std::fmt::Write;

use super::reading::Stats;
use super::{SAMPLE, file, path, replay, sample, text};

/// Returns the complaints about the log, without its name.
fn told<'a>(stderr: &'a str, log: &str) -> Vec<&'a str> {
    let named = format!("oxide-bus: {log}: ");
    (stderr.lines())
        .map(|line| line.strip_prefix(&named).expect("it names the log"))
        .collect()
}

#[test]
fn twenty_bad_lines_are_told_one_by_one_and_the_others_counted() {
    let good = sample();
    for (bad, rest) in [
        (20, None),
        (21, Some("more bad lines: 1")),
        (1_254, Some("more bad lines: 1,234")),
    ] {
        let log = file(&(good.clone() + &"oops\n".repeat(bad) + &good));
        for arguments in [&["--check"][..], &[]] {
            let output = replay(&[arguments, &[path(&log)]].concat());
            assert_eq!(output.status.code(), Some(1));
            let told = told(text(&output.stderr), path(&log));
            assert_eq!(told.len(), 20 + usize::from(rest.is_some()));
            let first = good.lines().count() + 1;
            for (told, line) in told.iter().zip(first..first + 20) {
                assert!(told.starts_with(&format!("line {line}: ")), "{told}");
            }
            assert_eq!(told.get(20).copied(), rest);
        }
    }
}

#[test]
fn envelopes_that_are_refused_are_told_like_bad_lines() {
    let log = file(&sample());
    let output = replay(&[path(&log), "--as", "nobody"]);
    assert_eq!(output.status.code(), Some(1));
    let told = told(text(&output.stderr), path(&log));
    assert_eq!(told.len(), 21);
    assert!(told[0].starts_with("line 1: "), "{}", told[0]);
    assert_eq!(told[20], "more bad lines: 336");
}

#[test]
fn a_file_without_an_envelope_is_said_to_be_no_log() {
    let log = file("# Notes\n\n* One\n");
    for arguments in [&["--check"][..], &[]] {
        let output = replay(&[arguments, &[path(&log)]].concat());
        assert_eq!(output.status.code(), Some(1));
        let told = told(text(&output.stderr), path(&log));
        assert_eq!(told.len(), 3, "{told:?}");
        let hint = "`oxide-bus replay --audit` reads an audit log";
        let no_log = "not a log of envelopes: no line is one";
        assert_eq!(told[2], format!("{no_log}; {hint}"));
    }
}

#[test]
fn what_a_log_says_neither_moves_the_cursor_nor_turns_a_line_around() {
    let good = sample();
    let good = good.lines().next().expect("it has lines");
    let hidden = "a\u{202e}b\u{200b}\u{2066}\u{feff}\u{9b}\u{34f}\u{fe0f}\u{180b}";
    let shown = r"a\u{202e}b\u{200b}\u{2066}\u{feff}\u{9b}\u{34f}\u{fe0f}\u{180b}";
    let stop = format!(
        r#"{{"id":"4aa4a4d9-401f-4ffd-aedf-6c2b1bd98012","source":"x\u2067y","timestamp":"2026-11-24T06:07:20Z","message":{{"kind":"command","type":"stop","module_id":{}}}}}"#,
        serde_json::to_string(hidden).expect("it is a string")
    );
    let key = good.replacen('{', &format!("{{\"{hidden}\":1,"), 1);
    let log = file(&format!("{stop}\n{key}\n"));
    let output = replay(&[path(&log), "--stats"]);
    let stderr = text(&output.stderr);
    assert!(
        stderr.contains(&format!("line 2: unknown key \"{shown}\"")),
        "{stderr}"
    );
    let stats = Stats::read(stderr);
    assert_eq!(stats.subjects, [(format!("command.stop.{shown}"), 1, 1)]);
    let refused = replay(&[path(&log), "--as", "nobody"]);
    let stderr = text(&refused.stderr);
    assert!(stderr.contains(r"line 1: `x\u{2067}y` may not"), "{stderr}");
}

#[test]
fn the_ten_largest_subjects_are_listed_and_the_others_in_one_line() {
    let output = replay(&[SAMPLE, "--stats"]);
    let stats = Stats::read(text(&output.stderr));
    stats.assert_it_adds_up();
    let all = replay(&[SAMPLE, "--stats", "--all-subjects"]);
    let mut all = Stats::read(text(&all.stderr)).subjects;
    assert!(all.len() > 11);
    all.sort_by(|one, next| (next.1, next.2, &one.0).cmp(&(one.1, one.2, &next.0)));
    assert_eq!(stats.subjects.len(), 11);
    assert_eq!(stats.subjects[..10], all[..10]);
    assert_eq!(stats.subjects[10].0, "(all others)");

    let mut log = String::new();
    for line in sample().lines().take(3) {
        writeln!(log, "{line}").expect("a string takes it");
    }
    let output = replay(&[path(&file(&log)), "--stats"]);
    let few = Stats::read(text(&output.stderr)).subjects;
    assert!(few.iter().all(|subject| subject.0 != "(all others)"));
}

#[test]
fn all_subjects_are_listed_where_there_are_statistics() {
    let output = replay(&[SAMPLE, "--all-subjects"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("--stats"));
}
