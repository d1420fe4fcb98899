//! One run of a log, from its start to its end: which subscriptions listened when, and what they lost.
//!
//! Only records that concern an envelope of the tree are kept. So the memory depends on the question and on the number
//! of subscriptions at a time, not on the length of the log.

use std::collections::HashMap;

use uuid::Uuid;

use super::super::audit::log_line::LoggedEvent;
use super::filter_words::FilterWords;

/// What the log tells of one run.
#[derive(Default)]
pub(super) struct RunPast {
    /// The sequence numbers of the envelopes of the tree, in ascending order.
    sequences: Vec<u64>,
    subscriptions: HashMap<Uuid, SubscriptionPast>,
}

/// What the log tells of one subscription.
#[derive(Default)]
pub(super) struct SubscriptionPast {
    pub(super) name: Option<String>,
    /// The sequence number that the bus had reached when the subscription came; 0 if it came before the log began.
    since: u64,
    until: Option<u64>,
    /// Why it was evicted, if it was.
    pub(super) evicted: Option<(u64, String)>,
    /// Its filters, each from a sequence number on.
    filters: Vec<(u64, FilterWords)>,
    /// Its losses so far, each as told when the bus had reached a sequence number.
    lost: Vec<(u64, u64)>,
}

/// Losses of a subscription. One of them may be the envelope in question.
pub(super) struct LostAround {
    pub(super) count: u64,
    pub(super) from: u64,
    pub(super) to: u64,
}

impl RunPast {
    /// Notes an envelope of the tree.
    pub(super) fn note(&mut self, sequence: u64) {
        let place = self.sequences.partition_point(|noted| *noted < sequence);
        self.sequences.insert(place, sequence);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sequences.is_empty()
    }

    /// Takes in what happened to a subscription. Ignores every other event.
    pub(super) fn take(&mut self, event: &LoggedEvent) {
        let Some(id) = event.id else { return };
        let (at, why) = (event.at, event.why.as_deref());
        let kind = event.kind.as_str();
        if !matches!(
            kind,
            "subscribed" | "listening" | "lagging" | "unsubscribed" | "evicted"
        ) {
            return;
        }
        let sequences = &self.sequences;
        let concerns = |from: u64, to: u64| {
            sequences.partition_point(|it| *it < from) < sequences.partition_point(|it| *it < to)
        };
        let past = self.subscriptions.entry(id).or_default();
        past.name = past.name.take().or_else(|| event.name.clone());
        match kind {
            "subscribed" => {
                past.since = at;
                past.filters = vec![(at, FilterWords::read(why))];
            }
            "listening" => {
                let filter = past.filter(u64::MAX).with_subjects(why);
                replace_or_push(&mut past.filters, (at, filter), concerns);
            }
            "lagging" => {
                replace_or_push(&mut past.lost, (at, event.count.unwrap_or(0)), concerns);
            }
            _ => {
                past.until = Some(at);
                if kind == "evicted" {
                    past.evicted = Some((at, why.unwrap_or_default().to_owned()));
                }
                if !concerns(past.since, at) {
                    self.subscriptions.remove(&id);
                }
            }
        }
    }

    /// Returns the subscriptions that were there when an envelope was published, by their names.
    pub(super) fn listeners(&self, sequence: u64) -> Vec<(Uuid, &SubscriptionPast)> {
        let mut listeners: Vec<_> = (self.subscriptions.iter())
            .filter(|(_, past)| past.since <= sequence)
            .filter(|(_, past)| past.until.is_none_or(|until| until > sequence))
            .map(|(id, past)| (*id, past))
            .collect();
        listeners
            .sort_by(|(id, past), (other, others)| (&past.name, id).cmp(&(&others.name, other)));
        listeners
    }
}

impl SubscriptionPast {
    /// Returns what it listened to when an envelope was published.
    pub(super) fn filter(&self, sequence: u64) -> &FilterWords {
        static NOT_RECORDED: FilterWords = FilterWords::not_recorded();
        (self.filters.iter().rev())
            .find(|(at, _)| *at <= sequence)
            .map_or(&NOT_RECORDED, |(_, filter)| filter)
    }

    /// Returns the losses that were told after an envelope, and not before it.
    pub(super) fn lost_around(&self, sequence: u64) -> Option<LostAround> {
        let after = self.lost.partition_point(|(at, _)| *at <= sequence);
        let (to, total) = *self.lost.get(after)?;
        let (from, before) = match after.checked_sub(1) {
            Some(before) => self.lost[before],
            None => (self.since, 0),
        };
        let count = total.checked_sub(before).filter(|count| *count > 0)?;
        Some(LostAround { count, from, to })
    }
}

/// Adds a value that holds from a sequence number on. It replaces the last value if no envelope of the tree lies
/// between the neighbours of that value: then nobody asks for it.
fn replace_or_push<T>(
    points: &mut Vec<(u64, T)>,
    point: (u64, T),
    concerns: impl Fn(u64, u64) -> bool,
) {
    let before = points
        .len()
        .checked_sub(2)
        .map_or(0, |before| points[before].0);
    points.pop_if(|_| !concerns(before, point.0));
    points.push(point);
}

#[cfg(test)]
mod tests {
    use super::super::super::audit::log_line::LogLine;
    use super::*;

    const ID: &str = "01a22911-4c71-7f37-a047-c4f872fb87c2";

    fn take(past: &mut RunPast, at: u64, event: &str) {
        let line = format!(
            r#"{{"record":1,"at":{at},"time":"2026-11-24T06:00:00Z","id":"{ID}",{event}}}"#
        );
        let Some(LogLine::Event(event)) = LogLine::read(line.as_bytes()) else {
            panic!("{line}")
        };
        past.take(&event);
    }

    #[test]
    fn of_all_losses_those_before_and_after_an_envelope_are_kept() {
        let mut past = RunPast::default();
        take(&mut past, 0, r#""event":"subscribed","name":"slow""#);
        for at in 1..=1_000 {
            if matches!(at, 100 | 101 | 500) {
                past.note(10 * at - 5);
            }
            take(
                &mut past,
                10 * at,
                &format!(r#""event":"lagging","count":{at}"#),
            );
        }
        for (sequence, from, to) in [
            (995, 990, 1_000),
            (1_005, 1_000, 1_010),
            (4_995, 4_990, 5_000),
        ] {
            let listeners = past.listeners(sequence);
            let lost = listeners[0].1.lost_around(sequence).unwrap();
            assert_eq!((lost.count, lost.from, lost.to), (1, from, to));
            assert!(listeners[0].1.lost.len() < 12);
        }
    }

    #[test]
    fn one_that_came_before_the_log_is_there_until_it_ends_and_what_it_listens_to_is_not_recorded()
    {
        let mut past = RunPast::default();
        past.note(3);
        take(&mut past, 5, r#""event":"unsubscribed","name":"old""#);
        let listeners = past.listeners(3);
        assert_eq!(listeners[0].1.name.as_deref(), Some("old"));
        assert_eq!(listeners[0].1.filter(3).to_string(), "not recorded");
        assert!(past.listeners(5).is_empty());
    }

    #[test]
    fn those_that_came_and_went_between_are_not_kept() {
        let mut past = RunPast::default();
        past.note(3);
        take(&mut past, 4, r#""event":"subscribed""#);
        take(&mut past, 9, r#""event":"evicted","why":"Overflow""#);
        assert!(past.subscriptions.is_empty());
    }
}
