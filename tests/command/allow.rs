//! Tests of `oxide-bus replay --as --allow`: what a log may not say does not reach the bus.

use std::io::Write;
use std::process::{Command as Process, Output, Stdio};

use oxide_bus::Envelope;
use oxide_bus::codec::Codec;
use oxide_bus::kernel::{Command, Message};

fn replay(arguments: &[&str], log: &str) -> Output {
    let mut child = Process::new(env!("CARGO_BIN_EXE_oxide-bus"))
        .arg("replay")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(log.as_bytes()).unwrap();
    drop(input);
    child.wait_with_output().unwrap()
}

fn line(source: &str, command: Command) -> String {
    Envelope::new(source, Message::from(command))
        .to_json()
        .unwrap()
        + "\n"
}

fn stop() -> Command {
    Command::Stop {
        module_id: "secret".into(),
    }
}

#[test]
fn only_what_is_allowed_gets_onto_the_bus_as_it_was() {
    let good = [line("north", Command::Ping), line("south", Command::Ping)];
    let log = [
        good[0].as_str(),
        &line("kernel", Command::Ping),
        &line("north", stop()),
        &good[1],
    ]
    .concat();
    let arguments = ["--as", "north", "--as", "south", "--allow", "command.ping"];
    let output = replay(&arguments, &log);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), good.concat());
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        told,
        "oxide-bus: standard input: line 2: `kernel` may not publish: capability `replay` does not cover the source\n\
         oxide-bus: standard input: line 3: `north` may not publish: capability `replay` does not cover the subject\n"
    );
}

#[test]
fn a_log_that_says_only_what_it_may_is_replayed_whole() {
    let log = line("north", stop()) + &line("north", Command::Ping);
    let output = replay(&["--as", "north"], &log);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), log);
}

#[test]
fn subjects_are_allowed_to_somebody() {
    let output = replay(&["--allow", "event.>"], "");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("--as"));
}

#[test]
fn what_is_within_the_limits_that_are_asked_for_may_be_allowed_and_is_printed() {
    let codec = Codec::new().max_name(1_000);
    let long = "x".repeat(1_000);
    let command = Command::Stop {
        module_id: long.clone(),
    };
    let envelope = Envelope::new(&*long, Message::from(command));
    let log = codec.encode(&envelope).unwrap() + "\n";
    let output = replay(&["--as", &long, "--max-name", "1000"], &log);
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), log);
    assert_eq!(
        replay(&["--max-name", "1000", "--check"], &log)
            .status
            .code(),
        Some(0)
    );
    assert_eq!(
        replay(&["--max-name", "999", "--check"], &log)
            .status
            .code(),
        Some(1)
    );
    let pings = line("north", Command::Ping);
    let output = replay(&["--as", "north", "--max-name", "5"], &pings);
    assert_eq!(
        output.status.code(),
        Some(0),
        "the bus has names of its own"
    );
}
