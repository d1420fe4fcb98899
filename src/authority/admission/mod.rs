//! A grant as those see it who publish under it: whether they may, and that they are about to.
//!
//! Nearly every publish only appends, by leave ([`appending`](crate::engine::core)), and changes nothing here. Any other
//! counts itself in and out. It does so in the word that also says whether the
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

mod draining;
mod pass;

use std::sync::Arc;

use crossbeam_utils::CachePadded;

pub(crate) use self::draining::{Revoked, StillInside};
pub(crate) use self::pass::CachedVerdict;

use crate::authority::refusals::Refusals;
use crate::authority::scope::Scope;
use crate::message::denial::Denial;
use crate::support::sync::{ArcSwap, AtomicU64, Mutex, Ordering};
use crate::support::wait_list::WaitList;

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
    /// Held while terms change.
    changing: Mutex<Changed>,
    /// Where those wait that have revoked it, until nobody is inside any more, or it is granted again.
    leaving: Arc<WaitList>,
    refusals: Refusals,
    /// How many requests under it are pending.
    asking: AtomicU64,
}

/// How often the terms have changed.
#[derive(Debug, Default)]
struct Changed {
    /// How often it was granted, or is about to be.
    grants: u64,
    /// The number of the last grant or revoke of which anybody was told.
    announced: u64,
    /// The number of the one that the terms are of.
    settled: u64,
}

/// A grant that does not count yet: its number.
#[derive(Debug)]
pub(crate) struct Announced(u64);

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
            Terms::NeverGranted => Err(Denial::NotGranted),
            Terms::NameTooLong => Err(Denial::NameTooLong),
            Terms::Revoked => Err(Denial::Revoked),
            Terms::Granted(scope) => Ok(scope),
        }
    }

    /// How the words say so.
    fn mark(&self) -> u64 {
        match self {
            Terms::Granted(scope) if scope.is_plain() => PLAIN | GRANTED,
            Terms::Granted(_) => GRANTED,
            Terms::NeverGranted | Terms::NameTooLong | Terms::Revoked => 0,
        }
    }
}

fn inside<'a>(words: impl Iterator<Item = &'a AtomicU64>) -> u64 {
    words.map(|word| word.load(Ordering::Acquire) & COUNT).sum()
}

impl Admission {
    pub(crate) fn new() -> Self {
        Self::with(Terms::NeverGranted)
    }

    /// One that nothing will be granted to.
    pub(crate) fn unnameable() -> Self {
        Self::with(Terms::NameTooLong)
    }

    /// One that is granted from the start.
    pub(crate) fn granted_for(scope: Scope) -> Self {
        Self::with(Terms::Granted(scope))
    }

    fn with(terms: Terms) -> Self {
        let mark = terms.mark();
        Admission {
            stripes: std::array::from_fn(|_| CachePadded::new(AtomicU64::new(mark))),
            next: AtomicU64::new(0),
            terms: ArcSwap::from_pointee(terms),
            changing: Mutex::default(),
            leaving: Arc::default(),
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
    pub(crate) fn enter(&self, stripe: Stripe) -> Result<InFlight<'_>, Denial> {
        let word = &self.stripes[stripe.0];
        // Relaxed: the terms have the say, and what it counts in next is newer.
        if word.load(Ordering::Relaxed) & GRANTED == 0 {
            self.look()?;
        }
        // Acquire, against the release in `change`: whoever publishes also sees what its granter had
        // prepared.
        let before = word.fetch_add(1, Ordering::Acquire);
        Ok(InFlight {
            admission: self,
            stripe,
            is_plain: before & PLAIN != 0,
        })
    }

    /// Whether it is granted without restrictions, for one who appends by leave.
    #[inline]
    pub(crate) fn is_plain(&self, stripe: Stripe) -> bool {
        self.stripes[stripe.0].load(Ordering::Acquire) & PLAIN != 0 // as in `enter`
    }

    /// Whether it is granted, and what for; for one who appends by leave.
    ///
    /// Who has to try again brings the pass along: what was taken out of an allowance once is not taken again
    /// while the same terms stand.
    pub(crate) fn let_pass<E: From<Denial>>(
        &self,
        pass: &mut CachedVerdict,
        admits: impl FnOnce(&Scope) -> Result<(), E>,
    ) -> Result<(), E> {
        self.look_into(pass, Scope::has_rate, admits)
    }

    #[inline]
    fn look_into<E: From<Denial>>(
        &self,
        pass: &mut CachedVerdict,
        is_kept: impl FnOnce(&Scope) -> bool,
        admits: impl FnOnce(&Scope) -> Result<(), E>,
    ) -> Result<(), E> {
        let terms = self.terms.load();
        let scope = terms.scope()?;
        if pass.is_under(&terms) {
            let expired = scope.has_expired().then_some(Denial::Expired);
            return expired.map_or(Ok(()), |denial| Err(denial.into()));
        }
        admits(scope)?;
        if is_kept(scope) {
            pass.terms = Some(Arc::clone(&terms));
        }
        Ok(())
    }

    /// Whether something is granted, for whatever.
    #[cold]
    fn look(&self) -> Result<(), Denial> {
        self.terms.load().scope().map(drop)
    }

    /// What it is granted for now, looked at; nothing where it is not granted, or has expired.
    pub(crate) fn granted<T>(&self, look: impl FnOnce(&Scope) -> T) -> Option<T> {
        let terms = self.terms.load();
        let scope = terms.scope().ok().filter(|scope| !scope.has_expired());
        scope.map(look)
    }

    pub(crate) fn is_granted(&self) -> bool {
        self.granted(|_| ()).is_some()
    }

    /// Somebody is about to grant it: who waits for those who were inside is told that it is granted again. Notes that,
    /// under the lock under which it comes about; so do those below.
    pub(crate) fn announce(&self, note: impl FnOnce()) -> Announced {
        let mut changed = self.changing.lock();
        note();
        changed.grants += 1;
        changed.announced += 1;
        Announced(changed.announced)
    }

    /// Grants it, in the place of what was agreed before, unless it was revoked or granted anew since this was announced:
    /// then it is as if that had come just after. Those that wait are yet to be woken, where no lock is held.
    pub(crate) fn grant(&self, scope: Scope, Announced(number): Announced) {
        let mut changed = self.changing.lock();
        if number < changed.settled {
            return;
        }
        changed.settled = number;
        let terms = Terms::Granted(scope);
        let mark = terms.mark();
        self.change(terms);
        for word in &self.stripes {
            word.fetch_or(mark, Ordering::AcqRel); // as in `change`
        }
    }

    /// Revokes it. Whoever comes in from now on is refused. Returns what it takes to wait for those
    /// who came before.
    pub(crate) fn revoke(&self, note: impl FnOnce()) -> Revoked {
        let mut changed = self.changing.lock();
        note();
        changed.announced += 1;
        changed.settled = changed.announced;
        let was_granted = self.is_granted();
        if matches!(**self.terms.load(), Terms::Granted(_)) {
            self.change(Terms::Revoked);
        }
        Revoked::new(changed.grants, was_granted)
    }

    /// Called with the lock held.
    fn change(&self, terms: Terms) {
        self.terms.store(Arc::new(terms));
        for word in &self.stripes {
            // Release: who comes in after it finds the terms that were stored before. Acquire: who is
            // not inside any more has enqueued what it had.
            word.fetch_and(COUNT, Ordering::AcqRel);
        }
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
            self.leaving.wake_all_after_fence();
        }
    }

    /// Where those wait that have revoked it: woken when nobody is inside any more. Whoever grants it wakes them, too.
    pub(crate) fn leaving(&self) -> &Arc<WaitList> {
        &self.leaving
    }

    pub(crate) fn refusals(&self) -> &Refusals {
        &self.refusals
    }

    /// Counts in one who asks and will wait for the answer, if there are fewer than so many.
    pub(crate) fn ask(self: &Arc<Self>, limit: u64) -> Option<Asking> {
        // Relaxed: the word stands for itself.
        let counted = (self.asking).fetch_update(Ordering::Relaxed, Ordering::Relaxed, |asking| {
            (asking < limit).then_some(asking + 1)
        });
        counted.is_ok().then(|| Asking(Arc::clone(self))) // not made in vain: dropped, it counts one out
    }
}

/// Somebody who asks, until it is dropped.
#[derive(Debug)]
pub(crate) struct Asking(Arc<Admission>);

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.asking.fetch_sub(1, Ordering::Relaxed); // as in `ask`
    }
}

/// Which word a publisher counts itself in.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Stripe(usize);

/// Somebody who publishes, until it is dropped: also if a payload's code panics.
#[derive(Debug)]
pub(crate) struct InFlight<'a> {
    admission: &'a Admission,
    stripe: Stripe,
    is_plain: bool,
}

impl InFlight<'_> {
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

    /// As [`Admission::let_pass`], for who is inside. Nothing is looked at twice for one who may try many times.
    pub(crate) fn let_pass<E: From<Denial>>(
        &self,
        pass: &mut CachedVerdict,
        admits: impl FnOnce(&Scope) -> Result<(), E>,
    ) -> Result<(), E> {
        let is_for_many = pass.is_for_many;
        let is_kept = |scope: &Scope| is_for_many || scope.has_rate();
        self.admission.look_into(pass, is_kept, admits)
    }
}

impl Drop for InFlight<'_> {
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
#[path = "../tests/admission_loom_models.rs"]
mod loom_models;
#[cfg(all(test, not(oxide_loom)))]
#[path = "../tests/admission.rs"]
mod tests;
