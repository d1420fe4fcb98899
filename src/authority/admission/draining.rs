//! Draining: waiting for the publishes that were in flight when a capability was revoked.
//!
//! A revoke returns at once, and publishes that began before may still be under way. A drain tells its caller when the
//! last of them has ended. That is the second half of promise 6. The tests are in `tests/library/revoking.rs`, the
//! models in `authority/tests/admission_loom_models.rs`.

use std::time::Instant;

use smallvec::SmallVec;

use super::{AWAITED, Admission, COUNT, STRIPES, in_flight};
use crate::support::sync::{AtomicU64, Ordering};
use crate::support::wait_list::{Look, wait_until};

/// The moment when a capability was revoked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Revoked {
    /// How many grants came before.
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

/// Why not all publishes in flight have been waited for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum StillInFlight {
    /// This many are still in flight: the time is up, or not yet.
    TimedOut(u64),
    /// It was granted again, so new publishes come in.
    GrantedAgain,
}

impl From<Result<(), StillInFlight>> for Look<Result<(), StillInFlight>> {
    fn from(outcome: Result<(), StillInFlight>) -> Self {
        match outcome {
            Err(StillInFlight::TimedOut(_)) => Look::Nothing,
            over => Look::Found(over),
        }
    }
}

/// The words of an admission that a drain waits for.
type Awaited<'a> = SmallVec<[&'a AtomicU64; STRIPES]>;

impl Admission {
    /// Waits until all publishes are over that were in flight when it was revoked. Later ones are refused, and not
    /// waited for.
    pub(crate) fn drained(
        &self,
        revoked: Revoked,
        deadline: Option<Instant>,
        note: impl Fn(),
    ) -> Result<(), StillInFlight> {
        let mut draining = self.draining(revoked);
        let look = || draining.check(&note).into();
        let over = wait_until(&self.drains, deadline, look);
        over.unwrap_or_else(|| draining.check(&note))
    }

    /// Like [`drained`](Admission::drained), for a caller that looks more than once.
    pub(crate) fn draining(&self, revoked: Revoked) -> Draining<'_> {
        Draining {
            admission: self,
            revoked,
            awaited: None,
        }
    }

    /// Marks the words with publishes in flight. The last publish of a word takes the mark away, and wakes the drain.
    fn await_all(&self) -> Awaited<'_> {
        (self.stripes.iter())
            .map(|word| &**word)
            .filter(|word| {
                // Acquire, against the release of a guard's drop: what was in flight is enqueued.
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

/// Waits for the publishes that were in flight when a capability was revoked.
pub(crate) struct Draining<'a> {
    admission: &'a Admission,
    revoked: Revoked,
    /// Words that have not been at zero yet. None until they are marked.
    awaited: Option<Awaited<'a>>,
}

impl Draining<'_> {
    /// Whether the drain is over. The caller [registers](Admission::drains) before it looks.
    pub(crate) fn check(&mut self, note: impl FnOnce()) -> Result<(), StillInFlight> {
        let changed = self.admission.changing.lock();
        self.outcome(changed.grants).inspect(|()| note())
    }

    /// To be called with the lock held.
    fn outcome(&mut self, grants: u64) -> Result<(), StillInFlight> {
        let admission = self.admission;
        if grants != self.revoked.grants {
            return Err(StillInFlight::GrantedAgain);
        }
        let awaited = (self.awaited).get_or_insert_with(|| admission.await_all());
        awaited.retain(|word| {
            let word = word.load(Ordering::Acquire); // as in `await_all`
            word & AWAITED != 0 && word & COUNT != 0
        });
        if awaited.is_empty() {
            return Ok(());
        }
        Err(StillInFlight::TimedOut(in_flight(awaited.iter().copied())))
    }
}
