//! The reference model: what the bus promises, in plain sequential Rust.
//!
//! It uses none of the bus's types. An envelope is a number, a source and a subject. A queue is a list of numbers, with
//! gaps where they lie.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The most envelopes in a segment.
const SEGMENT: usize = 64;

/// One token of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    Literal(&'static str),
    AnyOne,
    Rest,
}

/// What a subscriber listens to. An empty list means everything.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) patterns: Vec<Vec<Token>>,
    pub(crate) sources: Vec<&'static str>,
    /// Stands for the predicate: even numbers only.
    pub(crate) even: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Received {
    Envelope(u64),
    Lagged(u64),
    Empty,
    Disconnected,
    Evicted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Published {
    To {
        delivered: usize,
        dropped: usize,
    },
    Denied,
    Closed,
    /// The publish would have to wait.
    Full,
}

enum Entry {
    Envelope(u64),
    Gap(u64),
}

/// What happens when a queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Policy {
    #[default]
    DropNewest,
    DropOldest,
    Evict,
    /// Waits with a time-out of zero.
    Block,
}

/// The options of a subscription.
#[derive(Debug, Clone, Default)]
pub(crate) struct Terms {
    pub(crate) capacity: usize,
    pub(crate) filter: Filter,
    pub(crate) policy: Policy,
    pub(crate) group: Option<&'static str>,
}

/// Why a subscribe fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotSubscribed {
    Closed,
    OtherTerms,
}

/// What the bus keeps for later subscribers.
struct Rule {
    pattern: Vec<Token>,
    count: usize,
    /// Number, source and subject.
    kept: VecDeque<(u64, String, Vec<String>)>,
}

/// Why a change of patterns fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotSet {
    Unfiltered,
    Grouped,
    Ended,
}

struct Queue {
    terms: Terms,
    /// Whether it began with a filter. Without one it cannot change its patterns later.
    chooses: bool,
    /// What was retained for it. Comes before the queue and takes no place in it.
    backlog: VecDeque<u64>,
    entries: VecDeque<Entry>,
    dropped: u64,
    /// Where it [`is_loose`](Queue::is_loose): how many entries are lost and not reported yet.
    untold: usize,
    evicted: bool,
    /// Accepts nothing new.
    ended: bool,
    members: BTreeSet<Key>,
}

/// A receiver, numbered among all that ever subscribed.
pub(crate) type Key = usize;

#[derive(Default)]
pub(crate) struct Model {
    /// By the key of the queue's first member.
    queues: BTreeMap<Key, Queue>,
    /// The members that have left their groups and still exist.
    left: BTreeSet<Key>,
    subscribed: Key,
    rules: Vec<Rule>,
    granted: BTreeSet<&'static str>,
    closed: bool,
}

impl Model {
    /// Subscribes. Fails once the bus has closed, or if the group has other terms.
    pub(crate) fn subscribe(&mut self, terms: Terms) -> Result<Key, NotSubscribed> {
        if self.closed {
            return Err(NotSubscribed::Closed);
        }
        let group = (self.queues.values_mut()).find(|queue| {
            terms.group.is_some() && queue.terms.group == terms.group && queue.is_subscribed()
        });
        let key = self.subscribed + 1;
        if let Some(group) = group {
            if !group.terms.agree(&terms) {
                return Err(NotSubscribed::OtherTerms);
            }
            group.members.insert(key);
        } else {
            let filter = &terms.filter;
            let no_filter = filter.patterns.is_empty() && filter.sources.is_empty() && !filter.even;
            let queue = Queue {
                backlog: self.backlog(&terms),
                chooses: !no_filter,
                terms,
                entries: VecDeque::new(),
                dropped: 0,
                untold: 0,
                evicted: false,
                ended: false,
                members: BTreeSet::from([key]),
            };
            self.queues.insert(key, queue);
        }
        self.subscribed = key;
        Ok(key)
    }

    /// Returns the retained numbers that match, in order, each once. A group may have received them already.
    fn backlog(&self, terms: &Terms) -> VecDeque<u64> {
        if terms.group.is_some() {
            return VecDeque::new();
        }
        let kept = self.rules.iter().flat_map(|rule| &rule.kept);
        let accepted = kept.filter(|(number, source, subject)| {
            let subject: Vec<_> = subject.iter().map(String::as_str).collect();
            terms.filter.accepts(*number, source, &subject)
        });
        let numbers: BTreeSet<_> = accepted.map(|(number, ..)| *number).collect();
        numbers.into_iter().collect()
    }

    /// Returns false once the bus has closed.
    pub(crate) fn retain(&mut self, pattern: &[Token], count: usize) -> bool {
        if self.closed {
            return false;
        }
        match self.rules.iter_mut().find(|rule| rule.pattern == pattern) {
            Some(known) => {
                known.count = count;
                known.trim();
            }
            None => self.rules.push(Rule {
                pattern: pattern.to_vec(),
                count,
                kept: VecDeque::new(),
            }),
        }
        true
    }

    /// Returns false once the bus has closed.
    pub(crate) fn forget(&mut self, pattern: &[Token]) -> bool {
        if self.closed {
            return false;
        }
        self.rules.retain(|rule| rule.pattern != pattern);
        true
    }

    /// Ends a subscription: it accepts nothing new, and still receives what is queued. A member leaves its group.
    /// Returns false if it was no longer subscribed.
    pub(crate) fn end_subscription(&mut self, key: Key) -> bool {
        if self.left.contains(&key) {
            return false;
        }
        let was_open = !self.closed;
        let queue = self.queue(key);
        let was_subscribed = was_open && queue.is_subscribed();
        if queue.members.len() > 1 {
            queue.members.remove(&key);
            self.left.insert(key);
        } else {
            queue.ended |= was_open;
        }
        was_subscribed
    }

    /// Returns whether nothing new will arrive.
    pub(crate) fn has_ended(&mut self, key: Key) -> bool {
        self.closed || self.left.contains(&key) || !self.queue(key).is_subscribed()
    }

    /// Returns whether it has left its group.
    pub(crate) fn has_left(&self, key: Key) -> bool {
        self.left.contains(&key)
    }

    pub(crate) fn unsubscribe(&mut self, key: Key) {
        self.left.remove(&key);
        self.queues.retain(|_, queue| {
            queue.members.remove(&key);
            !queue.members.is_empty()
        });
    }

    /// Publishes without waiting, unguarded.
    pub(crate) fn try_publish(&mut self, number: u64, source: &str, subject: &[&str]) -> Published {
        let is_full = self.queues.values().any(|queue| {
            queue.terms.policy == Policy::Block
                && !queue.ended
                && queue.terms.filter.accepts(number, source, subject)
                && queue.len() == queue.terms.capacity
        });
        if is_full && !self.closed {
            return Published::Full;
        }
        self.publish(number, source, subject, None)
    }

    /// Changes the patterns from now on.
    pub(crate) fn set_patterns(
        &mut self,
        key: Key,
        patterns: Vec<Vec<Token>>,
    ) -> Result<(), NotSet> {
        if self.left.contains(&key) {
            return Err(NotSet::Grouped);
        }
        let closed = self.closed;
        let queue = self.queue(key);
        if queue.terms.group.is_some() {
            Err(NotSet::Grouped)
        } else if !queue.chooses {
            Err(NotSet::Unfiltered)
        } else if closed || !queue.is_subscribed() {
            Err(NotSet::Ended)
        } else {
            queue.terms.filter.patterns = patterns;
            Ok(())
        }
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
        for rule in (self.rules.iter_mut()).filter(|rule| matches(&rule.pattern, subject)) {
            let subject = subject.iter().map(|&token| token.to_owned()).collect();
            rule.kept.push_back((number, source.to_owned(), subject));
            rule.trim();
        }
        let (mut delivered, mut dropped) = (0, 0);
        for queue in self.queues.values_mut() {
            if !queue.is_subscribed() || !queue.terms.filter.accepts(number, source, subject) {
                continue;
            }
            if queue.offer(number) {
                delivered += 1;
            } else {
                dropped += 1;
            }
        }
        Published::To { delivered, dropped }
    }

    pub(crate) fn receive(&mut self, key: Key) -> Received {
        if self.left.contains(&key) {
            return Received::Disconnected;
        }
        if let Some(number) = self.queue(key).backlog.pop_front() {
            return Received::Envelope(number);
        }
        match self.queue(key).entries.pop_front() {
            Some(Entry::Envelope(number)) => Received::Envelope(number),
            Some(Entry::Gap(missed)) => Received::Lagged(missed),
            None => self.end(key),
        }
    }

    /// Takes over what a loose queue says it has dropped so far. To be called before a receive or the accounts are
    /// compared.
    pub(crate) fn observe(&mut self, key: Key, received: Option<&Received>, dropped: u64) {
        if self.left.contains(&key) || !self.queue(key).is_loose() {
            return;
        }
        let queue = self.queue(key);
        let capacity = queue.terms.capacity;
        let lost = dropped
            .checked_sub(queue.dropped)
            .expect("it is not taken back");
        queue.untold += usize::try_from(lost).expect("no more than there were");
        queue.dropped = dropped;
        assert!(queue.len() <= capacity + 2 * SEGMENT, "it holds too many");
        assert!(lost == 0 || queue.len() >= capacity, "the newest stay");
        if let Some(Received::Lagged(missed)) = received {
            // Only the queue decides where the loss lies. The next receive shows it.
            let lost = usize::try_from(*missed).expect("no more than there were");
            queue.untold = queue.untold.checked_sub(lost).expect("it was counted");
            queue.entries.drain(..lost);
            assert!(queue.entries.len() >= capacity, "the newest stay");
            queue.entries.push_front(Entry::Gap(*missed));
        }
    }

    /// Returns the result of a receive when nothing is left.
    pub(crate) fn end(&mut self, key: Key) -> Received {
        if self.left.contains(&key) {
            Received::Disconnected
        } else if self.queue(key).evicted {
            Received::Evicted
        } else if self.closed || self.queue(key).ended {
            Received::Disconnected
        } else {
            Received::Empty
        }
    }

    /// Returns whether a receive would have to wait.
    pub(crate) fn would_wait(&mut self, key: Key) -> bool {
        if self.left.contains(&key) {
            return false;
        }
        let queue = self.queue(key);
        queue.backlog.is_empty() && queue.entries.is_empty() && self.end(key) == Received::Empty
    }

    pub(crate) fn len(&mut self, key: Key) -> usize {
        if self.left.contains(&key) {
            return 0;
        }
        let queue = self.queue(key);
        queue.backlog.len() + queue.len()
    }

    pub(crate) fn dropped(&mut self, key: Key) -> u64 {
        self.queue(key).dropped
    }

    /// Returns how many can be reached: nobody, once the bus has closed.
    pub(crate) fn subscriber_count(&self) -> usize {
        let reached = self.queues.values().filter(|queue| queue.is_subscribed());
        if self.closed {
            0
        } else {
            reached.map(|queue| queue.members.len()).sum()
        }
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

    /// Closes the bus. What is queued stays.
    pub(crate) fn close(&mut self) {
        self.closed = true;
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    fn queue(&mut self, key: Key) -> &mut Queue {
        // Most subscriptions have a queue of their own. Of a group, the first members may have left.
        let first = if self.queues.contains_key(&key) {
            key
        } else {
            let shares = |(_, queue): &(&Key, &Queue)| queue.members.contains(&key);
            *self.queues.iter().find(shares).expect("it is subscribed").0
        };
        self.queues.get_mut(&first).expect("it is there")
    }
}

impl Rule {
    fn trim(&mut self) {
        let too_many = self.kept.len().saturating_sub(self.count);
        self.kept.drain(..too_many);
    }
}

impl Terms {
    /// Returns whether two members may share a group. The order of patterns does not matter.
    fn agree(&self, other: &Terms) -> bool {
        fn same<T: PartialEq>(some: &[T], others: &[T]) -> bool {
            some.iter().all(|it| others.contains(it)) && others.iter().all(|it| some.contains(it))
        }
        self.capacity == other.capacity
            && self.policy == other.policy
            && same(&self.filter.patterns, &other.filter.patterns)
            && same(&self.filter.sources, &other.filter.sources)
    }
}

impl Queue {
    fn is_subscribed(&self) -> bool {
        !self.evicted && !self.ended
    }

    /// Returns whether it keeps the newest: at least `capacity`, and up to two segments more.
    fn is_loose(&self) -> bool {
        self.terms.policy == Policy::DropOldest && !self.chooses && self.terms.group.is_none()
    }

    /// Returns whether it accepts the envelope.
    fn offer(&mut self, number: u64) -> bool {
        if self.is_loose() || self.len() < self.terms.capacity {
            self.entries.push_back(Entry::Envelope(number));
            return true;
        }
        self.dropped += 1;
        match self.terms.policy {
            Policy::DropOldest => {
                let oldest = |entry: &Entry| matches!(entry, Entry::Envelope(_));
                let oldest = self.entries.iter().position(oldest).expect("it is full");
                self.entries.remove(oldest);
                self.lose_first();
                self.entries.push_back(Entry::Envelope(number));
                return true;
            }
            Policy::Evict => self.evicted = true,
            Policy::DropNewest | Policy::Block => {}
        }
        if self.terms.group.is_some() {
            // The next receive reports the loss.
            self.lose_first();
        } else if let Some(Entry::Gap(missed)) = self.entries.back_mut() {
            *missed += 1;
        } else {
            self.entries.push_back(Entry::Gap(1));
        }
        false
    }

    fn lose_first(&mut self) {
        match self.entries.front_mut() {
            Some(Entry::Gap(missed)) => *missed += 1,
            _ => self.entries.push_front(Entry::Gap(1)),
        }
    }

    fn len(&self) -> usize {
        let envelopes = (self.entries.iter()).filter(|entry| matches!(entry, Entry::Envelope(_)));
        envelopes.count() - self.untold
    }
}

impl Filter {
    pub(crate) fn accepts(&self, number: u64, source: &str, subject: &[&str]) -> bool {
        (!self.even || number.is_multiple_of(2))
            && (self.sources.is_empty() || self.sources.contains(&source))
            && (self.patterns.is_empty()
                || (self.patterns.iter()).any(|pattern| matches(pattern, subject)))
    }
}

/// Returns whether a pattern matches a subject. A pattern has at least one token, and `Rest` only as its last.
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
