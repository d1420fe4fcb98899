//! The command `oxide-bus link`.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Output, Stdio};

use super::server::{Server, two_users};
use super::support::{in_time, signal, text};

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/sample.jsonl");

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oxide-bus"));
    command
        .arg("link")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs it with this input.
pub(super) fn run(arguments: &[&str], input: &str) -> Output {
    let mut child = command(arguments).spawn().expect("the command runs");
    let mut stdin = child.stdin.take().expect("it is piped");
    let _ = stdin.write_all(input.as_bytes()); // it may have ended already
    drop(stdin);
    in_time(child.id(), || child.wait_with_output()).expect("it can be waited for")
}

/// A command that goes on, and its pipes.
pub(super) struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    pub(super) stdout: Option<BufReader<ChildStdout>>,
    stderr: Option<BufReader<ChildStderr>>,
}

impl Running {
    /// Starts it, and waits until it is ready.
    pub(super) fn start(arguments: &[&str]) -> Self {
        let mut child = command(arguments).spawn().expect("the command runs");
        let mut running = Running {
            stdin: child.stdin.take(),
            stdout: child.stdout.take().map(BufReader::new),
            stderr: child.stderr.take().map(BufReader::new),
            child,
        };
        let line = running.says();
        assert!(line.ends_with("is ready"), "{line}");
        running
    }

    /// Returns the next line that it says on stderr.
    pub(super) fn says(&mut self) -> String {
        let mut stderr = self.stderr.take().expect("it is piped");
        let (line, stderr) = in_time(self.child.id(), || {
            let mut line = String::new();
            stderr.read_line(&mut line).expect("it is UTF-8");
            (line, stderr)
        });
        self.stderr = Some(stderr);
        line.trim_end().to_owned()
    }

    fn write(&mut self, lines: &str) {
        let stdin = self.stdin.as_mut().expect("it is open");
        stdin.write_all(lines.as_bytes()).expect("it is read");
        stdin.flush().expect("it is read");
    }

    /// Returns the next lines that it prints.
    pub(super) fn lines(&mut self, count: usize) -> Vec<String> {
        let mut stdout = self.stdout.take().expect("it is piped");
        let (lines, stdout) = in_time(self.child.id(), move || {
            let lines: Vec<_> = (stdout.by_ref().lines().take(count))
                .map(|line| line.expect("it is UTF-8"))
                .collect();
            (lines, stdout)
        });
        self.stdout = Some(stdout);
        assert_eq!(lines.len(), count, "it has ended");
        lines
    }

    /// Presses Ctrl-C. Returns the exit code, the rest of what it printed, and what it said.
    pub(super) fn interrupt(mut self) -> (Option<i32>, String, String) {
        signal("INT", self.child.id());
        self.end()
    }

    /// Waits for its end. What it prints is not there if the test has taken the pipe.
    fn end(&mut self) -> (Option<i32>, String, String) {
        let (mut stdout, mut stderr) = (self.stdout.take(), self.stderr.take());
        let (printed, said) = in_time(self.child.id(), move || {
            let (mut printed, mut said) = (String::new(), String::new());
            if let Some(stdout) = &mut stdout {
                stdout.read_to_string(&mut printed).expect("it is UTF-8");
            }
            let stderr = stderr.as_mut().expect("it is piped");
            stderr.read_to_string(&mut said).expect("it is UTF-8");
            (printed, said)
        });
        let status = self.child.wait().expect("it can be waited for");
        (status.code(), printed, said)
    }
}

pub(super) fn sample() -> String {
    fs::read_to_string(SAMPLE).expect("the sample is there")
}

/// Returns the sample with other ids: an envelope that has come once does not come again.
fn other_sample() -> String {
    let begin = r#"{"id":""#;
    let other = |line: &str| {
        let rest = line.strip_prefix(begin).expect("it begins with the id");
        let digit = if rest.starts_with('0') { '1' } else { '0' };
        format!("{begin}{digit}{}\n", &rest[1..])
    };
    sample().lines().map(other).collect()
}

/// Returns a line's id, which every envelope begins with.
pub(super) fn id(line: &str) -> &str {
    &line[..r#"{"id":"00000000-0000-0000-0000-000000000000""#.len()]
}

/// Checks that the summary has this line, blanks aside.
pub(super) fn says(summary: &str, line: &str) {
    let squeezed = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        summary.lines().any(|it| squeezed(it) == line),
        "{line}: {summary}"
    );
}

#[test]
fn what_is_read_in_one_shell_is_printed_in_another() {
    let Some(server) = Server::start() else {
        return;
    };
    let url = server.url();
    let mut south = Running::start(&["--nats", &url, "--name", "south", "--import", ">"]);
    let north = run(
        &["--nats", &url, "--name", "north", "--export", ">"],
        &sample(),
    );
    let said = text(&north.stderr);
    assert_eq!(north.status.code(), Some(0), "{said}");
    assert_eq!(text(&north.stdout), "");
    for line in [
        "read 18",
        "bad 0",
        "exported 18",
        "confirmed 18",
        "lost 0",
        "unsendable 0",
    ] {
        says(said, line);
    }
    let printed = south.lines(18);
    for (line, read) in printed.iter().zip(sample().lines()) {
        assert_eq!(id(line), id(read));
        assert!(
            line.contains(r#""headers":{"link-origin":"north"}"#),
            "{line}"
        );
    }
    let (code, rest, said) = south.interrupt();
    assert_eq!((code, rest.as_str()), (Some(130), ""), "{said}");
    says(
        &said,
        "from north: received 18, repeated 0, refused 0, missed 0",
    );
    // What came by a link does not go out again.
    let again = printed.join("\n");
    let north = run(
        &["--nats", &url, "--name", "north", "--export", ">"],
        &again,
    );
    assert_eq!(north.status.code(), Some(1));
    says(text(&north.stderr), "exported 0");
    says(text(&north.stderr), "bad 18");
}

#[test]
fn only_what_matches_goes_out_and_comes_in() {
    let Some(server) = Server::start() else {
        return;
    };
    let url = server.url();
    let both = ["--export", "event.>", "--import", "command.>"];
    let mut south = Running::start(&[&["--nats", &url, "--name", "south"], &both[..]].concat());
    let mut north = Running::start(&[
        "--nats", &url, "--name", "north", "--export", ">", "--import", ">",
    ]);
    north.write(&sample());
    let events = sample()
        .lines()
        .filter(|it| it.contains(r#""kind":"event""#))
        .count();
    let commands = 18 - events;
    assert!(events > 0 && commands > 0);
    for line in south.lines(commands) {
        assert!(line.contains(r#""kind":"command""#), "{line}");
    }
    south.write(&other_sample());
    for line in north.lines(events) {
        assert!(line.contains(r#""kind":"event""#), "{line}");
    }
    drop(south.stdin.take());
    let (code, rest, said) = south.interrupt();
    assert_eq!((code, rest.as_str()), (Some(130), ""), "{said}");
    says(&said, "read 18");
    says(&said, &format!("exported {events}"));
    let (code, _, said) = north.interrupt();
    assert_eq!(code, Some(130), "{said}");
    says(&said, "confirmed 18");
}

#[test]
fn ctrl_c_sends_what_was_read() {
    let Some(server) = Server::start() else {
        return;
    };
    let url = server.url();
    let mut south = Running::start(&["--nats", &url, "--name", "south", "--import", ">"]);
    let mut north = Running::start(&["--nats", &url, "--name", "north", "--export", ">"]);
    north.write(&sample());
    south.lines(18);
    let (code, _, said) = north.interrupt();
    assert_eq!(code, Some(130), "{said}");
    says(&said, "confirmed 18");
    says(&said, "lost 0");
}

#[test]
fn a_server_that_crashes_delays_the_output_and_loses_nothing() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let url = server.url();
    let mut south = Running::start(&["--nats", &url, "--name", "south", "--import", ">"]);
    let mut north = Running::start(&["--nats", &url, "--name", "north", "--export", ">"]);
    north.write(&sample());
    south.lines(18);
    server.kill();
    north.write(&other_sample());
    server.restart();
    // Only as long as the sender is there can it be asked for what has come to the server too early.
    south.lines(18);
    drop(north.stdin.take());
    let (code, _, said) = north.end();
    assert_eq!(code, Some(0), "{said}");
    says(&said, "confirmed 36");
}

#[test]
fn a_reader_that_goes_away_ends_it() {
    let Some(server) = Server::start() else {
        return;
    };
    let url = server.url();
    let mut south = Running::start(&["--nats", &url, "--name", "south", "--import", ">"]);
    drop(south.stdout.take());
    let north = run(
        &["--nats", &url, "--name", "north", "--export", ">"],
        &sample(),
    );
    assert_eq!(north.status.code(), Some(0));
    let status = in_time(south.child.id(), move || south.child.wait());
    assert_eq!(status.expect("it can be waited for").code(), Some(0));
}

#[test]
fn a_bad_line_is_reported_and_the_others_are_sent() {
    let Some(server) = Server::start() else {
        return;
    };
    let input = format!("oops\n{}", sample());
    let north = run(
        &["--nats", &server.url(), "--name", "north", "--export", ">"],
        &input,
    );
    let said = text(&north.stderr);
    assert_eq!(north.status.code(), Some(1), "{said}");
    assert!(
        said.contains("oxide-bus: standard input: line 1: "),
        "{said}"
    );
    says(said, "bad 1");
    says(said, "confirmed 18");
}

#[test]
fn what_goes_wrong_is_said_in_one_line() {
    let Some(server) = Server::with(&two_users()) else {
        return;
    };
    let url = server.url();
    let south = url.replace("//", "//south:secret@");
    for (arguments, code, trouble) in [
        (
            &["--nats", "nats://127.0.0.1:1", "--name", "north"][..],
            1,
            "connect to the server",
        ),
        (
            &["--nats", "http://127.0.0.1", "--name", "north"],
            1,
            "http",
        ),
        (
            &["--nats", &url, "--name", "north"],
            1,
            "authorization violation",
        ),
        (
            &["--nats", &south, "--name", "north"],
            1,
            "link permissions --name north",
        ),
        (&["--nats", &south, "--name", "No rth"], 2, "No rth"),
        (
            &["--nats", &south, "--name", "south", "--export", "a..b"],
            2,
            "at byte 2",
        ),
        (&["--nats", &south], 2, "--name"),
    ] {
        let output = run(
            &[arguments, &["--export", ">", "--timeout", "5"]].concat(),
            "",
        );
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert_eq!(text(&output.stdout), "");
        assert!(
            said.starts_with("oxide-bus: ") && said.contains(trouble),
            "{said}"
        );
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    let neither = run(&["--nats", &south, "--name", "south"], "");
    assert_eq!(neither.status.code(), Some(2));
    assert!(
        text(&neither.stderr)
            .contains("<--export <PATTERN>|--import <PATTERN>|--import-shared <GROUP=PATTERN>>")
    );
}

#[test]
fn what_is_read_while_nobody_listens_is_printed_later_from_a_stream() {
    let Some(server) = Server::with_stream_of_all() else {
        return;
    };
    let url = server.url();
    let both = ["--nats", &url, "--durable", "ALL"];
    let south = [&both[..], &["--name", "south", "--import", ">"]].concat();
    // The stream knows it from then on.
    let (code, printed, said) = Running::start(&south).interrupt();
    assert_eq!((code, printed.as_str()), (Some(130), ""), "{said}");
    let north = [&both[..], &["--name", "north", "--export", ">"]].concat();
    let north = run(&north, &sample());
    assert_eq!(north.status.code(), Some(0), "{}", text(&north.stderr));
    says(text(&north.stderr), "confirmed 18");
    let mut south = Running::start(&south);
    for (line, read) in south.lines(18).iter().zip(sample().lines()) {
        assert_eq!(id(line), id(read));
    }
    let missing = run(
        &[
            "--nats",
            &url,
            "--name",
            "north",
            "--export",
            ">",
            "--durable",
            "NO",
        ],
        "",
    );
    assert_eq!(missing.status.code(), Some(1));
    assert!(text(&missing.stderr).contains("there is no stream NO"));
}

#[test]
fn permissions_are_printed_for_the_configuration_of_the_server() {
    let output = run(&["permissions", "--name", "north"], "");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        text(&output.stdout),
        "permissions: {\n  publish: [\"ob.north.>\"]\n  subscribe: [\"ob.>\"]\n}\n"
    );
    let output = run(&["permissions", "--name", "north", "--durable", "ALL"], "");
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains(r#""$JS.ACK.ALL.north_1.>""#));
    let output = run(&["permissions", "--name", "north.>"], "");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("lowercase"));
}
