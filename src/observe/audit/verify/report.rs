//! What a verifier has found in a log.

use std::fmt;

use super::Flaw;

/// What was found in a log.
///
/// Its text is a summary.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Records that could be read.
    pub records: u64,
    /// Those of them that are envelopes.
    pub envelopes: u64,
    /// Envelopes that the log says it has lost.
    pub lost: u64,
    /// How often a log was started in these files.
    pub runs: u64,
    /// How often a log was ended, by [`AuditLog::close`](super::super::AuditLog::close) or with the bus.
    pub ended: u64,
    /// How many runs have no closing record: their process has crashed, they are still being written, or their end is
    /// not in these files. What came last may be missing.
    pub unended: u64,
    /// Last lines that a crash has torn: of the last file, or just before another run. One after a closing record is
    /// the `opened` record of a run that got no further.
    pub torn: u64,
    /// The number of the last record.
    pub last_record: Option<u64>,
    /// Envelopes that are whole, but whose message is not of the type that
    /// [`Verifier::messages`](super::super::Verifier::messages) requires. Each is among the flaws.
    pub foreign: u64,
    /// How many heads of a hash chain fit to the lines before them. Without the feature `hash-chain` none is checked.
    pub heads: u64,
    /// The first thousand flaws.
    pub flaws: Vec<Flaw>,
    /// How many more flaws there are.
    pub more_flaws: u64,
}

impl Report {
    /// Returns whether nothing is missing and nothing is wrong, as far as the log goes. A torn last line is no flaw: it
    /// was not known to be on disk.
    pub fn is_whole(&self) -> bool {
        self.flaws.is_empty() && self.lost == 0
    }

    /// Returns whether each run has a closing record, so that nothing can be missing at its end.
    pub fn is_ended(&self) -> bool {
        self.unended == 0
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
        writeln!(f, "unended    {}", self.unended)?;
        writeln!(f, "torn       {}", self.torn)?;
        if self.heads > 0 {
            writeln!(f, "heads      {}", self.heads)?;
        }
        write!(f, "flaws      {flaws}")
    }
}
