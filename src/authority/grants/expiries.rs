//! The times when grants expire, earliest first, so that an expired one is found without a look at the others.
//!
//! So a grant on a bus that is full of grants finds a place that is free again, and no timer is needed. The tests are
//! in `authority/tests/grants.rs`.

use std::collections::BTreeSet;
use std::time::Instant;

use crate::message::capability::Capability;
use crate::support::sync::Mutex;

/// The expiries of everything that is granted until some time.
///
/// Its lock is taken inside that of a shard of the map, never the other way round.
#[derive(Debug, Default)]
pub(super) struct Expiries(Mutex<BTreeSet<(Instant, Capability)>>);

impl Expiries {
    /// Moves the expiry of one capability. A grant that never expires has none, and takes no lock.
    pub(super) fn change(
        &self,
        capability: &Capability,
        before: Option<Instant>,
        after: Option<Instant>,
    ) {
        if before == after {
            return;
        }
        let mut expiries = self.0.lock();
        if let Some(before) = before {
            expiries.remove(&(before, capability.clone()));
        }
        if let Some(after) = after {
            expiries.insert((after, capability.clone()));
        }
    }

    /// A capability that has expired by this time, if there is one.
    pub(super) fn first_by(&self, now: Instant) -> Option<Capability> {
        let expiries = self.0.lock();
        let (_, capability) = expiries.first().filter(|(end, _)| *end <= now)?;
        Some(capability.clone())
    }

    #[cfg(all(test, not(oxide_loom)))]
    pub(super) fn len(&self) -> usize {
        self.0.lock().len()
    }
}
