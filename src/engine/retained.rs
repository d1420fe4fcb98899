//! Retained envelopes: those that the bus keeps for later subscribers.
//!
//! Each [head](crate::engine::head) has what was retained up to its segment's base. That follows from the head before
//! and from its segment, which is closed by then. So there is one state for each place in the sequence, made before
//! anybody sees it, and no lock. The publisher that makes a head asks each envelope of the segment before for its
//! subject. A slot that is claimed and not written yet stays *unexamined*, and is left to the next head. So is the
//! whole segment, if it is only replaced by an empty one.
//!
//! A subscriber has to know from which sequence number on everything is offered to it: that is its
//! [activation point](super::activation_point). First it receives what is retained before that number, and nothing
//! else. So there is no gap and no duplicate.
//!
//! The tests are in `tests/library/retained.rs`, with threads stopped in between in `engine/tests/retained_stopped.rs`.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::message::envelope::Envelope;
use crate::message::pattern::Pattern;
use crate::message::subject::Subject;
use crate::queue::delivery::Delivery;
use crate::queue::segment::Segment;
use crate::support::panics::catch_panic;

/// The most envelopes that are retained for one pattern.
pub const MAX_RETAINED: usize = 1_024;

/// The most patterns that something is retained for.
pub const MAX_RETAINED_PATTERNS: usize = 64;

/// A rule: how many envelopes are retained for a pattern.
pub(crate) struct Rule<M> {
    pub(crate) pattern: Pattern,
    pub(crate) count: usize,
    /// The subject of an envelope: the same function in all rules of a bus. User code, which may panic.
    pub(crate) subject: fn(&Envelope<M>) -> Subject<'_>,
}

impl<M> Rule<M> {
    /// Whether the rule is for the envelopes with this subject.
    fn is_for(&self, subject: Option<&Subject<'_>>) -> bool {
        subject.is_some_and(|subject| self.pattern.matches(subject))
    }
}

/// The subject of an envelope for all of these rules. None if it panics.
fn subject<'e, M>(rules: &[Rule<M>], envelope: &'e Envelope<M>) -> Option<Subject<'e>> {
    let rule = rules.first()?;
    catch_panic(|| (rule.subject)(envelope)) // a panic is not the fault of the thread that happens to look
}

/// The last `count` of these, in order.
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

/// The rules of a subscriber list.
pub(crate) type Rules<M> = Arc<[Rule<M>]>;

/// What is retained at one place in the sequence.
pub(crate) struct Retained<M> {
    /// For each rule, in order.
    kept: Vec<Arc<[Delivery<M>]>>,
    aside: Vec<Unexamined<M>>,
}

/// Unexamined slots of a segment: a bit for each.
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

    /// What is retained after a segment, which is closed and was published under the rules `before`. It is for the
    /// `rules` of the next head. New rules begin with nothing.
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
                    let subject = subject(rules, envelope);
                    for ((rule, known), found) in rules.iter().zip(&known).zip(&mut found) {
                        if known.is_some() && rule.is_for(subject.as_ref()) {
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
                    // They were published under the rule before: what that one let go of is gone.
                    last(all, rule.count.min(before[index].count)).into()
                }
            })
            .collect();
        Retained { kept, aside }
    }

    /// Like [`after`](Retained::after), with the same rules, but leaves the whole segment unexamined. Runs no user
    /// code.
    pub(crate) fn unexamined_after(&self, segment: &Arc<Segment<M>>, rules: &[Rule<M>]) -> Self {
        Retained {
            kept: self.kept.clone(),
            aside: self.aside_with(segment, rules),
        }
    }

    /// The unexamined slots after a segment, which is closed: those so far, and all of this segment.
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

    /// What is retained with a lower sequence number than `base`, in order. Waits for slots that are not written yet.
    pub(crate) fn before(
        &self,
        base: u64,
        rules: &[Rule<M>],
    ) -> impl Iterator<Item = Delivery<M>> + use<M> {
        let mut late = Vec::new();
        for aside in &self.aside {
            let subject = |slot| subject(rules, aside.segment.get(slot));
            late.extend((aside.numbers()).map(|slot| (&aside.segment, slot, subject(slot))));
        }
        let mut retained = BTreeMap::new();
        for (rule, kept) in rules.iter().zip(&self.kept) {
            let mut all = kept.to_vec();
            let late = late
                .iter()
                .filter(|(.., subject)| rule.is_for(subject.as_ref()));
            all.extend(late.map(|&(segment, slot, _)| Delivery::new(Arc::clone(segment), slot)));
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

/// Marks a thread that examines what is to be retained. That runs user code. A publish or a subscribe in there leaves
/// everything unexamined.
struct Looking;

impl Looking {
    fn begin() -> Option<Self> {
        (!LOOKING.replace(true)).then(|| Looking) // not made in vain: dropped, it would take the mark away
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        LOOKING.set(false);
    }
}

#[cfg(all(test, not(oxide_loom)))]
#[path = "tests/retained_stopped.rs"]
mod stopped;

#[cfg(all(test, not(oxide_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_looks_already_does_not_begin_again_however_often_it_tries() {
        let looking = Looking::begin();
        assert!(looking.is_some());
        for _ in 0..3 {
            assert!(Looking::begin().is_none());
        }
        drop(looking);
        assert!(Looking::begin().is_some());
    }
}
