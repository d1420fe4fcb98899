//! Filters: they choose the envelopes of one subscriber, by subject, source and predicate.
//!
//! A filter with predicates runs user code for each envelope, so a panic there is caught, and evicts only that
//! subscriber (promise 8). The tests are in `tests/library/routing.rs` and `tests/library/predicates.rs`.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::message::envelope::Envelope;
use crate::message::pattern::Pattern;
use crate::message::source::Source;
use crate::message::subject::Subject;
use crate::support::name_list::quoted_list;
use crate::support::panics::catch_panic;

/// A subscriber's own judgement of an envelope.
type Predicate<M> = Arc<dyn Fn(&Envelope<M>) -> bool + Send + Sync>;

/// A predicate has panicked.
#[derive(Debug)]
pub(crate) struct Panicked;

/// What these patterns match, in words. None if there are no patterns.
pub(crate) fn subjects(patterns: &[Pattern]) -> Option<String> {
    (!patterns.is_empty()).then(|| format!("subjects {}", quoted_list(patterns)))
}

/// How many bytes these patterns have together.
pub(crate) fn bytes(patterns: &[Pattern]) -> usize {
    patterns.iter().map(Pattern::bytes).sum()
}

/// The number of distinct arrangements of `*` among these patterns.
pub(crate) fn shapes(patterns: &[Pattern]) -> usize {
    (patterns.iter().map(Pattern::wildcards))
        .collect::<BTreeSet<_>>()
        .len()
}

/// What one subscriber listens to. An envelope has to pass all three.
pub(crate) struct Filter<M> {
    /// One of these must match. If empty, every subject passes.
    pub(crate) patterns: Vec<Pattern>,
    /// One of these must be equal. If empty, every source passes.
    pub(crate) sources: Vec<Source>,
    /// All of these must say yes.
    predicates: Vec<Predicate<M>>,
}

impl<M> Filter<M> {
    /// The filter that everything passes.
    pub(crate) fn none() -> Self {
        Filter {
            patterns: Vec::new(),
            sources: Vec::new(),
            predicates: Vec::new(),
        }
    }

    /// What passes, in words. None if everything does.
    pub(crate) fn describe(&self) -> Option<Arc<str>> {
        let mut parts = Vec::new();
        parts.extend(subjects(&self.patterns));
        if !self.sources.is_empty() {
            parts.push(format!("sources {}", quoted_list(&self.sources)));
        }
        match self.predicates.len() {
            0 => {}
            1 => parts.push("a predicate".to_owned()),
            count => parts.push(format!("{count} predicates")),
        }
        (!parts.is_empty()).then(|| parts.join("; ").into())
    }

    pub(crate) fn is_none(&self) -> bool {
        self.patterns.is_empty() && self.sources.is_empty() && self.predicates.is_empty()
    }

    pub(crate) fn add_predicate(
        &mut self,
        predicate: impl Fn(&Envelope<M>) -> bool + Send + Sync + 'static,
    ) {
        self.predicates.push(Arc::new(predicate));
    }

    /// Whether an envelope with this subject passes the patterns and the sources.
    pub(crate) fn addresses(&self, envelope: &Envelope<M>, subject: &Subject<'_>) -> bool {
        (self.sources.is_empty() || self.sources.contains(&envelope.source))
            && (self.patterns.is_empty() || self.patterns.iter().any(|p| p.matches(subject)))
    }

    /// The same filter with these patterns.
    pub(crate) fn with_patterns(&self, patterns: Vec<Pattern>) -> Self {
        Filter {
            patterns,
            sources: self.sources.clone(),
            predicates: self.predicates.clone(),
        }
    }

    /// Whether it listens to some subjects only. Then an envelope without a subject never passes.
    pub(crate) fn asks_for_a_subject(&self) -> bool {
        !self.patterns.is_empty()
    }

    /// Its patterns and sources.
    pub(crate) fn address(&self) -> (&[Pattern], &[Source]) {
        (&self.patterns, &self.sources)
    }

    /// Asks the predicates. They are user code: a panic is caught here, since it is the subscriber's fault and not that
    /// of the thread that asks.
    pub(crate) fn judge(&self, envelope: &Envelope<M>) -> Result<bool, Panicked> {
        let ask = || self.predicates.iter().all(|predicate| predicate(envelope));
        catch_panic(ask).ok_or(Panicked)
    }

    /// Whether another filter accepts the same, as far as a comparison can tell.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        is_same_set(&self.patterns, &other.patterns, Pattern::eq)
            && is_same_set(&self.sources, &other.sources, Source::eq)
            && is_same_set(&self.predicates, &other.predicates, Arc::ptr_eq)
    }

    /// Whether there is any predicate.
    pub(crate) fn has_predicates(&self) -> bool {
        !self.predicates.is_empty()
    }
}

fn is_same_set<T>(some: &[T], others: &[T], is_same: impl Fn(&T, &T) -> bool) -> bool {
    let are_in = |these: &[T], those: &[T]| {
        these
            .iter()
            .all(|it| those.iter().any(|that| is_same(it, that)))
    };
    are_in(some, others) && are_in(others, some)
}

impl<M> Clone for Filter<M> {
    fn clone(&self) -> Self {
        Filter {
            patterns: self.patterns.clone(),
            sources: self.sources.clone(),
            predicates: self.predicates.clone(),
        }
    }
}

impl<M> fmt::Debug for Filter<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filter")
            .field("patterns", &self.patterns)
            .field("sources", &self.sources)
            .field("predicates", &self.predicates.len())
            .finish()
    }
}
