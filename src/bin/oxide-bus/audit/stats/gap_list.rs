//! The gaps of a log: the places where its sequence numbers do not follow each other.

use serde::Serialize;

/// How many gaps are listed. Further ones are counted.
const MAX_LISTED: usize = 100;

#[derive(Default)]
pub(super) struct GapList {
    /// The sequence number that the next envelope must have, once one is known.
    next: Option<u64>,
    pub(super) first: Vec<SequenceGap>,
    pub(super) more: u64,
    /// How many envelopes are missing in all gaps together.
    pub(super) missing: u64,
}

/// A place where the sequence number is not the next one.
#[derive(Debug, Serialize)]
pub(super) struct SequenceGap {
    pub(super) log: String,
    pub(super) line: u64,
    pub(super) expected: u64,
    pub(super) found: u64,
}

impl GapList {
    /// Continues with this sequence number for the next envelope; `None` if it is not known.
    pub(super) fn go_on(&mut self, next: Option<u64>) {
        self.next = next;
    }

    pub(super) fn add(&mut self, log: &str, line: u64, found: u64) {
        let expected = self.next.unwrap_or(found);
        self.next = found.checked_add(1);
        if found == expected {
            return;
        }
        // A number that comes again, or goes back, means no missing envelopes.
        self.missing = (self.missing).saturating_add(found.saturating_sub(expected));
        if self.first.len() < MAX_LISTED {
            self.first.push(SequenceGap {
                log: log.to_owned(),
                line,
                expected,
                found,
            });
        } else {
            self.more += 1;
        }
    }
}
