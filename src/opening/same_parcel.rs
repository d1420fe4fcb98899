//! Several openings of one parcel: a change of the list, or of what is granted, that costs nobody a new parcel.
//!
//! The parcel's word has an *epoch*, which says which opening may claim slots. The next opening of the same parcel has
//! the next epoch. It is installed, and then [settled](Opening::settle): the parcel is put into the queues of the
//! newcomers, the epoch is raised, and they learn where they start: at the slot after those that were claimed by then.
//!
//! * **Each claim belongs to one opening**: the one whose epoch the word had. So an envelope is for the subscribers of
//!   that opening's list, and for no others.
//! * **An opening is settled before another is installed after it**, by whoever installs that. So where it began is read
//!   before it is overwritten.
//! * **A newcomer's start is written once, and before `subscribe` returns.** Whoever claims by the opening has seen the
//!   epoch raised, and the parcel was in the newcomer's queue before.
//! * **Whoever holds an earlier opening claims no more** when this one is settled. That is the barrier of leaving, and of
//!   revoking.
//! * A parcel's reach does not change: a queue that was left out stays so until the next parcel.

use std::sync::Arc;

use super::Opening;
use super::accounts::{Full, Other};
use crate::parcel::LAST_EPOCH;
use crate::retained::Retained;
use crate::route::Route;
use crate::sync::{AtomicBool, Ordering};

impl<M> Opening<M> {
    /// The next opening of the same parcel, for this route. None if that cannot be: the parcel takes no more, or is not
    /// ready, or keeps nothing; it has no room for a newcomer; nobody would be left to read it; something is retained.
    pub(crate) fn again(&self, route: &Arc<Route<M>>) -> Option<Self> {
        let (filled, slots) = (self.parcel.filled(), self.parcel.slots());
        let retains = !(self.route.rules.is_empty() && route.rules.is_empty());
        if filled.is_final
            || slots == 0
            || !self.parcel.is_ready()
            || route.closed
            || retains
            || self.epoch == LAST_EPOCH
        {
            return None;
        }
        let free = slots - filled.claimed;
        let mut newcomers = route.follow.above(self.route.version);
        if newcomers.any(|queue| queue.terms().capacity < free) {
            return None;
        }
        let (others, drops) = self.exceptions_among(route);
        let out_of_reach = (others.iter()).filter(|other| !other.entry.is_in_reach());
        let in_reach = route.follow.len() - out_of_reach.count();
        if in_reach == 0 && route.pick.is_empty() {
            return None;
        }
        Some(Opening {
            parcel: Arc::clone(&self.parcel),
            epoch: self.epoch + 1,
            after: self.route.version,
            is_settled: AtomicBool::new(false),
            route: Arc::clone(route),
            others: others.into(),
            in_reach,
            drops: drops.into(),
            evicts: Box::default(), // they were evicted before the parcel was ready
            retained: Retained::nothing(),
            growth: self.growth,
        })
    }

    /// The exceptions that are on this route, and those of them that have no room and drop.
    fn exceptions_among(&self, route: &Route<M>) -> (Vec<Other<M>>, Vec<Full>) {
        let mut places = vec![None; self.others.len()];
        let mut others = Vec::with_capacity(self.others.len());
        for (place, other) in places.iter_mut().zip(&self.others) {
            if route.lists(other.queue.terms()) {
                *place = Some(u32::try_from(others.len()).expect("there were no more before"));
                others.push(other.clone());
            }
        }
        let drops = (self.drops.iter()).filter_map(|full| {
            let place = places[full.index as usize]?;
            Some(full.at(place))
        });
        let drops = drops.collect();
        (others, drops)
    }

    /// Lets claims by this opening begin, and end those by openings before it; tells newcomers where they start. Whoever
    /// meets the opening does so, perhaps again.
    #[inline]
    pub(crate) fn settle(&self) {
        // Acquire, against the release below: newcomers have a start.
        if !self.is_settled.load(Ordering::Acquire) {
            self.settle_now();
        }
    }

    #[cold]
    fn settle_now(&self) {
        let newcomers = || self.route.follow.above(self.after);
        if self.epoch > 0 {
            // The first opening's parcel is handed over to all in its reach before it is ready.
            for queue in newcomers() {
                queue.hand_over(&self.parcel);
            }
        }
        // None: a later opening has begun, and this one was settled before that was installed.
        if let Some(began) = self.parcel.enter(self.epoch) {
            let start = self.parcel.base() + began as u64;
            for queue in newcomers() {
                queue.places().begin(start);
            }
        }
        self.is_settled.store(true, Ordering::Release);
    }
}
