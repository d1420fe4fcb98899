//! Tests of how the command ends: exit codes, error messages, Ctrl-C, readers that go away.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::thread;

use crate::support::command::{SAMPLE, file, in_time, path, sample, signal, text};

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oxide-bus"));
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn run(arguments: &[&str]) -> Output {
    finish(command(arguments).spawn().expect("the command runs"))
}

/// Waits for the child to end. A caller that keeps the child's pipes open has taken them out before.
fn finish(child: Child) -> Output {
    let output = in_time(child.id(), || child.wait_with_output());
    output.expect("it can be waited for")
}

/// Returns ten times the sample: more than fits into a pipe and the command's buffers.
fn long_log() -> String {
    sample().repeat(10)
}

/// Returns the first line that the child prints, and the reader of the rest.
fn first_line(child: &mut Child) -> (String, BufReader<ChildStdout>) {
    let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
    in_time(child.id(), || {
        let mut line = String::new();
        stdout.read_line(&mut line).expect("it is UTF-8");
        (line, stdout)
    })
}

#[test]
fn usage_errors_are_one_line_that_names_the_trouble() {
    let cases: &[(&[&str], &str)] = &[
        (&["replai"], "replay"),
        (&["replay", "--subject", "event..pong", SAMPLE], "at byte 6"),
        (&["replay", "--subject", "sensor*", SAMPLE], "at byte 6"),
        (&["replay", "--capacity", "0", SAMPLE], "--capacity"),
        (&["replay", "--capacity", "16777217", SAMPLE], "--capacity"),
        (&["replay", "--capacity", "-1", SAMPLE], "--capacity"),
        (&["replay", "--rate", "0", SAMPLE], "above zero"),
        (&["replay", "--rate", "-1", SAMPLE], "above zero"),
        (&["replay", "--rate", "NaN", SAMPLE], "above zero"),
        (&["replay", "--check", "--subject", ">", SAMPLE], "--check"),
        (&["replay", SAMPLE, SAMPLE], "unexpected"),
        (&["replay", "no\nsuch\nfile"], r"no\nsuch\nfile"),
        (
            &["replay", env!("CARGO_MANIFEST_DIR")],
            env!("CARGO_MANIFEST_DIR"),
        ),
        (&["replay", "--check", "no-such-file"], "no-such-file"),
        (&["bench", "--publishers", "0"], "--publishers"),
        (&["bench", "--publishers", "-1"], "--publishers"),
        (&["bench", "--subscribers", "-1"], "--subscribers"),
        (&["bench", "--messages", "-1"], "--messages"),
        (&["bench", "--payload", "-1"], "--payload"),
        (&["bench", "--capacity", "0"], "--capacity"),
        (&["bench", "--overflow", "never"], "drop-oldest"),
        (&["bench", "--publishers", "1025"], "--async"),
        (&["bench", "--subscribers", "1025"], "--async"),
        (&["bench", "--async", "--workers", "1025"], "--workers"),
        (&["bench", "--groups", "0"], "--groups"),
        (&["bench", "--groups", "5"], "--groups 5 is more than"),
        (&["bench", "--subject", "bench..0"], "at byte 6"),
        (&["replay", "--overflow", "never", SAMPLE], "evict"),
        (&["replay", "--members", "0", SAMPLE], "--members"),
        (&["replay", "--members", "-1", SAMPLE], "--members"),
        (&["replay", "--members", "1025", SAMPLE], "--members"),
        (&["replay", "--check", "--members", "2", SAMPLE], "--check"),
        (
            &["replay", "--check", "--overflow", "block", SAMPLE],
            "--check",
        ),
        (
            &["bench", "--messages", "5", "--duration", "1"],
            "--duration",
        ),
        (&["bench", "--duration", "inf"], "finite"),
        (&["soak", "--minutes", "0"], "above zero"),
        (&["soak", "--seconds", "-1"], "above zero"),
        (&["soak", "--minutes", "1", "--seconds", "1"], "--seconds"),
        (&["soak", "--seed", "-1"], "--seed"),
        (&["soak", "--seed", "ten"], "--seed"),
        (&["soak", "--workers", "3"], "--workers"),
    ];
    for (arguments, trouble) in cases {
        let output = run(arguments);
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
        assert!(stderr.starts_with("oxide-bus: "), "{stderr}");
        assert!(stderr.contains(trouble), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}

#[test]
fn help_and_version_are_answers_and_no_errors() {
    let version = run(&["--version"]);
    assert!(version.status.success());
    assert_eq!(
        text(&version.stdout).trim_end(),
        concat!("oxide-bus ", env!("CARGO_PKG_VERSION"))
    );
    for (arguments, mentioned) in [
        (&["--help"][..], "Exit codes:"),
        (&["replay", "--help"], "oxide-bus replay --check log.jsonl"),
        (&["bench", "--help"], "one envelope in 16"),
        (&["soak", "--help"], "oxide-bus soak --seed 7 --show"),
    ] {
        let help = run(arguments);
        assert!(help.status.success());
        assert!(
            text(&help.stdout).contains(mentioned),
            "{}",
            text(&help.stdout)
        );
        assert_eq!(text(&help.stderr), "");
    }
}

#[test]
fn the_standard_input_is_read_where_no_file_is_named() {
    for arguments in [&["replay"][..], &["replay", "-"]] {
        let input = File::open(SAMPLE).expect("the sample is there");
        let child = command(arguments).stdin(input).spawn();
        let output = finish(child.expect("the command runs"));
        assert!(output.status.success());
        assert_eq!(output.stdout, run(&["replay", SAMPLE]).stdout);
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let log = file(&long_log());
    let mut child = command(&["replay", path(&log)])
        .spawn()
        .expect("the command runs");
    let (line, stdout) = first_line(&mut child);
    assert!(line.starts_with("{\"id\":"));
    drop(stdout);
    let output = finish(child);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn a_reader_that_goes_away_does_not_hide_a_bad_line() {
    let log = file(&format!("oops\n{}", long_log()));
    let mut child = command(&["replay", path(&log)])
        .spawn()
        .expect("the command runs");
    drop(first_line(&mut child));
    let output = finish(child);
    assert_eq!(output.status.code(), Some(1));
    let stderr = text(&output.stderr);
    let named = format!("oxide-bus: {}: line 1: ", path(&log));
    assert!(stderr.starts_with(&named), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

#[test]
fn a_reader_that_goes_away_ends_it_though_the_input_goes_on() {
    for arguments in [&["replay"][..], &["replay", "--members", "3"]] {
        let mut child = command(arguments)
            .stdin(Stdio::piped())
            .spawn()
            .expect("the command runs");
        let mut stdin = child.stdin.take().expect("it is piped");
        let log = long_log();
        // Writes until nobody reads any more.
        let input = thread::spawn(move || while stdin.write_all(log.as_bytes()).is_ok() {});
        drop(first_line(&mut child));
        assert_eq!(finish(child).status.code(), Some(0));
        input.join().expect("the input ends too");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    for arguments in [
        &["replay", SAMPLE][..],
        &["bench", "--messages", "1"],
        &["--help"],
    ] {
        let full = File::create("/dev/full").expect("it is there");
        let child = command(arguments).stdout(full).spawn();
        let output = finish(child.expect("the command runs"));
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let stderr = text(&output.stderr);
        assert!(
            stderr.starts_with("oxide-bus: standard output: "),
            "{stderr}"
        );
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}

/// Sends the child the first line of the sample, and waits until the child has printed it.
#[cfg(unix)]
fn replay_one_line(arguments: &[&str]) -> (Child, ChildStdin, BufReader<ChildStdout>) {
    let mut child = command(arguments)
        .stdin(Stdio::piped())
        .spawn()
        .expect("the command runs");
    let mut stdin = child.stdin.take().expect("it is piped");
    let log = long_log();
    let line = log.lines().next().expect("it has lines");
    writeln!(stdin, "{line}").expect("it is read");
    let (printed, stdout) = first_line(&mut child);
    let id = &line[..r#"{"id":"00000000-0000-0000-0000-000000000000""#.len()];
    assert!(printed.starts_with(id), "{printed}");
    (child, stdin, stdout)
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_replay_that_waits_for_input() {
    let (child, stdin, _stdout) = replay_one_line(&["replay", "--stats"]);
    signal("INT", child.id());
    let output = finish(child);
    drop(stdin);
    assert_eq!(output.status.code(), Some(130));
    assert_eq!(lines_read(text(&output.stderr)), 1);
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_check_that_waits_for_input() {
    let mut child = command(&["replay", "--check"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("the command runs");
    let mut stdin = child.stdin.take().expect("it is piped");
    writeln!(stdin, "oops").expect("it is read");
    let mut stderr = BufReader::new(child.stderr.take().expect("it is piped"));
    let complaint = in_time(child.id(), move || {
        let mut complaint = String::new();
        stderr.read_line(&mut complaint).expect("it is UTF-8");
        complaint
    });
    assert!(
        complaint.starts_with("oxide-bus: standard input: line 1: "),
        "{complaint}"
    );
    signal("INT", child.id());
    assert_eq!(finish(child).status.code(), Some(130));
    drop(stdin);
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_replay_that_waits_for_its_next_deadline() {
    let (child, mut stdin, mut stdout) = replay_one_line(&["replay", "--rate", "0.001"]);
    stdin
        .write_all(long_log().lines().nth(1).expect("it has lines").as_bytes())
        .expect("it is read");
    drop(stdin);
    signal("INT", child.id());
    assert_eq!(finish(child).status.code(), Some(130));
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).expect("it is UTF-8");
    assert_eq!(rest, "");
}

/// Returns how many lines were read, according to the statistics.
#[cfg(unix)]
fn lines_read(stderr: &str) -> usize {
    let count = stderr.lines().find_map(|line| line.strip_prefix("read "));
    let count = count.unwrap_or_else(|| panic!("no statistics: {stderr}"));
    count.trim().parse().expect("a number")
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_replay_whose_output_is_stuck() {
    let mut child = command(&["replay", "--capacity", "10000", "--stats"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("the command runs");
    let unread = child.stdout.take();
    let mut stdin = child.stdin.take().expect("it is piped");
    // Once everything is written most of it has been read, and that is more than a pipe holds.
    stdin.write_all(long_log().as_bytes()).expect("it is read");
    signal("INT", child.id());
    let output = finish(child);
    drop((unread, stdin));
    assert_eq!(output.status.code(), Some(130));
    let stderr = text(&output.stderr);
    assert!(
        stderr.starts_with("oxide-bus: standard output is stuck"),
        "{stderr}"
    );
    assert!(lines_read(stderr) > 1_000, "{stderr}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_replay_that_waits_for_room_in_the_queue() {
    let log = file(&long_log());
    let mut child = command(&["replay", "--capacity", "1", "--stats", path(&log)])
        .spawn()
        .expect("the command runs");
    let (_, unread) = first_line(&mut child);
    signal("INT", child.id());
    let output = finish(child);
    drop(unread);
    assert_eq!(output.status.code(), Some(130));
    let read = lines_read(text(&output.stderr));
    assert!(
        read < long_log().lines().count(),
        "a pipe does not hold all of it"
    );
}
