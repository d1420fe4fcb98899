//! The index: finds the listeners of a subject and source without asking every one.
//!
//! Patterns lie in a trie, token by token. There is one trie for listeners to every source, and one for each source
//! that somebody listens to alone. So a listener that is found matches both by subject and by source. An index is
//! immutable, like the subscriber list that it belongs to: a change makes a new one, which shares most of the old.
//!
//! So a publish costs as much as it has matches, and not as much as the bus has filters. The tests are in
//! `engine/tests/index.rs` and `tests/library/routing.rs`.

mod trie;

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use smallvec::SmallVec;

use self::trie::{Change, Trie, Words};
use crate::message::pattern::Pattern;
use crate::message::source::Source;
use crate::message::subject::Subject;
use crate::support::chunked_list::ChunkedList;

/// An index over listeners, each of which has a number.
pub(crate) struct Index<L> {
    any_source: Trie<L>,
    /// By the hash of the source.
    by_source: ChunkedList<(Source, Trie<L>)>,
    /// Seeded at random, so that nobody can choose names with equal hashes.
    hasher: RandomState,
}

impl<L: Clone> Index<L> {
    pub(crate) fn new() -> Self {
        Index {
            any_source: Trie::new(),
            by_source: ChunkedList::new(),
            hasher: RandomState::default(),
        }
    }

    /// Finds the listeners to this source and subject, each once, in the order of their numbers. Asks for the subject
    /// only if somebody listens by pattern.
    pub(crate) fn find<'a, 's>(
        &'a self,
        source: &Source,
        subject: impl FnOnce() -> Subject<'s>,
        listeners: &mut Listeners<'a, L>,
    ) {
        let mut found = Found {
            listeners,
            lists: 0,
        };
        let by_source = self.of_source(source);
        found.add(self.any_source.everything());
        if let Some(trie) = by_source {
            found.add(trie.everything());
        }
        let by_source = by_source.filter(|trie| trie.has_patterns());
        if self.any_source.has_patterns() || by_source.is_some() {
            let words = Words {
                subject: subject(),
                hasher: &self.hasher,
            };
            self.any_source.find(&words, &mut found);
            if let Some(trie) = by_source {
                trie.find(&words, &mut found);
            }
        }
        found.put_in_order();
    }

    fn of_source(&self, source: &Source) -> Option<&Trie<L>> {
        if self.by_source.is_empty() {
            return None;
        }
        let hash = self.hasher.hash_one(source);
        let entry = self.by_source.get(hash, |(its, _)| its == source);
        entry.map(|(_, trie)| trie)
    }

    /// The index with one listener more, or one less. The listener has any of these patterns, or every subject if there
    /// are none, and any of these sources, or every source if there are none.
    pub(crate) fn set(
        &self,
        number: u64,
        listener: Option<&L>,
        (patterns, sources): (&[Pattern], &[Source]),
    ) -> Self {
        let change = Change {
            number,
            listener,
            hasher: &self.hasher,
        };
        let mut index = self.clone();
        if sources.is_empty() {
            index.any_source = self.any_source.changed(patterns, &change);
        }
        for source in sources {
            let is = |(its, _): &(Source, Trie<L>)| its == source;
            let hash = self.hasher.hash_one(source);
            let trie = (index.by_source.get(hash, is)).map_or_else(
                || Trie::new().changed(patterns, &change),
                |(_, trie)| trie.changed(patterns, &change),
            );
            let item = (!trie.is_empty()).then(|| (source.clone(), trie));
            index.by_source = index.by_source.set(hash, item, is);
        }
        index
    }

    /// The index with the listeners that `keep` accepts, made in one pass over all patterns.
    pub(crate) fn retain(&self, keep: &impl Fn(&L) -> bool) -> Self {
        Index {
            any_source: self.any_source.retain(keep),
            by_source: self.by_source.filter_map(|(source, trie)| {
                let trie = trie.retain(keep);
                (!trie.is_empty()).then(|| (source.clone(), trie))
            }),
            hasher: self.hasher.clone(),
        }
    }
}

/// A handle on the same index.
impl<L> Clone for Index<L> {
    fn clone(&self) -> Self {
        Index {
            any_source: self.any_source.clone(),
            by_source: self.by_source.clone(),
            hasher: self.hasher.clone(),
        }
    }
}

/// Listeners with their numbers.
pub(crate) type Listeners<'a, L> = SmallVec<[(u64, &'a L); 16]>;

/// What was found so far.
struct Found<'f, 'a, L> {
    listeners: &'f mut Listeners<'a, L>,
    /// From how many lists it was collected. Each list by itself is in order.
    lists: usize,
}

impl<'a, L> Found<'_, 'a, L> {
    fn add(&mut self, list: &'a ChunkedList<L>) {
        if !list.is_empty() {
            self.lists += 1;
            for row in list.rows() {
                (self.listeners).extend(row.iter().map(|(number, it)| (*number, it)));
            }
        }
    }

    fn put_in_order(&mut self) {
        if self.lists > 1 {
            self.listeners.sort_unstable_by_key(|(number, _)| *number);
            self.listeners.dedup_by_key(|(number, _)| *number);
        }
    }
}

#[cfg(all(test, not(oxide_loom)))]
#[path = "../tests/index.rs"]
mod tests;
