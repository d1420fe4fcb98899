//! Reading a log back: is it whole?

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use super::record::Line;
use crate::codec::Codec;

/// A longer line is none: an envelope within the codec's default limits, and what stands around it.
const MAX_LINE: u64 = 2 * 1024 * 1024;

/// How many flaws are remembered; more are counted.
const MAX_FLAWS: usize = 1_000;

/// What was found in a log.
///
/// Its text is a summary.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Lines that could be read.
    pub records: u64,
    /// Those of them that are envelopes.
    pub envelopes: u64,
    /// Envelopes that the log says it has lost.
    pub lost: u64,
    /// How often a log was begun in these files.
    pub runs: u64,
    /// How many of them were ended, by [`AuditLog::close`](super::AuditLog::close) or with the bus.
    pub ended: u64,
    /// Last lines that a crash has torn: of the last file, or just before another run.
    pub torn: u64,
    /// The number of the last record.
    pub last_record: Option<u64>,
    /// What is wrong, the first thousand.
    pub flaws: Vec<Flaw>,
    /// How many more there are.
    pub more_flaws: u64,
}

/// Something that is wrong with a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// Which of the files, counted from 0.
    pub file: usize,
    /// Which line in it, counted from 1.
    pub line: u64,
    /// What it is; quotes nothing of the payload.
    pub what: String,
}

impl Report {
    /// Whether nothing is missing and nothing is wrong. A torn last line is no flaw: it was not known to be on
    /// disk.
    pub fn is_whole(&self) -> bool {
        self.flaws.is_empty() && self.lost == 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flaws = self.flaws.len() as u64 + self.more_flaws;
        writeln!(f, "records    {}", self.records)?;
        writeln!(f, "envelopes  {}", self.envelopes)?;
        writeln!(f, "lost       {}", self.lost)?;
        writeln!(f, "runs       {}", self.runs)?;
        writeln!(f, "ended      {}", self.ended)?;
        writeln!(f, "torn       {}", self.torn)?;
        write!(f, "flaws      {flaws}")
    }
}

/// Reads the files of a log of [`Message`](crate::Message)s, in the order in which they were written, and looks whether all is there
/// and in order.
///
/// # Errors
///
/// Where a file cannot be read.
pub fn verify(paths: impl IntoIterator<Item = impl AsRef<Path>>) -> io::Result<Report> {
    let mut check = Check::default();
    for (index, path) in paths.into_iter().enumerate() {
        check.settle_torn(false);
        (check.file, check.line) = (index, 0);
        let path = path.as_ref();
        let named =
            |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        let file = File::open(path).map_err(named)?;
        check
            .read(BufReader::with_capacity(64 * 1024, file))
            .map_err(named)?;
    }
    check.settle_torn(true);
    Ok(check.report)
}

#[derive(Default)]
struct Check {
    report: Report,
    file: usize,
    line: u64,
    next_record: Option<u64>,
    /// The sequence number that the next envelope must have, once there was one.
    next_sequence: Option<u64>,
    /// A line that may be a torn one, if the next begins a run or there is none.
    torn: Option<Flaw>,
}

impl Check {
    fn read(&mut self, mut input: impl BufRead) -> io::Result<()> {
        let mut line = Vec::new();
        loop {
            line.clear();
            (&mut input).take(MAX_LINE).read_until(b'\n', &mut line)?;
            if line.is_empty() {
                return Ok(());
            }
            self.line += 1;
            let is_whole = line.pop_if(|byte| *byte == b'\n').is_some();
            if !is_whole && line.len() as u64 == MAX_LINE {
                input.skip_until(b'\n')?;
            }
            match serde_json::from_slice::<Line<'_>>(&line) {
                Ok(read) if is_whole => self.check(&read),
                _ => {
                    self.settle_torn(false);
                    self.torn = Some(self.flaw("not a record".to_owned()));
                }
            }
        }
    }

    fn check(&mut self, line: &Line<'_>) {
        let begins = line.event.as_deref() == Some("opened");
        self.settle_torn(begins);
        if begins {
            self.report.runs += 1;
            (self.next_record, self.next_sequence) = (Some(0), None);
        }
        self.report.records += 1;
        self.report.last_record = Some(line.record);
        if let Some(expected) = self.next_record
            && line.record != expected
        {
            self.add(format!("record {} instead of {expected}", line.record));
        }
        self.next_record = Some(line.record + 1);
        match (line.event.as_deref(), line.sequence, line.envelope, line.at) {
            (None, Some(sequence), Some(envelope), None) => {
                self.report.envelopes += 1;
                if let Err(error) = Codec::new().decode(envelope.get()) {
                    self.add(format!("envelope: {}", error.kind()));
                }
                self.sequence(sequence);
            }
            (Some("unwritable"), Some(sequence), None, Some(_)) => {
                self.add("an envelope that could not be written".to_owned());
                self.sequence(sequence);
            }
            (Some(event), None, None, Some(at)) => {
                if self.next_sequence.is_some_and(|next| at > next) {
                    self.add(format!(
                        "`{event}` stands before envelopes that it came after"
                    ));
                }
                if event == "lost" {
                    let count = line.count.unwrap_or(0);
                    self.report.lost += count;
                    self.next_sequence = Some(at + count);
                }
                self.report.ended += u64::from(event == "ended");
            }
            _ => self.add("a record of no known kind".to_owned()),
        }
    }

    fn sequence(&mut self, sequence: u64) {
        if let Some(expected) = self.next_sequence
            && sequence != expected
        {
            self.add(format!("envelope {sequence} instead of {expected}"));
        }
        self.next_sequence = Some(sequence + 1);
    }

    /// Now it is known what follows a line that is no record.
    fn settle_torn(&mut self, is_torn: bool) {
        match self.torn.take() {
            Some(_) if is_torn => self.report.torn += 1,
            Some(flaw) => self.push(flaw),
            None => {}
        }
    }

    fn flaw(&self, what: String) -> Flaw {
        Flaw {
            file: self.file,
            line: self.line,
            what,
        }
    }

    fn add(&mut self, what: String) {
        let flaw = self.flaw(what);
        self.push(flaw);
    }

    fn push(&mut self, flaw: Flaw) {
        if self.report.flaws.len() < MAX_FLAWS {
            self.report.flaws.push(flaw);
        } else {
            self.report.more_flaws += 1;
        }
    }
}
