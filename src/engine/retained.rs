//! What is kept for those who subscribe later.
//!
//! Each [opening](crate::engine::head) has what was retained up to its segment's base. It follows from the
//! opening before and from that one's segment, which is closed by then; so there is one state for each
//! place in the sequence, made before it is seen, and no lock. Who makes an opening asks each
//! envelope of the segment before for its subject; a slot that is claimed and not written yet is set
//! aside for the next one. So is the whole segment, if another is only put in its place.
//!
//! Who subscribes has to know from which sequence number on everything is offered to him: [`ActivationPoint`]
//! has it. What is retained before that number, and nothing else, he is given first: so there is no
//! gap and no duplicate.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use crate::message::envelope::Envelope;
use crate::message::pattern::Pattern;
use crate::queue::delivery::Delivery;
use crate::queue::segment::Segment;
use crate::support::panics::catch_panic;

/// The most envelopes that are retained for one pattern.
pub const MAX_RETAINED: usize = 1_024;

/// The most patterns that something is retained for.
pub const MAX_RETAINED_PATTERNS: usize = 64;

/// What shall be retained.
pub(crate) struct Rule<M> {
    pub(crate) pattern: Pattern,
    pub(crate) count: usize,
    /// Whether it is for this one. User code, which may panic.
    pub(crate) is_for: fn(&Pattern, &Envelope<M>) -> bool,
}

impl<M> Rule<M> {
    fn matches(&self, envelope: &Envelope<M>) -> bool {
        // The panic is none of who happens to look.
        catch_panic(|| (self.is_for)(&self.pattern, envelope)).unwrap_or(false)
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
    aside: Vec<Unexamined<M>>,
}

/// Slots that nobody has looked at yet: a bit for each.
struct Unexamined<M> {
    segment: Arc<Segment<M>>,
    slots: u64,
}

impl<M> Clone for Unexamined<M> {
    fn clone(&self) -> Self {
        Unexamined {
            segment: Arc::clone(&self.segment),
            slots: self.slots,
        }
    }
}

impl<M> Unexamined<M> {
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

    /// What is retained after a segment, which is closed, was published under `before`, for the rules of
    /// the next opening. Rules that are new begin with nothing.
    pub(crate) fn after(
        &self,
        segment: &Arc<Segment<M>>,
        before: &[Rule<M>],
        rules: &[Rule<M>],
    ) -> Self {
        if rules.is_empty() {
            return Self::nothing();
        }
        let mut aside = self.aside_with(segment, before);
        let looking = Looking::begin();
        let mut found: Vec<Vec<Delivery<M>>> = rules.iter().map(|_| Vec::new()).collect();
        let known: Vec<_> = (rules.iter())
            .map(|rule| before.iter().position(|it| it.pattern == rule.pattern))
            .collect();
        if looking.is_some() {
            for aside in &mut aside {
                for slot in aside.numbers() {
                    let Some(envelope) = aside.segment.kept(slot) else {
                        continue; // not written yet
                    };
                    for ((rule, known), found) in rules.iter().zip(&known).zip(&mut found) {
                        if known.is_some() && rule.matches(envelope) {
                            found.push(Delivery::new(Arc::clone(&aside.segment), slot));
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

    /// The same, for the same rules, but that nobody looks at what is in the segment yet: this runs no user code.
    pub(crate) fn unlooked_after(&self, segment: &Arc<Segment<M>>, rules: &[Rule<M>]) -> Self {
        Retained {
            kept: self.kept.clone(),
            aside: self.aside_with(segment, rules),
        }
    }

    /// What is to be looked at after a segment, which is closed.
    fn aside_with(&self, segment: &Arc<Segment<M>>, rules: &[Rule<M>]) -> Vec<Unexamined<M>> {
        let mut aside = self.aside.clone();
        let claimed = segment.filled().claimed;
        if !rules.is_empty() && claimed > 0 && !segment.is_blind() {
            aside.push(Unexamined {
                segment: Arc::clone(segment),
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
                let late = aside.numbers().map(|slot| (slot, aside.segment.get(slot)));
                let late = late.filter(|(_, envelope)| rule.matches(envelope));
                all.extend(late.map(|(slot, _)| Delivery::new(Arc::clone(&aside.segment), slot)));
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
pub(crate) struct ActivationPoint {
    base: OnceLock<u64>,
    /// The list before, if it was not in use when this one was made. It may never be.
    prior: Option<Arc<ActivationPoint>>,
}

impl ActivationPoint {
    pub(crate) fn new(prior: Option<&Arc<ActivationPoint>>) -> Arc<Self> {
        let prior = prior.filter(|prior| prior.base.get().is_none());
        Arc::new(ActivationPoint {
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

#[cfg(all(test, not(oxide_loom)))]
#[path = "tests/retained_stopped.rs"]
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
