//! Changes of the subscriber list. Each is a barrier: it returns once its list, or a newer one, is in use.
//!
//! The list is copied on write, as with RCU: a change stores a new one under a lock that publishers never wait for.
//! Then it [brings the list in](Core::bring_in): it installs a head with it, so that later publishes use it.
//!
//! So this keeps promise 5. The models are in `engine/tests/core_loom_changes.rs` and
//! `engine/tests/core_loom_leaving.rs`, the tests in `tests/library/barriers.rs`.

use std::sync::Arc;

use uuid::Uuid;

use super::Core;
use crate::engine::activation_point::ActivationPoint;
use crate::engine::filter::{self, Filter};
use crate::engine::queue_kind::Queue;
use crate::engine::retained::{Rule, Rules};
use crate::engine::subscriber_list::{SubscriberList, WithQueues};
use crate::message::advisory::{Advisory, Eviction};
use crate::message::pattern::Pattern;
use crate::queue::delivery::Delivery;
use crate::queue::direct::DirectReceiver;
use crate::queue::direct::seat::Seat;
use crate::queue::shared::SharedQueue;
use crate::queue::terms::Terms;
use crate::support::failpoints::{self, Step};
use crate::support::sync::{Ordering, fence};

/// Where a new subscriber is.
pub(crate) enum Added<M> {
    /// On the list, which is in use from this point on. The point is kept only where something is retained.
    Listed(Option<Arc<ActivationPoint>>),
    /// In its group, where it receives by this end.
    Joined(DirectReceiver<M>),
}

/// What became of a subscriber that leaves.
pub(crate) struct Removed {
    /// For a member of a group: whether it was the last one, or none if it had left before. Without a group, always
    /// true.
    pub(crate) is_last: Option<bool>,
    /// It was subscribed until now.
    pub(crate) was_subscribed: bool,
}

/// Why a subscriber is not listed.
pub(crate) enum Unlisted {
    /// The bus has closed.
    Closed,
    /// The group of that name has other terms.
    GroupMismatch {
        /// The term that differs.
        term: &'static str,
    },
}

impl<M> Core<M> {
    /// Replaces the list, unless `change` returns none. Returns the list afterwards, and whether it was replaced.
    fn change(
        &self,
        change: impl FnOnce(&SubscriberList<M>) -> Option<SubscriberList<M>>,
    ) -> (Arc<SubscriberList<M>>, bool) {
        let changing = self.changing.lock();
        // Kept to the end: a predicate may be dropped with the old list, and that is user code.
        let old = self.subscribers.load_full();
        let new = change(&old).map(Arc::new);
        if let Some(new) = &new {
            self.subscribers.store(Arc::clone(new));
        }
        drop(changing);
        failpoints::at(Step::Listed);
        self.sweep();
        let changed = new.is_some();
        let subscribers = new.unwrap_or_else(|| Arc::clone(&old));
        self.bring_in(&subscribers);
        self.current.load().mark(); // so that this list need not wait for the next publish to be marked
        self.listed.wake_all_after_fence();
        (subscribers, changed)
    }

    /// Takes evicted subscribers off the list. If another thread is changing the list, that thread does it afterwards.
    fn sweep(&self) {
        // Against the fence at the end of this loop, in the thread that held the lock: either `try_lock` succeeds here,
        // or that thread sees the mark after it has given the lock back.
        fence(Ordering::SeqCst);
        while self.stale.load(Ordering::Relaxed) {
            let Some(changing) = self.changing.try_lock() else {
                return;
            };
            self.stale.store(false, Ordering::Relaxed); // before the list is looked at
            let subscribers = self.subscribers.load_full();
            let swept = (subscribers.is_stale() && !subscribers.closed)
                .then(|| Arc::new(subscribers.swept()));
            if let Some(swept) = &swept {
                self.subscribers.store(Arc::clone(swept));
            }
            drop(changing);
            if let Some(swept) = swept {
                self.bring_in(&swept);
            }
            fence(Ordering::SeqCst); // against the fence at the start of `sweep` in another thread
        }
    }

    /// Takes subscribers off the list that were evicted, and tells of it.
    pub(crate) fn evicted(&self, evicted: &[(Arc<Terms>, Eviction)]) {
        if evicted.is_empty() {
            return;
        }
        failpoints::at(Step::Evicted);
        self.stale.store(true, Ordering::Relaxed); // the fence is in `sweep`
        self.sweep();
        self.listed.wake_all_after_fence(); // the list has changed by now, or the thread that changes it wakes them too
        for (terms, reason) in evicted {
            self.notices.tell(|| Advisory::Evicted {
                id: terms.id,
                name: terms.name.clone(),
                reason: *reason,
            });
        }
    }

    /// Puts a subscriber on the list, or into its group. A barrier: everything published from now on is offered to it.
    pub(crate) fn add(&self, queue: Queue<M>) -> Result<Added<M>, Unlisted> {
        self.add_all(&[queue]).map(|mut added| added.remove(0))
    }

    /// Like [`add`](Core::add), for many subscribers: all are added, or none.
    pub(crate) fn add_all(&self, queues: &[Queue<M>]) -> Result<Vec<Added<M>>, Unlisted> {
        let mut joined = Err(Unlisted::Closed);
        let (subscribers, _) = self.change(|subscribers| {
            if subscribers.closed {
                return None;
            }
            match subscribers.with_queues(queues) {
                Err(term) => {
                    joined = Err(Unlisted::GroupMismatch { term });
                    None
                }
                Ok(WithQueues { list, joins }) => {
                    let joins = joins.into_iter().zip(queues).map(|(listener, queue)| {
                        let group = listener.as_ref()?.queue.group()?;
                        Some(group.join(queue.terms()))
                    });
                    joined = Ok(joins.collect::<Vec<_>>());
                    list
                }
            }
        });
        let joined = joined?;
        for queue in queues {
            let terms = queue.terms();
            self.notices.tell(|| Advisory::Subscribed {
                id: terms.id,
                name: terms.name.clone(),
                filter: queue.filter().and_then(Filter::describe),
            });
        }
        let added = joined.into_iter().map(|joined| match joined {
            Some(receiver) => Added::Joined(receiver),
            None => Added::Listed(subscribers.activation.clone()),
        });
        Ok(added.collect())
    }

    /// Changes the rules of what is retained, unless `change` returns none or the bus has closed.
    pub(crate) fn change_rules(&self, change: impl FnOnce(&[Rule<M>]) -> Option<Rules<M>>) {
        self.change(|subscribers| {
            if subscribers.closed {
                return None;
            }
            Some(subscribers.with_rules(change(&subscribers.rules)?))
        });
    }

    /// Returns what was retained before a list came into use. That list is in use.
    pub(crate) fn retained(
        &self,
        activation: &ActivationPoint,
    ) -> impl Iterator<Item = Delivery<M>> + use<M> {
        let current = self.current.load_full();
        current.mark();
        // None: everything was forgotten meanwhile.
        let base = activation.base().unwrap_or_default();
        current.retained.before(base, &current.subscribers.rules)
    }

    /// Gives a subscriber with a filter these patterns. A barrier: everything published from now on is matched by them.
    /// False if the subscriber is not listed. Calls `note` with the new filter under the lock.
    pub(crate) fn set_patterns(
        &self,
        terms: &Terms,
        patterns: Vec<Pattern>,
        note: impl FnOnce(&Filter<M>),
    ) -> bool {
        let words = (self.notices.is_listened_to()).then(|| filter::subjects(&patterns));
        let change = |subscribers: &SubscriberList<M>| {
            let next = subscribers.with_patterns(terms, patterns)?;
            note(&next.listener(terms)?.filter);
            Some(next)
        };
        let changed = self.change(change).1;
        if changed {
            terms.wake_publishers(); // what they publish may not match any more
        }
        if let Some(words) = words.filter(|_| changed) {
            self.notices.tell(|| Advisory::Listening {
                id: terms.id,
                name: terms.name.clone(),
                patterns: words.map(Into::into),
            });
        }
        changed
    }

    /// Takes a subscriber off the list, or out of its group. A barrier: nothing published from now on is offered to it.
    pub(crate) fn remove(
        &self,
        leaving: &Arc<Terms>,
        seat: Option<&Seat>,
        is_evicted: impl FnOnce() -> bool,
    ) -> Removed {
        let mut is_last = Some(true);
        let (subscribers, changed) = self.change(|subscribers| {
            is_last = seat.map_or(Some(true), Seat::leave);
            if is_last != Some(true) {
                return None;
            }
            // None on a bus that has closed: it offers nothing to anybody.
            subscribers.without(seat.map_or(leaving, Seat::listed))
        });
        let others_stay = is_last == Some(false) && !subscribers.closed;
        // Its eviction was told already.
        let was_subscribed = (changed || others_stay) && !is_evicted();
        if was_subscribed {
            self.notices.tell(|| Advisory::Unsubscribed {
                id: leaving.id,
                name: leaving.name.clone(),
            });
        }
        Removed {
            is_last,
            was_subscribed,
        }
    }

    /// Whether a subscriber is offered what is published: it is on the list, or its group is.
    pub(crate) fn lists(&self, listed: &Terms) -> bool {
        let current = self.current.load();
        !current.subscribers.closed && current.subscribers.lists(listed)
    }

    /// Like [`remove`](Core::remove), for a subscriber that goes on receiving what it has. Wakes it, so that it learns
    /// of its end. False if it was not subscribed any more.
    pub(crate) fn end_subscription(&self, leaving: &Arc<Terms>, seat: Option<&Seat>) -> bool {
        let listed = seat.map_or(leaving, Seat::listed);
        let current = self.current.load_full();
        let shared = current.subscribers.shared_queue(listed).cloned();
        let listener = current.subscribers.listener(listed).cloned();
        drop(current); // the head would keep the queue connected
        let was_open = shared.as_ref().map(|queue| self.close_shared_queue(queue));
        let removed = self.remove(leaving, seat, || {
            shared.as_ref().is_some_and(|queue| queue.is_evicted())
                || (listener.as_ref()).is_some_and(|listener| listener.queue.is_evicted())
        });
        if let Some(listener) = listener {
            if removed.is_last == Some(true) {
                listener.queue.terms().wake_publishers();
            }
            listener.queue.readers().wake_every_thread(); // in a group, the other members stay connected
        }
        // A woken subscriber with a shared queue may have left by itself before it was taken off.
        was_open.unwrap_or(removed.was_subscribed)
    }

    /// Like [`end_subscription`](Core::end_subscription), for the subscriber with this id.
    pub(crate) fn end_subscription_by_id(&self, id: Uuid) -> bool {
        let current = self.current.load_full();
        let found = current.subscribers.with_id(id);
        drop(current);
        found.is_some_and(|(terms, seat)| self.end_subscription(&terms, seat.as_ref()))
    }

    /// Settles the accounts of a shared queue for good, before it is taken off the list. False if that was done
    /// already, or the subscriber was evicted.
    ///
    /// Invariant: *once the queue is marked as closed and the current segment is retired, its accounts are the same in
    /// every head that lists it.* A publisher that opens a later segment has acquired the mark, through the swap that
    /// retired the segment. So several threads may do this at once, and it does not matter which is first.
    fn close_shared_queue(&self, queue: &SharedQueue<M>) -> bool {
        let was_open = queue.close() && !queue.is_evicted();
        self.retire_segment();
        let current = self.current.load_full();
        // None: another thread has taken it off by now, and had told the subscriber of its end before.
        if let Some(entry) = current.accounts(queue.terms()) {
            queue.settle_accounts(&entry);
            self.readers.wake_all_after_fence();
        }
        was_open
    }

    /// Closes the bus, and settles the accounts of its subscribers. False if it was closed before.
    ///
    /// Two lists come into use, one after the other. The first is closed and still lists every subscriber: the head
    /// that brings it in has their final accounts. The second lists nobody, so that their queues disconnect. A thread
    /// that closes while another does takes the same steps, and waits for nobody.
    #[must_use = "what there is left to tell is told by the first"]
    pub(crate) fn close(&self) -> bool {
        // Kept to the end. Its payloads' `drop` may ask a subscription for its accounts, so these are settled before.
        let _before = self.current.load_full();
        let (_, first) =
            self.change(|subscribers| (!subscribers.closed).then(|| subscribers.closed()));
        let last = self.current.load_full();
        for (queue, entry) in last.standings() {
            queue.settle_accounts(&entry);
        }
        self.readers.wake_all_after_fence();
        for listener in last.subscribers.direct.iter() {
            listener.queue.terms().wake_publishers();
        }
        if !last.subscribers.is_empty() {
            let nobody = Arc::new(last.subscribers.nobody());
            self.subscribers.store(Arc::clone(&nobody));
            self.bring_in(&nobody);
        }
        self.requests.close();
        first
    }
}
