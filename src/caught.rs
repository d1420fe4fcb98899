//! Panics of user code that are none of whoever runs it, or that have to wait.

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What was thrown.
pub(crate) type Panic = Box<dyn Any + Send>;

/// Runs user code whose panic is nobody's here: nothing if it panics.
pub(crate) fn caught<R>(code: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(code)).map_err(let_go).ok()
}

/// Keeps the first of several panics, to go on with when the rest is done.
pub(crate) fn keep_first(first: &mut Option<Panic>, panic: Panic) {
    if first.is_some() {
        let_go(panic);
    } else {
        *first = Some(panic);
    }
}

/// What was thrown may panic again when it is dropped, and what it throws then may do so too.
fn let_go(panic: Panic) {
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        mem::forget(again);
    }
}
