//! Who gets an envelope: the list of subscribers, replaced whole at each change.

use std::sync::Arc;

use crate::envelope::Envelope;
use crate::fanout::Queue;
use crate::pattern::Pattern;
use crate::source::Source;
use crate::subject::Subject;

/// One state of the subscriber list. Never changed, only replaced.
///
/// It is what keeps the queues' sending ends: when the last route that lists a queue is gone, and
/// with it the last publisher that could still send, the subscriber's channel disconnects.
pub(crate) struct Route<M> {
    pub(crate) queues: Vec<Arc<Queue<M>>>,
    /// The bus has closed; there are no queues then.
    pub(crate) closed: bool,
    /// Whether some subscriber listens by pattern, so that subjects have to be asked for.
    pub(crate) by_subject: bool,
}

impl<M> Route<M> {
    pub(crate) fn empty() -> Self {
        Self::over(Vec::new())
    }

    pub(crate) fn closed() -> Self {
        Route {
            closed: true,
            ..Self::empty()
        }
    }

    fn over(queues: Vec<Arc<Queue<M>>>) -> Self {
        Route {
            by_subject: queues.iter().any(|queue| queue.filter().by_subject()),
            queues,
            closed: false,
        }
    }

    pub(crate) fn with(&self, queue: Arc<Queue<M>>) -> Self {
        let mut queues = Vec::with_capacity(self.queues.len() + 1);
        queues.extend(self.queues.iter().cloned());
        queues.push(queue);
        Self::over(queues)
    }

    /// The list without one queue, or nothing if it is not listed.
    pub(crate) fn without(&self, leaving: impl Fn(&Queue<M>) -> bool) -> Option<Self> {
        let queues: Vec<_> = (self.queues.iter())
            .filter(|queue| !leaving(queue))
            .cloned()
            .collect();
        (queues.len() < self.queues.len()).then(|| Self::over(queues))
    }
}

/// What one subscriber listens to.
#[derive(Debug)]
pub(crate) struct Filter {
    /// Any of these matches; empty: every subject.
    patterns: Box<[Pattern]>,
    /// Any of these is equal; empty: every source.
    sources: Box<[Source]>,
}

impl Filter {
    pub(crate) fn new(patterns: Vec<Pattern>, sources: Vec<Source>) -> Self {
        Filter {
            patterns: patterns.into(),
            sources: sources.into(),
        }
    }

    fn by_subject(&self) -> bool {
        !self.patterns.is_empty()
    }

    /// `subject` is the envelope's, which the caller asks for once for all filters.
    pub(crate) fn accepts<M>(&self, envelope: &Envelope<M>, subject: &Subject<'_>) -> bool {
        (self.sources.is_empty() || self.sources.contains(&envelope.source))
            && (self.patterns.is_empty() || self.patterns.iter().any(|p| p.matches(subject)))
    }
}
