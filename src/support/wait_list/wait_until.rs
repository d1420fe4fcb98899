//! Waiting, in a thread, until a look finds something.
//!
//! It is a loop: register, look, sleep, look again. The thread is woken for each change, so it does not poll.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Registration, WaitList, Waiter};
use crate::support::clock;
use crate::support::parker::Parker;

/// The result of one look.
#[derive(Debug)]
pub(crate) enum Look<T> {
    Found(T),
    /// Nothing was found. A thread that changes that wakes the registered ones.
    Nothing,
    /// Nothing was found, and the next look comes after this time at the latest.
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

/// Looks, and looks again whenever the list is woken, until something is found or the deadline has passed. Looks at
/// least once.
pub(crate) fn wait_until<T>(
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
        if deadline.is_some_and(|deadline| clock::now() >= deadline) {
            return None;
        }
        if next.is_none() {
            nap.sleep(deadline);
        } else {
            // This wait is the engine's own, so it uses the system's clock. A deadline of a manual clock means nothing
            // here.
            let deadline = deadline.filter(|_| !clock::is_manual());
            clock::in_real_time(|| nap.sleep(next.into_iter().chain(deadline).min()));
        }
    }
}
