//! How long a task may go on without giving others a turn.

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
