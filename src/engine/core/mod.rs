//! The core: what all handles of one bus share, and the way of a publish through it.
//!
//! It gives every envelope its place in one sequence and puts it into the queues of the subscribers that match. A
//! publish takes the first of these ways that works:
//!
//! 1. **Append.** The [fast path](fast_path) appends to the current segment, which lies in every shared queue already:
//!    one compare-and-swap and one write, whatever the number of subscribers.
//! 2. **Place.** A [placement] appends too, or opens the next segment by installing a new [head](Head). Then it
//!    [delivers](deliver) the envelope to the direct queues that match.
//! 3. **Wait.** Where a subscriber that must not lose the envelope has no room, a placement publishes nothing. The
//!    publisher [waits for room](blocking) and tries again.
//!
//! Nothing on the first two ways blocks, save the lock of a bus with a total order. No user code runs under a lock. The
//! models in `tests/core_loom_*` show its order, its barriers and its accounts.

use std::sync::Arc;

use crate::engine::demands::Demands;
use crate::engine::head::Head;
use crate::engine::notices::Notices;
use crate::engine::requests::Requests;
use crate::engine::subscriber_list::SubscriberList;
use crate::message::trace_context::TraceContext;
use crate::queue::segment::MAX_SLOTS;
use crate::support::sync::{ArcSwap, AtomicBool, AtomicU64, Loaded, Mutex};
use crate::support::wait_list::{Occupied, WaitList};

use self::priority::Patience;

pub(crate) use self::batch::{Batching, Unfinished};
pub(crate) use self::membership::{Added, Unlisted};

/// What all handles of one bus share.
pub(crate) struct Core<M> {
    /// The head that publishers append through.
    current: ArcSwap<Head<M>>,
    /// The subscriber list for the next head.
    subscribers: ArcSwap<SubscriberList<M>>,
    /// Held to replace the subscriber list. Publishers never wait for it.
    changing: Mutex<()>,
    /// How many publishers have lost the race to install a head, and try again.
    hurried: AtomicU64,
    /// A subscriber was evicted, and may still be on the list.
    stale: AtomicBool,
    pub(crate) notices: Notices,
    /// What the bus demands of an envelope, if anything.
    pub(crate) demands: Option<Demands<M>>,
    /// Says which trace an envelope that is stamped here belongs to, if the program asked for that.
    pub(crate) trace_context: Option<TraceContext>,
    /// The order lock, on a bus with a total order. Held while an envelope gets its sequence number and is put into the
    /// direct queues that match. Its holder waits for nobody, and runs no user code.
    pub(crate) order: Option<Mutex<()>>,
    /// The most envelopes in one segment.
    pub(crate) max_segment: usize,
    pub(crate) requests: Requests<M>,
    /// How often a predicate has panicked.
    pub(crate) predicate_panics: AtomicU64,
    /// Subscribers with a shared queue that have received everything, and wait for more.
    pub(crate) readers: Arc<WaitList>,
    /// How many wait lists of direct queues are occupied.
    pub(crate) occupied: Arc<Occupied>,
    /// Threads and tasks that wait for the subscriber list to change.
    pub(crate) listed: Arc<WaitList>,
}

/// The current head, as a publish has loaded it. If it is out of use when this is dropped, payloads are dropped with
/// it.
pub(crate) type Current<M> = Loaded<Head<M>>;

impl<M> Core<M> {
    pub(crate) fn new(notices: Notices) -> Self {
        let subscribers = Arc::new(SubscriberList::empty());
        Core {
            current: ArcSwap::from_pointee(Head::first(Arc::clone(&subscribers))),
            subscribers: ArcSwap::new(subscribers),
            changing: Mutex::default(),
            hurried: AtomicU64::new(0),
            stale: AtomicBool::new(false),
            notices,
            demands: None,
            trace_context: None,
            order: None,
            max_segment: MAX_SLOTS,
            requests: Requests::default(),
            predicate_panics: AtomicU64::new(0),
            readers: Arc::default(),
            occupied: Arc::default(),
            listed: Arc::default(),
        }
    }

    /// Makes `next` the current head, if `current` still is, and else returns the one that is. Both have the same
    /// segment, or that of `current` is closed.
    fn install(&self, current: &Arc<Head<M>>, next: &Arc<Head<M>>) -> Result<(), Current<M>> {
        current.settle();
        current.mark();
        let was = self.current.compare_and_swap(current, Arc::clone(next));
        if Arc::ptr_eq(&was, current) {
            Ok(())
        } else {
            Err(was)
        }
    }

    /// Returns once every later publish uses this list or a newer one.
    fn bring_in(&self, subscribers: &Arc<SubscriberList<M>>) {
        let mut patience = Patience::default();
        loop {
            self.let_publishers_pass(&mut patience);
            let current = self.current.load();
            current.settle();
            if current.subscribers.version >= subscribers.version {
                return;
            }
            current.complete(&self.readers);
            // This list, though there may be a newer one already. That may be a closed one, and a closed bus is
            // complete only after all that `close` does.
            let next = current
                .next_of_same_segment(subscribers)
                .unwrap_or_else(|| {
                    current.segment.close();
                    current.idle(Arc::clone(subscribers))
                });
            let next = Arc::new(next);
            if self.install(&current, &next).is_ok() {
                next.settle();
                return;
            }
        }
    }
}

mod batch;
mod blocking;
mod deliver;
mod fast_path;
mod inspect;
#[cfg(all(test, oxide_loom))]
#[path = "../tests/core_loom_changes.rs"]
mod loom_changes;
#[cfg(all(test, oxide_loom))]
#[path = "../tests/core_loom_leaving.rs"]
mod loom_leaving;
#[cfg(all(test, oxide_loom))]
#[path = "../tests/core_loom_models.rs"]
mod loom_models;
#[cfg(all(test, oxide_loom))]
#[path = "../tests/core_loom_narrow.rs"]
mod loom_narrow;
#[cfg(all(test, oxide_loom))]
#[path = "../tests/core_loom_policies.rs"]
mod loom_policies;
mod membership;
mod placement;
mod priority;
#[cfg(all(test, not(oxide_loom)))]
#[path = "../tests/core_stopped/mod.rs"]
mod stopped;
