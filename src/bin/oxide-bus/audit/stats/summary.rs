//! The summary of some logs: made record by record, and printed as text or as JSON.

use std::{fmt, mem};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::super::super::output::escaped;
use super::super::log_line::LogLine;
use super::denied::Denied;
use super::gap_list::GapList;
use super::lost::{Loser, Lost};
use super::spoken::Spoken;
use super::timeline::AuditTimeline;

/// How many lines a table of the text has. Further ones are counted; JSON has them all.
const MAX_LINES: usize = 20;

#[derive(Default)]
pub(super) struct LogSummary {
    pub(super) records: u64,
    pub(super) envelopes: u64,
    pub(super) unwritable: u64,
    pub(super) runs: u64,
    pub(super) bad_lines: u64,
    pub(super) first: Option<DateTime<Utc>>,
    pub(super) last: Option<DateTime<Utc>>,
    pub(super) spoken: Spoken,
    pub(super) gaps: GapList,
    pub(super) denied: Denied,
    pub(super) lost: Lost,
    pub(super) timeline: AuditTimeline,
    /// The number of the record before.
    before: Option<u64>,
    is_file_new: bool,
}

impl LogSummary {
    /// Begins another file.
    pub(super) fn begin_file(&mut self) {
        self.is_file_new = true;
    }

    /// Takes in a record of a log.
    pub(super) fn take(&mut self, log: &str, line: u64, record: &LogLine<'_>) {
        self.records += 1;
        // A file of another log, or one before which a file is missing, has no known beginning.
        if mem::take(&mut self.is_file_new)
            && self.before.and_then(|before| before.checked_add(1)) != Some(record.record())
        {
            self.gaps.go_on(None);
        }
        self.before = Some(record.record());
        match record {
            LogLine::Envelope {
                sequence, envelope, ..
            } => {
                let time = envelope.timestamp.0;
                self.envelopes += 1;
                self.see(time);
                self.gaps.add(log, line, *sequence);
                self.timeline.add(time.timestamp());
                self.spoken.add(envelope);
            }
            LogLine::Event(event) => {
                self.see(event.time);
                self.lost.add(event);
                match &*event.kind {
                    "opened" => {
                        self.runs += 1;
                        self.gaps.go_on(Some(event.at));
                    }
                    "unwritable" => {
                        self.unwritable += 1;
                        self.gaps.add(log, line, event.sequence.unwrap_or(event.at));
                    }
                    "lost" => {
                        let count = event.count.unwrap_or(0);
                        self.gaps.go_on(event.at.checked_add(count));
                    }
                    "denied" | "suppressed" => self.denied.add(event),
                    _ => {}
                }
            }
        }
    }

    fn see(&mut self, time: DateTime<Utc>) {
        self.first = Some(self.first.map_or(time, |first| first.min(time)));
        self.last = self.last.max(Some(time));
    }
}

/// Writes a time as logs do.
pub(super) fn written(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Writes a second as logs write a time.
pub(super) fn written_second(second: i64) -> String {
    DateTime::from_timestamp_secs(second).map_or_else(String::new, written)
}

impl Serialize for LogSummary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let busiest = self.timeline.busiest();
        let mut all = serializer.serialize_struct("LogSummary", 18)?;
        all.serialize_field("records", &self.records)?;
        all.serialize_field("envelopes", &self.envelopes)?;
        all.serialize_field("unwritable", &self.unwritable)?;
        all.serialize_field("runs", &self.runs)?;
        all.serialize_field("bad_lines", &self.bad_lines)?;
        all.serialize_field("first", &self.first.map(written))?;
        all.serialize_field("last", &self.last.map(written))?;
        all.serialize_field(
            "busiest_second",
            &busiest.map(|it| written_second(it.second)),
        )?;
        all.serialize_field("in_busiest_second", &busiest.map(|it| it.envelopes))?;
        all.serialize_field("said", &self.spoken.counts())?;
        all.serialize_field("said_by_others", &self.spoken.others)?;
        all.serialize_field("missing", &self.gaps.missing)?;
        all.serialize_field("gaps", &self.gaps.first)?;
        all.serialize_field("more_gaps", &self.gaps.more)?;
        all.serialize_field("denied", &self.denied.counts())?;
        all.serialize_field("denied_others", &self.denied.others)?;
        all.serialize_field("lost", &self.lost.counts())?;
        all.serialize_field("lost_by_others", &self.lost.others)?;
        all.end()
    }
}

impl fmt::Display for LogSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |time: Option<DateTime<Utc>>| time.map_or("none".to_owned(), written);
        writeln!(f, "records       {}", self.records)?;
        writeln!(f, "envelopes     {}", self.envelopes)?;
        writeln!(f, "unwritable    {}", self.unwritable)?;
        writeln!(f, "runs          {}", self.runs)?;
        writeln!(f, "missing       {}", self.gaps.missing)?;
        writeln!(f, "first         {}", time(self.first))?;
        writeln!(f, "last          {}", time(self.last))?;
        match self.timeline.busiest() {
            Some(it) => {
                let second = written_second(it.second);
                writeln!(
                    f,
                    "busiest       {second} ({} in this second)",
                    it.envelopes
                )?;
            }
            None => writeln!(f, "busiest       none")?,
        }
        let said = self.spoken.counts();
        let lines = said.iter().map(|it| {
            let kind = it.kind.unwrap_or("(not recorded)");
            format!("{:>12}  {}  {kind}", it.envelopes, it.source)
        });
        table(
            f,
            "   envelopes  source  subject or kind",
            lines,
            self.spoken.others,
        )?;
        let lines = self.gaps.first.iter().map(|gap| {
            let (expected, found) = (gap.expected, gap.found);
            format!(
                "{}: line {}: envelope {found} instead of {expected}",
                gap.log, gap.line
            )
        });
        table(f, "gaps", lines, self.gaps.more)?;
        let denied = self.denied.counts();
        let lines = denied.iter().map(|it| {
            let source = it.source.unwrap_or("(only counted)");
            format!(
                "{:>12}  {}  {source}  {}",
                it.times,
                it.capability,
                it.why.unwrap_or("")
            )
        });
        table(
            f,
            "      denied  capability  source  why",
            lines,
            self.denied.others,
        )?;
        let lost = self.lost.counts();
        let lines = lost.iter().map(|it| {
            let loser = match it.loser {
                Loser::Subscription => "subscription",
                Loser::Link => "link",
                Loser::Log => "log",
            };
            let evicted = (it.evicted).map_or(String::new(), |why| format!("  evicted: {why}"));
            format!("{:>12}  {loser}  {}{evicted}", it.envelopes, it.name)
        });
        table(f, "        lost  by", lines, self.lost.others)
    }
}

/// Writes a table, if it has lines. Texts of a log are shown without characters that could mislead.
fn table(
    f: &mut fmt::Formatter<'_>,
    head: &str,
    lines: impl ExactSizeIterator<Item = String>,
    others: u64,
) -> fmt::Result {
    let more = (lines.len().saturating_sub(MAX_LINES) as u64).saturating_add(others);
    if lines.len() > 0 {
        writeln!(f, "\n{head}")?;
    }
    for line in lines.take(MAX_LINES) {
        writeln!(f, "{}", escaped(line.trim_end().chars()))?;
    }
    if more > 0 {
        writeln!(f, "    and more: {more}")?;
    }
    Ok(())
}
