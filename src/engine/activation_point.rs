//! An activation point: the place in the sequence from which on a subscriber list is in use.
//!
//! A new subscriber first receives what is retained before that place, and then everything that is published from there
//! on. So there is no gap and no duplicate.
//!
//! The tests are in `tests/library/retained.rs`, with threads stopped in between in `engine/tests/retained_stopped.rs`.

use std::sync::{Arc, OnceLock};

/// The sequence number from which on a subscriber list, or a newer one, was in use: the base of the first head with it.
///
/// The thread that installs a head marks the point of the head before. So a thread that finds its list in use, and
/// marks the current head, finds every earlier list marked.
pub(crate) struct ActivationPoint {
    base: OnceLock<u64>,
    /// The list before, if it was not in use when this one was made. It may never be.
    prior: Option<Arc<ActivationPoint>>,
}

impl ActivationPoint {
    pub(crate) fn new(prior: Option<&Arc<ActivationPoint>>) -> Arc<Self> {
        let prior = prior.filter(|prior| prior.base.get().is_none());
        Arc::new(ActivationPoint {
            base: OnceLock::new(),
            prior: prior.cloned(),
        })
    }

    /// Marks the oldest first. So where one is marked, all before it are, even while another thread is marking.
    pub(crate) fn mark(&self, base: u64) {
        if self.base.get().is_some() {
            return;
        }
        let mut lists = vec![self];
        while let Some(prior) = lists.last().and_then(|list| list.prior.as_deref()) {
            lists.push(prior);
        }
        for list in lists.into_iter().rev() {
            let _marked = list.base.set(base);
        }
    }

    pub(crate) fn base(&self) -> Option<u64> {
        self.base.get().copied()
    }
}
