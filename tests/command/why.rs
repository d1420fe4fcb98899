//! Tests of `oxide-bus why`: what logs tell of an envelope, its causes and its effects.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Output};

use oxide_bus::audit::{AuditLog, Options};
use oxide_bus::kernel::{Command, Event};
use oxide_bus::{Bus, Envelope, Grant, MessageBus, Overflow, SubscribeOptions};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use crate::support::audited::place;
use crate::support::command::text;

fn why(ids: &[&str], logs: &[&Path], options: &[&str]) -> Output {
    let mut command = Process::new(env!("CARGO_BIN_EXE_oxide-bus"));
    command.arg("why").args(ids).args(options);
    for log in logs {
        command.arg("--log").arg(log);
    }
    command.output().unwrap()
}

/// Returns the answer for people, which must be whole.
fn answer(id: Uuid, logs: &[&Path]) -> String {
    let output = why(&[&id.to_string()], logs, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
    text(&output.stdout).to_owned()
}

/// Returns the answer for programs.
fn report(ids: &[Uuid], logs: &[&Path]) -> Value {
    let ids: Vec<_> = ids.iter().map(Uuid::to_string).collect();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    let output = why(&ids, logs, &["--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Returns the ids of the envelopes in the answer, in its order.
fn ids(report: &Value) -> Vec<&str> {
    let envelopes = report["envelopes"].as_array().unwrap();
    envelopes
        .iter()
        .map(|it| it["id"].as_str().unwrap())
        .collect()
}

fn pong(cause: Uuid) -> Envelope {
    Envelope::new(
        "echo",
        Event::Pong {
            from: "echo".into(),
        }
        .into(),
    )
    .with_correlation_id(cause)
}

fn ping() -> Envelope {
    Envelope::new("kernel", Command::Ping.into())
}

/// Writes a log of its own for a bus, while `act` uses the bus.
fn logged(act: impl FnOnce(&MessageBus, &AuditLog)) -> (TempDir, PathBuf) {
    let (folder, path) = place();
    let bus = MessageBus::new();
    let log = AuditLog::start(&bus, &path, Options::new()).unwrap();
    act(&bus, &log);
    log.close().unwrap();
    (folder, path)
}

#[test]
fn a_tree_goes_from_the_first_cause_to_all_effects_and_leaves_out_what_another_has_caused() {
    let (mut first, mut asked, mut effects) = (ping(), ping(), Vec::new());
    first.source = "first".into();
    asked.correlation_id = Some(first.id);
    let (_folder, path) = logged(|bus, _| {
        bus.publish(first.clone()).unwrap();
        bus.publish(pong(first.id)).unwrap(); // another effect of the same cause
        bus.publish(asked.clone()).unwrap();
        bus.publish(ping()).unwrap();
        for _ in 0..2 {
            let effect = pong(asked.id);
            effects.push(effect.id);
            bus.publish(effect).unwrap();
        }
        let last = pong(effects[0]);
        effects.insert(1, last.id);
        bus.publish(last).unwrap();
    });
    let expected: Vec<_> = [first.id, asked.id].into_iter().chain(effects).collect();
    let report = report(&[asked.id], &[&path]);
    let expected: Vec<_> = expected.iter().map(Uuid::to_string).collect();
    assert_eq!(ids(&report), expected);
    assert_eq!(report["envelopes"][0]["cause"], "none");
    assert_eq!(report["envelopes"][0]["others_caused"], 1);
    assert_eq!(report["envelopes"][1]["is_asked"], true);
    assert_eq!(
        report["envelopes"][1]["caused"],
        json!([expected[2], expected[4]])
    );
    assert_eq!(report["envelopes"][1]["records"][0]["line"], 4);
    assert_eq!(report["envelopes"][1]["records"][0]["sequence"], 2);

    let answer = answer(asked.id, &[&path]);
    let heads: Vec<_> = (answer.lines())
        .filter(|line| expected.iter().any(|id| line.contains(id.as_str())))
        .map(|line| line.split(char::is_alphanumeric).next().unwrap())
        .collect();
    assert_eq!(heads, ["", "└─ ", "   ├─ ", "   │  └─ ", "   └─ "]);
    assert!(
        answer.contains("\"kernel\"  command.ping  <- asked for\n"),
        "{answer}"
    );
    assert!(answer.contains("records of other effects: 1\n"), "{answer}");
    assert!(
        answer.contains("matched: no subscription that is recorded\n"),
        "{answer}"
    );
    assert!(
        answer.contains("not recorded in an audit log:\n"),
        "{answer}"
    );
}

#[test]
fn a_request_and_its_answer_are_found_from_either() {
    let (folder, path) = place();
    let bus = MessageBus::new();
    let log = AuditLog::start(&bus, &path, Options::new()).unwrap();
    let mut pings = bus.subscribe_to("command.ping").unwrap();
    let responder = std::thread::spawn({
        let bus = bus.clone();
        move || {
            let ping = pings.recv().unwrap();
            bus.publish(pong(ping.id)).unwrap();
            ping.id
        }
    });
    let answer = bus.request("kernel", Command::Ping).unwrap();
    let asked = responder.join().unwrap();
    log.close().unwrap();
    let both = [asked.to_string(), answer.id.to_string()];
    for id in [asked, answer.id] {
        let report = report(&[id], &[&path]);
        assert_eq!(ids(&report), both);
    }
    drop(folder);
}

#[test]
fn who_listened_then_is_told_by_what_they_listened_to_then() {
    let published = [ping(), ping(), ping()];
    let (_folder, path) = logged(|bus, _| {
        let named = |name: &str| SubscribeOptions::new().name(name);
        let all = bus.subscribe_with(named("all")).unwrap();
        let _commands = bus
            .subscribe_with(named("commands").pattern("command.>"))
            .unwrap();
        let events = bus
            .subscribe_with(named("events").pattern("event.>"))
            .unwrap();
        let choosy = named("choosy").predicate(|_| true);
        let _choosy = bus.subscribe_with(choosy).unwrap();
        let _web = bus.subscribe_with(named("web").source("web")).unwrap();
        bus.publish(published[0].clone()).unwrap();
        events.set_patterns(["command.*"]).unwrap();
        drop(all);
        bus.publish(published[1].clone()).unwrap();
        let _late = bus.subscribe_with(named("late")).unwrap();
        bus.publish(published[2].clone()).unwrap();
    });
    let names = |list: &Value| -> Vec<String> {
        let list = list.as_array().unwrap();
        list.iter()
            .map(|it| it["name"].as_str().unwrap().to_owned())
            .collect()
    };
    for (envelope, matched, others) in [
        (&published[0], &["all", "commands"][..], 2),
        (&published[1], &["commands", "events"], 1),
        (&published[2], &["commands", "events", "late"], 1),
    ] {
        let report = report(&[envelope.id], &[&path]);
        let record = &report["envelopes"][0]["records"][0];
        assert_eq!(names(&record["matched"]), matched);
        assert_eq!(names(&record["undecided"]), ["choosy"]);
        assert_eq!(record["not_matched"], others);
    }
    let answer = answer(published[1].id, &[&path]);
    let told = "matched: \"commands\" (subjects `command.>`), \"events\" (subjects `command.*`)\n";
    assert!(answer.contains(told), "{answer}");
    assert!(
        answer.contains("perhaps matched: \"choosy\" (a predicate)\n"),
        "{answer}"
    );
}

#[test]
fn a_loss_a_refusal_and_an_eviction_are_told_as_far_as_the_log_has_them() {
    let (before, lost) = (ping(), ping());
    let (_folder, path) = logged(|bus, _| {
        let slow = SubscribeOptions::new().name("slow").capacity(1);
        let hasty = SubscribeOptions::new().name("hasty").capacity(1);
        let slow = bus
            .subscribe_with(slow.overflow(Overflow::DropNewest))
            .unwrap();
        let hasty = bus.subscribe_with(hasty.overflow(Overflow::Evict)).unwrap();
        bus.publish(before.clone()).unwrap();
        let receipt = bus.publish(lost.clone()).unwrap();
        assert!(receipt.dropped() >= 1);
        bus.grant(Grant::new("log").pattern("event.>")).unwrap();
        let refused = bus.publisher("web", "log").publish(Command::Ping);
        assert!(refused.is_err());
        drop((slow, hasty));
    });
    let report = report(&[lost.id], &[&path]);
    let record = &report["envelopes"][0]["records"][0];
    let slow = &record["matched"][1];
    assert_eq!(slow["name"], "slow");
    assert_eq!(slow["lost"]["count"], 1);
    assert_eq!(slow["lost"]["to"], 2);
    assert_eq!(record["matched"][0]["evicted"]["why"], "Overflow");
    let meanwhile = report["meanwhile"].as_array().unwrap();
    let denied = meanwhile.iter().find(|it| it["event"] == "denied").unwrap();
    assert_eq!(denied["source"], "web");
    assert_eq!(denied["subject"], "command.ping");
    assert_eq!(denied["why"], "does not cover the subject");

    let answer = answer(lost.id, &[&path]);
    assert!(
        answer.contains("lost: \"slow\" lost 1 between sequence "),
        "{answer}"
    );
    assert!(
        answer.contains("evicted: \"hasty\" at sequence "),
        "{answer}"
    );
    assert!(
        answer.contains("denied, source \"web\", claimed \"web\", subject \"command.ping\""),
        "{answer}"
    );
}

#[test]
fn an_envelope_in_two_logs_is_one_with_both_records_and_effects_are_found_in_either_order() {
    let cause = ping();
    let effect = pong(cause.id);
    let (_folder, north) = logged(|bus, _| {
        bus.publish(cause.clone()).unwrap();
        bus.publish(effect.clone()).unwrap();
    });
    let later = pong(effect.id);
    let (_other_folder, south) = logged(|bus, _| {
        bus.publish(ping()).unwrap();
        bus.publish(effect.clone()).unwrap();
        bus.publish(later.clone()).unwrap();
    });
    let all = [cause.id, effect.id, later.id].map(|id| id.to_string());
    for logs in [[&*north, &south], [&*south, &north]] {
        for id in [cause.id, later.id] {
            let report = report(&[id], &logs);
            assert_eq!(ids(&report), all);
            let records = report["envelopes"][1]["records"].as_array().unwrap();
            let lines: Vec<_> = records.iter().map(|it| &it["line"]).collect();
            assert_eq!(lines, [3, 3]);
            assert!(records.iter().all(|it| it["differs"] == false));
        }
    }
    // Somebody has changed what it says in one of them.
    let changed = fs::read_to_string(&south)
        .unwrap()
        .replace(r#""from":"echo""#, r#""from":"other""#);
    fs::write(&south, changed).unwrap();
    let answer = answer(effect.id, &[&north, &south]);
    assert!(
        answer.contains("sequence 1, with another content than the first record\n"),
        "{answer}"
    );
}

#[cfg(feature = "link")]
#[test]
fn linked_programs_have_one_tree_and_it_says_what_a_link_has_brought() {
    use oxide_bus::link::Link;
    use oxide_bus::link::memory::MemoryServer;
    use std::time::Duration;

    let limit = Duration::from_secs(20);
    let server = MemoryServer::new();
    let (_north_folder, north_path) = place();
    let (_south_folder, south_path) = place();
    let (north, south) = (MessageBus::new(), MessageBus::new());
    let north_log = AuditLog::start(&north, &north_path, Options::new()).unwrap();
    let south_log = AuditLog::start(&south, &south_path, Options::new()).unwrap();
    let importer = Link::over(server.engine()).name("south");
    let importer = importer.import(">", south.trusted_publisher("link"));
    let importer = importer.spawn(&south).unwrap();
    importer.ready(limit).unwrap();
    let exporter = Link::over(server.engine()).name("north").export(">");
    let exporter = exporter.spawn(&north).unwrap();
    let mut received = south.subscribe();

    let cause = ping();
    north.publish(cause.clone()).unwrap();
    let brought = received.recv_timeout(limit).unwrap();
    assert_eq!(brought.id, cause.id);
    let effect = pong(brought.id);
    south.publish(effect.clone()).unwrap();
    drop((importer, exporter));
    north_log.close().unwrap();
    south_log.close().unwrap();

    let report = report(&[effect.id], &[&north_path, &south_path]);
    assert_eq!(ids(&report), [cause.id, effect.id].map(|id| id.to_string()));
    let records = &report["envelopes"][0]["records"];
    assert_eq!(records.as_array().unwrap().len(), 2);
    assert_eq!(records[0]["link_origin"], Value::Null);
    assert_eq!(records[1]["link_origin"], "north");
    assert_eq!(records[1]["differs"], false);
}

#[test]
fn other_envelopes_of_the_same_trace_are_listed() {
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let traced = |trace| ping().with_header("traceparent", trace).unwrap();
    let (asked, same, other) = (
        traced(trace),
        traced("00-4bf92f3577b34da6a3ce929d0e0e4736-b7ad6b7169203331-01"),
        traced("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    );
    let (_folder, path) = logged(|bus, _| {
        for envelope in [&same, &other, &asked] {
            bus.publish(envelope.clone()).unwrap();
        }
    });
    let report = report(&[asked.id], &[&path]);
    assert_eq!(report["envelopes"][0]["headers"]["traceparent"], trace);
    let same_trace = report["same_trace"].as_array().unwrap();
    assert_eq!(same_trace.len(), 1);
    assert_eq!(same_trace[0]["id"], same.id.to_string());
    assert!(
        answer(asked.id, &[&path])
            .contains("of the same trace, and neither a cause nor an effect:\n")
    );
}

#[test]
fn an_id_that_is_unknown_ambiguous_or_none_is_an_error_in_one_line() {
    let id = |last: u128| Uuid::from_u128(0xabcd_0000_0000_7000_8000_0000_0000_0000 + last);
    let (_folder, path) = logged(|bus, _| {
        for last in 1..=3 {
            let mut envelope = ping();
            envelope.id = id(last);
            bus.publish(envelope).unwrap();
        }
    });
    for (asked, told) in [
        ("abcd", "'abcd' is the beginning of 3 ids: give more of it"),
        (
            "ffff",
            "no id of an envelope begins with 'ffff' (envelopes read: 3)",
        ),
        ("xyz", "it must be an id, or its first hexadecimal digits"),
        ("", "it must be an id, or its first hexadecimal digits"),
    ] {
        let output = why(&[asked], &[&path], &[]);
        assert_eq!(output.status.code(), Some(2));
        let stderr = text(&output.stderr);
        assert!(
            stderr.contains(told) && stderr.lines().count() == 1,
            "{stderr}"
        );
        assert_eq!(text(&output.stdout), "");
    }
    // A beginning that only one has is enough, with hyphens or without, in either case.
    for asked in [
        "ABCD0000-0000-7000-8000-000000000002",
        "abcd0000000070008000000000000002",
    ] {
        let output = why(&[asked], &[&path], &["--json"]);
        assert_eq!(output.status.code(), Some(0), "{asked}");
    }
    let missing = path.with_extension("missing");
    for wrong in [&missing, path.parent().unwrap()] {
        let output = why(&["abcd"], &[wrong], &[]);
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(text(&output.stderr).lines().count(), 1);
    }
    let other = path.with_extension("txt");
    fs::write(&other, "no log\nat all\n").unwrap();
    let output = why(&["abcd"], &[&other], &[]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn lines_that_are_no_records_are_counted_and_a_cut_one_is_told() {
    let asked = ping();
    let (_folder, path) = logged(|bus, _| {
        bus.publish(asked.clone()).unwrap();
    });
    let whole = fs::read_to_string(&path).unwrap();
    let id = asked.id.to_string();

    fs::write(&path, &whole[..whole.len() - 9]).unwrap();
    let output = why(&[&id], &[&path], &[]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stderr).ends_with(": the last line is cut\n"));

    fs::write(&path, format!("{whole}garbage\n{{}}\n")).unwrap();
    let output = why(&[&id], &[&path], &["--json"]);
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stderr);
    assert!(
        told.ends_with(": lines that are no records: 2, the first is line 4\n"),
        "{told}"
    );
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["bad_lines"], 2);
    assert_eq!(report["envelopes"][0]["id"], id);
}

#[test]
fn a_log_that_was_rotated_goes_on_in_the_next_file() {
    let (_folder, path) = place();
    let bus = MessageBus::new();
    let options = Options::new()
        .rotate_at(600)
        .flush(oxide_bus::audit::Flush::EachLine);
    let log = AuditLog::start(&bus, &path, options).unwrap();
    let _all = bus
        .subscribe_with(SubscribeOptions::new().name("all"))
        .unwrap();
    let first = ping();
    let last = pong(first.id);
    bus.publish(first.clone()).unwrap();
    for _ in 0..3 {
        bus.publish(ping()).unwrap();
    }
    bus.publish(last.clone()).unwrap();
    log.close().unwrap();
    let numbered = |number: usize| path.with_extension(format!("jsonl.{number}"));
    let mut files: Vec<_> = (1..100)
        .map(numbered)
        .take_while(|file| file.exists())
        .collect();
    assert!(files.len() >= 2);
    files.push(path);
    let logs: Vec<_> = files.iter().map(PathBuf::as_path).collect();
    let report = report(&[last.id], &logs);
    assert_eq!(ids(&report), [first.id, last.id].map(|id| id.to_string()));
    for envelope in report["envelopes"].as_array().unwrap() {
        assert_eq!(envelope["records"][0]["matched"][0]["name"], "all");
    }
}

#[test]
fn what_a_log_has_of_a_stranger_reaches_no_terminal_as_it_is() {
    let hostile = "web\u{1b}[2J\u{202e}\n\"\u{9b}";
    let (_folder, path) = place();
    let bus = Bus::<Value>::new();
    let log = AuditLog::start(&bus, &path, Options::new()).unwrap();
    let named = SubscribeOptions::new().name(hostile).source(hostile);
    let _subscription = bus.subscribe_with(named).unwrap();
    let mut envelope = Envelope::new("web\u{202e}\"", json!({hostile: hostile}));
    envelope
        .headers
        .insert("note", "\u{202e}\u{200b}\\\"")
        .unwrap();
    let id = envelope.id;
    bus.publish(envelope).unwrap();
    drop(bus.publisher(hostile, "none").publish(Value::Null));
    log.close().unwrap();
    let answer = answer(id, &[&path]);
    let is_raw = |c: char| c != '\n' && (c.is_control() || "\u{202e}\u{200b}\u{9b}".contains(c));
    assert!(!answer.contains(is_raw), "{answer:?}");
    assert!(
        answer.contains(r#""web\u{202e}\""  subject not recorded"#),
        "{answer}"
    );
    let output = why(&[&id.to_string()], &[&path], &["--json"]);
    let json = text(&output.stdout);
    assert!(!json.contains(is_raw), "{json:?}");
    let report: Value = serde_json::from_str(json).unwrap();
    assert_eq!(report["envelopes"][0]["source"], "web\u{202e}\"");
    assert_eq!(report["meanwhile"][0]["source"], hostile);
}

#[test]
fn a_chain_that_goes_from_log_to_log_is_followed_so_often_and_what_is_left_out_is_told() {
    let chain = |length: usize| {
        let mut chain = vec![ping()];
        while chain.len() < length {
            chain.push(pong(chain.last().unwrap().id));
        }
        let first = chain[0].id;
        let [even, odd] = [0, 1].map(|from| {
            logged(|bus, _| {
                for envelope in chain.iter().skip(from).step_by(2) {
                    bus.publish(envelope.clone()).unwrap();
                }
            })
        });
        let output = why(&[&first.to_string()], &[&even.1, &odd.1], &["--json"]);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let found = ids(&report).len();
        (output.status.code(), found, text(&output.stderr).to_owned())
    };
    assert_eq!(chain(20), (Some(0), 20, String::new()));
    let (code, found, said) = chain(60);
    assert_eq!(code, Some(1));
    assert!((20..60).contains(&found), "{found}");
    assert!(
        said.contains("16 times") && said.lines().count() == 1,
        "{said}"
    );
}

#[test]
fn a_log_that_is_given_twice_is_refused() {
    let (_folder, log) = logged(|bus, _| {
        bus.publish(ping()).unwrap();
    });
    let output = why(&["0"], &[&log, &log], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("given twice"));
}

#[test]
fn a_circle_of_causes_and_one_that_no_log_has_end_the_tree() {
    let (mut one, mut other, mut orphan) = (ping(), ping(), ping());
    one.correlation_id = Some(other.id);
    other.correlation_id = Some(one.id);
    orphan.correlation_id = Some(Uuid::from_u128(7));
    let mut unwritable = ping();
    unwritable.source = "".into();
    let (_folder, path) = logged(|bus, _| {
        for envelope in [&one, &other, &orphan, &unwritable] {
            bus.publish(envelope.clone()).unwrap();
        }
    });
    let circle = answer(one.id, &[&path]);
    assert!(
        circle.contains(&format!("caused by: {}, in a circle\n", other.id)),
        "{circle}"
    );
    let orphan = answer(orphan.id, &[&path]);
    let cause = "00000000-0000-0000-0000-000000000007, which is in none of these logs\n";
    assert!(orphan.contains(cause), "{orphan}");
    let unwritable = answer(unwritable.id, &[&path]);
    assert!(
        unwritable.contains("caused by: not recorded\n"),
        "{unwritable}"
    );
    assert!(unwritable.contains("unwritable: "), "{unwritable}");
}
