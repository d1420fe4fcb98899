//! A drain: waiting until every subscriber has received what it was given.
//!
//! A drain watches one queue at a time, of those that are not empty: it marks it, and sleeps in the wait list of the
//! bus's subscribers until whoever receives the last envelope wakes it, or the list changes. Then it looks at all queues
//! again. So it wakes about once for each queue, and only the subscribers of watched queues notice.
//!
//! Invariant: a subscriber counts what it receives before it looks for a mark, and a drain marks a queue before it looks at
//! the count, so one of them sees what the other did.
//!
//! Between the two a subscriber has no fence, since receiving is to cost nothing where nobody drains. So its count may be
//! in its processor's store buffer still while it misses the mark, and the drain the count: for some hundred nanoseconds,
//! for whatever stops the thread empties that buffer. Hence a drain that has marked a queue looks again after a
//! [`MOMENT`]. A subscriber that finds the mark fences.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::compiler_fence;
use std::time::{Duration, Instant};

use crate::engine::core::Core;
use crate::queue::terms::Terms;
use crate::support::sync::{AtomicU64, Ordering, fence};
use crate::support::wait_list::Look;

/// Far longer than a store takes to reach the other processors.
const MOMENT: Duration = Duration::from_millis(1);

/// How many drains watch a queue.
#[derive(Debug, Default)]
pub(crate) struct Drains(AtomicU64);

impl Drains {
    /// Whether one does. To be asked after what was received is counted.
    #[inline]
    pub(crate) fn are_any(&self) -> bool {
        compiler_fence(Ordering::SeqCst); // the compiler does not ask before that; for the processor see above
        self.0.load(Ordering::Relaxed) > 0
    }
}

/// What a drain watches.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// The terms of the queue, and when it was marked.
    marked: Option<(Arc<Terms>, Instant)>,
}

impl Watch {
    /// Whether every subscriber of the bus has received what it was given. The drain is registered.
    pub(crate) fn look<M>(&mut self, core: &Core<M>) -> Look<()> {
        self.look_at(|watched| left(core, watched))
    }

    /// The same. `left` finds a queue that is not empty, and stays with the one that is watched while it can.
    fn look_at(&mut self, left: impl Fn(Option<&Arc<Terms>>) -> Option<Arc<Terms>>) -> Look<()> {
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

    /// Marks another queue in the place of the one before.
    fn watch(&mut self, queue: Option<Arc<Terms>>) {
        if let Some(queue) = &queue {
            // Release, against the fence of a subscriber that finds the mark: it finds the drain registered, too.
            queue.drains.0.fetch_add(1, Ordering::Release);
        }
        let marked = queue.map(|queue| (queue, Instant::now()));
        if let Some((before, _)) = mem::replace(&mut self.marked, marked) {
            before.drains.0.fetch_sub(1, Ordering::Relaxed); // whoever finds it still wakes in vain
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.watch(None);
    }
}

/// The terms of a queue that is not empty: of the one that is watched, if that is not.
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
