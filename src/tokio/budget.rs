//! How long a task may go on without giving others a turn.

use std::cell::Cell;

/// How many receives in a row find something before one gives way, as tokio has it.
const FULL: u8 = 128;

#[derive(Debug)]
pub(crate) struct Budget(u8);

impl Budget {
    pub(crate) fn full() -> Self {
        Budget(FULL)
    }

    /// False once each time that it is spent: then it is full again, and others are due.
    #[inline]
    pub(crate) fn spend(&mut self) -> bool {
        if self.0 == 0 {
            self.refill();
            return false;
        }
        self.0 -= 1;
        true
    }

    /// The others had their turn.
    pub(crate) fn refill(&mut self) {
        self.0 = FULL;
    }
}

/// One publish in so many counts against the budget that tokio gives a task.
///
/// That budget is for the task and for those that it wakes, which run after it on the same thread. A publish takes
/// less time than most of what counts for one. If each counted, two bursts of 64 would use it up: what is woken is
/// then left to another thread, and reading a parcel there while it fills costs both twice as much.
const COUNTED: u8 = 4;

thread_local! {
    static PUBLISHED: Cell<u8> = const { Cell::new(0) };
}

/// Whether this publish is one that counts.
#[inline]
pub(super) fn publish_counts() -> bool {
    let published = PUBLISHED.get().wrapping_add(1);
    PUBLISHED.set(published);
    published.is_multiple_of(COUNTED)
}
