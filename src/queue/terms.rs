//! What a subscriber was promised.

use std::sync::Arc;
use std::time::Instant;

use uuid::Uuid;

use crate::engine::drain::Drains;
use crate::message::id::stamp;
use crate::message::overflow::Overflow;
use crate::queue::throttle::Told;
use crate::queue::vacancy::Vacancy;
use crate::support::sync::{AtomicU64, Ordering};

/// What was agreed on subscribing.
#[derive(Debug)]
pub(crate) struct Terms {
    pub(crate) id: Uuid,
    pub(crate) name: Option<Arc<str>>,
    pub(crate) capacity: usize,
    pub(crate) overflow: Overflow,
    pub(crate) group: Option<Arc<str>>,
    /// A publisher's own limit does not count for it.
    pub(crate) overrides_limit: bool,
    /// What it listens to cannot be changed.
    pub(crate) fixed: bool,
    pub(crate) told_lagging: Told,
    pub(crate) drains: Drains,
    /// Where publishers wait for it, if they do.
    pub(crate) vacancy: Option<Arc<Vacancy>>,
    /// The version of the list with which it came; 0 before, which no list with a subscriber has. Written once, under
    /// the lock that guards the list.
    number: AtomicU64,
}

impl Terms {
    /// Those of a subscriber that asks for no more, and has an id from now on.
    pub(crate) fn new(capacity: usize, overflow: Overflow) -> Self {
        Terms {
            id: stamp().0,
            name: None,
            capacity,
            overflow,
            group: None,
            overrides_limit: false,
            fixed: false,
            told_lagging: Told::default(),
            drains: Drains::default(),
            vacancy: None,
            number: AtomicU64::new(0),
        }
    }

    /// Its place on the list: those who come later have higher numbers.
    pub(crate) fn number(&self) -> u64 {
        // Relaxed: `list_as` came before, under the lock, or before the subscription was made that asks.
        self.number.load(Ordering::Relaxed)
    }

    pub(crate) fn list_as(&self, number: u64) {
        self.number.store(number, Ordering::Relaxed); // see `number`
    }

    /// Whether publishers wait for room.
    pub(crate) fn blocks(&self) -> bool {
        self.overflow.blocks()
    }

    /// Something has freed room, or nobody need wait any more: wakes the publishers that wait, if any may.
    pub(crate) fn wake_publishers(&self) {
        if let Some(vacancy) = &self.vacancy {
            vacancy.wake_everybody();
        }
    }

    /// Until when a publisher waits, as far as that is for the publisher to say.
    pub(crate) fn cap_deadline(&self, limit: Option<Instant>) -> Option<Instant> {
        limit.filter(|_| !self.overrides_limit)
    }

    /// Until when a publisher waits that started then.
    pub(crate) fn deadline(&self, started: Instant) -> Option<Instant> {
        match self.overflow {
            // A time-out beyond the clock's end is none.
            Overflow::BlockFor(timeout) => started.checked_add(timeout),
            Overflow::Block => None,
            Overflow::DropNewest | Overflow::DropOldest | Overflow::Evict => Some(started),
        }
    }
}
