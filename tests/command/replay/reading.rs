//! Reads the command's output without this crate.

use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset};
use serde_json::Value;

/// An envelope, read without this crate.
#[derive(Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) id: String,
    pub(crate) source: String,
    correlation_id: Option<String>,
    timestamp: DateTime<FixedOffset>,
    pub(crate) message: Value,
}

impl Seen {
    pub(crate) fn read(line: &str) -> Self {
        let mut envelope: Value = serde_json::from_str(line).expect("it is JSON");
        let word = |key: &str| envelope[key].as_str().map(str::to_owned);
        let (id, source) = (word("id").unwrap(), word("source").unwrap());
        let correlation_id = word("correlation_id").map(|id| id.to_lowercase());
        let timestamp = word("timestamp").unwrap().parse().expect("it is a time");
        let mut message = envelope["message"].take();
        // Custom events in the seed's form have two keys `kind`. This reader sees the last of them.
        if message["type"] == "custom" && message.get("custom_kind").is_none() {
            message["custom_kind"] = message["kind"].take();
            message["kind"] = "event".into();
        }
        Seen {
            id: id.to_lowercase(),
            source,
            correlation_id,
            timestamp,
            message,
        }
    }

    pub(crate) fn is(&self, kind: &str, module: &str) -> bool {
        self.message["type"] == kind && self.message["module_id"] == module
    }
}

pub(crate) fn seen(lines: &str) -> Vec<Seen> {
    lines.lines().map(Seen::read).collect()
}

/// What `--stats` prints.
#[derive(Debug)]
pub(crate) struct Stats {
    pub(crate) totals: BTreeMap<String, u64>,
    /// Published and delivered by subject, in the printed order.
    pub(crate) subjects: Vec<(String, u64, u64)>,
}

impl Stats {
    pub(crate) fn read(stderr: &str) -> Self {
        let (totals, subjects) = stderr.split_once("\n\n").unwrap_or((stderr, ""));
        let totals = totals
            .lines()
            .filter(|line| !line.starts_with("oxide-bus: "))
            .map(|line| {
                let (name, count) = line.split_once(' ').expect("a name and a number");
                (name.to_owned(), count.trim().parse().expect("a number"))
            })
            .collect();
        let subjects = subjects
            .lines()
            .skip(1)
            .filter(|line| !line.starts_with("oxide-bus: "))
            .map(|line| {
                let (published, rest) = line.trim_start().split_once(' ').unwrap();
                let (delivered, subject) = rest.trim_start().split_once("  ").unwrap();
                let count = |count: &str| count.parse().expect("a number");
                (subject.to_owned(), count(published), count(delivered))
            })
            .collect();
        Stats { totals, subjects }
    }

    pub(crate) fn assert_it_adds_up(&self) {
        let total = |name: &str| self.totals[name];
        assert_eq!(total("read"), total("bad") + total("published"));
        assert_eq!(total("matched"), total("delivered") + total("dropped"));
        let published: u64 = self.subjects.iter().map(|subject| subject.1).sum();
        let delivered: u64 = self.subjects.iter().map(|subject| subject.2).sum();
        assert_eq!(published, total("published"));
        assert_eq!(delivered, total("delivered"));
    }
}
