//! The counters of a replay, and the table of them.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::process::ExitCode;

use console::truncate_str;
use oxide_bus::Receipt;

/// How many subjects are counted separately: memory must not grow with the input.
const SUBJECTS: usize = 10_000;

/// How many subjects are listed, if not all.
const LARGEST: usize = 10;

/// How many bad lines are reported one by one. More would hide what matters, and fill a log file.
const REPORTED: u64 = 20;

#[derive(Debug, Default)]
pub(crate) struct Counters {
    bad: u64,
    published: u64,
    delivered: u64,
    dropped: u64,
    /// How many of the delivered envelopes were displaced from the queue, if the policy allows that.
    displaced: Option<u64>,
    subjects: BTreeMap<String, Traffic>,
    /// The subjects that came when [`SUBJECTS`] were counted already.
    others: Traffic,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Traffic {
    published: u64,
    delivered: u64,
}

impl AddAssign for Traffic {
    fn add_assign(&mut self, other: Self) {
        self.published += other.published;
        self.delivered += other.delivered;
    }
}

impl Counters {
    /// Counts a bad line. Returns whether to report it.
    pub(crate) fn enter_bad(&mut self) -> bool {
        self.bad += 1;
        self.bad <= REPORTED
    }

    /// Returns how many bad lines were not reported.
    pub(crate) fn unreported(&self) -> u64 {
        self.bad.saturating_sub(REPORTED)
    }

    /// Counts a published envelope, also by its subject if one is given.
    pub(crate) fn record(&mut self, receipt: &Receipt, subject: Option<String>) {
        let delivered = receipt.delivered() as u64;
        self.published += 1;
        self.delivered += delivered;
        self.dropped += receipt.dropped() as u64;
        if let Some(subject) = subject {
            *self.traffic(subject) += Traffic {
                published: 1,
                delivered,
            };
        }
    }

    /// Sets how many of the delivered envelopes had to make room for others.
    pub(crate) fn enter_displaced(&mut self, displaced: u64) {
        self.displaced = Some(displaced);
    }

    fn traffic(&mut self, subject: String) -> &mut Traffic {
        if self.subjects.len() < SUBJECTS || self.subjects.contains_key(&subject) {
            self.subjects.entry(subject).or_default()
        } else {
            &mut self.others
        }
    }

    /// Returns how many lines were read.
    pub(crate) fn read(&self) -> u64 {
        self.bad + self.published
    }

    /// Returns how many of them were bad.
    #[cfg(feature = "nats")]
    pub(crate) fn bad(&self) -> u64 {
        self.bad
    }

    /// Returns whether no line was bad.
    pub(crate) fn is_good(&self) -> bool {
        self.bad == 0
    }

    /// Returns 1 if lines were bad, else 0.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(u8::from(!self.is_good()))
    }

    /// Returns the totals, then the largest subjects in order of size, or all by name. No line is wider than `width`.
    pub(crate) fn table(&self, all_subjects: bool, width: Option<usize>) -> String {
        let mut lines = self.totals();
        if !self.subjects.is_empty() {
            lines.extend([
                String::new(),
                format!("{:>12} {:>12}  subject", "published", "delivered"),
            ]);
            lines.extend(self.by_subject(all_subjects));
        }
        let mut table = String::new();
        for line in &lines {
            table.push_str(&truncate_str(line, width.unwrap_or(usize::MAX), "…"));
            table.push('\n');
        }
        table
    }

    fn totals(&self) -> Vec<String> {
        let totals = [
            ("read", self.read()),
            ("bad", self.bad),
            ("published", self.published),
            ("matched", self.delivered + self.dropped),
            ("delivered", self.delivered),
            ("dropped", self.dropped),
        ];
        let displaced = self.displaced.map(|count| ("displaced", count));
        (totals.into_iter().chain(displaced))
            .map(|(name, count)| format!("{name:<9} {count:>12}"))
            .collect()
    }

    fn by_subject(&self, all: bool) -> Vec<String> {
        let mut subjects: Vec<_> = self.subjects.iter().collect();
        let mut others = self.others;
        if !all {
            subjects.sort_by_key(|(_, traffic)| Reverse(**traffic)); // stable, so equals stay in the order of names
            for (_, traffic) in subjects.drain(LARGEST.min(subjects.len())..) {
                others += *traffic;
            }
        }
        let mut lines: Vec<_> = (subjects.into_iter())
            .map(|(subject, traffic)| traffic.line(subject))
            .collect();
        if others.published > 0 {
            lines.push(others.line("(all others)"));
        }
        lines
    }
}

impl Traffic {
    fn line(self, subject: &str) -> String {
        let Traffic {
            published,
            delivered,
        } = self;
        format!("{published:>12} {delivered:>12}  {subject}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let mut counters = Counters::default();
        for subject in ["command.start.日本語日本語", "command.ping"] {
            let traffic = counters.traffic(subject.to_owned());
            (traffic.published, traffic.delivered) = (2, 1);
        }
        let whole = counters.table(false, None);
        assert!(
            whole.ends_with(
                "  command.ping\n           2            1  command.start.日本語日本語\n"
            )
        );
        // Each of these characters is two columns wide, and the ellipsis one.
        let cut = counters.table(false, Some(27 + 14 + 2 * 2));
        assert_eq!(cut, whole.replace("日本語日本語", "日…"));
        assert_eq!(counters.table(false, Some(27 + 14 + 2 * 6)), whole);
    }
}
