//! What is known of each capability, in figures.

use std::sync::Arc;

use super::Grants;
use crate::authority::scope::Scope;
use crate::message::capability::Capability;

/// What is known of one capability: one of [`Bus::grants`](crate::Bus::grants).
///
/// At a quiet moment all is exact; in the midst of things it is as of a moment during the call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GrantStats {
    /// The capability.
    pub capability: Capability,
    /// Whether it is granted now, and has not expired.
    pub granted: bool,
    /// What it is granted for, in words; none if it is granted without restrictions, or is not granted.
    pub scope: Option<Arc<str>>,
    /// How many publishers hold it. A clone, or one that was [narrowed](crate::Publisher::narrow), counts with the one
    /// that it was made of.
    pub publishers: usize,
    /// How many publishes under it were refused; a batch counts as one.
    pub denied: u64,
    /// How many publishes under it are on their way: they were let pass, and are not in the queues yet. What gets into the
    /// queues in one step is not counted.
    pub in_flight: u64,
}

impl Grants {
    /// All capabilities that something is known of, by name.
    pub(crate) fn stats(&self) -> Vec<GrantStats> {
        let mut known: Vec<_> = (self.known.iter())
            .map(|known| {
                let admission = Arc::clone(&known.admission);
                (known.key().clone(), admission, known.handles)
            })
            .collect();
        known.sort_unstable_by(|(one, ..), (other, ..)| one.cmp(other));
        // Written in words under no lock.
        (known.into_iter())
            .map(|(capability, admission, publishers)| {
                let granted_for = admission.granted(Scope::words);
                GrantStats {
                    capability,
                    granted: granted_for.is_some(),
                    scope: granted_for.flatten(),
                    publishers,
                    denied: admission.refusals().counted(),
                    in_flight: admission.inside(),
                }
            })
            .collect()
    }
}
