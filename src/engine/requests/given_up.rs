//! Given-up requests: a link may still be about to send one of them.
//!
//! Without them a link would send requests that nobody waits for any more. The tests are in `tests/link/requests/`.

use parking_lot::Mutex;
use uuid::Uuid;

use super::MAX_PENDING_REQUESTS;
use crate::support::recent_ids::RecentIds;

/// How many are remembered.
const MAX: usize = MAX_PENDING_REQUESTS;

/// The last requests that were given up, once a link has begun.
#[derive(Default)]
pub(super) struct GivenUpRequests(Mutex<Option<RecentIds<(), MAX>>>);

impl GivenUpRequests {
    pub(super) fn begin(&self) {
        self.0.lock().get_or_insert_default();
    }

    pub(super) fn note(&self, id: Uuid) {
        if let Some(last) = &mut *self.0.lock() {
            last.insert(id, ());
        }
    }

    pub(super) fn has(&self, id: Uuid) -> bool {
        let last = self.0.lock();
        last.as_ref().is_some_and(|last| last.get(id).is_some())
    }
}

#[cfg(all(test, not(oxide_loom)))]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_are_remembered_and_none_before_a_link_has_begun() {
        let given_up = GivenUpRequests::default();
        let id = |number: usize| Uuid::from_u128(number as u128);
        given_up.note(id(0));
        given_up.begin();
        assert!(!given_up.has(id(0)));
        (0..=MAX).for_each(|number| given_up.note(id(number)));
        assert!(!given_up.has(id(0)) && given_up.has(id(1)) && given_up.has(id(MAX)));
    }
}
