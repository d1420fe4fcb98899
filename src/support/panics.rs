//! Catching panics of user code that runs on somebody else's thread.
//!
//! A publisher runs predicates and wakers of subscribers. A panic there must not reach the publisher.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs user code and catches its panic. Returns `None` if it panicked.
pub(crate) fn catch_panic<R>(code: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(code)).ok()
}
