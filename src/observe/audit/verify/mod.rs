//! Reads a log back, and reports whether it is whole and in order.
//!
//! The numbers of the records and of the envelopes show what is missing; each line must be one that a log writes.

mod chain_check;
mod finding;
mod report;
mod verifier;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use serde::de::IgnoredAny;

pub use self::finding::{Finding, Flaw};
pub use self::report::Report;
pub use self::verifier::Verifier;

use self::chain_check::ChainCheck;
use super::line::{Line, LineContent, ParsedEvent};
use crate::codec::{self, Codec, DecodeError, FileKind};
use crate::message::excerpt;

/// How many bytes a line may have around its envelope, or without one. A longer line is no record.
const AROUND: u64 = 1024 * 1024;

/// How many flaws are kept; further ones are only counted.
const MAX_FLAWS: usize = 1_000;

/// A file that starts with this many lines that are no records is taken for something other than a log.
const MAX_STRANGE: usize = 100;

/// Reads the files of a log, in the order in which they were written. Checks whether everything is there and in order,
/// from the `opened` record on, and each envelope within the codec's default limits. The messages may be of any type:
/// any JSON value is accepted. A [`Verifier`] can [require more](Verifier::messages).
///
/// A byte-order mark of UTF-8 at the start of a file is skipped. A file that is no log is one flaw
/// ([`Finding::NotALog`]).
///
/// # Errors
///
/// If a file cannot be read.
pub fn verify(paths: impl IntoIterator<Item = impl AsRef<Path>>) -> io::Result<Report> {
    Verifier::new().files(paths)
}

/// Where in a run the check is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Run {
    /// Before the first.
    None,
    Open,
    Ended,
    /// After a file that is no log: the next file may go on in the middle of a run.
    Unknown,
}

/// Checks whether an envelope can be read.
type Decode = fn(&Codec, &str) -> Result<(), DecodeError>;

struct Check {
    codec: Codec,
    /// Reads an envelope with the required type of messages; `None` if any JSON will do.
    messages: Option<Decode>,
    chain: ChainCheck,
    report: Report,
    file: usize,
    line: u64,
    run: Run,
    next_record: Option<u64>,
    /// The sequence number that the next envelope must have, once one is known.
    next_sequence: Option<u64>,
    /// A line that counts as torn if the next line begins a run, or if there is no next line.
    torn: Option<Flaw>,
    /// The flaws of this file before its first record; `None` after that.
    strange: Option<Vec<Flaw>>,
}

impl Check {
    fn new(codec: Codec, continued: bool, messages: Option<Decode>, chain: ChainCheck) -> Self {
        Check {
            codec,
            messages,
            chain,
            report: Report::default(),
            file: 0,
            line: 0,
            run: if continued { Run::Open } else { Run::None },
            next_record: None,
            next_sequence: None,
            torn: None,
            strange: None,
        }
    }

    fn files(mut self, paths: impl IntoIterator<Item = impl AsRef<Path>>) -> io::Result<Report> {
        for (index, path) in paths.into_iter().enumerate() {
            (self.file, self.line) = (index, 0);
            let path = path.as_ref();
            let named = |error: io::Error| {
                io::Error::new(error.kind(), format!("{}: {error}", path.display()))
            };
            let file = File::open(path).map_err(named)?;
            self.read(BufReader::with_capacity(64 * 1024, file))
                .map_err(named)?;
        }
        self.settle_torn(true);
        if self.report.records == 0 && self.run != Run::Unknown {
            (self.file, self.line) = (0, 1);
            self.add(Finding::NoBeginning);
        }
        self.end_of_run();
        #[cfg(feature = "hash-chain")]
        self.end_of_chain();
        Ok(self.report)
    }

    /// Counts the current run as unended, if it is still open.
    fn end_of_run(&mut self) {
        self.report.unended += u64::from(self.run == Run::Open);
    }

    fn read(&mut self, mut input: impl BufRead) -> io::Result<()> {
        let longest = AROUND.saturating_add(self.codec.byte_limit() as u64);
        let stored = longest.saturating_add(codec::BOM.len() as u64);
        let mut line = Vec::new();
        self.strange = Some(Vec::new());
        loop {
            line.clear();
            (&mut input).take(stored).read_until(b'\n', &mut line)?;
            let is_over = line.is_empty();
            let strange = self.strange.as_ref().map_or(0, Vec::len);
            if is_over || strange >= MAX_STRANGE {
                if strange > 0 {
                    self.not_a_log(None);
                }
                self.strange = None;
                return Ok(());
            }
            self.line += 1;
            let mut text = &*line;
            if self.line == 1 {
                match codec::begin(text) {
                    Ok(rest) => text = rest,
                    Err(kind) => {
                        self.not_a_log(Some(kind));
                        return Ok(());
                    }
                }
            }
            let has_end = text.ends_with(b"\n");
            if !has_end && line.len() as u64 == stored {
                input.skip_until(b'\n')?;
            }
            let is_whole = has_end && text.len() as u64 <= longest;
            match serde_json::from_slice::<Line<'_>>(text) {
                Ok(read) if is_whole => {
                    self.check(&read);
                    self.chain.add(text);
                }
                // A torn line is never whole JSON.
                Err(error) if is_whole && error.is_data() => {
                    self.settle_torn(false);
                    self.add(Finding::NotARecord);
                }
                _ => {
                    self.settle_torn(false);
                    let flaw = self.flaw(Finding::NotARecord);
                    // A torn record begins like a record, or with the NULs of a hole in the file.
                    if self.strange.is_none() || matches!(text, [0 | b'{', ..]) {
                        self.torn = Some(flaw);
                    } else {
                        self.push(flaw);
                    }
                }
            }
        }
    }

    fn check(&mut self, line: &Line<'_>) {
        let content = line.content();
        let begins = matches!(&content, LineContent::Event(event) if event.kind == "opened");
        self.settle_torn(begins);
        for flaw in self.strange.take().into_iter().flatten() {
            self.push(flaw); // the file is a log after all
        }
        if begins {
            self.end_of_run();
            self.report.runs += 1;
            (self.run, self.next_record, self.next_sequence) = (Run::Open, Some(0), None);
        } else {
            match self.run {
                Run::None => self.add(Finding::NoBeginning),
                Run::Ended => self.add(Finding::AfterTheEnd),
                Run::Open | Run::Unknown => {}
            }
            self.run = Run::Open;
        }
        self.report.records += 1;
        self.report.last_record = Some(line.record);
        if let Some(expected) = self.next_record
            && line.record != expected
        {
            let found = line.record;
            self.add(Finding::Record { found, expected });
        }
        self.next_record = self.sum(line.record, 1);
        match content {
            LineContent::Envelope { sequence, json } => {
                self.report.envelopes += 1;
                self.envelope(json);
                self.sequence(sequence);
            }
            LineContent::Event(event) => {
                self.event(&event);
                self.hash(line.record, &event);
            }
            LineContent::Nothing => self.add(Finding::NoKnownKind),
        }
    }

    fn envelope(&mut self, json: &str) {
        let any: Decode = |codec, json| codec.decode::<IgnoredAny>(json).map(drop);
        let Err(error) = self.messages.unwrap_or(any)(&self.codec, json) else {
            return;
        };
        let kind = error.kind().clone();
        if self.messages.is_some() && any(&self.codec, json).is_ok() {
            self.report.foreign += 1;
            self.add(Finding::Message(kind));
        } else {
            self.add(Finding::Envelope(kind));
        }
    }

    fn event(&mut self, event: &ParsedEvent) {
        let next = self.next_sequence;
        let name = || excerpt::name(&event.kind).into_owned();
        if event.at.zip(next).is_some_and(|(at, next)| at > next) {
            self.add(Finding::Early { event: name() });
        }
        if !event.is_known {
            self.add(Finding::NoKnownKind);
            return;
        }
        let has_its_place = match &*event.kind {
            // These are the log's own events, so their place is exact to the envelope.
            "lost" | "ended" => event.at.zip(next).is_none_or(|(at, next)| at >= next),
            "unwritable" => event.at == event.sequence,
            _ => true,
        };
        if !(event.is_well_formed && has_its_place) {
            self.add(Finding::Malformed { event: name() });
        }
        match &*event.kind {
            "opened" => self.next_sequence = event.at,
            "unwritable" => {
                self.add(Finding::Unwritable);
                if let Some(sequence) = event.sequence {
                    self.sequence(sequence);
                }
            }
            "lost" => {
                let count = event.count.unwrap_or(0);
                self.report.lost = self.report.lost.saturating_add(count);
                self.next_sequence = event.at.and_then(|at| self.sum(at, count));
            }
            "ended" => {
                self.report.ended += 1;
                self.run = Run::Ended;
            }
            _ => {}
        }
    }

    fn sequence(&mut self, found: u64) {
        if let Some(expected) = self.next_sequence
            && found != expected
        {
            self.add(Finding::Sequence { found, expected });
        }
        self.next_sequence = self.sum(found, 1);
    }

    /// Adds to a number that was read. More numbers come after it, so an overflow is a flaw.
    fn sum(&mut self, number: u64, more: u64) -> Option<u64> {
        let sum = number.checked_add(more);
        if sum.is_none() {
            self.add(Finding::OutOfRange);
        }
        sum
    }

    /// Decides about a line that was no record, now that it is known what follows: torn, or a flaw.
    fn settle_torn(&mut self, is_torn: bool) {
        match self.torn.take() {
            Some(_) if is_torn => {
                self.report.torn += 1;
                // Either the torn line began another run, or it was no end of this one.
                self.report.unended += u64::from(self.run != Run::Open);
            }
            Some(flaw) => self.push(flaw),
            None => {}
        }
    }

    /// Replaces the flaws of this file by a single one: it is no log.
    fn not_a_log(&mut self, looks_like: Option<FileKind>) {
        self.strange = None;
        self.torn.take_if(|flaw| flaw.file == self.file);
        self.settle_torn(true); // a torn line of the file before
        self.line = 1;
        self.add(Finding::NotALog { looks_like });
        self.end_of_run();
        (self.run, self.next_record, self.next_sequence) = (Run::Unknown, None, None);
    }

    fn flaw(&self, finding: Finding) -> Flaw {
        Flaw {
            file: self.file,
            line: self.line,
            finding,
        }
    }

    fn add(&mut self, finding: Finding) {
        let flaw = self.flaw(finding);
        self.push(flaw);
    }

    fn push(&mut self, flaw: Flaw) {
        if let Some(strange) = &mut self.strange
            && flaw.file == self.file
        {
            strange.push(flaw);
        } else if self.report.flaws.len() < MAX_FLAWS {
            self.report.flaws.push(flaw);
        } else {
            self.report.more_flaws += 1;
        }
    }
}
