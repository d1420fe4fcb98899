//! A cached verdict: what was found out about a publish that did not succeed at once.
//!
//! It spares the next attempt the same questions. Above all, no attempt takes from a rate's allowance twice.
//!
//! The tests are in `tests/library/grants.rs`.

use std::sync::Arc;

use super::GrantTerms;
use crate::engine::demands::Measured;

/// What was found out about a publish that did not succeed at once.
#[derive(Debug, Default)]
pub(crate) struct CachedVerdict {
    /// The terms by which it was let pass.
    pub(super) terms: Option<Arc<GrantTerms>>,
    measured: Measured,
}

impl CachedVerdict {
    /// Measures the envelope, where no terms have a say, unless that was done before.
    pub(crate) fn measure<E>(&mut self, measure: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
        self.measured.once(measure)
    }

    pub(super) fn is_under(&self, terms: &Arc<GrantTerms>) -> bool {
        (self.terms.as_ref()).is_some_and(|those| Arc::ptr_eq(those, terms))
    }
}
