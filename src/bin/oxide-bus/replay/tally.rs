//! What went where, in numbers.

use std::collections::BTreeMap;
use std::fmt;
use std::process::ExitCode;

use oxide_bus::Receipt;

/// How many subjects are told apart: memory must not grow with the input.
const SUBJECTS: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct Tally {
    bad: u64,
    published: u64,
    delivered: u64,
    dropped: u64,
    /// How many of the delivered were displaced from the queue, where that can be.
    displaced: Option<u64>,
    subjects: BTreeMap<String, Traffic>,
    /// The subjects that came when there were enough.
    others: Traffic,
}

#[derive(Debug, Default)]
struct Traffic {
    published: u64,
    delivered: u64,
}

impl Tally {
    /// A bad line.
    pub(super) fn enter_bad(&mut self) {
        self.bad += 1;
    }

    /// A published envelope, by subject if that is wanted.
    pub(super) fn enter(&mut self, receipt: &Receipt, subject: Option<String>) {
        let delivered = receipt.delivered() as u64;
        self.published += 1;
        self.delivered += delivered;
        self.dropped += receipt.dropped() as u64;
        if let Some(subject) = subject {
            let traffic = self.traffic(subject);
            traffic.published += 1;
            traffic.delivered += delivered;
        }
    }

    /// So many of the delivered had to make room for others.
    pub(super) fn enter_displaced(&mut self, displaced: u64) {
        self.displaced = Some(displaced);
    }

    fn traffic(&mut self, subject: String) -> &mut Traffic {
        if self.subjects.len() < SUBJECTS || self.subjects.contains_key(&subject) {
            self.subjects.entry(subject).or_default()
        } else {
            &mut self.others
        }
    }

    /// 1 where lines were bad.
    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(u8::from(self.bad > 0))
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let totals = [
            ("read", self.bad + self.published),
            ("bad", self.bad),
            ("published", self.published),
            ("matched", self.delivered + self.dropped),
            ("delivered", self.delivered),
            ("dropped", self.dropped),
        ];
        let displaced = self.displaced.map(|count| ("displaced", count));
        for (name, count) in totals.into_iter().chain(displaced) {
            writeln!(f, "{name:<9} {count:>12}")?;
        }
        if self.subjects.is_empty() {
            return Ok(());
        }
        writeln!(f, "\n{:>12} {:>12}  subject", "published", "delivered")?;
        for (subject, traffic) in &self.subjects {
            traffic.line(f, subject)?;
        }
        if self.others.published > 0 {
            self.others.line(f, "(all others)")?;
        }
        Ok(())
    }
}

impl Traffic {
    fn line(&self, f: &mut fmt::Formatter<'_>, subject: &str) -> fmt::Result {
        let Traffic {
            published,
            delivered,
        } = self;
        writeln!(f, "{published:>12} {delivered:>12}  {subject}")
    }
}
