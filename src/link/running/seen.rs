//! The ids that a bus has seen lately. All its links share them.
//!
//! Two links may bring the same envelope, or bring back one that the bus itself has sent. Each envelope must arrive
//! once: that is promise 6 of `docs::links`. Tests: `tests/link/loops.rs`.

use std::any::Any;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use uuid::Uuid;

use crate::bus::handle::Bus;
use crate::support::recent_ids::RecentIds;

/// How many ids are remembered.
const MAX: usize = 1 << 16;

/// How an id was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::link) enum SeenAs {
    /// It was sent.
    Sent,
    /// It was sent as a request.
    Asked,
    /// A link brought it, after this many links had passed it on.
    Brought { by: u64, hops: u8 },
}

/// A window of ids.
#[derive(Debug, Default)]
pub(in crate::link) struct SeenIds(Mutex<RecentIds<SeenAs, MAX>>);

impl SeenIds {
    /// Returns the window that all links of this bus share. It exists while the bus has a link.
    pub(in crate::link) fn of<M: Send + Sync + 'static>(bus: &Bus<M>) -> Arc<Self> {
        let mut slot = bus.core.of_links.lock();
        let known = slot
            .as_ref()
            .and_then(Weak::upgrade)
            .map(Arc::downcast::<Self>);
        if let Some(Ok(known)) = known {
            return known;
        }
        let seen = Arc::<SeenIds>::default();
        let weak: Weak<dyn Any + Send + Sync> = Arc::downgrade(&(Arc::clone(&seen) as _));
        *slot = Some(weak);
        seen
    }

    /// Notes an id. Returns whether it is new.
    pub(in crate::link) fn note(&self, id: Uuid, seen_as: SeenAs) -> bool {
        self.0.lock().insert(id, seen_as)
    }

    /// Notes an id while its envelope is published. `None` if the id is not new.
    pub(in crate::link) fn note_until_kept(
        &self,
        id: Uuid,
        by: u64,
        hops: u8,
    ) -> Option<NotedId<'_>> {
        let is_new = self.note(id, SeenAs::Brought { by, hops });
        is_new.then(|| NotedId { seen: self, id })
    }

    /// How an id was seen, if it was seen lately.
    pub(in crate::link) fn get(&self, id: Uuid) -> Option<SeenAs> {
        self.0.lock().get(id).copied()
    }

    fn forget(&self, id: Uuid) {
        self.0.lock().remove(id);
    }
}

/// A noted id. Dropping this forgets the id, unless it is kept: then the envelope did not get onto the bus, or the
/// publish was cancelled.
#[must_use]
pub(in crate::link) struct NotedId<'a> {
    seen: &'a SeenIds,
    id: Uuid,
}

impl NotedId<'_> {
    pub(in crate::link) fn keep(self) {
        std::mem::forget(self);
    }
}

impl Drop for NotedId<'_> {
    fn drop(&mut self) {
        self.seen.forget(self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_new_again_unless_its_envelope_got_onto_the_bus() {
        let seen = SeenIds::default();
        let [one, other] = [1, 2].map(Uuid::from_u128);
        drop(seen.note_until_kept(one, 7, 0).expect("it is new"));
        assert!(seen.0.lock().is_empty());
        seen.note_until_kept(one, 7, 0).expect("it is new").keep();
        assert!(seen.note_until_kept(one, 7, 0).is_none());
        assert!(
            seen.note_until_kept(one, 7, 0).is_none(),
            "it is forgotten by nobody else"
        );
        assert!(seen.note(other, SeenAs::Sent));
    }

    #[test]
    fn all_links_of_a_bus_share_one_window_while_there_is_a_link() {
        let bus = Bus::<u32>::new();
        let seen = SeenIds::of(&bus);
        assert!(Arc::ptr_eq(&seen, &SeenIds::of(&bus)));
        assert!(!Arc::ptr_eq(&seen, &SeenIds::of(&Bus::<u32>::new())));
        let id = Uuid::from_u128(7);
        assert!(seen.note(id, SeenAs::Sent) && !seen.note(id, SeenAs::Sent));
        drop(seen);
        assert!(SeenIds::of(&bus).note(id, SeenAs::Sent));
    }

    #[test]
    fn the_oldest_ids_are_forgotten() {
        let seen = SeenIds::default();
        let ids = || (0..=MAX as u128).map(Uuid::from_u128);
        assert!(ids().all(|id| seen.note(id, SeenAs::Sent)));
        assert!(!seen.note(Uuid::from_u128(1), SeenAs::Sent));
        assert!(seen.note(Uuid::from_u128(0), SeenAs::Sent));
    }

    #[test]
    fn an_id_that_is_forgotten_is_new_again() {
        let seen = SeenIds::default();
        let id = Uuid::from_u128(7);
        assert!(seen.note(id, SeenAs::Sent));
        seen.forget(id);
        assert!(seen.note(id, SeenAs::Sent));
    }
}
