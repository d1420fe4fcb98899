//! What is kept for those who subscribe later.
//!
//! Each [opening](crate::opening) has what was retained up to its parcel's base. It follows from the
//! opening before and from that one's parcel, which is closed by then; so there is one state for each
//! place in the sequence, made before it is seen, and no lock. Who makes an opening asks each
//! envelope of the parcel before for its subject; a slot that is claimed and not written yet is set
//! aside for the next one. So is the whole parcel, if another is only put in its place.
//!
//! Who subscribes has to know from which sequence number on everything is offered to him: [`Since`]
//! has it. What is retained before that number, and nothing else, he is given first: so there is no
//! gap and no duplicate.

use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, OnceLock};

use crate::advisory::Eviction;
use crate::bus::Bus;
use crate::caught::caught;
use crate::delivery::Delivery;
use crate::envelope::Envelope;
use crate::error::RetainError;
use crate::filter::Panicked;
use crate::parcel::Parcel;
use crate::pattern::{Pattern, PatternError};
use crate::queue::Queue;
use crate::subject::Payload;

/// The most envelopes that are retained for one pattern.
pub const MAX_RETAINED: usize = 1_024;

/// The most patterns that something is retained for.
pub const MAX_RETAINED_PATTERNS: usize = 64;

/// What shall be retained.
pub(crate) struct Rule<M> {
    pattern: Pattern,
    count: usize,
    /// Whether it is for this one. User code, which may panic.
    is_for: fn(&Pattern, &Envelope<M>) -> bool,
}

impl<M> Rule<M> {
    fn matches(&self, envelope: &Envelope<M>) -> bool {
        // The panic is none of who happens to look.
        caught(|| (self.is_for)(&self.pattern, envelope)).unwrap_or(false)
    }
}

/// The last so many of these, in order.
fn last<M>(mut all: Vec<Delivery<M>>, count: usize) -> Vec<Delivery<M>> {
    all.sort_by_key(Delivery::sequence);
    let too_many = all.len().saturating_sub(count);
    all.drain(..too_many);
    all
}

impl<M> Clone for Rule<M> {
    fn clone(&self) -> Self {
        Rule {
            pattern: self.pattern.clone(),
            ..*self
        }
    }
}

/// The rules of a list of subscribers.
pub(crate) type Rules<M> = Arc<[Rule<M>]>;

/// What is retained at one place in the sequence.
pub(crate) struct Retained<M> {
    /// For each rule, in order.
    kept: Vec<Arc<[Delivery<M>]>>,
    aside: Vec<Aside<M>>,
}

/// Slots that nobody has looked at yet: a bit for each.
struct Aside<M> {
    parcel: Arc<Parcel<M>>,
    slots: u64,
}

impl<M> Clone for Aside<M> {
    fn clone(&self) -> Self {
        Aside {
            parcel: Arc::clone(&self.parcel),
            slots: self.slots,
        }
    }
}

impl<M> Aside<M> {
    fn numbers(&self) -> impl Iterator<Item = usize> + use<M> {
        let slots = self.slots;
        (0..64).filter(move |slot| slots >> slot & 1 == 1)
    }
}

impl<M> Retained<M> {
    pub(crate) fn nothing() -> Self {
        Retained {
            kept: Vec::new(),
            aside: Vec::new(),
        }
    }

    /// What is retained after a parcel, which is closed, was published under `before`, for the rules of
    /// the next opening. Rules that are new begin with nothing.
    pub(crate) fn after(
        &self,
        parcel: &Arc<Parcel<M>>,
        before: &[Rule<M>],
        rules: &[Rule<M>],
    ) -> Self {
        if rules.is_empty() {
            return Self::nothing();
        }
        let mut aside = self.aside_with(parcel, before);
        let looking = Looking::begin();
        let mut found: Vec<Vec<Delivery<M>>> = rules.iter().map(|_| Vec::new()).collect();
        let known: Vec<_> = (rules.iter())
            .map(|rule| before.iter().position(|it| it.pattern == rule.pattern))
            .collect();
        if looking.is_some() {
            for aside in &mut aside {
                for slot in aside.numbers() {
                    let Some(envelope) = aside.parcel.kept(slot) else {
                        continue; // not written yet
                    };
                    for ((rule, known), found) in rules.iter().zip(&known).zip(&mut found) {
                        if known.is_some() && rule.matches(envelope) {
                            found.push(Delivery::new(Arc::clone(&aside.parcel), slot));
                        }
                    }
                    aside.slots &= !(1 << slot);
                }
            }
            aside.retain(|aside| aside.slots != 0);
        }
        let kept = (rules.iter().zip(known).zip(found))
            .map(|((rule, known), found)| match known {
                None => Arc::default(),
                Some(index) if found.is_empty() && self.kept[index].len() <= rule.count => {
                    Arc::clone(&self.kept[index])
                }
                Some(index) => {
                    let all = self.kept[index].iter().cloned().chain(found).collect();
                    // They were published under the rule before: what that let go of is gone.
                    last(all, rule.count.min(before[index].count)).into()
                }
            })
            .collect();
        Retained { kept, aside }
    }

    /// The same, for the same rules, but that nobody looks at what is in the parcel yet: this runs no user code.
    pub(crate) fn unlooked_after(&self, parcel: &Arc<Parcel<M>>, rules: &[Rule<M>]) -> Self {
        Retained {
            kept: self.kept.clone(),
            aside: self.aside_with(parcel, rules),
        }
    }

    /// What is to be looked at after a parcel, which is closed.
    fn aside_with(&self, parcel: &Arc<Parcel<M>>, rules: &[Rule<M>]) -> Vec<Aside<M>> {
        let mut aside = self.aside.clone();
        let claimed = parcel.filled().claimed;
        if !rules.is_empty() && claimed > 0 && !parcel.is_blind() {
            aside.push(Aside {
                parcel: Arc::clone(parcel),
                slots: u64::MAX >> (64 - claimed),
            });
        }
        aside
    }

    /// What is retained with a lower sequence number than `base`, in order. Waits for slots that are
    /// not written yet.
    pub(crate) fn before(
        &self,
        base: u64,
        rules: &[Rule<M>],
    ) -> impl Iterator<Item = Delivery<M>> + use<M> {
        let mut retained = BTreeMap::new();
        for (rule, kept) in rules.iter().zip(&self.kept) {
            let mut all = kept.to_vec();
            for aside in &self.aside {
                let late = aside.numbers().map(|slot| (slot, aside.parcel.get(slot)));
                let late = late.filter(|(_, envelope)| rule.matches(envelope));
                all.extend(late.map(|(slot, _)| Delivery::new(Arc::clone(&aside.parcel), slot)));
            }
            let all = last(all, rule.count).into_iter();
            retained.extend(all.map(|it| (it.sequence(), it)));
        }
        retained
            .into_values()
            .take_while(move |it| it.sequence() < base)
    }
}

thread_local! {
    static LOOKING: Cell<bool> = const { Cell::new(false) };
}

/// A thread looks at what is to be retained. That runs user code, and what is published or
/// subscribed there sets aside what is being looked at.
struct Looking;

impl Looking {
    fn begin() -> Option<Self> {
        (!LOOKING.replace(true)).then(|| Looking) // not made in vain: dropped, it ends the looking
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        LOOKING.set(false);
    }
}

/// From which sequence number on a list of subscribers was in use, or a newer one: the base of the
/// first opening with it.
///
/// It is marked before the opening after that one is installed, by whoever does so. So who finds the
/// list in use, and marks the opening that is current, finds every list marked that came before.
pub(crate) struct Since {
    base: OnceLock<u64>,
    /// The list before, if it was not in use when this one was made. It may never be.
    prior: Option<Arc<Since>>,
}

impl Since {
    pub(crate) fn new(prior: Option<&Arc<Since>>) -> Arc<Self> {
        let prior = prior.filter(|prior| prior.base.get().is_none());
        Arc::new(Since {
            base: OnceLock::new(),
            prior: prior.cloned(),
        })
    }

    /// The oldest first: where one is marked, all before it are, though somebody else is at it.
    pub(crate) fn mark(&self, base: u64) {
        if self.base.get().is_some() {
            return;
        }
        let mut lists = vec![self];
        while let Some(prior) = lists.last().and_then(|list| list.prior.as_deref()) {
            lists.push(prior);
        }
        for list in lists.into_iter().rev() {
            let _marked = list.base.set(base);
        }
    }

    pub(crate) fn base(&self) -> Option<u64> {
        self.base.get().copied()
    }
}

/// # Retaining
impl<M: Payload> Bus<M> {
    /// Retains the last `count` envelopes that match the pattern, of those that are published from now
    /// on: whoever subscribes later and listens to them receives them first, in order, and then what
    /// is published, without a gap and without a duplicate.
    ///
    /// They come beside the subscription's queue: they take none of its capacity, are no part of
    /// its accounts, and [`len`](crate::Subscription::len) counts them. Who listens to none of them has
    /// none; a member of a [group](crate::SubscribeOptions::group) has none either, as the group may
    /// have had them, nor has an [audit log](crate::audit), which begins with what is published then. An envelope that matches several patterns comes once. Retaining for the same pattern
    /// again changes the count; a count of 0 lets go of what was retained, and retains no more.
    ///
    /// A payload whose type gives no [`subject`](Payload::subject) is retained for no pattern.
    ///
    /// # Errors
    ///
    /// [`RetainError::Pattern`] for a text that is no pattern; [`RetainError::TooManyEnvelopes`] with a count above
    /// [`MAX_RETAINED`]; [`RetainError::TooManyPatterns`] with [`MAX_RETAINED_PATTERNS`] patterns already;
    /// [`RetainError::Closed`].
    ///
    /// # Cost
    ///
    /// Where a parcel is opened, each envelope of the one before is asked for its subject, and where
    /// some match, as many handles as are retained for that pattern are copied. What is retained keeps its
    /// parcel, and so its neighbours; see [`Delivery`].
    ///
    /// # Examples
    ///
    /// ```
    /// use oxide_bus::kernel::Event;
    /// use oxide_bus::MessageBus;
    ///
    /// let bus = MessageBus::new();
    /// bus.retain("event.started.>", 10)?;
    /// bus.emit_event("kernel", Event::ModuleStarted { module_id: "echo".into() })?;
    ///
    /// let mut late = bus.subscribe();
    /// let started = late.try_recv()?;
    /// assert_eq!(started.message, Event::ModuleStarted { module_id: "echo".into() }.into());
    ///
    /// bus.retain("event.started.>", 0)?;
    /// assert!(bus.subscribe().is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn retain<P>(&self, pattern: P, count: usize) -> Result<(), RetainError>
    where
        P: TryInto<Pattern>,
        P::Error: Into<PatternError>,
    {
        let pattern = (pattern.try_into()).map_err(|error| RetainError::Pattern(error.into()))?;
        if count > MAX_RETAINED {
            return Err(RetainError::TooManyEnvelopes {
                limit: MAX_RETAINED,
            });
        }
        let rule = Rule {
            pattern,
            count,
            is_for: |pattern, envelope: &Envelope<M>| pattern.matches(&envelope.message.subject()),
        };
        let mut outcome = Err(RetainError::Closed);
        self.core.change_rules(|rules| {
            let known = rules.iter().position(|it| it.pattern == rule.pattern);
            let mut rules = rules.to_vec();
            outcome = Ok(());
            match known {
                None if count == 0 => return None,
                None if rules.len() == MAX_RETAINED_PATTERNS => {
                    outcome = Err(RetainError::TooManyPatterns {
                        limit: MAX_RETAINED_PATTERNS,
                    });
                    return None;
                }
                None => rules.push(rule),
                Some(known) if count == 0 => drop(rules.remove(known)),
                Some(known) => rules[known].count = count,
            }
            Some(rules.into())
        });
        outcome
    }

    /// What a new subscriber with this filter receives first. Where one of its predicates panics it is
    /// evicted, and that was all.
    pub(crate) fn backlog(&self, since: &Since, queue: &Queue<M>) -> VecDeque<Delivery<M>> {
        let mut retained = self.core.retained(since);
        let Queue::Pick(queue, filter) = queue else {
            return retained.collect();
        };
        let mut backlog = VecDeque::new();
        let asked = retained.try_for_each(|delivery| {
            let addresses = filter.addresses(&delivery, &delivery.message.subject());
            if addresses && filter.judge(&delivery)? {
                backlog.push_back(delivery);
            }
            Ok::<_, Panicked>(())
        });
        if asked.is_err() {
            (self.core).failed([(&**queue, Eviction::PredicatePanicked)]);
        }
        backlog
    }
}

#[cfg(all(test, not(oxide_loom)))]
mod stopped;

#[cfg(all(test, not(oxide_loom)))]
mod tests {
    use super::*;

    #[test]
    fn who_looks_already_does_not_begin_again_however_often_it_tries() {
        let looking = Looking::begin();
        assert!(looking.is_some());
        for _ in 0..3 {
            assert!(Looking::begin().is_none());
        }
        drop(looking);
        assert!(Looking::begin().is_some());
    }
}
