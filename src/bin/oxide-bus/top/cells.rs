//! The cells of the tables, for the live view and the text alike.

use std::time::Duration;

use oxide_bus::inspect::{LinkFigures, Snapshot, SubscriptionSnapshot};
use oxide_bus::{GrantStats, Overflow, SubscriptionStats};

use super::super::bench::figures::{grouped, whole};
use super::super::output::escaped;
use super::rates::Rates;
use super::row::QueueRow;

/// The columns of a bar.
const BAR: usize = 10;

pub(super) const QUEUE_HEADS: [&str; 10] = [
    "subscription",
    "full",
    "queued",
    "in/s",
    "out/s",
    "lost/s",
    "lost",
    "oldest",
    "policy",
    "listens to",
];

pub(super) const CAPABILITY_HEADS: [&str; 6] = [
    "capability",
    "granted for",
    "denied/s",
    "denied",
    "publishers",
    "in flight",
];

pub(super) const SOURCE_HEADS: [&str; 3] = ["source", "of newest", "about/s"];

pub(super) const LINK_HEADS: [&str; 8] = [
    "link", "state", "exported", "pending", "lost", "received", "missed", "error",
];

pub(super) fn queue(row: &QueueRow) -> [String; 10] {
    let stats = &row.subscription.stats;
    let per_second = |rate: Option<f64>| rate.map_or_else(|| "-".to_owned(), whole);
    [
        name(stats),
        bar(row.fullness()),
        format!("{}/{}", stats.queued, stats.capacity),
        per_second(row.flow.map(|flow| flow.in_per_s)),
        per_second(row.flow.map(|flow| flow.out_per_s)),
        per_second(row.flow.map(|flow| flow.dropped_per_s)),
        grouped(stats.dropped),
        age(row.subscription.oldest_ms),
        policy(stats.overflow),
        filters(row.subscription),
    ]
}

/// Returns the name of a subscription, or its group's, or else the last digits of its id.
pub(super) fn name(stats: &SubscriptionStats) -> String {
    let name = match (stats.name.as_deref(), stats.group.as_deref()) {
        (Some(name), _) => escaped(name.chars()),
        (None, Some(group)) => escaped(group.chars()),
        // The first digits are the time, so they are alike.
        (None, None) => format!("#{}", &stats.id.simple().to_string()[24..]),
    };
    if stats.group.is_some() {
        format!("{name} ×{}", stats.members)
    } else {
        name
    }
}

pub(super) fn policy(overflow: Overflow) -> String {
    match overflow {
        Overflow::DropNewest => "drop-newest".to_owned(),
        Overflow::DropOldest => "drop-oldest".to_owned(),
        Overflow::Evict => "evict".to_owned(),
        Overflow::Block => "block".to_owned(),
        Overflow::BlockFor(limit) => format!("block {limit:?}"),
        _ => "other".to_owned(),
    }
}

/// Returns what a subscription listens to, in one line.
pub(super) fn filters(subscription: &SubscriptionSnapshot) -> String {
    let stats = &subscription.stats;
    let patterns = stats.patterns.iter().map(ToString::to_string);
    let sources = stats.sources.iter().map(|source| format!("from {source}"));
    let mut filters: Vec<_> = patterns.chain(sources).collect();
    if subscription.more_filters > 0 {
        filters.push(format!("and {} more", subscription.more_filters));
    }
    escaped(filters.join(", ").chars())
}

/// Returns a bar of eighths of a column.
fn bar(fullness: f64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "it is from 0 to 80"
    )]
    let eighths = (fullness * (BAR * 8) as f64).ceil() as usize;
    let bar = "█".repeat(eighths / 8) + EIGHTHS[eighths % 8];
    format!("{bar:░<BAR$}")
}

/// Returns how long the oldest envelope has been seen waiting.
fn age(oldest_ms: Option<u64>) -> String {
    match oldest_ms.map(Duration::from_millis) {
        None => "-".to_owned(),
        Some(age) if age.as_secs() < 10 => format!("≥{:.1}s", age.as_secs_f64()),
        Some(age) if age.as_secs() < 600 => format!("≥{}s", age.as_secs()),
        Some(age) => format!("≥{}min", age.as_secs() / 60),
    }
}

pub(super) fn capabilities(snapshot: &Snapshot, rates: Option<&Rates>) -> Vec<[String; 6]> {
    let rate = |index: usize| {
        let denied = rates.and_then(|rates| rates.capabilities.get(index));
        denied.map_or_else(|| "-".to_owned(), |denied| whole(denied.denied_per_s))
    };
    let mut rows: Vec<_> = (snapshot.capabilities.iter().enumerate())
        .map(|(index, grant)| {
            [
                escaped(grant.capability.as_str().chars()),
                granted_for(grant),
                rate(index),
                grouped(grant.denied),
                grant.publishers.to_string(),
                grant.in_flight.to_string(),
            ]
        })
        .zip(&snapshot.capabilities)
        .collect();
    rows.sort_by_key(|(_, grant)| std::cmp::Reverse(grant.denied));
    rows.into_iter().map(|(cells, _)| cells).collect()
}

fn granted_for(grant: &GrantStats) -> String {
    match (grant.granted, &grant.scope) {
        (false, _) => "nothing".to_owned(),
        (true, None) => "everything".to_owned(),
        (true, Some(scope)) => escaped(scope.chars()),
    }
}

/// Returns the sources of the newest envelopes, with the rates that follow if the others are like these.
#[expect(clippy::cast_precision_loss, reason = "there are 64 at most")]
pub(super) fn sources(snapshot: &Snapshot, rates: Option<&Rates>) -> Vec<[String; 3]> {
    // Any program may serve the socket, and say what it likes.
    let shares = snapshot.newest.iter().map(|share| share.envelopes);
    let all = shares.fold(0, u64::saturating_add);
    let rows = snapshot.newest.iter().map(|share| {
        let part = share.envelopes as f64 / all.max(1) as f64;
        let rate = rates.map(|rates| whole(rates.published_per_s * part));
        [
            escaped(share.source.chars()),
            format!("{} of {all}", share.envelopes),
            rate.unwrap_or_else(|| "-".to_owned()),
        ]
    });
    rows.collect()
}

pub(super) fn link(link: &LinkFigures) -> [String; 8] {
    let state = match (link.connected, link.ready) {
        (true, true) => "ready",
        (true, false) => "connected",
        (false, _) => "not connected",
    };
    let error = link.last_error.as_deref().unwrap_or("-");
    [
        escaped(link.name.chars()),
        state.to_owned(),
        grouped(link.exported),
        grouped(link.pending),
        grouped(link.lost),
        grouped(link.received),
        grouped(link.missed),
        escaped(error.chars()),
    ]
}

/// Returns a line about the whole bus.
pub(super) fn headline(snapshot: &Snapshot, rates: Option<&Rates>) -> String {
    let rate = rates.map(|rates| format!(" ({}/s)", whole(rates.published_per_s)));
    let mut parts = vec![
        format!("process {}", snapshot.process),
        format!(
            "published {}{}",
            grouped(snapshot.published),
            rate.unwrap_or_default()
        ),
        format!("denied {}", grouped(snapshot.denied)),
        format!(
            "subscriptions {}",
            grouped(snapshot.subscriptions.len() as u64)
        ),
    ];
    for (what, count) in [
        ("requests", snapshot.pending_requests),
        ("predicate panics", snapshot.predicate_panics),
    ] {
        if count > 0 {
            parts.push(format!("{what} {}", grouped(count)));
        }
    }
    if snapshot.closed {
        parts.push("closed".to_owned());
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_ten_columns_and_shows_one_envelope_of_many() {
        assert_eq!(bar(0.0), "░░░░░░░░░░");
        assert_eq!(bar(0.001), "▏░░░░░░░░░");
        assert_eq!(bar(0.55), "█████▌░░░░");
        assert_eq!(bar(1.0), "██████████");
    }

    #[test]
    fn an_age_has_the_unit_that_fits() {
        let ages = [None, Some(1_250), Some(59_999), Some(3_600_000)].map(age);
        assert_eq!(ages, ["-", "≥1.2s", "≥59s", "≥60min"]);
    }
}
