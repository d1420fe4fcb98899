//! Catching panics of user code that runs on somebody else's thread.
//!
//! User code, such as a predicate or a waker, may run on a thread that it does not belong to. Its panic must not reach
//! that thread.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs user code and catches its panic. Returns `None` if it panicked.
pub(crate) fn catch_panic<R>(code: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(code)).ok()
}
