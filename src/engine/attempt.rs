//! An attempt to publish, and how long its publisher may wait for room: as long as the subscribers ask for, until a
//! time, or not at all.
//!
//! All ways to publish share it, so a thread, a task and a `try_publish` differ only in how they wait. The tests are in
//! `tests/library/blocking.rs`.

use std::time::{Duration, Instant};

use crate::queue::terms::Terms;
use crate::support::clock;

/// How long a publisher waits for a batch of free places before it accepts a single one.
const WAIT_FOR_BATCH: Duration = if cfg!(oxide_loom) {
    Duration::ZERO // models have no clock
} else {
    Duration::from_millis(1)
};

/// How long a publish may wait for room.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Limit {
    /// As long as each subscriber asks for.
    Theirs,
    /// As long as each subscriber asks for, but no longer than this.
    Until(Instant),
    /// Not at all: where it would have to wait, nothing is published.
    Refuse,
    /// It has waited long enough, but for subscribers that override the limit. Where one of these has no room, nothing
    /// is published.
    #[cfg(feature = "tokio")]
    Late,
}

/// One attempt to publish. Where a subscriber that it waits for has no room, nothing is published.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt {
    limit: Limit,
    /// When the publisher began to wait, and the time now. None if it has not begun.
    waiting: Option<(Instant, Instant)>,
}

impl Limit {
    /// No longer than this, from now on. A time beyond the end of the clock is no limit.
    pub(crate) fn within(timeout: Duration) -> Self {
        clock::now()
            .checked_add(timeout)
            .map_or(Limit::Theirs, Limit::Until)
    }

    /// Whether a thread waits for room.
    pub(crate) fn waits(self) -> bool {
        matches!(self, Limit::Theirs | Limit::Until(_))
    }

    /// Until when a publisher that began to wait at `began` waits for this subscriber. None if it waits without end.
    pub(crate) fn deadline(self, terms: &Terms, began: Instant) -> Option<Instant> {
        let until = match self {
            Limit::Until(until) if !terms.overrides_limit => Some(until),
            _ => None,
        };
        let theirs = terms.deadline(began);
        until.into_iter().chain(theirs).min()
    }
}

impl Attempt {
    pub(crate) fn first(limit: Limit) -> Self {
        Attempt {
            limit,
            waiting: None,
        }
    }

    /// A later attempt, of a publisher that began to wait at `began`.
    pub(crate) fn since(limit: Limit, began: Instant) -> Self {
        let waiting = Some((began, clock::now()));
        Attempt { limit, waiting }
    }

    /// Whether nothing is published where this subscriber has no room.
    pub(crate) fn waits_for(&self, terms: &Terms) -> bool {
        terms.blocks()
            && match (self.limit, self.waiting) {
                #[cfg(feature = "tokio")]
                (Limit::Late, _) => terms.overrides_limit,
                (limit, Some((began, now))) => {
                    (limit.deadline(terms, began)).is_none_or(|deadline| now < deadline)
                }
                (_, None) => true,
            }
    }

    /// Until when the publisher is patient: it does not accept a single free place in a queue that was full.
    pub(crate) fn patient_until(&self) -> Option<Instant> {
        let (began, now) = self.waiting?;
        // A clock that stands still would make it wait for a batch without end.
        Some(began + WAIT_FOR_BATCH)
            .filter(|until| self.limit.waits() && now < *until && !clock::is_manual())
    }

    /// Whether the publisher is patient.
    pub(crate) fn is_patient(&self) -> bool {
        self.limit.waits() && (self.waiting.is_none() || self.patient_until().is_some())
    }
}
