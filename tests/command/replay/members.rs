//! Tests of the members of a group, which compete for what is replayed.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::reading::{Seen, Stats};
use super::{SAMPLE, file, path, replay, replay_to_a_late_reader, sample, text, with_numbers};

/// Returns the lines in alphabetical order, to compare them where their order is not promised.
fn sorted(lines: &[u8]) -> Vec<&str> {
    let mut lines: Vec<_> = text(lines).lines().collect();
    lines.sort_unstable();
    lines
}

#[test]
fn each_line_is_printed_whole_by_one_of_the_members() {
    // Among them are lines that are longer than what is written at once.
    let long = with_numbers("1e15", 4_000) + "\n";
    let log = file(&(sample() + &long).repeat(5));
    let one = replay(&[path(&log)]);
    for (members, capacity) in [("1", "1024"), ("2", "1"), ("5", "16"), ("16", "100000")] {
        let output = replay(&[
            path(&log),
            "--stats",
            "--members",
            members,
            "--capacity",
            capacity,
        ]);
        let stderr = text(&output.stderr);
        assert!(output.status.success(), "{stderr}");
        assert!(
            sorted(&output.stdout) == sorted(&one.stdout),
            "{members} members print other lines than one subscriber"
        );
        let stats = Stats::read(stderr);
        stats.assert_it_adds_up();
        let lines = text(&one.stdout).lines().count() as u64;
        assert_eq!(stats.totals["published"], lines);
        assert_eq!(
            (stats.totals["delivered"], stats.totals["dropped"]),
            (lines, 0)
        );
    }
}

#[test]
fn a_group_of_one_keeps_the_order() {
    let one = replay(&[SAMPLE]);
    assert_eq!(replay(&[SAMPLE, "--members", "1"]).stdout, one.stdout);
}

#[test]
fn members_listen_to_what_one_subscriber_would() {
    let filters = ["--subject", "command.>", "--source", "kernel"];
    let one = replay(&[&[SAMPLE], &filters[..]].concat());
    let output = replay(&[&[SAMPLE, "--stats", "--members", "3"], &filters[..]].concat());
    assert!(!one.stdout.is_empty());
    assert_eq!(sorted(&output.stdout), sorted(&one.stdout));
    let stats = Stats::read(text(&output.stderr));
    stats.assert_it_adds_up();
    assert_eq!(
        stats.totals["matched"],
        sorted(&one.stdout).len() as u64,
        "a group is one match"
    );
}

#[test]
fn what_members_have_too_little_room_for_is_lost_once() {
    let (printed, said) = replay_to_a_late_reader(&["drop-newest", "--members", "3"]);
    let stats = Stats::read(&said);
    stats.assert_it_adds_up();
    assert!(stats.totals["dropped"] > 0, "{said}");
    assert_eq!(stats.totals["delivered"], printed.len() as u64);

    let (printed, said) = replay_to_a_late_reader(&["drop-oldest", "--members", "3"]);
    let stats = Stats::read(&said);
    stats.assert_it_adds_up();
    let displaced = stats.totals["displaced"];
    assert!(displaced > 0, "{said}");
    assert_eq!(stats.totals["delivered"], printed.len() as u64 + displaced);
}

#[test]
fn a_group_that_is_evicted_says_so_once_when_all_members_have_printed() {
    let (printed, said) = replay_to_a_late_reader(&["evict", "--members", "3"]);
    let stats = Stats::read(&said);
    stats.assert_it_adds_up();
    assert_eq!(stats.totals["dropped"], 1);
    assert_eq!(stats.totals["delivered"], printed.len() as u64);
    assert_eq!(said.matches("evicted").count(), 1, "{said}");
    let end = format!("(envelopes printed: {})", printed.len());
    assert!(said.trim_end().ends_with(&end), "{said}");
}

#[cfg(target_os = "linux")]
#[test]
fn each_member_has_a_thread_of_its_own() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_oxide-bus"))
        .args(["replay", "--members", "7"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command runs");
    let mut stdin = child.stdin.take().expect("it is piped");
    let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
    let log = sample();
    let first = log.lines().next().expect("it has lines");
    writeln!(stdin, "{first}").expect("it is read");
    let mut printed = String::new();
    stdout.read_line(&mut printed).expect("it is UTF-8");
    assert_eq!(Seen::read(&printed), Seen::read(first));

    let printers = || {
        let threads = fs::read_dir(format!("/proc/{}/task", child.id())).expect("it runs");
        let names = threads
            .flatten()
            .map(|thread| fs::read_to_string(thread.path().join("comm")).unwrap_or_default());
        names.filter(|name| name.trim() == "printer").count()
    };
    // A thread sets its name when it first runs.
    let deadline = Instant::now() + Duration::from_secs(30);
    while printers() < 7 {
        assert!(Instant::now() < deadline, "{} threads", printers());
        thread::yield_now();
    }
    assert_eq!(printers(), 7);
    drop(stdin);
    assert!(child.wait().expect("it ends").success());
}
