//! A drain: waiting until every subscriber has received what it was given.
//!
//! A drain watches one queue at a time, out of those that are not empty. It marks the queue and sleeps in the wait list
//! for changes of the subscriber list. It is woken by the subscriber that receives the queue's last envelope, or when
//! the list changes; then it looks at all queues again. So it wakes about once for each queue, and only subscribers of
//! watched queues notice.
//!
//! Invariant: *a subscriber counts what it receives before it looks for a mark, and a drain marks a queue before it
//! looks at the count. So one of them sees what the other did.*
//!
//! Between these two steps a subscriber has no fence, since receiving must cost nothing while nobody drains. So its
//! count may still be in its processor's store buffer while it misses the mark and the drain misses the count. That
//! lasts some hundred nanoseconds: whatever stops the thread empties that buffer. Hence a drain that has marked a queue
//! looks again after a [`MOMENT`]. A subscriber that finds the mark fences. The models in `tests/drain_loom_models.rs`
//! show this.

use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::core::Core;
use crate::queue::terms::Terms;
use crate::support::sync::{Ordering, fence};
use crate::support::wait_list::Look;

/// Far longer than a store takes to reach the other processors.
const MOMENT: Duration = Duration::from_millis(1);

/// What a drain watches.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// The terms of the queue, and when it was marked.
    marked: Option<(Arc<Terms>, Instant)>,
}

impl Watch {
    /// Whether every subscriber of the bus has received what it was given. The drain must be registered.
    pub(crate) fn check<M>(&mut self, core: &Core<M>) -> Look<()> {
        self.check_with(|watched| left(core, watched))
    }

    /// Like [`check`](Watch::check). `left` finds a queue that is not empty, and prefers the watched one.
    fn check_with(&mut self, left: impl Fn(Option<&Arc<Terms>>) -> Option<Arc<Terms>>) -> Look<()> {
        let Some(queue) = left(self.watched()) else {
            return Look::Found(());
        };
        if let Some((watched, since)) = &self.marked
            && Arc::ptr_eq(watched, &queue)
        {
            let rest = MOMENT.saturating_sub(since.elapsed());
            return if rest.is_zero() {
                Look::Nothing
            } else {
                Look::NothingFor(rest)
            };
        }
        self.watch(Some(queue));
        fence(Ordering::SeqCst); // against the fence in `wake_all_after_fence`
        match left(self.watched()) {
            None => Look::Found(()),
            Some(_) => Look::NothingFor(MOMENT),
        }
    }

    fn watched(&self) -> Option<&Arc<Terms>> {
        self.marked.as_ref().map(|(terms, _)| terms)
    }

    /// Marks another queue, and takes the mark off the one before.
    fn watch(&mut self, queue: Option<Arc<Terms>>) {
        if let Some(queue) = &queue {
            queue.drains.watch();
        }
        let marked = queue.map(|queue| (queue, Instant::now()));
        if let Some((before, _)) = mem::replace(&mut self.marked, marked) {
            before.drains.unwatch();
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.watch(None);
    }
}

/// The terms of a queue that is not empty: the watched one, unless that is empty.
fn left<M>(core: &Core<M>, watched: Option<&Arc<Terms>>) -> Option<Arc<Terms>> {
    core.steadily(|current| {
        let subscribers = &current.subscribers;
        if subscribers.closed {
            return None;
        }
        let shared = (current.standings())
            .filter(|(queue, entry)| !queue.is_evicted() && queue.accounts(entry).queued() > 0)
            .map(|(queue, _)| queue.terms());
        let direct = (subscribers.direct.iter().map(|listener| &listener.queue))
            .filter(|queue| !queue.is_evicted() && queue.accounts().queued() > 0)
            .map(|queue| queue.terms());
        let mut first = None;
        for terms in shared.chain(direct) {
            if watched.is_some_and(|watched| Arc::ptr_eq(watched, terms)) {
                return Some(Arc::clone(terms));
            }
            first.get_or_insert(terms);
        }
        first.cloned()
    })
}

#[cfg(all(test, oxide_loom))]
#[path = "tests/drain_loom_models.rs"]
mod loom_models;
