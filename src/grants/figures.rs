//! What is known of each capability, in figures.

use std::sync::Arc;

use super::Grants;
use crate::scope::Scope;
use crate::stats::GrantStats;

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
