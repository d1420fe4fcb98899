//! A trie over the tokens of patterns.
//!
//! A lookup follows the tokens of a subject, with one branch more for each wildcard. A change copies one path. The
//! tests are in `engine/tests/index.rs` and `tests/library/pattern_laws.rs`.

use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::Found;
use crate::message::pattern::{Pattern, Token};
use crate::message::subject::Subject;
use crate::support::chunked_list::ChunkedList;
use crate::support::failpoints::{self, Step};

/// Listeners by their numbers: those without a pattern, and those with patterns.
///
/// It is no deeper than a pattern is long. A look-up visits the nodes that a subject leads to. Where patterns have `*`
/// in different places, that is one node for each arrangement of these places, at each depth. So
/// [`set_patterns`](crate::Subscription::set_patterns) allows few arrangements.
pub(super) struct Trie<L> {
    everything: ChunkedList<L>,
    root: Node<L>,
}

struct Node<L> {
    /// What follows a token, by its hash.
    literals: ChunkedList<(Arc<str>, Arc<Node<L>>)>,
    /// What follows a `*`.
    any_one: Option<Arc<Node<L>>>,
    /// Listeners with a pattern that ends here.
    here: ChunkedList<L>,
    /// Listeners with a pattern that goes on with `>`.
    rest: ChunkedList<L>,
}

/// One listener more, or one less.
pub(super) struct Change<'a, L> {
    pub(super) number: u64,
    pub(super) listener: Option<&'a L>,
    pub(super) hasher: &'a RandomState,
}

/// A subject's tokens, and the hasher for them.
pub(super) struct Words<'s, 'i> {
    pub(super) subject: Subject<'s>,
    pub(super) hasher: &'i RandomState,
}

impl<L: Clone> Trie<L> {
    pub(super) fn new() -> Self {
        Trie {
            everything: ChunkedList::new(),
            root: Node::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.everything.is_empty() && !self.has_patterns()
    }

    pub(super) fn has_patterns(&self) -> bool {
        !self.root.is_empty()
    }

    /// Listeners without a pattern.
    pub(super) fn everything(&self) -> &ChunkedList<L> {
        &self.everything
    }

    /// Adds the listeners with a pattern that matches.
    pub(super) fn find<'a>(&'a self, words: &Words<'_, '_>, found: &mut Found<'_, 'a, L>) {
        self.root.find(words, 0, found);
    }

    pub(super) fn retain(&self, keep: &impl Fn(&L) -> bool) -> Self {
        Trie {
            everything: self.everything.retain(keep),
            root: self.root.retain(keep),
        }
    }

    pub(super) fn changed(&self, patterns: &[Pattern], change: &Change<'_, L>) -> Self {
        let mut trie = self.clone();
        if patterns.is_empty() {
            trie.everything = change.of(&trie.everything);
        }
        for pattern in patterns {
            trie.root = trie.root.changed(pattern, 0, change);
        }
        trie
    }
}

impl<L: Clone> Node<L> {
    fn new() -> Self {
        Node {
            literals: ChunkedList::new(),
            any_one: None,
            here: ChunkedList::new(),
            rest: ChunkedList::new(),
        }
    }

    fn is_empty(&self) -> bool {
        self.literals.is_empty()
            && self.any_one.is_none()
            && self.here.is_empty()
            && self.rest.is_empty()
    }

    fn retain(&self, keep: &impl Fn(&L) -> bool) -> Self {
        let below = |node: &Arc<Self>| {
            let node = node.retain(keep);
            (!node.is_empty()).then(|| Arc::new(node))
        };
        Node {
            literals: (self.literals)
                .filter_map(|(token, node)| Some((Arc::clone(token), below(node)?))),
            any_one: self.any_one.as_ref().and_then(below),
            here: self.here.retain(keep),
            rest: self.rest.retain(keep),
        }
    }

    fn find<'a>(&'a self, words: &Words<'_, '_>, depth: usize, found: &mut Found<'_, 'a, L>) {
        failpoints::at(Step::LookedUp);
        let Some(token) = words.subject.tokens().get(depth) else {
            return found.add(&self.here);
        };
        found.add(&self.rest);
        // Mostly a node has literals and nothing else, or none: then no token need be hashed.
        if !self.literals.is_empty() {
            let hash = words.hasher.hash_one(*token);
            let literal = self.literals.get(hash, |(its, _)| **its == **token);
            if let Some((_, below)) = literal {
                below.find(words, depth + 1, found);
            }
        }
        if let Some(below) = &self.any_one {
            below.find(words, depth + 1, found);
        }
    }

    /// The node after the change of one pattern, whose token at `depth` belongs here.
    fn changed(&self, pattern: &Pattern, depth: usize, change: &Change<'_, L>) -> Self {
        let mut node = self.clone();
        let below = |below: Option<&Arc<Node<L>>>| {
            let changed = match below {
                Some(below) => below.changed(pattern, depth + 1, change),
                None => Node::new().changed(pattern, depth + 1, change),
            };
            (!changed.is_empty()).then(|| Arc::new(changed))
        };
        match pattern.tokens().get(depth) {
            None if pattern.is_open_ended() => node.rest = change.of(&self.rest),
            None => node.here = change.of(&self.here),
            Some(Token::AnyOne) => node.any_one = below(self.any_one.as_ref()),
            Some(Token::Literal(token)) => {
                let is = |(its, _): &(Arc<str>, _)| **its == **token;
                let hash = change.hasher.hash_one(&**token);
                let literal = self.literals.get(hash, is).map(|(_, below)| below);
                let item = below(literal).map(|below| (Arc::clone(token), below));
                node.literals = self.literals.set(hash, item, is);
            }
        }
        node
    }
}

impl<L: Clone> Change<'_, L> {
    fn of(&self, list: &ChunkedList<L>) -> ChunkedList<L> {
        list.set(self.number, self.listener.cloned(), |_| true)
    }
}

/// A handle on the same trie.
impl<L> Clone for Trie<L> {
    fn clone(&self) -> Self {
        Trie {
            everything: self.everything.clone(),
            root: self.root.clone(),
        }
    }
}

/// A handle on the nodes below.
impl<L> Clone for Node<L> {
    fn clone(&self) -> Self {
        Node {
            literals: self.literals.clone(),
            any_one: self.any_one.clone(),
            here: self.here.clone(),
            rest: self.rest.clone(),
        }
    }
}
