//! The answer for people: a tree, and the other records about it.

use std::fmt::Write;

use super::super::output::escaped;
use super::report::{
    CauseFound, NOT_RECORDED, WhyEnvelope, WhyEvent, WhyListener, WhyRecord, WhyRest,
};
use super::tree::TreeRow;

/// How many subscriptions are listed in a line. Further ones are counted; JSON has them all.
const MAX_LISTED: usize = 20;

/// Returns the lines of one envelope. Texts of a log are shown without characters that could mislead.
pub(super) fn envelope(row: &TreeRow, envelope: &WhyEnvelope<'_>) -> String {
    let mut lines = vec![heading(envelope)];
    if row.is_root {
        match (envelope.cause, &envelope.caused_by) {
            (CauseFound::NotRecorded, _) => lines.push("caused by: not recorded".to_owned()),
            (CauseFound::InNoLog, Some(id)) => {
                lines.push(format!("caused by: {id}, which is in none of these logs"));
            }
            (CauseFound::InTree, Some(id)) => lines.push(format!("caused by: {id}, in a circle")),
            _ => {}
        }
    }
    for (name, value) in envelope.headers.into_iter().flatten() {
        lines.push(format!("header {name}: {}", quoted(value)));
    }
    lines.extend(
        envelope
            .message
            .map(|message| format!("message: {message}")),
    );
    for record in &envelope.records {
        lines.extend(self::record(record));
    }
    if envelope.others_caused > 0 {
        lines.push(format!(
            "records of other effects: {}",
            envelope.others_caused
        ));
    }
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        let before = if number == 0 { &row.branch } else { &row.trunk };
        let space = if number == 0 { "" } else { "  " };
        let line = escaped(line.chars());
        let _ = writeln!(text, "{before}{space}{line}"); // writing to a string does not fail
    }
    text
}

fn heading(envelope: &WhyEnvelope<'_>) -> String {
    let time = envelope.time.as_deref().unwrap_or("time not recorded");
    let subject = envelope
        .subject
        .as_deref()
        .unwrap_or("subject not recorded");
    let asked = if envelope.is_asked {
        "  <- asked for"
    } else {
        ""
    };
    let source = quoted(envelope.source);
    format!("{}  {time}  {source}  {subject}{asked}", envelope.id)
}

fn record(record: &WhyRecord<'_>) -> Vec<String> {
    let WhyRecord {
        log,
        line,
        sequence,
        ..
    } = record;
    let mut place = format!(
        "{log}: line {line}, record {}, sequence {sequence}",
        record.record
    );
    if let Some(origin) = record.link_origin {
        let _ = write!(place, ", brought by a link from {}", quoted(origin));
    }
    if record.differs {
        place += ", with another content than the first record";
    }
    let mut lines = vec![place];
    if let Some(why) = record.unwritable {
        lines.push(format!("  unwritable: {why}"));
    }
    let none = "no subscription that is recorded".to_owned();
    lines.push(format!(
        "  matched: {}",
        list(&record.matched).unwrap_or(none)
    ));
    lines.extend(list(&record.undecided).map(|list| format!("  perhaps matched: {list}")));
    if record.not_matched > 0 {
        lines.push(format!("  not matched: {}", record.not_matched));
    }
    for listener in record.matched.iter().chain(&record.undecided) {
        let name = name(listener);
        if let Some(lost) = &listener.lost {
            let (count, from, to) = (lost.count, lost.from, lost.to);
            lines.push(format!(
                "  lost: {name} lost {count} between sequence {from} and {to}; which ones is not recorded"
            ));
        }
        if let Some(evicted) = &listener.evicted {
            lines.push(format!(
                "  evicted: {name} at sequence {} ({})",
                evicted.at, evicted.why
            ));
        }
    }
    lines
}

fn list(listeners: &[WhyListener<'_>]) -> Option<String> {
    let listed: Vec<_> = (listeners.iter().take(MAX_LISTED))
        .map(|listener| format!("{} ({})", name(listener), listener.listens_to))
        .collect();
    let more = listeners.len().saturating_sub(MAX_LISTED);
    let more = if more > 0 {
        format!(", and {more} more")
    } else {
        String::new()
    };
    (!listed.is_empty()).then(|| listed.join(", ") + &more)
}

fn name(listener: &WhyListener<'_>) -> String {
    listener.name.map_or_else(|| listener.id.clone(), quoted)
}

/// Returns what is said after the tree.
pub(super) fn rest(rest: &WhyRest<'_>, around: f64) -> String {
    let mut lines = Vec::new();
    if rest.left_out > 0 {
        lines.push(format!(
            "records of effects that are left out: {}",
            rest.left_out
        ));
    }
    if !rest.same_trace.is_empty() {
        lines.push("of the same trace, and neither a cause nor an effect:".to_owned());
        lines.extend((rest.same_trace.iter()).map(|it| {
            format!(
                "  {}: line {}: {}  {}",
                it.log,
                it.line,
                it.id,
                quoted(it.source)
            )
        }));
        more(&mut lines, rest.more_of_same_trace);
    }
    if !rest.meanwhile.is_empty() {
        lines.push(format!(
            "refused, lost or ended up to {around} s after one of these:"
        ));
        lines.extend(rest.meanwhile.iter().map(event));
        more(&mut lines, rest.more_meanwhile);
    }
    lines.push("not recorded in an audit log:".to_owned());
    lines.extend(NOT_RECORDED.map(|what| format!("  {what}")));
    let lines: Vec<_> = lines
        .iter()
        .map(|line| escaped(line.chars()) + "\n")
        .collect();
    lines.concat()
}

fn more(lines: &mut Vec<String>, count: u64) {
    if count > 0 {
        lines.push(format!("  and {count} more"));
    }
}

fn event(event: &WhyEvent<'_>) -> String {
    let mut text = format!(
        "  {}: line {}: {}  {}",
        event.log, event.line, event.time, event.event
    );
    for (key, value) in [
        // The id is shown only if there is no name.
        ("id", event.id.as_deref().filter(|_| event.name.is_none())),
        ("name", event.name),
        ("source", event.source),
        ("claimed", event.claimed),
        ("subject", event.subject),
        ("capability", event.capability),
        ("why", event.why),
    ] {
        if let Some(value) = value {
            let _ = write!(text, ", {key} {}", quoted(value));
        }
    }
    if let Some(count) = event.count {
        let _ = write!(text, ", count {count}");
    }
    text
}

/// Returns a text from a log between quotes, so that nothing in it looks like a part of the answer.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\""))
}
