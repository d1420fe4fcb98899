//! One snapshot, as a text and as JSON.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;

use serde_json::Value;

use super::Watched;
use crate::support::command::{in_time, text};

fn top(path: &Path, arguments: &[&str]) -> Output {
    let child = Command::new(env!("CARGO_BIN_EXE_oxide-bus"))
        .arg("top")
        .arg(path)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command runs");
    in_time(child.id(), || child.wait_with_output()).expect("it ends")
}

/// Returns what is printed by a run that succeeds.
fn printed(it: &Watched, arguments: &[&str]) -> String {
    let output = top(&it.path(), arguments);
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
    text(&output.stdout).to_owned()
}

fn json(it: &Watched, arguments: &[&str]) -> Value {
    serde_json::from_str(&printed(it, arguments)).expect("it is one JSON object")
}

/// Returns the line that is printed by a run that fails, and its exit code.
fn complaint(path: &Path, arguments: &[&str]) -> (String, Option<i32>) {
    let output = top(path, arguments);
    assert_eq!(text(&output.stdout), "");
    let line = text(&output.stderr);
    assert_eq!(line.lines().count(), 1, "{line}");
    (line.to_owned(), output.status.code())
}

#[test]
fn the_text_has_what_loses_most_first_and_all_there_is() {
    let it = Watched::new();
    let _roomy = it.subscribe("roomy", 100);
    let _half = it.subscribe("half", 10);
    let _tight = it.subscribe("ti\u{1b}ght", 2);
    it.send(5);
    it.bus.publisher("llm", "log:write").publish(1).unwrap_err();
    let _granted = it.bus.publisher("log", "log:read");

    let text = printed(&it, &["--once"]);
    let starts: Vec<_> = (text.lines())
        .map(|line| line.split("  ").next().unwrap_or_default().trim())
        .collect();
    let process = format!(
        "process {}, published 5, denied 1, subscriptions 3",
        std::process::id()
    );
    let expected = [
        &*process,
        "",
        "subscription",
        r"ti\u{1b}ght",
        "half",
        "roomy",
        "",
        "capability",
        "log:read",
        "",
        "source",
        "counter",
    ];
    assert_eq!(starts, expected, "{text}");
    let tight: Vec<_> = text.lines().nth(3).unwrap().split_whitespace().collect();
    assert_eq!(
        tight[1..],
        ["██████████", "2/2", "-", "-", "-", "3", "-", "drop-newest"],
        "{text}"
    );
}

#[test]
fn the_json_has_the_snapshot_and_no_rates_without_an_interval() {
    let it = Watched::new();
    let subscription = it.subscribe("tight", 2);
    it.send(5);
    let json = json(&it, &["--json"]);
    assert_eq!(json["version"], 1);
    assert_eq!(json["snapshot"]["process"], std::process::id());
    let shown = &json["snapshot"]["subscriptions"][0];
    assert_eq!(shown["id"], subscription.id().to_string());
    assert_eq!(shown["name"], "tight");
    assert_eq!(
        (&shown["queued"], &shown["dropped"]),
        (&2.into(), &3.into())
    );
    assert_eq!(shown["overflow"], "drop-newest");
    assert!(json.get("rates").is_none());
}

#[test]
fn with_an_interval_there_are_rates_and_ages() {
    let it = Watched::new();
    let _tight = it.subscribe("tight", 2);
    it.send(5);
    let json = json(&it, &["--json", "--interval", "0.05"]);
    let rates = &json["rates"];
    let seconds = rates["seconds"].as_f64().expect("a number");
    assert!(seconds >= 0.049, "{rates}");
    assert_eq!(
        rates["published_per_s"], 0.0,
        "what came before does not count"
    );
    assert_eq!(rates["subscriptions"][0]["dropped_per_s"], 0.0);
    let oldest = json["snapshot"]["subscriptions"][0]["oldest_ms"].as_u64();
    assert!(oldest.is_some_and(|oldest| oldest >= 49), "{json}");
    let text = printed(&it, &["--once", "--interval", "0.05"]);
    assert!(text.contains("≥0."), "{text}");
    assert!(text.contains("published 5 (0/s)"), "{text}");
}

#[test]
fn once_and_json_together_give_json() {
    let it = Watched::new();
    for arguments in [["--once", "--json"], ["--json", "--once"]] {
        assert_eq!(json(&it, &arguments)["snapshot"]["published"], 0);
    }
}

#[test]
fn a_server_that_counts_too_much_is_shown() {
    let it = Watched::new();
    let mut answer = json(&it, &["--json"]);
    let most = serde_json::json!({ "source": "a", "envelopes": u64::MAX });
    answer["snapshot"]["newest"] = vec![most.clone(), most].into();
    let path = it.folder.path().join("liar.sock");
    let listener = UnixListener::bind(&path).expect("nothing is there");
    let liar = thread::spawn(move || {
        let (mut client, _) = listener.accept().expect("the command connects");
        let asked = BufReader::new(&client).read_line(&mut String::new());
        asked.expect("the command asks");
        writeln!(client, "{answer}").expect("it is read");
    });
    let output = top(&path, &["--once"]);
    liar.join().expect("it has answered");
    assert_eq!(text(&output.stderr), "");
    let shown = format!("{0} of {0}", u64::MAX);
    let text = text(&output.stdout);
    assert_eq!(text.matches(&shown).count(), 2, "{text}");
}

#[test]
fn an_answer_without_end_is_said_to_be_too_long() {
    let it = Watched::new();
    let path = it.folder.path().join("endless.sock");
    let listener = UnixListener::bind(&path).expect("nothing is there");
    let endless = thread::spawn(move || {
        let (mut client, _) = listener.accept().expect("the command connects");
        while client.write_all(&[b' '; 1 << 14]).is_ok() {}
    });
    let (line, code) = complaint(&path, &["--once"]);
    endless
        .join()
        .expect("it ends when the command has hung up");
    assert!(
        line.ends_with("endless.sock: the answer is longer than 64 MiB\n"),
        "{line}"
    );
    assert_eq!(code, Some(2));
}

#[test]
fn a_program_that_is_not_there_is_said_so_in_one_line() {
    let it = Watched::new();
    let missing = it.folder.path().join("no\nsuch");
    for arguments in [&["--once"][..], &["--json"]] {
        let (line, code) = complaint(&missing, arguments);
        assert!(
            line.contains(r"no\nsuch: no program serves an inspection here: "),
            "{line}"
        );
        assert_eq!(code, Some(2));
    }
    let file = it.folder.path().join("file");
    std::fs::write(&file, "").expect("it can be written");
    let (line, code) = complaint(&file, &["--once"]);
    assert!(
        line.contains("no program serves an inspection here"),
        "{line}"
    );
    assert_eq!(code, Some(2));
}

#[test]
fn the_live_view_wants_a_terminal() {
    let it = Watched::new();
    let (line, code) = complaint(&it.path(), &[]);
    assert_eq!(
        line,
        "oxide-bus: standard output is no terminal: use --once or --json\n"
    );
    assert_eq!(code, Some(2));
}

#[test]
fn a_bus_that_is_gone_is_said_so_in_one_line() {
    let Watched {
        bus,
        inspection,
        folder,
    } = Watched::new();
    drop(bus);
    let (line, code) = complaint(&folder.path().join("bus.sock"), &["--once"]);
    assert!(
        line.ends_with("the program refuses to answer: the bus is gone\n"),
        "{line}"
    );
    assert_eq!(code, Some(2));
    drop(inspection);
}
