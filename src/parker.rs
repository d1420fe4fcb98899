//! Where a thread sleeps until it is woken, by whichever of the things that it waits for.

use std::sync::Arc;
use std::task::Wake;
use std::time::Instant;

use crate::sync::{Condvar, Mutex};

#[derive(Debug, Default)]
pub(crate) struct Parker {
    woken: Mutex<bool>,
    changed: Condvar,
}

impl Parker {
    /// Sleeps until it is woken, or was since it slept last, or until the deadline.
    pub(crate) fn park(&self, deadline: Option<Instant>) {
        let mut woken = self.woken.lock();
        while !*woken {
            match deadline {
                None => self.changed.wait(&mut woken),
                Some(deadline) => {
                    if self.changed.wait_until(&mut woken, deadline).timed_out() {
                        break;
                    }
                }
            }
        }
        *woken = false;
    }
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        *self.woken.lock() = true;
        self.changed.notify_all();
    }
}
