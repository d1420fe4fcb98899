//! Seeded ids: envelopes, subscriptions and requests have the same ids in each run. So a test can compare output that
//! has ids. Tests: `tests/library/testing/ids.rs`.

use std::fmt;
use std::sync::Arc;

use crate::support::substitutes::{Entered, SeededNumbers, Substitute};

/// A sequence of ids that is the same in each run with the same seed.
///
/// A thread that has [entered](Self::enter) the sequence gives its ids to all envelopes and subscriptions that it
/// makes. They are version 7 UUIDs that sort in the order in which they were made. For that, the time in each id is a
/// millisecond later than in the one before. It is not the envelope's time.
///
/// Clones share one sequence, so no id comes twice. If several threads draw ids, their order depends on the threads.
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

    /// Lets this thread make these ids until the guard is dropped.
    pub fn enter(&self) -> Entered {
        Substitute::Numbers(Arc::clone(&self.0)).enter()
    }
}

impl fmt::Debug for SeededIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeededIds").finish_non_exhaustive()
    }
}
