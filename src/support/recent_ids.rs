//! The last ids of some kind, each with what is known of it.
//!
//! Links pass over what they have seen lately, and what nobody waits for any more. What is remembered must not grow.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};

use foldhash::fast::RandomState;
use uuid::Uuid;

/// The last ids, `MAX` at most.
#[derive(Debug)]
pub(crate) struct RecentIds<T, const MAX: usize> {
    ids: HashMap<Uuid, T, RandomState>,
    in_order: VecDeque<Uuid>,
}

impl<T, const MAX: usize> Default for RecentIds<T, MAX> {
    fn default() -> Self {
        RecentIds {
            ids: HashMap::default(),
            in_order: VecDeque::new(),
        }
    }
}

impl<T, const MAX: usize> RecentIds<T, MAX> {
    /// Notes an id. Returns whether it is new.
    pub(crate) fn insert(&mut self, id: Uuid, known: T) -> bool {
        match self.ids.entry(id) {
            Entry::Occupied(_) => return false,
            Entry::Vacant(vacant) => vacant.insert(known),
        };
        self.in_order.push_back(id);
        if self.in_order.len() > MAX
            && let Some(oldest) = self.in_order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        true
    }

    /// Returns what is known of an id, if it is one of the last.
    pub(crate) fn get(&self, id: Uuid) -> Option<&T> {
        self.ids.get(&id)
    }

    /// Forgets an id.
    pub(crate) fn remove(&mut self, id: Uuid) {
        self.ids.remove(&id);
        // The last places are free again. One between others stays until its time.
        while let Some(last) = self.in_order.pop_back() {
            if self.ids.contains_key(&last) {
                self.in_order.push_back(last);
                break;
            }
        }
    }

    /// Whether no place is taken.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.in_order.is_empty()
    }
}
