//! Seeded ids: envelopes, subscriptions and requests have the same ids in each run.

use std::fmt;
use std::sync::Arc;

use crate::support::substitutes::{Entered, SeededNumbers, Substitute};

/// Ids that are the same in each run with the same seed.
///
/// A thread that has [entered](Self::enter) them gives them to all that it makes: envelopes, and the subscriptions of a
/// bus. They are version 7 UUIDs that sort in the order in which they were made. For that, the time in them is a
/// millisecond later with each id; it is not the envelope's time.
///
/// Clones draw from one sequence, so no id comes twice. Which of several threads draws which is up to the threads.
///
/// # Examples
///
/// ```
/// use oxide_bus::Envelope;
/// use oxide_bus::testing::SeededIds;
///
/// let draw = || {
///     let _entered = SeededIds::new(7).enter();
///     [1, 2].map(|number| Envelope::new("counter", number).id)
/// };
/// assert_eq!(draw(), draw());
/// assert!(draw().is_sorted());
/// assert_ne!(Envelope::new("counter", 1).id, draw()[0], "the guard is gone");
/// ```
#[derive(Clone)]
pub struct SeededIds(Arc<SeededNumbers>);

impl SeededIds {
    /// Begins a sequence of ids.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        SeededIds(SeededNumbers::new(seed))
    }

    /// From now on this thread makes these ids, until the guard is dropped.
    pub fn enter(&self) -> Entered {
        Substitute::Numbers(Arc::clone(&self.0)).enter()
    }
}

impl fmt::Debug for SeededIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeededIds").finish_non_exhaustive()
    }
}
