//! Terms: what the bus and a subscriber agreed on when it subscribed.
//!
//! Publishers, the subscriber and the bus share them. They do not change, except for the few words that the bus keeps
//! for each subscriber: when its loss was last told, its drains, its place on the subscriber list.
//!
//! The tests are in `tests/library/stats.rs`.

use std::sync::Arc;
use std::time::Instant;

use uuid::Uuid;

use crate::message::id::stamp;
use crate::message::overflow::Overflow;
use crate::queue::drains::Drains;
use crate::queue::throttle::LagThrottle;
use crate::queue::vacancy::Vacancy;
use crate::support::sync::{AtomicU64, Ordering};

/// The capacity of a subscription that does not ask for another, in envelopes.
pub const DEFAULT_CAPACITY: usize = 128;

/// The largest capacity of a subscription, in envelopes: 16,777,216.
pub const MAX_CAPACITY: usize = 1 << 24;

/// The terms of one subscription.
#[derive(Debug)]
pub(crate) struct Terms {
    pub(crate) id: Uuid,
    pub(crate) name: Option<Arc<str>>,
    pub(crate) capacity: usize,
    pub(crate) overflow: Overflow,
    pub(crate) group: Option<Arc<str>>,
    /// A publisher's own time limit does not apply to it.
    pub(crate) overrides_limit: bool,
    /// Its filter cannot be changed.
    pub(crate) fixed: bool,
    pub(crate) lag_throttle: LagThrottle,
    pub(crate) drains: Drains,
    /// Where publishers wait for room, if its policy is to block.
    pub(crate) vacancy: Option<Arc<Vacancy>>,
    /// The version of the subscriber list with which it was added. It is 0 before that, which is the version of no list
    /// with a subscriber. Written once, under the lock that guards the list.
    number: AtomicU64,
}

impl Terms {
    /// Returns the terms of a subscriber that asks for nothing else, with a new id.
    pub(crate) fn new(capacity: usize, overflow: Overflow) -> Self {
        Terms {
            id: stamp().0,
            name: None,
            capacity,
            overflow,
            group: None,
            overrides_limit: false,
            fixed: false,
            lag_throttle: LagThrottle::default(),
            drains: Drains::default(),
            vacancy: None,
            number: AtomicU64::new(0),
        }
    }

    /// Returns its place on the subscriber list: later subscribers have higher numbers.
    pub(crate) fn number(&self) -> u64 {
        // Relaxed: `list_as` came before, either under the lock, or before the subscription that asks was made.
        self.number.load(Ordering::Relaxed)
    }

    pub(crate) fn list_as(&self, number: u64) {
        self.number.store(number, Ordering::Relaxed); // see `number`
    }

    /// Whether publishers wait for room.
    pub(crate) fn blocks(&self) -> bool {
        self.overflow.blocks()
    }

    /// Wakes the publishers that wait, if there are any: there is room again, or nobody needs to wait any more.
    pub(crate) fn wake_publishers(&self) {
        if let Some(vacancy) = &self.vacancy {
            vacancy.wake_everybody();
        }
    }

    /// Whether publishers wait for room now. A hint.
    pub(crate) fn is_awaited(&self) -> bool {
        (self.vacancy.as_ref()).is_some_and(|vacancy| vacancy.is_awaited())
    }

    /// Returns until when a publisher that started at `started` waits.
    pub(crate) fn deadline(&self, started: Instant) -> Option<Instant> {
        match self.overflow {
            // A time-out beyond the clock's range is none.
            Overflow::BlockFor(timeout) => started.checked_add(timeout),
            Overflow::Block => None,
            Overflow::DropNewest | Overflow::DropOldest | Overflow::Evict => Some(started),
        }
    }
}
