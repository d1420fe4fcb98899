//! A cached verdict: what was found out about a publish that did not succeed at once.
//!
//! It spares the next attempt the same questions. Above all, no attempt takes from a rate's allowance twice.
//!
//! The tests are in `tests/library/grants.rs`.

use std::sync::Arc;

use super::GrantTerms;
use crate::engine::demands::Measured;

/// What was found out about a publish that did not succeed at once.
#[derive(Debug)]
pub(crate) struct CachedVerdict {
    /// The terms by which it was let pass.
    pub(super) terms: Option<Arc<GrantTerms>>,
    pub(super) is_for_many: bool,
    measured: Measured,
}

impl CachedVerdict {
    /// For a publish that tries once on the fast path and once on the slow one.
    pub(crate) fn for_one() -> Self {
        CachedVerdict {
            terms: None,
            is_for_many: false,
            measured: Measured::default(),
        }
    }

    /// For a publish that may try many times: nothing is asked twice.
    #[cfg(feature = "tokio")]
    pub(crate) fn for_many() -> Self {
        CachedVerdict {
            terms: None,
            is_for_many: true,
            measured: Measured::default(),
        }
    }

    /// Measures the envelope, where no terms have a say, unless that was done before.
    pub(crate) fn measure<E>(&mut self, measure: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
        self.measured.once(measure)
    }

    pub(super) fn is_under(&self, terms: &Arc<GrantTerms>) -> bool {
        (self.terms.as_ref()).is_some_and(|those| Arc::ptr_eq(those, terms))
    }
}
