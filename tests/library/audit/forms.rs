//! Tests of the form of each record of an audit log: the verifier finds a record that no log writes.

use std::fs;

use oxide_bus::MessageBus;
use oxide_bus::audit::{self, AuditLog, Finding, Options, Report};
use oxide_bus::kernel::Command;

const OPENED: &str = r#"{"record":0,"at":0,"time":"2026-11-24T06:07:20Z","event":"opened"}"#;
const ENDED: &str = r#"{"record":2,"at":0,"time":"2026-11-24T06:07:20Z","event":"ended"}"#;

fn verified(text: &str) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    fs::write(&path, text).unwrap();
    audit::verify([&path]).unwrap()
}

/// Returns what the verifier finds in a log with this line between its first and its last record.
fn flaws(line: &str) -> Vec<Finding> {
    let report = verified(&format!("{OPENED}\n{line}\n{ENDED}\n"));
    assert!(report.is_ended() && report.torn == 0, "{line}");
    report.flaws.into_iter().map(|flaw| flaw.finding).collect()
}

fn malformed(event: &str) -> [Finding; 1] {
    let event = event.to_owned();
    [Finding::Malformed { event }]
}

/// Builds a record with these values.
fn line(values: &[(String, String)]) -> String {
    let values: Vec<_> = (values.iter())
        .map(|(key, value)| format!(r#""{key}":{value}"#))
        .collect();
    format!("{{{}}}", values.join(","))
}

fn value(key: &str) -> (String, String) {
    let value = match key {
        "record" | "count" => "1",
        "at" | "sequence" => "0",
        "id" => r#""01a21f9a-5ff7-7acc-b3dc-a6813c1140f4""#,
        "time" => r#""2026-11-24T06:07:20.050319319Z""#,
        "hash" => r#""0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef""#,
        _ => r#""some text""#,
    };
    (key.to_owned(), value.to_owned())
}

/// Returns each documented kind of event, the fields that it must have beside place and time, and those that it may
/// have.
fn documented() -> Vec<(&'static str, Vec<&'static str>, Vec<&'static str>)> {
    let document = include_str!("../../../src/observe/audit/mod.rs");
    let quoted = |cell: &'static str| -> Vec<_> { cell.split('`').skip(1).step_by(2).collect() };
    let rows = document
        .split("| `event` | has | may have |")
        .nth(1)
        .unwrap();
    (rows
        .lines()
        .skip(2)
        .take_while(|row| row.starts_with("//! |")))
    .flat_map(|row| {
        let cells: Vec<_> = row.split('|').collect();
        let [has, may_have] = [cells[2], cells[3]].map(quoted);
        (quoted(cells[1]).into_iter()).map(move |kind| (kind, has.clone(), may_have.clone()))
    })
    .collect()
}

#[test]
fn an_event_has_what_is_documented_and_nothing_else() {
    let documented = documented();
    let kinds = include_str!("../../../src/observe/audit/mod.rs")
        .split("| `event` | `")
        .nth(1);
    let kinds = kinds.unwrap().lines().next().unwrap();
    assert_eq!(documented.len(), 20);
    for (kind, has, may_have) in &documented {
        assert!(format!("`{kinds}").contains(&format!("`{kind}`")), "{kind}");
        if ["opened", "ended", "lost"].contains(kind) {
            continue; // not inside this log
        }
        let unwritable = (*kind == "unwritable").then_some(Finding::Unwritable);
        let whole: Vec<_> = unwritable.clone().into_iter().collect();
        let with_flaw: Vec<_> = malformed(kind).into_iter().chain(unwritable).collect();
        let flaws = |values: &[_]| {
            let mut flaws = flaws(&line(values));
            // The last record comes after an envelope, where it should not be.
            flaws.retain(|flaw| *flaw != malformed("ended")[0]);
            flaws
        };
        let event = ("event".to_owned(), format!(r#""{kind}""#));
        let mut values: Vec<_> = ["record", "at", "time"].map(value).into();
        values.push(event);
        values.extend(has.iter().map(|key| value(key)));
        assert_eq!(flaws(&values), whole, "{kind}");
        for key in may_have {
            let more = [&values[..], &[value(key)]].concat();
            assert_eq!(flaws(&more), whole, "{kind}, {key}");
        }
        for index in 1..values.len() {
            if values[index].0 == "event" {
                continue;
            }
            let mut less = values.clone();
            let (key, _) = less.remove(index);
            assert_eq!(flaws(&less), with_flaw, "{kind} without {key}");
            for wrong in ["null", "-1", "1.5", "[]", "{}", "true", r#"{"a":1}"#] {
                less.insert(index, (key.clone(), wrong.to_owned()));
                assert_eq!(flaws(&less), with_flaw, "{kind}, {key}: {wrong}");
                less.remove(index);
            }
        }
        for key in [
            "id",
            "name",
            "source",
            "claimed",
            "subject",
            "capability",
            "why",
            "count",
            "sequence",
            "envelope",
            "other",
        ] {
            let more = [&values[..], &[value(key)]].concat();
            if !may_have.contains(&key) {
                assert_eq!(flaws(&more), with_flaw, "{kind} with {key}");
            }
        }
    }
}

#[test]
fn a_value_is_written_in_one_way() {
    let granted = |time: &str| {
        format!(r#"{{"record":1,"at":0,"time":"{time}","event":"granted","capability":"c"}}"#)
    };
    assert_eq!(flaws(&granted("2026-11-24T06:07:20.500Z")), []);
    for time in [
        "",
        "2026-11-24T06:07:20.5Z",
        "2026-11-24T06:07:20+00:00",
        "2026-11-24t06:07:20Z",
        "2026-13-24T06:07:20Z",
    ] {
        assert_eq!(flaws(&granted(time)), malformed("granted"), "{time}");
    }
    let left = |id: &str| {
        format!(
            r#"{{"record":1,"at":0,"time":"2026-11-24T06:07:20Z","event":"unsubscribed","id":"{id}"}}"#
        )
    };
    assert_eq!(flaws(&left("01a21f9a-5ff7-7acc-b3dc-a6813c1140f4")), []);
    for id in [
        "",
        "01A21F9A-5ff7-7acc-b3dc-a6813c1140f4",
        "01a21f9a5ff77accb3dca6813c1140f4",
        "{01a21f9a-5ff7-7acc-b3dc-a6813c1140f4}",
    ] {
        assert_eq!(flaws(&left(id)), malformed("unsubscribed"), "{id}");
    }
}

#[test]
fn a_loss_has_a_count_and_its_place() {
    let lost = |rest: &str| {
        format!(r#"{{"record":1,"time":"2026-11-24T06:07:20Z","event":"lost",{rest}}}"#)
    };
    for none in [r#""at":0"#, r#""at":0,"count":0"#, r#""at":0,"count":null"#] {
        assert_eq!(flaws(&lost(none)), malformed("lost"), "{none}");
    }
    let at = |at, count| {
        let opened = OPENED.replace(r#""at":0"#, r#""at":7"#);
        let ended = ENDED.replace(r#""at":0"#, &format!(r#""at":{}"#, at + count));
        let lost = lost(&format!(r#""at":{at},"count":{count}"#));
        verified(&format!("{opened}\n{lost}\n{ended}\n"))
    };
    let report = at(7, 3);
    assert_eq!((report.flaws, report.lost), (vec![], 3));
    assert_eq!(at(6, 3).flaws[0].finding, malformed("lost")[0]);
    let event = "lost".to_owned();
    assert_eq!(at(8, 3).flaws[0].finding, Finding::Early { event });
}

#[test]
fn a_record_of_no_kind_is_found() {
    for none in [
        r#"{"record":1,"at":0,"event":"forged"}"#,
        r#"{"record":1,"at":0}"#,
        r#"{"record":1,"at":0,"event":7}"#,
        r#"{"record":1,"sequence":0}"#,
        r#"{"record":1,"envelope":{}}"#,
        r#"{"record":1,"sequence":0,"envelope":{},"at":0}"#,
        r#"{"record":1,"sequence":0,"envelope":{},"note":0}"#,
        r#"{"record":1,"sequence":"0","envelope":{}}"#,
        r#"{"record":1}"#,
    ] {
        assert_eq!(flaws(none), [Finding::NoKnownKind], "{none}");
    }
    let granted = r#""at":0,"time":"2026-11-24T06:07:20Z","event":"granted","capability":"c","capability":"c""#;
    assert_eq!(
        flaws(&format!(r#"{{"record":1,{granted}}}"#)),
        malformed("granted")
    );
}

#[test]
fn what_is_json_and_no_record_is_not_torn() {
    let next = Finding::Record {
        found: 2,
        expected: 1,
    };
    for none in [
        r#"[1,null,null,0,"granted",null]"#,
        r#"[1,null,null,0,null,null,"granted"]"#,
        r#"{"at":0}"#,
        r#"{"record":-1}"#,
        r#"{"record":null}"#,
        "1",
        "null",
        r#""record""#,
    ] {
        assert_eq!(flaws(none), [Finding::NotARecord, next.clone()], "{none}");
        let last = verified(&format!("{OPENED}\n{none}\n"));
        assert_eq!((last.flaws.len(), last.torn), (1, 0), "{none}");
    }
}

#[test]
fn a_log_begins_with_the_envelope_that_its_opening_record_announces() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let bus = MessageBus::new();
    bus.send_command("kernel", Command::Ping).unwrap();
    let log = AuditLog::start(&bus, &path, Options::new()).unwrap();
    bus.send_command("kernel", Command::Ping).unwrap();
    log.close().unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(verified(&text).flaws, []);
    for (other, found) in [(0, 0), (2, 2), (7, 7)] {
        let moved = text.replace(r#""sequence":1,"#, &format!(r#""sequence":{other},"#));
        let expected = 1;
        assert_eq!(
            verified(&moved).flaws[0].finding,
            Finding::Sequence { found, expected }
        );
    }
    // The end record reports the last envelope.
    let (first, rest) = text.split_once('\n').unwrap();
    let last = rest
        .lines()
        .last()
        .unwrap()
        .replace(r#""record":2"#, r#""record":1"#);
    let early = Finding::Early {
        event: "ended".to_owned(),
    };
    assert_eq!(
        verified(&format!("{first}\n{last}\n")).flaws[0].finding,
        early
    );
}

#[test]
fn what_is_torn_behind_a_closing_record_has_no_end() {
    let whole = format!(
        "{OPENED}\n{}\n",
        ENDED.replace(r#""record":2"#, r#""record":1"#)
    );
    let report = verified(&whole);
    assert!(report.is_whole() && report.is_ended());
    for torn in ["garbage", "garbage\n", r#"{"record":0,"at":0,"ti"#] {
        let report = verified(&format!("{whole}{torn}"));
        assert!(!report.is_ended(), "{torn}");
        assert_eq!((report.torn, report.ended, report.unended), (1, 1, 1));
    }
    let report = verified(&format!("{whole}garbage\n{whole}"));
    assert_eq!((report.torn, report.ended, report.unended), (1, 2, 1));
    assert!(!verified(&format!("{whole}{OPENED}")).is_ended());
}
