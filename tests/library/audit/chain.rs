//! Tests of the hash chain: it shows what was changed, removed, moved or cut off.

use std::fs;

use oxide_bus::audit::{AuditLog, ChainHead, Finding, Flush, Options, Report, Verifier};
use oxide_bus::kernel::{Command, MessageBus};

const NOTHING: [&Finding; 0] = [];

/// The lines of a log with a chain, and the heads that were given out.
struct Chained {
    lines: Vec<String>,
    heads: Vec<ChainHead>,
}

/// Writes a log with six envelopes, and a head after each second one.
fn chained() -> Chained {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let bus = MessageBus::new();
    let log = AuditLog::start(&bus, &path, Options::new().hash_chain(true)).unwrap();
    assert_eq!(log.head(), None);
    let mut heads = Vec::new();
    for _ in 0..3 {
        bus.send_command("kernel", Command::Ping).unwrap();
        bus.send_command("shell", Command::Ping).unwrap();
        let record = log.flush().unwrap();
        assert_eq!(log.flush().unwrap(), record, "nothing has happened since");
        heads.push(log.head().unwrap());
        assert_eq!(heads.last().unwrap().record(), record);
    }
    log.close().unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let lines = text.lines().map(str::to_owned).collect();
    Chained { lines, heads }
}

fn verified(verifier: Verifier, files: &[&[String]]) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let paths = files.iter().enumerate().map(|(index, lines)| {
        let path = folder.path().join(index.to_string());
        let lines = lines.iter().map(|line| format!("{line}\n"));
        fs::write(&path, lines.collect::<String>()).unwrap();
        path
    });
    verifier.files(paths.collect::<Vec<_>>()).unwrap()
}

fn found(report: &Report) -> Vec<&Finding> {
    report.flaws.iter().map(|flaw| &flaw.finding).collect()
}

/// Gives each line the record number, and each envelope the sequence number, of its place, as a careful forger would.
fn renumbered(lines: &[String]) -> Vec<String> {
    let mut envelopes = 0;
    let renumber = |(record, line): (usize, &String)| {
        let (_, rest) = line.split_once(',').unwrap();
        match rest.split_once(",\"envelope\"") {
            None => format!("{{\"record\":{record},{rest}"),
            Some((_, envelope)) => {
                envelopes += 1;
                let sequence = envelopes - 1;
                format!("{{\"record\":{record},\"sequence\":{sequence},\"envelope\"{envelope}")
            }
        }
    };
    lines.iter().enumerate().map(renumber).collect()
}

#[test]
fn a_whole_log_has_its_chain_and_all_heads_that_were_given_out() {
    let Chained { lines, heads } = chained();
    for head in heads {
        let report = verified(Verifier::new().head(head), &[&lines]);
        assert_eq!(found(&report), NOTHING);
        assert_eq!(report.heads, 4, "after each flush, and at the end");
        assert_eq!(head.to_string().parse(), Ok(head));
    }
    let too_large = format!("7:{}", "G".repeat(64));
    for bad in ["", "7", "7:", "x:00", "7:00", &too_large] {
        assert!(bad.parse::<ChainHead>().is_err(), "{bad}");
    }
}

#[test]
fn a_changed_digit_in_any_line_is_found_by_the_next_head() {
    let Chained { lines, .. } = chained();
    for at in 0..lines.len() - 1 {
        let mut changed = lines.clone();
        let line = &mut changed[at];
        let digit = line.rfind(|c: char| c.is_ascii_digit()).unwrap();
        let other = if line.as_bytes()[digit] == b'1' {
            "2"
        } else {
            "1"
        };
        line.replace_range(digit..=digit, other);
        let report = verified(Verifier::new(), &[&changed]);
        let found = found(&report);
        assert!(found.contains(&&Finding::Chain), "line {at}: {report:?}");
    }
}

#[test]
fn a_line_that_was_removed_or_moved_is_found_though_all_are_numbered_anew() {
    let Chained { lines, .. } = chained();
    assert_eq!(renumbered(&lines), lines);
    for at in 1..lines.len() - 1 {
        let mut removed = lines.clone();
        removed.remove(at);
        let report = verified(Verifier::new(), &[&renumbered(&removed)]);
        let found = found(&report);
        assert!(found.contains(&&Finding::Chain), "line {at}: {report:?}");
    }
    for at in 1..lines.len() - 2 {
        let mut swapped = lines.clone();
        swapped.swap(at, at + 1);
        let report = verified(Verifier::new(), &[&renumbered(&swapped)]);
        let found = found(&report);
        assert!(found.contains(&&Finding::Chain), "line {at}: {report:?}");
    }
}

#[test]
fn a_cut_tail_and_a_chain_made_anew_do_not_have_a_head_that_was_kept() {
    let Chained { lines, heads } = chained();
    let record = heads[1].record();
    let verifier = Verifier::new().head(heads[1]);
    let cut = usize::try_from(record).unwrap();
    let report = verified(verifier, &[&lines[..cut]]);
    assert_eq!(found(&report), [&Finding::Head { record }]);
    let report = verified(verifier, &[&lines[..=cut]]);
    assert_eq!(found(&report), NOTHING);
    let report = verified(verifier, &[&chained().lines]);
    assert_eq!(found(&report), [&Finding::Head { record }]);
    let without = lines.iter().filter(|line| !line.contains("\"hash\""));
    let report = verified(verifier, &[&without.cloned().collect::<Vec<_>>()]);
    assert!(found(&report).contains(&&Finding::Head { record }));
}

#[test]
fn a_chain_goes_on_over_rotated_files_and_later_ones_are_checked_from_their_first_head_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let bus = MessageBus::new();
    let options = Options::new().hash_chain(true).flush(Flush::Lines(4));
    let log = AuditLog::start(&bus, &path, options.rotate_at(2_000)).unwrap();
    for _ in 0..40 {
        bus.send_command("kernel", Command::Ping).unwrap();
    }
    log.close().unwrap();
    let rotated = (1..).map(|number| folder.path().join(format!("audit.jsonl.{number}")));
    let mut paths: Vec<_> = rotated.take_while(|path| path.exists()).collect();
    paths.push(path);
    let lines = |path| -> Vec<String> {
        let text = fs::read_to_string(path).unwrap();
        text.lines().map(str::to_owned).collect()
    };
    let files: Vec<_> = paths.iter().map(lines).collect();
    let files: Vec<_> = files.iter().map(Vec::as_slice).collect();
    assert!(files.len() > 2);

    let all = verified(Verifier::new(), &files);
    assert!(all.is_whole() && all.heads > 10, "{all:?}");
    let continued = Verifier::new().continued(true);
    let later = verified(continued, &files[1..]);
    assert!(later.is_whole() && later.heads > 5, "{later:?}");

    let mut changed = files[1].to_vec();
    let last = changed.iter().rposition(|line| line.contains("kernel"));
    let last = last.expect("an envelope");
    changed[last] = changed[last].replace("kernel", "colonel");
    let report = verified(continued, &[&changed, files[2]]);
    let one = "the chain goes on after the head that does not fit";
    assert_eq!(found(&report), [&Finding::Chain], "{one}");
}

#[test]
fn two_runs_in_one_file_have_a_chain_each() {
    let (first, second) = (chained(), chained());
    let both = [first.lines, second.lines].concat();
    for head in [first.heads, second.heads].concat() {
        let report = verified(Verifier::new().head(head), &[&both]);
        assert_eq!(found(&report), NOTHING);
        assert_eq!((report.runs, report.heads), (2, 8));
    }
}
