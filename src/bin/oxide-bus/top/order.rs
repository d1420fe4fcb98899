//! The subscriptions that are shown, and their order.

use std::cmp::Ordering;

use oxide_bus::inspect::Snapshot;

use super::cells;
use super::rates::Rates;
use super::row::QueueRow;

/// The order of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum SortOrder {
    /// By losses a second, then by fullness, then by losses so far.
    #[default]
    Loss,
    Name,
    In,
    Out,
}

impl SortOrder {
    pub(super) fn next(self) -> Self {
        match self {
            SortOrder::Loss => SortOrder::Name,
            SortOrder::Name => SortOrder::In,
            SortOrder::In => SortOrder::Out,
            SortOrder::Out => SortOrder::Loss,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            SortOrder::Loss => "loss",
            SortOrder::Name => "name",
            SortOrder::In => "rate in",
            SortOrder::Out => "rate out",
        }
    }
}

/// Returns the subscriptions that mention this text, in this order.
pub(super) fn rows<'a>(
    snapshot: &'a Snapshot,
    rates: Option<&'a Rates>,
    order: SortOrder,
    filter: &str,
) -> Vec<QueueRow<'a>> {
    let flows = rates.map_or(&[][..], |rates| &rates.subscriptions);
    let mut rows: Vec<_> = (snapshot.subscriptions.iter().enumerate())
        .map(|(index, subscription)| QueueRow {
            subscription,
            flow: flows.get(index),
        })
        .filter(|row| mentions(row, filter))
        .collect();
    let dropped = |row: &QueueRow| row.subscription.stats.dropped;
    let most_first = |one: f64, other: f64| other.total_cmp(&one);
    rows.sort_by(|one, other| {
        match order {
            SortOrder::Loss => most_first(
                one.rate(|flow| flow.dropped_per_s),
                other.rate(|flow| flow.dropped_per_s),
            )
            .then_with(|| most_first(one.fullness(), other.fullness()))
            .then_with(|| dropped(other).cmp(&dropped(one))),
            SortOrder::Name => Ordering::Equal,
            SortOrder::In => most_first(
                one.rate(|flow| flow.in_per_s),
                other.rate(|flow| flow.in_per_s),
            ),
            SortOrder::Out => most_first(
                one.rate(|flow| flow.out_per_s),
                other.rate(|flow| flow.out_per_s),
            ),
        }
        .then_with(|| {
            cells::name(&one.subscription.stats).cmp(&cells::name(&other.subscription.stats))
        })
    });
    rows
}

fn mentions(row: &QueueRow, text: &str) -> bool {
    let stats = &row.subscription.stats;
    let listens = cells::filters(row.subscription);
    [cells::name(stats), cells::policy(stats.overflow), listens]
        .iter()
        .any(|cell| cell.contains(text))
}
