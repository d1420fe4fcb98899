//! An admission: the publisher's view of a grant. May it publish, and how many publishes are in flight.
//!
//! Nearly every publish only appends, by a permission that it [asks for on the fast path](crate::engine::core), and
//! writes nothing here. Every other publish counts itself in and out. It does so in the word that also says whether the
//! capability is granted without restrictions. So one read-modify-write both asks and counts, and no fence is needed. A
//! change stores the new terms and then writes to that word too. Of any publish and any change, one comes first in the
//! word's order:
//!
//! * The publish comes first: the thread that makes the change finds it counted, and can wait until it is over.
//! * The change comes first: the publish acquires what was released with it, and goes by the new terms.
//!
//! There are several words, so that many threads need not contend for one. A publisher keeps its word for good, and a
//! change goes through all of them.
//!
//! A publish that finds in the word that nothing is granted is refused at once, and not counted. So publishers that try
//! again and again delay no drain. Only a publish that comes in just as the capability is revoked is counted and then
//! refused. So a drain need not wait for a moment when nothing is in flight anywhere: it is enough that each word has
//! been at zero once. The last publish of a word takes the drain's mark away, in the step that finds nothing in flight.
//!
//! The models in `tests/admission_loom_models.rs` show this.

mod cached_verdict;
mod draining;

use std::sync::Arc;

use crossbeam_utils::CachePadded;

pub(crate) use self::cached_verdict::CachedVerdict;
pub(crate) use self::draining::{Revoked, StillInFlight};

use crate::authority::refusals::Refusals;
use crate::authority::scope::{Objection, Origin, Scope};
use crate::engine::refusal::Refusal;
use crate::message::denial::Denial;
use crate::message::envelope::Envelope;
use crate::message::pattern::Pattern;
use crate::message::subject::Payload;
use crate::support::sync::{ArcSwap, AtomicU64, Mutex, Ordering};
use crate::support::wait_list::{WaitList, Waking};

/// Granted, without restrictions.
const UNRESTRICTED: u64 = 1 << 63;

/// Granted, with restrictions or without.
const GRANTED: u64 = 1 << 62;

/// A drain waits until nothing is in flight in this word.
const AWAITED: u64 = 1 << 61;

/// How many publishes are in flight.
const COUNT: u64 = AWAITED - 1;

/// How many words there are.
const STRIPES: usize = if cfg!(oxide_loom) { 1 } else { 4 };

#[derive(Debug)]
pub(crate) struct Admission {
    stripes: [CachePadded<AtomicU64>; STRIPES],
    /// Which word the next publisher gets.
    next: AtomicU64,
    terms: ArcSwap<GrantTerms>,
    /// Held while terms change.
    changing: Mutex<Changed>,
    /// Where drains wait until nothing is in flight any more, or it is granted again.
    drains: Arc<WaitList>,
    refusals: Refusals,
    /// How many requests under it are pending.
    asking: AtomicU64,
}

/// How often the terms have changed.
#[derive(Debug, Default)]
struct Changed {
    /// How often it was granted, or is about to be.
    grants: u64,
    /// The number of the last grant or revoke that was announced.
    announced: u64,
    /// The number of the one that the terms are from.
    settled: u64,
}

/// The number of a grant that does not count yet.
#[derive(Debug)]
pub(crate) struct Announced(u64);

/// What is agreed now.
#[derive(Debug)]
enum GrantTerms {
    NeverGranted,
    /// It is never granted.
    NameTooLong,
    Granted(Scope),
    Revoked,
}

impl GrantTerms {
    /// What it is granted for, or why it is not.
    fn scope(&self) -> Result<&Scope, Denial> {
        match self {
            GrantTerms::NeverGranted => Err(Denial::NotGranted),
            GrantTerms::NameTooLong => Err(Denial::NameTooLong),
            GrantTerms::Revoked => Err(Denial::Revoked),
            GrantTerms::Granted(scope) => Ok(scope),
        }
    }

    /// What the words say of these terms.
    fn mark(&self) -> u64 {
        match self {
            GrantTerms::Granted(scope) if scope.is_unrestricted() => UNRESTRICTED | GRANTED,
            GrantTerms::Granted(_) => GRANTED,
            GrantTerms::NeverGranted | GrantTerms::NameTooLong | GrantTerms::Revoked => 0,
        }
    }
}

fn in_flight<'a>(words: impl Iterator<Item = &'a AtomicU64>) -> u64 {
    words.map(|word| word.load(Ordering::Acquire) & COUNT).sum()
}

impl Admission {
    pub(crate) fn new() -> Self {
        Self::with(GrantTerms::NeverGranted)
    }

    /// Makes it an admission that wakes drains in this way.
    pub(crate) fn waking(self, waking: Waking) -> Self {
        Admission {
            drains: Arc::new(WaitList::waking(waking)),
            ..self
        }
    }

    /// An admission that nothing will be granted to.
    pub(crate) fn unnameable() -> Self {
        Self::with(GrantTerms::NameTooLong)
    }

    /// An admission that is granted from the start.
    pub(crate) fn granted_for(scope: Scope) -> Self {
        Self::with(GrantTerms::Granted(scope))
    }

    fn with(terms: GrantTerms) -> Self {
        let mark = terms.mark();
        Admission {
            stripes: std::array::from_fn(|_| CachePadded::new(AtomicU64::new(mark))),
            next: AtomicU64::new(0),
            terms: ArcSwap::from_pointee(terms),
            changing: Mutex::default(),
            drains: Arc::default(),
            refusals: Refusals::new(),
            asking: AtomicU64::new(0),
        }
    }

    /// Picks the word in which a new publisher counts.
    pub(crate) fn stripe(&self) -> Stripe {
        let next = self.next.fetch_add(1, Ordering::Relaxed); // any will do
        Stripe(usize::try_from(next % STRIPES as u64).expect("there are few"))
    }

    /// Counts a publish as in flight until the guard is dropped, unless nothing is granted. Whether it may go on is
    /// asked afterwards.
    #[inline]
    pub(crate) fn enter(&self, stripe: Stripe) -> Result<InFlight<'_>, Denial> {
        let word = &self.stripes[stripe.0];
        // Relaxed: the terms decide, and the word in which it counts next is read anew.
        if word.load(Ordering::Relaxed) & GRANTED == 0 {
            self.check_granted()?;
        }
        // Acquire, against the release in `change`: a publish also sees everything that the granting thread did before.
        let before = word.fetch_add(1, Ordering::Acquire);
        Ok(InFlight {
            admission: self,
            stripe,
            is_unrestricted: before & UNRESTRICTED != 0,
        })
    }

    /// Whether it is granted without restrictions. Asked on the fast path, where the publish does not count as in
    /// flight.
    #[inline]
    pub(crate) fn is_unrestricted(&self, stripe: Stripe) -> bool {
        self.stripes[stripe.0].load(Ordering::Acquire) & UNRESTRICTED != 0 // as in `enter`
    }

    /// Lets envelopes pass, all or none. They count as in flight until the guard is dropped. A publish that is refused
    /// has dropped its guard when this returns, since to tell of a refusal may run user code.
    pub(crate) fn admit<M: Payload>(
        &self,
        stripe: Stripe,
        verdict: &mut CachedVerdict,
        envelopes: &[Envelope<M>],
        (origin, narrowed): (Origin<'_>, &[Arc<[Pattern]>]),
        measure: impl FnOnce() -> Result<(), Refusal>,
    ) -> Result<InFlight<'_>, Objection> {
        let guard = self.enter(stripe)?;
        if guard.is_unrestricted && !origin.is_forwarded() && narrowed.is_empty() {
            verdict.measure(measure)?;
        } else {
            self.check_scope(verdict, true, |scope| {
                scope.admits(envelopes, origin, narrowed)?;
                measure()?;
                Ok::<_, Objection>(scope.spend(envelopes.len())?)
            })?;
        }
        Ok(guard)
    }

    /// Whether it is granted, and `admits` agrees to its scope.
    ///
    /// A publish that has to try again hands in the same cached verdict. What was taken out of an allowance once is not
    /// taken again while the same terms stand; nor is anything asked again if the publish `may_wait`. Else keeping the
    /// verdict would cost more than it spares: most publishes succeed on the fast path.
    pub(crate) fn check_scope<E: From<Denial>>(
        &self,
        verdict: &mut CachedVerdict,
        may_wait: bool,
        admits: impl FnOnce(&Scope) -> Result<(), E>,
    ) -> Result<(), E> {
        let terms = self.terms.load();
        let scope = terms.scope()?;
        if verdict.is_under(&terms) {
            let expired = scope.has_expired().then_some(Denial::Expired);
            return expired.map_or(Ok(()), |denial| Err(denial.into()));
        }
        admits(scope)?;
        if may_wait || scope.has_rate() {
            verdict.terms = Some(Arc::clone(&terms));
        }
        Ok(())
    }

    /// Whether anything is granted.
    #[cold]
    fn check_granted(&self) -> Result<(), Denial> {
        self.terms.load().scope().map(drop)
    }

    /// Looks at what it is granted for now. None if it is not granted, or has expired.
    pub(crate) fn granted<T>(&self, look: impl FnOnce(&Scope) -> T) -> Option<T> {
        let terms = self.terms.load();
        let scope = terms.scope().ok().filter(|scope| !scope.has_expired());
        scope.map(look)
    }

    pub(crate) fn is_granted(&self) -> bool {
        self.granted(|_| ()).is_some()
    }

    /// Announces a grant: drains learn that it is granted again. Calls `note` under the lock under which this comes
    /// about, as `revoke` does.
    pub(crate) fn announce(&self, note: impl FnOnce()) -> Announced {
        let mut changed = self.changing.lock();
        note();
        changed.grants += 1;
        changed.announced += 1;
        Announced(changed.announced)
    }

    /// Makes a grant count, in the place of what was agreed before. If it was revoked or granted anew since this grant
    /// was announced, does nothing: that is as if the other had come just after. The caller wakes the drains, under no
    /// lock.
    pub(crate) fn grant(&self, scope: Scope, Announced(number): Announced) {
        let mut changed = self.changing.lock();
        if number < changed.settled {
            return;
        }
        changed.settled = number;
        let terms = GrantTerms::Granted(scope);
        let mark = terms.mark();
        self.change(terms);
        for word in &self.stripes {
            word.fetch_or(mark, Ordering::AcqRel); // as in `change`
        }
    }

    /// Revokes it: every later publish is refused. Returns what a drain needs to wait for the earlier ones.
    pub(crate) fn revoke(&self, note: impl FnOnce()) -> Revoked {
        let mut changed = self.changing.lock();
        note();
        changed.announced += 1;
        changed.settled = changed.announced;
        let was_granted = self.is_granted();
        if matches!(**self.terms.load(), GrantTerms::Granted(_)) {
            self.change(GrantTerms::Revoked);
        }
        Revoked::new(changed.grants, was_granted)
    }

    /// To be called with the lock held.
    fn change(&self, terms: GrantTerms) {
        self.terms.store(Arc::new(terms));
        for word in &self.stripes {
            // Release, against the acquire in `enter`: a publish that counts itself in afterwards finds the terms
            // stored above. Acquire, against the release of a guard's drop: a publish that is over has enqueued what it
            // had.
            word.fetch_and(COUNT, Ordering::AcqRel);
        }
    }

    /// How many publishes are in flight.
    pub(crate) fn in_flight(&self) -> u64 {
        in_flight(self.stripes.iter().map(|word| &**word))
    }

    /// Wakes the drains, after the last publish of a word that they wait for. If others have come in since, the last of
    /// those does it.
    #[cold]
    fn wake_drains(&self, stripe: Stripe) {
        let word = &self.stripes[stripe.0];
        // Release and acquire: a drain finds everything done by the publishes that are over.
        if (word.compare_exchange(AWAITED, 0, Ordering::AcqRel, Ordering::Relaxed)).is_ok() {
            self.drains.wake_all_after_fence();
        }
    }

    /// Where drains wait. They are woken when nothing is in flight any more, and by a grant.
    pub(crate) fn drains(&self) -> &Arc<WaitList> {
        &self.drains
    }

    pub(crate) fn refusals(&self) -> &Refusals {
        &self.refusals
    }

    /// Counts a request that will wait for its answer, if fewer than `limit` do.
    pub(crate) fn ask(self: &Arc<Self>, limit: u64) -> Option<Asking> {
        // Relaxed: nothing but the count is learned from the word.
        let counted = (self.asking).fetch_update(Ordering::Relaxed, Ordering::Relaxed, |asking| {
            (asking < limit).then_some(asking + 1)
        });
        counted.is_ok().then(|| Asking(Arc::clone(self))) // not made in vain: dropped, it counts one out
    }
}

/// A pending request, until this is dropped.
#[derive(Debug)]
pub(crate) struct Asking(Arc<Admission>);

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.asking.fetch_sub(1, Ordering::Relaxed); // as in `ask`
    }
}

/// The word in which a publisher counts.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Stripe(usize);

/// The in-flight guard: a publish counts as in flight until this is dropped, even if a payload's code panics.
#[derive(Debug)]
pub(crate) struct InFlight<'a> {
    admission: &'a Admission,
    stripe: Stripe,
    is_unrestricted: bool,
}

impl InFlight<'_> {
    /// Whether anything is still granted.
    pub(crate) fn goes_on(&self) -> Result<(), Denial> {
        // Relaxed: a drain waits for this publish in any case. It only has to learn of a revoke soon.
        let word = self.admission.stripes[self.stripe.0].load(Ordering::Relaxed);
        if word & GRANTED == 0 {
            self.admission.check_granted()?;
        }
        Ok(())
    }
}

impl Drop for InFlight<'_> {
    #[inline]
    fn drop(&mut self) {
        // Release, against the acquire of a drain: everything is enqueued. Acquire, against `change`: a publish that
        // was in flight when the capability was revoked knows so, and may have to forget the capability.
        let before = self.admission.stripes[self.stripe.0].fetch_sub(1, Ordering::AcqRel);
        if before & (AWAITED | COUNT) == AWAITED | 1 {
            self.admission.wake_drains(self.stripe);
        }
    }
}

#[cfg(all(test, oxide_loom))]
#[path = "../tests/admission_loom_models.rs"]
mod loom_models;
#[cfg(all(test, not(oxide_loom)))]
#[path = "../tests/admission.rs"]
mod tests;
