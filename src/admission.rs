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
//!
//! Who finds in the word that nothing is granted is refused at once, and not counted: so those who try again
//! and again hold up nobody who waits. Only who comes in just as it is revoked is counted and refused. So who
//! waits does not wait for the moment when nobody is inside anywhere: it is enough that each word has been at
//! zero once. The last one out takes the mark of who waits away, in the step that finds nobody inside.

use std::sync::Arc;
use std::time::Instant;

use crossbeam_utils::CachePadded;
use smallvec::SmallVec;

use crate::alarm::Alarm;
use crate::denial::{Denial, Refusals};
use crate::scope::Scope;
use crate::sync::{ArcSwap, AtomicU64, Condvar, Mutex, Ordering};

/// Granted, without restrictions.
const PLAIN: u64 = 1 << 63;

/// Granted, with restrictions or without.
const GRANTED: u64 = 1 << 62;

/// Somebody waits until nobody is inside.
const AWAITED: u64 = 1 << 61;

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
    /// The same, for tasks.
    alarm: Arc<Alarm>,
    refusals: Refusals,
    /// How many requests under it are pending.
    asking: AtomicU64,
}

/// What is agreed now.
#[derive(Debug)]
enum Terms {
    NeverGranted,
    /// It never is.
    NameTooLong,
    Granted(Scope),
    Revoked,
}

impl Terms {
    /// What it is granted for.
    fn scope(&self) -> Result<&Scope, Denial> {
        match self {
            Terms::NeverGranted => Err(Denial::Unknown),
            Terms::NameTooLong => Err(Denial::NameTooLong),
            Terms::Revoked => Err(Denial::Revoked),
            Terms::Granted(scope) => Ok(scope),
        }
    }
}

/// Words of an admission.
type Awaited<'a> = SmallVec<[&'a AtomicU64; STRIPES]>;

fn inside<'a>(words: impl Iterator<Item = &'a AtomicU64>) -> u64 {
    words.map(|word| word.load(Ordering::Acquire) & COUNT).sum()
}

/// Why not all who were inside have been waited for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum StillInside {
    /// So many still are: time was up, or is not yet.
    TimedOut(u64),
    /// Others come in again.
    GrantedAgain,
}

impl Admission {
    pub(crate) fn new() -> Self {
        Self::with(Terms::NeverGranted)
    }

    /// One that nothing will be granted to.
    pub(crate) fn unnameable() -> Self {
        Self::with(Terms::NameTooLong)
    }

    fn with(terms: Terms) -> Self {
        Admission {
            stripes: std::array::from_fn(|_| CachePadded::new(AtomicU64::new(0))),
            next: AtomicU64::new(0),
            terms: ArcSwap::from_pointee(terms),
            changing: Mutex::new(0),
            changed: Condvar::default(),
            alarm: Arc::default(),
            refusals: Refusals::new(),
            asking: AtomicU64::new(0),
        }
    }

    /// A place for one who will publish.
    pub(crate) fn stripe(&self) -> Stripe {
        let next = self.next.fetch_add(1, Ordering::Relaxed); // any will do
        Stripe(usize::try_from(next % STRIPES as u64).expect("there are few"))
    }

    /// Counts a publish in, until what is returned is dropped, unless nothing is granted; whether it may go
    /// on is another question, which comes after.
    #[inline]
    pub(crate) fn enter(&self, stripe: Stripe) -> Result<Inside<'_>, Denial> {
        let word = &self.stripes[stripe.0];
        // Relaxed: the terms have the say, and what it counts in next is newer.
        if word.load(Ordering::Relaxed) & GRANTED == 0 {
            self.look()?;
        }
        // Acquire, against the release in `change`: whoever publishes also sees what its granter had
        // prepared.
        let before = word.fetch_add(1, Ordering::Acquire);
        Ok(Inside {
            admission: self,
            stripe,
            is_plain: before & PLAIN != 0,
        })
    }

    /// Whether something is granted, for whatever.
    #[cold]
    fn look(&self) -> Result<(), Denial> {
        self.terms.load().scope().map(drop)
    }

    pub(crate) fn is_granted(&self) -> bool {
        (self.terms.load().scope()).is_ok_and(|scope| !scope.has_expired())
    }

    /// Grants it, in the place of what was agreed before. Notes that first, under the lock under which it comes
    /// about; so do those below. The alarm is yet to be rung, where no lock is held.
    pub(crate) fn grant(&self, scope: Scope, note: impl FnOnce()) {
        let mut grants = self.changing.lock();
        note();
        let mark = if scope.is_plain() {
            PLAIN | GRANTED
        } else {
            GRANTED
        };
        self.change(Terms::Granted(scope));
        for word in &self.stripes {
            word.fetch_or(mark, Ordering::AcqRel); // as in `change`
        }
        *grants += 1;
    }

    /// Revokes it. Whoever comes in from now on is refused. Returns what it takes to wait for those
    /// who came before.
    pub(crate) fn revoke(&self, note: impl FnOnce()) -> Revoked {
        let grants = self.changing.lock();
        note();
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

    /// How many are inside.
    pub(crate) fn inside(&self) -> u64 {
        inside(self.stripes.iter().map(|word| &**word))
    }

    /// The last one that somebody waits for is out, unless others have come in since: of those the last
    /// one tells.
    #[cold]
    fn tell(&self, stripe: Stripe) {
        let word = &self.stripes[stripe.0];
        // Release, and acquire: who waits finds all done that was done by those who left.
        if (word.compare_exchange(AWAITED, 0, Ordering::AcqRel, Ordering::Relaxed)).is_ok() {
            let changing = self.changing.lock(); // who waits sleeps by now, or has not looked yet
            self.changed.notify_all();
            drop(changing);
            self.alarm.ring();
        }
    }

    /// What wakes tasks that wait until nobody is inside.
    pub(crate) fn alarm(&self) -> &Arc<Alarm> {
        &self.alarm
    }

    pub(crate) fn refusals(&self) -> &Refusals {
        &self.refusals
    }

    /// Counts in one who asks and will wait for the answer, if there are fewer than so many.
    pub(crate) fn ask(&self, limit: u64) -> Option<Asking<'_>> {
        // Relaxed: the word stands for itself.
        let counted = (self.asking).fetch_update(Ordering::Relaxed, Ordering::Relaxed, |asking| {
            (asking < limit).then_some(asking + 1)
        });
        counted.is_ok().then(|| Asking(self)) // not made in vain: dropped, it counts one out
    }
}

/// Somebody who asks, until it is dropped.
#[derive(Debug)]
pub(crate) struct Asking<'a>(&'a Admission);

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.asking.fetch_sub(1, Ordering::Relaxed); // as in `ask`
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
        let mut grants = admission.changing.lock();
        let mut is_late = false;
        loop {
            let outcome = self.outcome(*grants);
            match outcome {
                Err(StillInside::TimedOut(_)) if !is_late => {}
                over => return over.inspect(|()| note()),
            }
            match deadline {
                None => admission.changed.wait(&mut grants),
                Some(deadline) => {
                    let woken = admission.changed.wait_until(&mut grants, deadline);
                    is_late = woken.timed_out();
                }
            }
        }
    }

    /// What has become of it by now. A task sets the [alarm](Admission::alarm) before it looks.
    #[cfg(feature = "tokio")]
    pub(crate) fn look(&mut self, note: impl FnOnce()) -> Result<(), StillInside> {
        let grants = self.admission.changing.lock();
        self.outcome(*grants).inspect(|()| note())
    }

    /// Called with the lock held.
    fn outcome(&mut self, grants: u64) -> Result<(), StillInside> {
        let admission = self.admission;
        if grants != self.revoked.0 {
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

/// By which terms something was let pass, that was not published then.
#[derive(Debug, Default)]
pub(crate) struct Pass(Option<Arc<Terms>>);

impl Pass {
    fn is_for(&self, terms: &Arc<Terms>) -> bool {
        (self.0.as_ref()).is_some_and(|known| Arc::ptr_eq(known, terms))
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

    /// Whether something is granted still.
    pub(crate) fn goes_on(&self) -> Result<(), Denial> {
        // Relaxed: who is inside is waited for in any case; it is to learn of it soon.
        let word = self.admission.stripes[self.stripe.0].load(Ordering::Relaxed);
        if word & GRANTED == 0 {
            self.admission.look()?;
        }
        Ok(())
    }

    /// Whether it is granted, and what for.
    ///
    /// Who has to try again brings the pass along: what was let pass once need not be looked at again while
    /// the same terms stand.
    pub(crate) fn ask<E: From<Denial>>(
        &self,
        pass: Option<&mut Pass>,
        admits: impl FnOnce(&Scope) -> Result<(), E>,
    ) -> Result<(), E> {
        let terms = self.admission.terms.load();
        let scope = terms.scope()?;
        match pass {
            None => admits(scope),
            Some(pass) if pass.is_for(&terms) => {
                let expired = scope.has_expired().then_some(Denial::Expired);
                expired.map_or(Ok(()), |denial| Err(denial.into()))
            }
            Some(pass) => {
                admits(scope)?;
                pass.0 = Some(Arc::clone(&terms));
                Ok(())
            }
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
            self.admission.tell(self.stripe);
        }
    }
}

#[cfg(all(test, oxide_loom))]
mod loom_models;
#[cfg(all(test, not(oxide_loom)))]
mod tests;
