//! Tests of `oxide-bus replay`: what it prints, and what it counts.

mod inputs;
mod members;
mod pace;
mod reading;
mod readme;
mod reports;

use std::fmt::Write;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use self::reading::{Seen, Stats, seen};
use crate::support::command::{SAMPLE, file, path, sample, text};
use oxide_bus::codec::Codec;
use oxide_bus::kernel::Message;

fn replay(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_oxide-bus"))
        .arg("replay")
        .args(arguments)
        .output()
        .expect("the command runs")
}

#[test]
fn without_a_filter_every_envelope_is_printed_in_order_as_it_was() {
    let output = replay(&[SAMPLE]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
    let (printed, due) = (seen(text(&output.stdout)), seen(&sample()));
    assert!(due.len() >= 300);
    assert_eq!(printed.len(), due.len());
    for (printed, due) in printed.iter().zip(&due) {
        assert_eq!(printed, due);
    }
}

#[test]
fn what_is_printed_is_the_canonical_encoding_and_replays_to_itself() {
    let codec = Codec::new();
    let canonical: String = sample()
        .lines()
        .map(|line| codec.decode::<Message>(line).expect("the sample is good"))
        .map(|envelope| codec.encode(&envelope).expect("it can be written") + "\n")
        .collect();
    let once = replay(&[SAMPLE]).stdout;
    assert_eq!(text(&once), canonical);
    let log = file(&canonical);
    assert_eq!(replay(&[path(&log)]).stdout, once);
}

#[test]
fn filters_let_through_what_an_independent_filter_lets_through() {
    type Wanted = fn(&Seen) -> bool;
    let cases: &[(&[&str], Wanted)] = &[
        (&["--subject", ">"], |_| true),
        (&["--subject", "event.>"], |seen| {
            seen.message["kind"] == "event"
        }),
        (&["--subject", "command.ping"], |seen| {
            seen.message["type"] == "ping"
        }),
        (&["--subject", r"command.invoke.web\.browser.*"], |seen| {
            seen.is("invoke", "web.browser")
        }),
        (
            &[
                "--subject",
                "event.custom.*.reading",
                "--subject",
                "event.pong.>",
            ],
            |seen| seen.message["custom_kind"] == "reading" || seen.message["type"] == "pong",
        ),
        (&["--subject", r"command.start.line\u{a}break"], |seen| {
            seen.is("start", "line\nbreak")
        }),
        (&["--subject", r"command.start.\e"], |seen| {
            seen.is("start", "")
        }),
        (&["--subject", r"event.custom.\*.*"], |seen| {
            seen.is("custom", "*")
        }),
        (&["--source", "kernel"], |seen| seen.source == "kernel"),
        (
            &["--source", "lager-für-öl", "--source", "日誌"],
            |seen| ["lager-für-öl", "日誌"].contains(&seen.source.as_str()),
        ),
        (
            &[
                "--source",
                "llm",
                "--subject",
                "event.pong.*",
                "--subject",
                "command.>",
            ],
            |seen| {
                seen.source == "llm"
                    && (seen.message["type"] == "pong" || seen.message["kind"] == "command")
            },
        ),
    ];
    let all = seen(&sample());
    for (arguments, wanted) in cases {
        let output = replay(&[&[SAMPLE, "--stats"], *arguments].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        let printed: Vec<_> = seen(text(&output.stdout))
            .into_iter()
            .map(|seen| seen.id)
            .collect();
        let due: Vec<_> = all
            .iter()
            .filter(|seen| wanted(seen))
            .map(|seen| seen.id.clone())
            .collect();
        assert!(!due.is_empty(), "the sample has nothing for {arguments:?}");
        assert_eq!(printed, due, "{arguments:?}");

        let stats = Stats::read(text(&output.stderr));
        stats.assert_it_adds_up();
        assert_eq!(stats.totals["published"], all.len() as u64);
        assert_eq!(stats.totals["delivered"], due.len() as u64);
    }
}

#[test]
fn a_filter_that_nothing_matches_prints_nothing_and_is_no_error() {
    let output = replay(&[SAMPLE, "--source", "nobody", "--stats"]);
    assert!(output.status.success());
    assert_eq!(text(&output.stdout), "");
    let stats = Stats::read(text(&output.stderr));
    stats.assert_it_adds_up();
    assert_eq!(stats.totals["matched"], 0);
}

#[test]
fn a_queue_of_one_loses_nothing() {
    let output = replay(&[SAMPLE, "--capacity", "1", "--stats"]);
    assert_eq!(output.stdout, replay(&[SAMPLE]).stdout);
    let stats = Stats::read(text(&output.stderr));
    stats.assert_it_adds_up();
    assert_eq!(stats.totals["dropped"], 0);
}

/// Returns what a reader gets that reads nothing until the whole log is published: the printed envelopes and the
/// messages.
///
/// The last line of the log is bad: once it is reported, all other lines are published. A full queue is far more than
/// the pipe and the program's own buffer hold, and the log is longer than all of them together.
fn replay_to_a_late_reader(arguments: &[&str]) -> (Vec<Seen>, String) {
    let log = file(&(sample().repeat(30) + "bad\n"));
    let mut child = Command::new(env!("CARGO_BIN_EXE_oxide-bus"))
        .args(["replay", path(&log), "--stats"])
        .args(["--capacity", "4000", "--overflow"])
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command runs");
    let mut stderr = BufReader::new(child.stderr.take().expect("it is piped"));
    let mut said = String::new();
    stderr.read_line(&mut said).expect("it is UTF-8");
    let named = format!("oxide-bus: {}: line ", path(&log));
    assert!(said.starts_with(&named), "{said}");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1));
    stderr.read_to_string(&mut said).expect("it is UTF-8");
    (seen(text(&output.stdout)), said)
}

#[test]
fn what_finds_no_room_is_dropped_if_that_is_the_policy() {
    let (printed, said) = replay_to_a_late_reader(&["drop-newest"]);
    let stats = Stats::read(&said);
    stats.assert_it_adds_up();
    assert!(stats.totals["dropped"] > 0, "{said}");
    assert_eq!(stats.totals["matched"], stats.totals["published"]);
    assert_eq!(stats.totals["delivered"], printed.len() as u64);
    assert_eq!(printed[0], Seen::read(sample().lines().next().unwrap()));
}

#[test]
fn the_newest_are_printed_if_they_displace_the_oldest() {
    let (printed, said) = replay_to_a_late_reader(&["drop-oldest"]);
    let stats = Stats::read(&said);
    stats.assert_it_adds_up();
    let displaced = stats.totals["displaced"];
    assert!(displaced > 0, "{said}");
    assert_eq!(stats.totals["dropped"], 0);
    assert_eq!(stats.totals["delivered"], printed.len() as u64 + displaced);
    let (printed, log) = (printed.last().unwrap(), sample());
    assert_eq!(printed, &Seen::read(log.lines().last().unwrap()));
}

#[test]
fn a_subscriber_that_is_evicted_ends_the_replay_after_what_it_had() {
    let (printed, said) = replay_to_a_late_reader(&["evict"]);
    let stats = Stats::read(&said);
    stats.assert_it_adds_up();
    assert_eq!(stats.totals["dropped"], 1);
    assert_eq!(stats.totals["delivered"], printed.len() as u64);
    let end = format!(
        "oxide-bus: the subscriber was evicted, because its queue was full (envelopes printed: {})",
        printed.len()
    );
    assert_eq!(said.lines().last(), Some(end.as_str()));
}

#[test]
fn all_subjects_are_counted_one_by_one_in_alphabetical_order() {
    let output = replay(&[SAMPLE, "--stats", "--all-subjects"]);
    let stats = Stats::read(text(&output.stderr));
    stats.assert_it_adds_up();
    assert!(stats.subjects.is_sorted_by(|one, next| one.0 < next.0));
    let pings = seen(&sample())
        .iter()
        .filter(|seen| seen.message["type"] == "ping")
        .count() as u64;
    assert!(
        stats
            .subjects
            .contains(&("command.ping".to_owned(), pings, pings))
    );
}

#[test]
fn beyond_ten_thousand_subjects_the_rest_is_one_line() {
    let mut log = String::new();
    for number in 0..10_003 {
        let again = if number == 10_002 { 1 } else { number };
        writeln!(
            log,
            r#"{{"id":"00000000-0000-4000-8000-{number:012}","source":"kernel","timestamp":"2026-11-24T06:00:00Z","message":{{"kind":"command","type":"start","module_id":"{again:05}"}}}}"#
        )
        .expect("a string takes it");
    }
    let log = file(&log);
    let output = replay(&[path(&log), "--stats", "--all-subjects"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let stats = Stats::read(text(&output.stderr));
    stats.assert_it_adds_up();
    assert_eq!(stats.subjects.len(), 10_001);
    assert_eq!(stats.subjects[1], ("command.start.00001".to_owned(), 2, 2));
    assert_eq!(stats.subjects[10_000], ("(all others)".to_owned(), 2, 2));
}

#[test]
fn bad_lines_are_told_by_number_and_the_good_ones_all_printed() {
    let sample = sample();
    let good: Vec<&str> = sample.lines().take(6).collect();
    let log = [
        "oops",
        good[0],
        "",
        good[1],
        good[2],
        r#"{"id":"7"}"#,
        good[3],
        "  ",
        "[]",
        good[4],
        good[5],
        "{",
    ]
    .join("\n");
    let log = file(&log);
    let output = replay(&[path(&log), "--stats"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(seen(text(&output.stdout)), seen(&good.join("\n")));

    let stderr = text(&output.stderr);
    let told: Vec<_> = stderr
        .lines()
        .filter(|line| line.starts_with("oxide-bus: "))
        .collect();
    assert_eq!(told.len(), 4, "{stderr}");
    for (told, number) in told.iter().zip([1, 6, 9, 12]) {
        let named = format!("oxide-bus: {}: line {number}: ", path(&log));
        let cause = told.strip_prefix(&named);
        assert!(cause.is_some_and(|cause| !cause.is_empty()), "{told}");
    }
    let stats = Stats::read(stderr);
    stats.assert_it_adds_up();
    assert_eq!((stats.totals["read"], stats.totals["bad"]), (10, 4));
}

#[test]
fn a_check_says_that_all_is_well_or_which_lines_are_bad() {
    let output = replay(&["--check", SAMPLE]);
    assert!(output.status.success());
    assert_eq!(text(&output.stdout), "");
    assert_eq!(
        text(&output.stderr),
        format!("oxide-bus: {SAMPLE}: all is well (envelopes: 356)\n")
    );

    let log = file(&format!("{}oops\n{}", sample(), sample()));
    let output = replay(&["--check", path(&log)]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "");
    let number = sample().lines().count() + 1;
    let stderr = text(&output.stderr);
    assert!(
        stderr.starts_with(&format!("oxide-bus: {}: line {number}: ", path(&log))),
        "{stderr}"
    );
    assert_eq!(stderr.lines().count(), 1);
}

#[test]
fn unknown_keys_are_bad_unless_it_is_lenient_and_then_left_out() {
    let plain = r#"{"id":"4aa4a4d9-401f-4ffd-aedf-6c2b1bd98012","source":"kernel","correlation_id":null,"timestamp":"2026-11-24T06:07:20Z","message":{"kind":"command","type":"ping"}}"#;
    let extended = plain.replacen('{', r#"{"priority":[3],"#, 1);
    let log = file(&extended);

    let strict = replay(&[path(&log)]);
    assert_eq!(strict.status.code(), Some(1));
    assert_eq!(text(&strict.stdout), "");
    let told = format!(
        "oxide-bus: {}: line 1: unknown key \"priority\"",
        path(&log)
    );
    assert!(text(&strict.stderr).starts_with(&told));
    assert_eq!(replay(&["--check", path(&log)]).status.code(), Some(1));

    let lenient = replay(&["--lenient", path(&log)]);
    assert!(lenient.status.success(), "{}", text(&lenient.stderr));
    assert_eq!(text(&lenient.stdout).trim_end(), plain);
    assert!(
        replay(&["--check", "--lenient", path(&log)])
            .status
            .success()
    );
}

#[test]
fn a_rate_spaces_the_envelopes_out() {
    let sample = sample();
    let first = sample.lines().take(6).collect::<Vec<_>>().join("\n");
    let log = file(&first);
    let began = Instant::now();
    let output = replay(&["--rate", "20", path(&log)]);
    let elapsed = began.elapsed();
    assert_eq!(seen(text(&output.stdout)), seen(&first));
    assert!(
        elapsed >= Duration::from_millis(250),
        "five times 50 ms, not {elapsed:?}"
    );
}

#[test]
fn an_empty_log_is_a_good_log() {
    let log = file("\n\n");
    let output = replay(&[path(&log), "--stats"]);
    assert!(output.status.success());
    assert_eq!(text(&output.stdout), "");
    Stats::read(text(&output.stderr)).assert_it_adds_up();
}

/// Returns an envelope with a list of numbers and without the key `correlation_id`.
fn with_numbers(number: &str, count: usize) -> String {
    let numbers = vec![number; count].join(",");
    format!(
        r#"{{"id":"4aa4a4d9-401f-4ffd-aedf-6c2b1bd98012","source":"kernel","timestamp":"2026-11-24T06:07:20Z","message":{{"kind":"command","type":"invoke","module_id":"sum","method":"add","payload":[{numbers}]}}}}"#
    )
}

#[test]
fn an_envelope_that_is_longer_in_full_than_it_was_is_printed_nevertheless() {
    let output = replay(&[path(&file(&with_numbers("1e15", 65_000)))]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(output.stdout.len() > 1024 * 1024);
    assert_eq!(
        text(&output.stdout).matches("1000000000000000.0").count(),
        65_000
    );
}

#[test]
fn an_envelope_that_has_one_value_more_in_full_than_it_had_is_printed_nevertheless() {
    // These values and ten others are the most that the codec reads. In its full form the line has one value more: the
    // absent correlation id.
    let line = with_numbers("1", 65_536 - 10);
    let output = replay(&[path(&file(&format!("{line}\n{line}\n")))]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout).lines().count(), 2);
}
