//! A grant as those see it who publish under it: whether they may, and that they are about to.
//!
//! Who publishes counts itself in and out. It does so in the word that also says whether the
//! capability is granted without restrictions, so that one read-modify-write asks and counts, and
//! no fence is needed. Who revokes writes to that word too, after it has stored the new terms; of
//! any publish and any change, one comes first in the word's own order:
//!
//! * The publish: then who changes the word finds it counted, and can wait until it is over.
//! * The change: then the publish acquires what was released with it, and goes by the new terms.
//!
//! There are several words, so that many threads need not fight for one; a publisher has its own for
//! good, and a change goes through all.

use std::sync::Arc;
use std::time::Instant;

use crossbeam_utils::CachePadded;

use crate::denial::{Denial, Refusals};
use crate::scope::Scope;
use crate::sync::{ArcSwap, AtomicU64, Condvar, Mutex, Ordering};

/// Granted, without restrictions.
const PLAIN: u64 = 1 << 63;

/// Somebody waits until nobody is inside.
const AWAITED: u64 = 1 << 62;

/// How many are inside.
const COUNT: u64 = AWAITED - 1;

/// How many words there are.
const STRIPES: usize = if cfg!(oxide_loom) { 1 } else { 4 };

#[derive(Debug)]
pub(crate) struct Admission {
    stripes: [CachePadded<AtomicU64>; STRIPES],
    /// Which word the next publisher gets.
    next: AtomicU64,
    terms: ArcSwap<Terms>,
    /// How often it was granted. Held while terms change.
    changing: Mutex<u64>,
    /// Nobody is inside any more, or it was granted again.
    changed: Condvar,
    refusals: Refusals,
}

/// What is agreed now.
#[derive(Debug)]
enum Terms {
    NeverGranted,
    Granted(Scope),
    Revoked,
}

/// Why not all who were inside have been waited for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum StillInside {
    /// So many were when time was up.
    TimedOut(u64),
    /// Others come in again.
    GrantedAgain,
}

impl Admission {
    pub(crate) fn new() -> Self {
        Admission {
            stripes: std::array::from_fn(|_| CachePadded::new(AtomicU64::new(0))),
            next: AtomicU64::new(0),
            terms: ArcSwap::from_pointee(Terms::NeverGranted),
            changing: Mutex::new(0),
            changed: Condvar::default(),
            refusals: Refusals::new(),
        }
    }

    /// A place for one who will publish.
    pub(crate) fn stripe(&self) -> Stripe {
        let next = self.next.fetch_add(1, Ordering::Relaxed); // any will do
        Stripe(usize::try_from(next % STRIPES as u64).expect("there are few"))
    }

    /// Counts a publish in, until what is returned is dropped; whether it may go on is another
    /// question, which comes after.
    #[inline]
    pub(crate) fn enter(&self, stripe: Stripe) -> Inside<'_> {
        // Acquire, against the release in `change`: whoever publishes also sees what its granter had
        // prepared.
        let before = self.stripes[stripe.0].fetch_add(1, Ordering::Acquire);
        Inside {
            admission: self,
            stripe,
            is_plain: before & PLAIN != 0,
        }
    }

    pub(crate) fn is_granted(&self) -> bool {
        match &**self.terms.load() {
            Terms::Granted(scope) => !scope.has_expired(),
            Terms::NeverGranted | Terms::Revoked => false,
        }
    }

    /// Grants it, in the place of what was agreed before.
    pub(crate) fn grant(&self, scope: Scope) {
        let mut grants = self.changing.lock();
        let is_plain = scope.is_plain();
        self.change(Terms::Granted(scope));
        if is_plain {
            for word in &self.stripes {
                word.fetch_or(PLAIN, Ordering::AcqRel); // as in `change`
            }
        }
        *grants += 1;
    }

    /// Revokes it. Whoever comes in from now on is refused. Returns what it takes to wait for those
    /// who came before.
    pub(crate) fn revoke(&self) -> Revoked {
        let grants = self.changing.lock();
        if matches!(**self.terms.load(), Terms::Granted(_)) {
            self.change(Terms::Revoked);
        }
        Revoked(*grants)
    }

    /// Called with the lock held.
    fn change(&self, terms: Terms) {
        self.terms.store(Arc::new(terms));
        for word in &self.stripes {
            // Release: who comes in after it finds the terms that were stored before. Acquire: who is
            // not inside any more has enqueued what it had.
            word.fetch_and(COUNT, Ordering::AcqRel);
        }
        self.changed.notify_all(); // who waits is not marked as awaiting any more
    }

    /// Waits until all are out who were inside when it was revoked.
    pub(crate) fn drained(
        &self,
        revoked: Revoked,
        deadline: Option<Instant>,
    ) -> Result<(), StillInside> {
        let mut grants = self.changing.lock();
        let mut last_look = false;
        loop {
            if *grants != revoked.0 {
                return Err(StillInside::GrantedAgain);
            }
            let inside = self.await_all();
            if inside == 0 {
                return Ok(());
            }
            if last_look {
                return Err(StillInside::TimedOut(inside));
            }
            match deadline {
                None => self.changed.wait(&mut grants),
                Some(deadline) => {
                    last_look = self.changed.wait_until(&mut grants, deadline).timed_out();
                }
            }
        }
    }

    /// How many are inside; if any, the last one to leave each word tells.
    fn await_all(&self) -> u64 {
        (self.stripes.iter())
            // Acquire: as in `change`.
            .map(|word| word.fetch_or(AWAITED, Ordering::AcqRel) & COUNT)
            .sum()
    }

    /// How many are inside.
    pub(crate) fn inside(&self) -> u64 {
        (self.stripes.iter())
            .map(|word| word.load(Ordering::Acquire) & COUNT)
            .sum()
    }

    /// The last one that somebody waits for is out.
    #[cold]
    fn tell(&self) {
        let _changing = self.changing.lock(); // who waits sleeps by now, or has not looked yet
        self.changed.notify_all();
    }

    pub(crate) fn refusals(&self) -> &Refusals {
        &self.refusals
    }
}

/// Which word a publisher counts itself in.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Stripe(usize);

/// When something was revoked: after so many grants.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Revoked(u64);

/// Somebody who publishes, until it is dropped: also if a payload's code panics.
#[derive(Debug)]
pub(crate) struct Inside<'a> {
    admission: &'a Admission,
    stripe: Stripe,
    is_plain: bool,
}

impl Inside<'_> {
    /// Whether it is granted without restrictions.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// Whether it is granted, and what for.
    pub(crate) fn ask(
        &self,
        admits: impl FnOnce(&Scope) -> Result<(), Denial>,
    ) -> Result<(), Denial> {
        match &**self.admission.terms.load() {
            Terms::NeverGranted => Err(Denial::Unknown),
            Terms::Granted(scope) => admits(scope),
            Terms::Revoked => Err(Denial::Revoked),
        }
    }
}

impl Drop for Inside<'_> {
    #[inline]
    fn drop(&mut self) {
        // Release, against the acquire of who waits: all is enqueued. Acquire, against `change`: who
        // was inside when it was revoked knows so, and may have to forget it.
        let before = self.admission.stripes[self.stripe.0].fetch_sub(1, Ordering::AcqRel);
        if before & (AWAITED | COUNT) == AWAITED | 1 {
            self.admission.tell();
        }
    }
}

#[cfg(all(test, oxide_loom))]
mod loom_models;
#[cfg(all(test, not(oxide_loom)))]
mod tests;
