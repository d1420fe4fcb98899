//! Waiting for whatever a look finds, in a thread.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Registration, WaitList, Waiter};
use crate::support::parker::Parker;

/// What a look has found.
#[derive(Debug)]
pub(crate) enum Look<T> {
    Found(T),
    /// Nothing yet: whoever changes that wakes those that are registered.
    Nothing,
    /// The same, but the next look comes after this time at the latest.
    NothingFor(Duration),
}

impl Look<()> {
    pub(crate) fn found_if(is_so: bool) -> Self {
        if is_so {
            Look::Found(())
        } else {
            Look::Nothing
        }
    }
}

/// Looks, and again whenever the list is woken, until something is found or the time is up. It looks once at least.
pub(crate) fn look_when_woken<T>(
    list: &Arc<WaitList>,
    deadline: Option<Instant>,
    mut look: impl FnMut() -> Look<T>,
) -> Option<T> {
    let (parker, mut registration) = (Arc::<Parker>::default(), Registration::new(list));
    loop {
        let nap = parker.nap();
        registration.register_and_fence(Waiter::Thread(Arc::clone(&parker)));
        let next = match look() {
            Look::Found(found) => return Some(found),
            Look::Nothing => None,
            Look::NothingFor(time) => Instant::now().checked_add(time),
        };
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return None;
        }
        nap.sleep(next.into_iter().chain(deadline).min());
    }
}
