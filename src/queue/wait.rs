//! `Wait` says how long a receive waits, and `Nothing` why it returns no envelope.
//!
//! All receives (`try_recv`, `recv`, `recv_timeout`, and those of tasks) run on the same code. These two types say in
//! which way a receive is called, and the public errors are made of `Nothing`.
//!
//! The tests are in `tests/library/receive.rs`.

use std::time::Instant;

use crate::queue::recv_error::{RecvError, RecvTimeoutError, TryRecvError};
use crate::support::clock;

/// How long a receive waits.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wait {
    No,
    Until(Instant),
    Forever,
}

impl Wait {
    pub(crate) fn is_over(self) -> bool {
        match self {
            Wait::No => true,
            Wait::Until(deadline) => clock::now() >= deadline,
            Wait::Forever => false,
        }
    }

    /// Returns when the wait is over, if ever.
    pub(crate) fn deadline(self) -> Option<Instant> {
        match self {
            Wait::Until(deadline) => Some(deadline),
            Wait::No | Wait::Forever => None,
        }
    }
}

/// Why no envelope was received, before it becomes one of the public receive errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nothing {
    /// There is none, and the wait is over.
    Empty,
    /// This many envelopes were lost.
    Lagged(u64),
    Disconnected,
    Evicted,
}

impl From<Nothing> for RecvError {
    fn from(nothing: Nothing) -> Self {
        match nothing {
            Nothing::Lagged(missed) => RecvError::Lagged { missed },
            Nothing::Disconnected => RecvError::Disconnected,
            Nothing::Evicted => RecvError::Evicted,
            Nothing::Empty => unreachable!("it waits for as long as it takes"),
        }
    }
}

impl From<Nothing> for TryRecvError {
    fn from(nothing: Nothing) -> Self {
        match nothing {
            Nothing::Empty => TryRecvError::Empty,
            Nothing::Lagged(missed) => TryRecvError::Lagged { missed },
            Nothing::Disconnected => TryRecvError::Disconnected,
            Nothing::Evicted => TryRecvError::Evicted,
        }
    }
}

impl From<Nothing> for RecvTimeoutError {
    fn from(nothing: Nothing) -> Self {
        match nothing {
            Nothing::Empty => RecvTimeoutError::Timeout,
            Nothing::Lagged(missed) => RecvTimeoutError::Lagged { missed },
            Nothing::Disconnected => RecvTimeoutError::Disconnected,
            Nothing::Evicted => RecvTimeoutError::Evicted,
        }
    }
}
