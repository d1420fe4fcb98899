//! The words that publishers and the subscriber of one shared queue exchange.
//!
//! The publishers need to know how much room there is, and the subscriber how much it has lost. All words are read and
//! written without a lock, so neither side waits for the other.
//!
//! The models are in `engine/tests/core_loom_models.rs`, the tests in `tests/library/accounts.rs`.

use std::sync::OnceLock;

use crossbeam_utils::CachePadded;

use crate::queue::accounts::HighWater;
use crate::queue::vacancy::Vacancy;
use crate::support::sync::{AtomicBool, AtomicU64, Ordering, fence};

const NO_START: u64 = u64::MAX;

/// What publishers and the subscriber tell each other about the queue.
///
/// The numbers of envelopes that were enqueued and left out are not here. They follow from the bus's chain of heads:
/// see [`Entry`](crate::queue::entry::Entry).
pub(crate) struct QueueState {
    /// How many envelopes the subscriber has received. Only the subscriber writes it.
    pub(super) consumed: CachePadded<AtomicU64>,
    /// The sequence number from which on everything is offered to the queue. [`NO_START`] until its subscriber list is
    /// in use.
    start: AtomicU64,
    /// How many losses the subscriber was told of. Only the subscriber writes it.
    told: AtomicU64,
    /// Whether the queue was ever left out of a segment.
    pub(super) was_left_out: AtomicBool,
    /// The subscriber has left.
    pub(super) gone: AtomicBool,
    /// The subscription was closed. Its subscriber receives what is queued.
    pub(super) closed: AtomicBool,
    /// The bus has evicted the subscriber.
    pub(super) evicted: AtomicBool,
    pub(crate) high_water: HighWater,
    /// In a queue that keeps the newest: how many losses advisories have reported.
    pub(super) lost_reported: AtomicU64,
    /// What was enqueued and left out when the bus or the subscription closed, or the subscriber was evicted.
    pub(super) end: OnceLock<FinalAccounts>,
}

/// A queue's accounts when nothing more comes.
#[derive(Clone, Copy)]
pub(crate) struct FinalAccounts {
    pub(crate) enqueued: u64,
    pub(crate) left_out: u64,
    /// The bus has evicted the subscriber, and nothing was closed.
    pub(crate) evicted: bool,
}

impl QueueState {
    pub(super) fn new() -> Self {
        QueueState {
            consumed: CachePadded::new(AtomicU64::new(0)),
            start: AtomicU64::new(NO_START),
            told: AtomicU64::new(0),
            was_left_out: AtomicBool::new(false),
            gone: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            evicted: AtomicBool::new(false),
            high_water: HighWater::new(),
            lost_reported: AtomicU64::new(0),
            end: OnceLock::new(),
        }
    }

    /// Records how many envelopes the subscriber has received. Only the subscriber calls it.
    #[inline]
    pub(crate) fn set_consumed(&self, consumed: u64, vacancy: Option<&Vacancy>) {
        self.consumed.store(consumed, Ordering::Release); // against the acquire in `consumed`
        if let Some(vacancy) = vacancy {
            fence(Ordering::SeqCst); // against the fence in `register_and_fence`
            vacancy.freed(consumed);
        }
    }

    /// Records that the queue's subscriber list is in use: everything from this sequence number on is offered to it.
    pub(crate) fn begin(&self, start: u64) {
        // Release, against the acquire in `start`. Every later caller has the same number.
        let _known =
            self.start
                .compare_exchange(NO_START, start, Ordering::Release, Ordering::Relaxed);
    }

    /// Returns the sequence number from which on everything is offered to the queue, once its subscriber list is in
    /// use.
    pub(crate) fn start(&self) -> Option<u64> {
        let start = self.start.load(Ordering::Acquire); // against the release in `begin`
        (start != NO_START).then_some(start)
    }

    /// Records how many losses the subscriber was told of. Only the subscriber calls it.
    pub(crate) fn tell(&self, told: u64) {
        // Release, against the acquire in `told`: the subscriber counts what it consumes after the loss only after this
        // store.
        self.told.store(told, Ordering::Release);
    }

    /// Returns how many losses the subscriber was told of.
    pub(super) fn told(&self) -> u64 {
        self.told.load(Ordering::Acquire) // against the release in `tell`
    }

    /// Returns how many envelopes the subscriber has received.
    #[inline]
    pub(crate) fn consumed(&self) -> u64 {
        // Acquire, against the release in `set_consumed`: a publisher that knows that the subscriber has received an
        // envelope finds the room.
        self.consumed.load(Ordering::Acquire)
    }

    /// Whether the queue was ever left out of a segment.
    pub(crate) fn was_left_out(&self) -> bool {
        // Relaxed: a subscriber that learned of a loss learned of this too.
        self.was_left_out.load(Ordering::Relaxed)
    }

    /// The subscriber leaves. Nobody needs to wait for it any more.
    pub(crate) fn leave(&self) {
        self.gone.store(true, Ordering::Release); // against the acquire in `SharedQueue::takes_no_more`
    }

    /// Whether nothing more comes and everything that was enqueued is consumed.
    pub(crate) fn has_all(&self, consumed: u64) -> bool {
        self.end.get().is_some_and(|end| consumed == end.enqueued)
    }

    pub(crate) fn is_evicted(&self) -> bool {
        self.evicted.load(Ordering::Acquire) // against the release in `SharedQueue::evict`
    }

    /// Returns what was enqueued and left out in all, if no more will be.
    pub(crate) fn ended(&self) -> Option<FinalAccounts> {
        self.end.get().copied()
    }

    /// Returns what was enqueued and left out in all. The queue is off the subscriber list.
    pub(crate) fn at_end(&self) -> FinalAccounts {
        *self.end.wait()
    }

    /// The subscription never got onto the bus's subscriber list.
    pub(crate) fn never_began(&self) {
        let _first = self.end.set(FinalAccounts {
            enqueued: 0,
            left_out: 0,
            evicted: false,
        });
    }
}
