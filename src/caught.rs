//! Panics of user code that are none of whoever runs it, or that have to wait.

use std::any::Any;
use std::mem;
use std::ops::{Deref, DerefMut};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What was thrown.
pub(crate) type Panic = Box<dyn Any + Send>;

/// Runs user code whose panic is nobody's here: nothing if it panics.
pub(crate) fn caught<R>(code: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(code)).map_err(let_go).ok()
}

/// Something that user code hangs on, for who has more to do: if that panics when it is let go of, nobody notices. Unless
/// it is [taken out](Quietly::into_inner) before.
pub(crate) struct Quietly<T>(Option<T>);

impl<T> Quietly<T> {
    #[inline]
    pub(crate) fn new(inner: T) -> Self {
        Quietly(Some(inner))
    }

    #[inline]
    pub(crate) fn into_inner(mut self) -> T {
        self.0.take().expect(HELD)
    }
}

const HELD: &str = "it is taken out once, at the end";

impl<T> Deref for Quietly<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.0.as_ref().expect(HELD)
    }
}

impl<T> DerefMut for Quietly<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_mut().expect(HELD)
    }
}

impl<T> Drop for Quietly<T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(inner) = self.0.take() {
            drop_caught(inner);
        }
    }
}

#[cold]
fn drop_caught<T>(inner: T) {
    caught(|| drop(inner));
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
