//! Waiting for those who were inside when something was revoked.

use std::time::Instant;

use smallvec::SmallVec;

use super::{AWAITED, Admission, COUNT, STRIPES, inside};
use crate::sync::{AtomicU64, Ordering};

/// When something was revoked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Revoked {
    /// After so many grants.
    grants: u64,
    /// Whether it was granted until then.
    pub(crate) was_granted: bool,
}

impl Revoked {
    pub(super) fn new(grants: u64, was_granted: bool) -> Self {
        Revoked {
            grants,
            was_granted,
        }
    }
}

/// Why not all who were inside have been waited for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum StillInside {
    /// So many still are: time was up, or is not yet.
    TimedOut(u64),
    /// Others come in again.
    GrantedAgain,
}

/// Words of an admission.
type Awaited<'a> = SmallVec<[&'a AtomicU64; STRIPES]>;

impl Admission {
    /// Waits until all are out who were inside when it was revoked. Who comes in later is refused, and
    /// nobody waits for him.
    pub(crate) fn drained(
        &self,
        revoked: Revoked,
        deadline: Option<Instant>,
        note: impl FnOnce(),
    ) -> Result<(), StillInside> {
        self.draining(revoked).wait(deadline, note)
    }

    /// The same, for who asks more than once.
    pub(crate) fn draining(&self, revoked: Revoked) -> Draining<'_> {
        Draining {
            admission: self,
            revoked,
            awaited: None,
        }
    }

    /// Marks the words where somebody is inside: the last one to leave takes the mark away, and tells.
    fn await_all(&self) -> Awaited<'_> {
        (self.stripes.iter())
            .map(|word| &**word)
            .filter(|word| {
                // Acquire: as in `change`.
                let mut before = word.load(Ordering::Acquire);
                while before & COUNT != 0 {
                    match word.compare_exchange_weak(
                        before,
                        before | AWAITED,
                        Ordering::AcqRel,
                        Ordering::Acquire,
                    ) {
                        Ok(_) => return true,
                        Err(newer) => before = newer,
                    }
                }
                false
            })
            .collect()
    }
}

/// Waits for those who were inside when something was revoked.
pub(crate) struct Draining<'a> {
    admission: &'a Admission,
    revoked: Revoked,
    /// Those of the words that have not been at zero yet, once they were marked.
    awaited: Option<Awaited<'a>>,
}

impl Draining<'_> {
    fn wait(&mut self, deadline: Option<Instant>, note: impl FnOnce()) -> Result<(), StillInside> {
        let admission = self.admission;
        let mut changed = admission.changing.lock();
        let mut is_late = false;
        loop {
            let outcome = self.outcome(changed.grants);
            match outcome {
                Err(StillInside::TimedOut(_)) if !is_late => {}
                over => return over.inspect(|()| note()),
            }
            match deadline {
                None => admission.changed.wait(&mut changed),
                Some(deadline) => {
                    let woken = admission.changed.wait_until(&mut changed, deadline);
                    is_late = woken.timed_out();
                }
            }
        }
    }

    /// What has become of it by now. A task [registers](Admission::leaving) before it looks.
    #[cfg(feature = "tokio")]
    pub(crate) fn look(&mut self, note: impl FnOnce()) -> Result<(), StillInside> {
        let changed = self.admission.changing.lock();
        self.outcome(changed.grants).inspect(|()| note())
    }

    /// Called with the lock held.
    fn outcome(&mut self, grants: u64) -> Result<(), StillInside> {
        let admission = self.admission;
        if grants != self.revoked.grants {
            return Err(StillInside::GrantedAgain);
        }
        let awaited = (self.awaited).get_or_insert_with(|| admission.await_all());
        awaited.retain(|word| {
            let word = word.load(Ordering::Acquire); // as in `change`
            word & AWAITED != 0 && word & COUNT != 0
        });
        if awaited.is_empty() {
            return Ok(());
        }
        Err(StillInside::TimedOut(inside(awaited.iter().copied())))
    }
}
