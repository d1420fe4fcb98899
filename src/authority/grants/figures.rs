//! Figures of each capability.
//!
//! They are read from what publishes count anyway, so they cost a publish nothing.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Grants;
use crate::authority::scope::Scope;
use crate::message::capability::Capability;

/// What is known of one capability: one of [`Bus::grants`](crate::Bus::grants).
///
/// At a quiet moment every figure is exact. While others publish it is as of some moment during the call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GrantStats {
    /// The capability.
    pub capability: Capability,
    /// Whether it is granted now, and has not expired.
    pub granted: bool,
    /// What it is granted for, in words. None if it is granted without restrictions, or is not granted.
    pub scope: Option<Arc<str>>,
    /// How many publishers hold it. A clone, or a [narrowed](crate::Publisher::narrow) publisher, counts with the one
    /// that it was made from.
    pub publishers: usize,
    /// How many publishes under it were refused; a batch counts as one.
    pub denied: u64,
    /// How many publishes under it are in flight: they were let pass, and are not in the queues yet. A publish that
    /// gets into the queues in one step is not counted.
    pub in_flight: u64,
}

impl Grants {
    /// All known capabilities, by name.
    pub(crate) fn stats(&self) -> Vec<GrantStats> {
        let mut known: Vec<_> = (self.known.iter())
            .map(|known| {
                let admission = Arc::clone(&known.admission);
                (known.key().clone(), admission, known.handles)
            })
            .collect();
        known.sort_unstable_by(|(one, ..), (other, ..)| one.cmp(other));
        // The words are written under no lock.
        (known.into_iter())
            .map(|(capability, admission, publishers)| {
                let granted_for = admission.granted(Scope::describe);
                GrantStats {
                    capability,
                    granted: granted_for.is_some(),
                    scope: granted_for.flatten(),
                    publishers,
                    denied: admission.refusals().counted(),
                    in_flight: admission.in_flight(),
                }
            })
            .collect()
    }
}
