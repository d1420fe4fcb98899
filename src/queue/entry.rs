//! An entry: one shared queue's accounts at one head of the chain.
//!
//! Losses and places need no counter of their own on the publish path: a head's entry follows from the entry before it
//! and from how far the segment in between was filled. So the accounts are exact at every head.
//!
//! The tests are in `tests/library/accounts.rs`; `tests/library/model.rs` compares them with the reference model.

/// One queue's accounts, up to the segment's base.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Entry {
    /// How many envelopes were enqueued with segments that had the queue in reach.
    pub(crate) enqueued: u64,
    /// How many envelopes were published while the queue was left out.
    pub(crate) left_out: u64,
    pub(crate) reach: Reach,
}

/// How a segment relates to a queue.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Reach {
    /// The segment is in the queue.
    Within,
    /// The queue had no room for the segment.
    LeftOut,
    /// The segment was not offered to the queue: nothing is counted.
    #[default]
    None,
}

impl Entry {
    pub(crate) fn new(enqueued: u64, left_out: u64) -> Self {
        Entry {
            enqueued,
            left_out,
            reach: Reach::None,
        }
    }

    /// Returns the accounts after this many envelopes of the segment.
    pub(crate) fn after(self, claimed: usize) -> Entry {
        let claimed = claimed as u64;
        let (enqueued, left_out) = match self.reach {
            Reach::Within => (claimed, 0),
            Reach::LeftOut => (0, claimed),
            Reach::None => (0, 0),
        };
        Entry::new(self.enqueued + enqueued, self.left_out + left_out)
    }

    pub(crate) fn is_in_reach(&self) -> bool {
        matches!(self.reach, Reach::Within)
    }
}
