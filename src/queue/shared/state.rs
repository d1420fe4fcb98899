//! What publishers and subscriber tell each other about the room of a queue without a filter.

use std::sync::OnceLock;

use crossbeam_utils::CachePadded;

use crate::queue::vacancy::Vacancy;
use crate::support::sync::{AtomicBool, AtomicU64, Ordering, fence};

const NO_START: u64 = u64::MAX;

/// What publishers and subscriber tell each other about the queue's room.
///
/// How many envelopes were enqueued and how many left out is not here: it follows from the bus's
/// chain of openings, see [`Entry`](crate::queue::entry::Entry).
pub(crate) struct QueueState {
    /// How many envelopes the subscriber has received; it alone writes this.
    pub(super) consumed: CachePadded<AtomicU64>,
    /// From which sequence number on everything is offered to the queue. [`NO_START`] until its list is in use.
    start: AtomicU64,
    /// How many losses the subscriber was told of; it alone writes this.
    told: AtomicU64,
    /// Whether the queue was ever left out of a segment.
    pub(super) was_left_out: AtomicBool,
    /// The subscriber has left.
    pub(super) gone: AtomicBool,
    /// The subscription was closed: its subscriber receives what it has.
    pub(super) closed: AtomicBool,
    /// The bus has put the subscriber out.
    pub(super) evicted: AtomicBool,
    /// The most envelopes that somebody who asked has seen queued.
    seen: AtomicU64,
    /// Where the newest are kept: how many losses were told of as a lag.
    pub(super) told_of: AtomicU64,
    /// What was enqueued and left out when the bus or the subscription closed, or the subscriber was put out.
    pub(super) end: OnceLock<End>,
}

/// What a queue's accounts are when nothing more comes.
#[derive(Clone, Copy)]
pub(crate) struct End {
    pub(crate) enqueued: u64,
    pub(crate) left_out: u64,
    /// The bus has put the subscriber out, and nothing was closed.
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
            seen: AtomicU64::new(0),
            told_of: AtomicU64::new(0),
            end: OnceLock::new(),
        }
    }

    /// So many envelopes are consumed now. Only the subscriber calls it.
    #[inline]
    pub(crate) fn count(&self, consumed: u64, vacancy: Option<&Vacancy>) {
        self.consumed.store(consumed, Ordering::Release); // against the acquire in `consumed`
        if let Some(vacancy) = vacancy {
            fence(Ordering::SeqCst); // against the fence in `register_and_fence`
            vacancy.freed(consumed);
        }
    }

    /// The queue's list is in use: from this sequence number on everything is offered to it.
    pub(crate) fn begin(&self, start: u64) {
        // Release, against the acquire in `start`. Whoever comes second has the same number.
        let _known =
            self.start
                .compare_exchange(NO_START, start, Ordering::Release, Ordering::Relaxed);
    }

    /// From which sequence number on everything is offered to the queue, once its list is in use.
    pub(crate) fn start(&self) -> Option<u64> {
        let start = self.start.load(Ordering::Acquire); // against the release in `begin`
        (start != NO_START).then_some(start)
    }

    /// So many losses were told. Only the subscriber calls it.
    pub(crate) fn tell(&self, told: u64) {
        // Release, against the acquire in `told`; the count of what was consumed after it comes later.
        self.told.store(told, Ordering::Release);
    }

    /// How many losses the subscriber was told of.
    pub(super) fn told(&self) -> u64 {
        self.told.load(Ordering::Acquire) // against the release in `tell`
    }

    /// How many envelopes the subscriber has received.
    #[inline]
    pub(crate) fn consumed(&self) -> u64 {
        // Acquire, against the release in `count`: a publisher that knows that the subscriber has received
        // finds room.
        self.consumed.load(Ordering::Acquire)
    }

    /// So many are queued now.
    pub(crate) fn saw(&self, queued: u64) {
        // Relaxed, twice: a figure, no more.
        if self.seen.load(Ordering::Relaxed) < queued {
            self.seen.fetch_max(queued, Ordering::Relaxed);
        }
    }

    /// The most envelopes that were queued, so many of them now.
    pub(crate) fn high_water(&self, now: u64) -> u64 {
        self.saw(now);
        self.seen.load(Ordering::Relaxed)
    }

    /// Whether the queue was ever left out of a segment.
    pub(crate) fn was_left_out(&self) -> bool {
        // Relaxed: who learned of a loss learned of this too.
        self.was_left_out.load(Ordering::Relaxed)
    }

    /// The subscriber leaves: nobody need wait for it.
    pub(crate) fn leave(&self) {
        self.gone.store(true, Ordering::Release); // against the acquire in `SharedQueue::takes_no_more`
    }

    /// Whether nothing more comes and all that found a place was consumed.
    pub(crate) fn has_all(&self, consumed: u64) -> bool {
        self.end.get().is_some_and(|end| consumed == end.enqueued)
    }

    pub(crate) fn is_evicted(&self) -> bool {
        self.evicted.load(Ordering::Acquire) // against the release in `SharedQueue::evict`
    }

    /// What was enqueued and left out in all, if no more will be.
    pub(crate) fn ended(&self) -> Option<End> {
        self.end.get().copied()
    }

    /// What was enqueued and left out in all, where it is not listed any more.
    pub(crate) fn at_end(&self) -> End {
        *self.end.wait()
    }

    /// The subscription never got onto the bus's list.
    pub(crate) fn never_began(&self) {
        let _first = self.end.set(End {
            enqueued: 0,
            left_out: 0,
            evicted: false,
        });
    }
}
