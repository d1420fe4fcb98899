//! Openings: the chain of parcels, and who has room for which.
//!
//! The bus has one current opening: a parcel, the route it is for, and which of the queues on that route the parcel does
//! not reach. A publisher that needs another parcel makes the next opening out of the current one and installs it by one
//! compare-and-swap. That makes the sequence one for all, and the [accounts] exact:
//!
//! * an opening's accounts follow from its predecessor's and from how far that one's parcel was filled,
//!   which is final by then;
//! * a queue is in reach only if it has room for every slot of the parcel;
//! * a route is read after the opening that it shall succeed, so versions never go back along the
//!   chain.
//!
//! A loser of the swap takes its envelopes back and appends to the winner's parcel. Before anybody
//! appends to a parcel, or opens the one after it, the parcel has been handed over to every queue
//! in its reach: by who opened it, or by whoever came first.
//!
//! A change of the list needs no other parcel: it [puts a new opening before the same one](same_parcel).

mod accounts;
mod handing_over;
mod same_parcel;

use std::sync::Arc;

use self::accounts::{Full, Other};
use crate::entry::Reach;
use crate::envelope::Envelope;
use crate::limit::Attempt;
use crate::overflow::Overflow;
use crate::parcel::Parcel;
use crate::pending::Pending;
use crate::receipt::Outcome;
use crate::retained::Retained;
use crate::route::Route;
use crate::sync::AtomicBool;
use crate::terms::Terms;

/// The most bytes of envelopes in a parcel, unless one envelope takes more.
const MAX_BYTES: usize = 16 * 1024;

pub(crate) struct Opening<M> {
    pub(crate) parcel: Arc<Parcel<M>>,
    pub(crate) route: Arc<Route<M>>,
    /// Which of the openings of its parcel this is: only those who hold this one claim slots by it.
    pub(crate) epoch: u64,
    /// The version of the route before: subscribers with a higher number are new with this opening.
    after: u64,
    /// A hint that [`settle`](Opening::settle) was done.
    is_settled: AtomicBool,
    /// The queues that are exceptions, in the order of the route: those that the parcel does not reach, and those whose
    /// subscribers do not know of all losses yet.
    others: Box<[Other<M>]>,
    /// How many queues are in reach.
    in_reach: usize,
    /// Those that have no room, and drop.
    drops: Box<[Full]>,
    /// Those that have no room, and are put out for it; by their place among the others.
    evicts: Box<[u32]>,
    /// What is retained of all that came before the parcel.
    pub(crate) retained: Retained<M>,
    /// How many slots the parcel would have, were there room for as many everywhere.
    growth: usize,
}

impl<M> Opening<M> {
    /// The first of a bus: nobody listens.
    pub(crate) fn first(route: Arc<Route<M>>) -> Self {
        Opening {
            parcel: Arc::new(Parcel::void(0)),
            epoch: 0,
            after: route.version,
            is_settled: AtomicBool::new(true),
            route,
            others: Box::default(),
            in_reach: 0,
            drops: Box::default(),
            evicts: Box::default(),
            retained: Retained::nothing(),
            growth: 1,
        }
    }

    /// One that takes nothing, after this one, which is closed: it only brings in a new route.
    pub(crate) fn idle(&self, route: Arc<Route<M>>) -> Self {
        let retained = self.retained_for(&route);
        self.void(route, retained)
    }

    /// One that takes nothing, after this one, which is closed, and has the same route. To make it runs no user code.
    pub(crate) fn blank(&self) -> Self {
        let rules = &self.route.rules;
        let retained = self.retained.unlooked_after(&self.parcel, rules);
        self.void(Arc::clone(&self.route), retained)
    }

    fn void(&self, route: Arc<Route<M>>, retained: Retained<M>) -> Self {
        let parcel = Parcel::void(self.end());
        if route.closed {
            parcel.close();
        }
        Opening {
            parcel: Arc::new(parcel),
            epoch: 0,
            after: self.route.version,
            is_settled: AtomicBool::new(false),
            others: self.others_for(&route),
            retained,
            route,
            in_reach: 0,
            drops: Box::default(),
            evicts: Box::default(),
            growth: self.growth(),
        }
    }

    /// The next parcel after this one, which is closed. As many envelopes as find room are taken for
    /// it, up to `wanted`; it has up to `max` slots. A blind one only counts them, so that they are still there if another
    /// publisher's comes first. Parcels that are too old for those that keep the newest are `gone`.
    pub(crate) fn next(
        &self,
        route: Arc<Route<M>>,
        wanted: usize,
        max: usize,
        pending: &mut impl Pending<M>,
        attempt: &Attempt,
        gone: &mut Vec<Arc<Parcel<M>>>,
    ) -> Result<Self, Arc<Terms>> {
        let slot_bytes = size_of::<Envelope<M>>().max(1);
        let growth = (self.growth().max(wanted))
            .min(max)
            .min(MAX_BYTES / slot_bytes)
            .max(1);
        let mut slots = growth as u64;
        let mut in_reach = 0;
        let mut others = Vec::new();
        let (mut drops, mut evicts) = (Vec::new(), Vec::new());
        let mut passes_over = false;
        for (queue, mut entry, is_exception) in self.accounts_for(&route) {
            let index = u32::try_from(others.len()).expect("fewer than 2³² subscribers");
            let other = |entry| Other {
                queue: Arc::clone(queue),
                entry,
            };
            if queue.is_evicted() || queue.takes_no_more() {
                others.push(other(entry)); // listed still, and offered nothing
                continue;
            }
            let terms = queue.terms();
            let waits = attempt.waits_for(terms);
            let room = queue.look_for_room(&entry, waits && attempt.is_patient());
            if room == 0 && waits {
                return Err(Arc::clone(terms));
            }
            queue.make_room(self.end(), gone);
            if room > 0 {
                in_reach += 1;
                slots = slots.min(room);
                if is_exception && !queue.knows_of(entry.left_out) {
                    entry.reach = Reach::Within;
                    others.push(other(entry));
                }
                continue;
            }
            queue.leave_out();
            let overflow = terms.overflow;
            passes_over |= overflow.blocks();
            if overflow != Overflow::Evict {
                entry.reach = Reach::LeftOut;
            } // else it loses the first envelope alone, which its end tells
            others.push(other(entry));
            match overflow {
                Overflow::DropNewest | Overflow::Block | Overflow::BlockFor(_) => {
                    drops.push(Full::new(index, queue, &entry));
                }
                Overflow::Evict => evicts.push(index),
                Overflow::DropOldest => unreachable!("it has room for any number"),
            }
        }
        if passes_over {
            // This publisher has waited long enough for a queue that others wait for, so nobody may append.
            slots = 1;
        }
        let slots = usize::try_from(slots).expect("it was made from a usize");
        let read = in_reach > 0 || passes_over || !route.pick.is_empty() || !route.rules.is_empty();
        let retained = self.retained_for(&route); // user code, and nothing has happened yet
        let taken = wanted.min(slots);
        let parcel = if !read {
            Parcel::blind(self.end(), wanted)
        } else if taken > 1 && taken >= slots / 2 {
            Parcel::full(self.end(), pending.take_many(taken))
        } else {
            Parcel::new(self.end(), slots, taken, || pending.take())
        };
        Ok(Opening {
            parcel: Arc::new(parcel),
            epoch: 0,
            after: self.route.version,
            is_settled: AtomicBool::new(false),
            route,
            others: others.into(),
            in_reach,
            drops: drops.into(),
            evicts: evicts.into(),
            retained,
            growth,
        })
    }

    /// What is retained at the end of this parcel, which is closed.
    fn retained_for(&self, route: &Route<M>) -> Retained<M> {
        (self.retained).after(&self.parcel, &self.route.rules, &route.rules)
    }

    /// Before the opening after this one is installed: from when on its list was in use.
    pub(crate) fn mark(&self) {
        if let Some(since) = &self.route.since {
            since.mark(self.parcel.base());
        }
    }

    /// The sequence number after this parcel, if nothing more is appended.
    pub(crate) fn end(&self) -> u64 {
        self.parcel.base() + self.parcel.filled().claimed as u64
    }

    /// How many slots the next parcel would need: twice what filled up, else what was used. A parcel
    /// that was cut short for want of room, and filled up, tells nothing.
    fn growth(&self) -> usize {
        let (slots, claimed) = (self.parcel.slots(), self.parcel.filled().claimed);
        if claimed < slots {
            claimed
        } else if slots < self.growth {
            self.growth
        } else {
            slots * 2
        }
    }

    /// What becomes of so many envelopes in the parcel, as far as it goes by the parcel.
    pub(crate) fn outcome(&self, envelopes: usize) -> Outcome {
        Outcome {
            delivered: self.in_reach * envelopes,
            dropped: self.drops.len() * envelopes,
        }
    }

    /// Whether a publish has nothing to do beside appending.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.route.pick.is_empty()
    }

    /// Whether another opening of the same parcel may claim by now, and not this one.
    pub(crate) fn is_over(&self) -> bool {
        self.parcel.epoch() > self.epoch
    }
}

#[cfg(all(test, not(oxide_loom)))]
mod tests {
    use crate::{Bus, Envelope, Overflow, SubscribeOptions};

    #[test]
    fn one_that_is_nearly_full_shortens_the_parcels_unless_envelopes_are_sent_to_it_by_themselves()
    {
        let narrow = || SubscribeOptions::new().capacity(1);
        let kinds = [
            narrow(),
            narrow().predicate(|_: &Envelope<u32>| true),
            narrow().source("counter"),
            narrow().overflow(Overflow::DropOldest),
        ];
        let are_short = kinds.map(|options| {
            let bus = Bus::<u32>::new();
            let _roomy = bus.subscribe();
            let mut slow = bus.subscribe_with(options).expect("open");
            for number in 0..40 {
                bus.publish(Envelope::new("counter", number)).expect("open");
                assert!(slow.try_recv().is_ok());
            }
            bus.core.current().parcel.slots() == 1
        });
        assert_eq!(are_short, [true, false, false, false]);
    }
}
