//! What one queue was given and what it missed, from opening to opening.

/// One queue's accounts, up to the segment's base.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Entry {
    /// How many envelopes were enqueued with the segments that had it in reach.
    pub(crate) enqueued: u64,
    /// How many envelopes were published while it was left out.
    pub(crate) left_out: u64,
    pub(crate) reach: Reach,
}

/// What a segment is to a queue.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Reach {
    /// It is in the queue.
    Within,
    /// The queue had no room for it.
    LeftOut,
    /// It was not offered: nothing is counted.
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

    /// The accounts after so many envelopes in the segment.
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
