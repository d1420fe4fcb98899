//! The requests that nobody waits for any more, for a link: one of them may still be on its way to it.

use std::collections::{HashSet, VecDeque};

use foldhash::fast::RandomState;
use parking_lot::Mutex;
use uuid::Uuid;

use super::MAX_PENDING_REQUESTS;

/// How many are remembered.
const MAX: usize = MAX_PENDING_REQUESTS;

/// The last requests that were given up, once a link has begun.
#[derive(Default)]
pub(super) struct GivenUpRequests(Mutex<Option<LastIds>>);

#[derive(Default)]
struct LastIds {
    ids: HashSet<Uuid, RandomState>,
    in_order: VecDeque<Uuid>,
}

impl GivenUpRequests {
    pub(super) fn begin(&self) {
        self.0.lock().get_or_insert_default();
    }

    pub(super) fn note(&self, id: Uuid) {
        if let Some(last) = &mut *self.0.lock()
            && last.ids.insert(id)
        {
            last.in_order.push_back(id);
            if last.in_order.len() > MAX
                && let Some(oldest) = last.in_order.pop_front()
            {
                last.ids.remove(&oldest);
            }
        }
    }

    pub(super) fn has(&self, id: Uuid) -> bool {
        let last = self.0.lock();
        last.as_ref().is_some_and(|last| last.ids.contains(&id))
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
