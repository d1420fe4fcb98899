//! Fuzzes the verifier: audit logs of any bytes, read back.

use std::io::Write;

use oxide_bus::audit::{Report, Verifier};
use oxide_bus::kernel::Message;
use tempfile::NamedTempFile;

use super::check_line;
use super::memory::{Limited, within};

/// Separates the files of a log.
const NEXT_FILE: &[u8] = b"\n----\n";

/// The most files that are read. More would only take time.
const FILES: usize = 3;

/// The most bytes held beside a line: a buffer of 64 KiB, and the flaws.
const READER: usize = 256 * 1024;

/// Verifies a log of up to three files. The first byte says how strictly. Checks that the report counts no more than
/// there is, that each flaw lies somewhere in the files and prints as one line, and that memory is bounded. If a log is
/// whole, each beginning of it is whole, but it is not whole without one of its lines.
pub fn audit_verify(data: &[u8]) {
    let Some((&kind, log)) = data.split_first() else {
        return;
    };
    let limited = if kind & 1 == 0 {
        Limited::ordinary()
    } else {
        Limited::tight()
    };
    let verifier = Verifier::new()
        .codec(limited.codec)
        .continued(kind & 2 != 0);
    let verifier = if kind & 4 == 0 {
        verifier
    } else {
        verifier.messages::<Message>()
    };
    let files = split(log);
    let bound = READER + Limited::ordinary().bound(log);
    let report = within(bound, || verify(verifier, &files));
    check(&report, &files);
    if let [log] = *files
        && kind & 2 == 0
        && report.is_whole()
        && report.torn == 0
    {
        check_cuts(verifier, log, &report, kind >> 3);
    }
}

fn check(report: &Report, files: &[&[u8]]) {
    let lines: Vec<_> = files.iter().map(|file| lines(file).count()).collect();
    assert!(report.records <= lines.iter().sum::<usize>() as u64);
    assert!(report.envelopes + report.runs <= report.records);
    assert!(report.ended <= report.records);
    assert!(report.torn <= lines.len() as u64 + report.runs);
    assert!(report.foreign <= report.flaws.len() as u64 + report.more_flaws);
    assert_eq!(report.last_record.is_some(), report.records > 0);
    for flaw in &report.flaws {
        assert!(flaw.file < lines.len().max(1), "{flaw:?}");
        let lines = lines.get(flaw.file).map_or(1, |lines| *lines.max(&1));
        assert!((1..=lines as u64).contains(&flaw.line), "{flaw:?}");
        check_line(&flaw.finding.to_string());
    }
}

/// Checks the beginnings of a log that is whole and in one file, which are what a crash leaves. Without one of its
/// lines the log is not whole.
fn check_cuts(verifier: Verifier, log: &[u8], whole: &Report, at: u8) {
    let lines: Vec<_> = lines(log).collect();
    let first = lines.first().map_or(0, |line| line.len());
    let end = first + usize::from(at) * (log.len() - first) / 32;
    let beginning = verify(verifier, &[&log[..end]]);
    assert!(beginning.is_whole(), "{beginning:?} of {end} bytes");

    let without = usize::from(at) % lines.len().max(1);
    let others = lines.iter().enumerate().filter(|(at, _)| *at != without);
    let others: Vec<_> = others.flat_map(|(_, line)| line.iter().copied()).collect();
    let report = verify(verifier, &[&others]);
    let ends = |report: &Report| (report.runs, report.ended, report.unended);
    assert!(
        !report.is_whole() || ends(&report) != ends(whole) || without + 1 == lines.len(),
        "line {without} is not missed"
    );
}

fn split(log: &[u8]) -> Vec<&[u8]> {
    let mut files = vec![];
    let mut rest = log;
    while files.len() + 1 < FILES
        && let Some(at) = (rest.windows(NEXT_FILE.len())).position(|window| window == NEXT_FILE)
    {
        files.push(&rest[..=at]);
        rest = &rest[at + NEXT_FILE.len()..];
    }
    files.push(rest);
    files
}

fn lines(file: &[u8]) -> impl Iterator<Item = &[u8]> {
    file.split_inclusive(|&byte| byte == b'\n')
}

fn verify(verifier: Verifier, files: &[&[u8]]) -> Report {
    // New files each time: ext4 would write a file to the disk that is truncated and filled again.
    let files = files.iter().map(|content| {
        let mut file = NamedTempFile::new().expect("a file can be made");
        file.write_all(content).expect("it can be written");
        file.into_temp_path()
    });
    let files: Vec<_> = files.collect();
    verifier.files(&files).expect("the files can be read")
}
