//! The reference model: what the bus promises, in plain sequential Rust.
//!
//! It knows nothing of the bus's types. An envelope is a number, a source and a subject; a queue is
//! a list of numbers and of gaps where they lie.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// One token of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    Literal(&'static str),
    AnyOne,
    Rest,
}

/// What a subscriber listens to; an empty list is everything.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) patterns: Vec<Vec<Token>>,
    pub(crate) sources: Vec<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Received {
    Envelope(u64),
    Lagged(u64),
    Empty,
    Disconnected,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Published {
    To { delivered: usize, dropped: usize },
    Denied,
    Closed,
}

enum Entry {
    Envelope(u64),
    Gap(u64),
}

struct Queue {
    capacity: usize,
    filter: Filter,
    entries: VecDeque<Entry>,
    dropped: u64,
}

/// Who receives, of all that ever subscribed.
pub(crate) type Key = usize;

#[derive(Default)]
pub(crate) struct Model {
    queues: BTreeMap<Key, Queue>,
    subscribed: Key,
    granted: BTreeSet<&'static str>,
    closed: bool,
}

impl Model {
    /// Nobody can subscribe once the bus has closed.
    pub(crate) fn subscribe(&mut self, capacity: usize, filter: Filter) -> Option<Key> {
        if self.closed {
            return None;
        }
        self.subscribed += 1;
        let queue = Queue {
            capacity,
            filter,
            entries: VecDeque::new(),
            dropped: 0,
        };
        self.queues.insert(self.subscribed, queue);
        Some(self.subscribed)
    }

    pub(crate) fn unsubscribe(&mut self, key: Key) {
        self.queues.remove(&key);
    }

    /// Publishes, under a capability or unguarded.
    pub(crate) fn publish(
        &mut self,
        number: u64,
        source: &str,
        subject: &[&str],
        under: Option<&str>,
    ) -> Published {
        if under.is_some_and(|capability| !self.granted.contains(capability)) {
            return Published::Denied;
        }
        if self.closed {
            return Published::Closed;
        }
        let (mut delivered, mut dropped) = (0, 0);
        for queue in self.queues.values_mut() {
            if !queue.filter.accepts(source, subject) {
                continue;
            }
            if queue.len() < queue.capacity {
                queue.entries.push_back(Entry::Envelope(number));
                delivered += 1;
            } else {
                match queue.entries.back_mut() {
                    Some(Entry::Gap(missed)) => *missed += 1,
                    _ => queue.entries.push_back(Entry::Gap(1)),
                }
                queue.dropped += 1;
                dropped += 1;
            }
        }
        Published::To { delivered, dropped }
    }

    pub(crate) fn receive(&mut self, key: Key) -> Received {
        match self.queue(key).entries.pop_front() {
            Some(Entry::Envelope(number)) => Received::Envelope(number),
            Some(Entry::Gap(missed)) => Received::Lagged(missed),
            None if self.closed => Received::Disconnected,
            None => Received::Empty,
        }
    }

    /// Whether a receive would have to wait.
    pub(crate) fn would_wait(&mut self, key: Key) -> bool {
        self.queue(key).entries.is_empty() && !self.closed
    }

    pub(crate) fn len(&mut self, key: Key) -> usize {
        self.queue(key).len()
    }

    pub(crate) fn dropped(&mut self, key: Key) -> u64 {
        self.queue(key).dropped
    }

    /// Nobody can be reached once the bus has closed.
    pub(crate) fn subscriber_count(&self) -> usize {
        if self.closed { 0 } else { self.queues.len() }
    }

    pub(crate) fn grant(&mut self, capability: &'static str) {
        self.granted.insert(capability);
    }

    pub(crate) fn revoke(&mut self, capability: &str) {
        self.granted.remove(capability);
    }

    pub(crate) fn is_granted(&self, capability: &str) -> bool {
        self.granted.contains(capability)
    }

    /// What is queued stays.
    pub(crate) fn close(&mut self) {
        self.closed = true;
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    fn queue(&mut self, key: Key) -> &mut Queue {
        self.queues.get_mut(&key).expect("it is subscribed")
    }
}

impl Queue {
    fn len(&self) -> usize {
        self.entries
            .iter()
            .filter(|entry| matches!(entry, Entry::Envelope(_)))
            .count()
    }
}

impl Filter {
    pub(crate) fn accepts(&self, source: &str, subject: &[&str]) -> bool {
        (self.sources.is_empty() || self.sources.contains(&source))
            && (self.patterns.is_empty()
                || (self.patterns.iter()).any(|pattern| matches(pattern, subject)))
    }
}

/// Whether a pattern stands for a subject. A pattern has at least one token, and `Rest` only as its
/// last.
pub(crate) fn matches(pattern: &[Token], subject: &[&str]) -> bool {
    match (pattern, subject) {
        ([], []) | ([Token::Rest, ..], [_, ..]) => true,
        ([Token::AnyOne, pattern @ ..], [_, subject @ ..]) => matches(pattern, subject),
        ([Token::Literal(literal), pattern @ ..], [token, subject @ ..]) => {
            literal == token && matches(pattern, subject)
        }
        _ => false,
    }
}
