//! Panics of user code that are none of whoever runs it.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs user code whose panic is nobody's here: nothing if it panics.
pub(crate) fn catch_panic<R>(code: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(code)).ok()
}
