//! Openings: the chain of parcels, and who has room for which.
//!
//! The bus has one current opening: a parcel, the route it was opened for, and for each queue on it
//! whether the parcel is in its reach. Who needs another parcel makes the next opening out of the
//! current one and installs it by one compare-and-swap. That makes the sequence one for all, and
//! these accounts exact:
//!
//! * an opening's entries follow from its predecessor's and from how far that one's parcel was filled,
//!   which is final by then;
//! * a queue is in reach only if it has room for every slot of the parcel;
//! * a route is read after the opening that it shall succeed, so versions never go back along the
//!   chain.
//!
//! A loser of the swap takes its envelopes back and appends to the winner's parcel. Before anybody
//! appends to a parcel, or opens the one after it, the parcel has been handed over to every queue
//! in its reach: by who opened it, or by whoever came first.

mod entry;

use std::sync::Arc;

use self::entry::Reach;
use crate::alarm::Alarm;
use crate::envelope::Envelope;
use crate::follow::{FollowQueue, Places};
use crate::lobby::Lobby;
use crate::overflow::Overflow;
use crate::parcel::Parcel;
use crate::pause::{self, Step};
use crate::pending::Pending;
use crate::queue::Terms;
use crate::receipt::Outcome;
use crate::retained::Retained;
use crate::route::Route;
use crate::sync::{Ordering, fence};

pub(crate) use self::entry::Entry;

/// The most bytes of envelopes in a parcel, unless one envelope takes more.
const MAX_BYTES: usize = 16 * 1024;

pub(crate) struct Opening<M> {
    pub(crate) parcel: Arc<Parcel<M>>,
    pub(crate) route: Arc<Route<M>>,
    /// One for each of the route's `follow` queues.
    entries: Box<[Entry]>,
    /// How many of them are in reach.
    in_reach: usize,
    /// Those that have no room, and drop.
    drops: Box<[Full<M>]>,
    /// Those that have no room, and that a publisher waits for; by their place in the route.
    waits: Box<[u32]>,
    /// Those that have no room, and are put out for it.
    evicts: Box<[u32]>,
    /// What is retained of all that came before the parcel.
    pub(crate) retained: Retained<M>,
    /// How many slots the parcel would have, were there room for as many everywhere.
    growth: usize,
}

/// A queue that has no room, and drops.
struct Full<M> {
    /// Its place in the route.
    index: u32,
    /// Here, so that each publish finds it without a look into the route.
    places: Arc<Places<M>>,
    /// How many envelopes its subscriber has received when there is room: that is looked at by each
    /// publish, and what it is compared with does not change while the queue is left out.
    until: u64,
}

impl<M> Opening<M> {
    /// The first of a bus: nobody listens.
    pub(crate) fn first(route: Arc<Route<M>>) -> Self {
        Opening {
            parcel: Arc::new(Parcel::void(0)),
            route,
            entries: Box::default(),
            in_reach: 0,
            drops: Box::default(),
            waits: Box::default(),
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
            entries: self.entries_for(&route).collect(),
            retained,
            route,
            in_reach: 0,
            drops: Box::default(),
            waits: Box::default(),
            evicts: Box::default(),
            growth: self.growth(),
        }
    }

    /// The next parcel after this one, which is closed. As many envelopes as find room are taken for
    /// it, up to `wanted`; it has up to `max` slots. A blind one only counts them, so that they are still there if another
    /// publisher's comes first.
    pub(crate) fn next(
        &self,
        route: Arc<Route<M>>,
        wanted: usize,
        max: usize,
        pending: &mut impl Pending<M>,
    ) -> Self {
        let slot_bytes = size_of::<Envelope<M>>().max(1);
        let growth = (self.growth().max(wanted))
            .min(max)
            .min(MAX_BYTES / slot_bytes)
            .max(1);
        let mut slots = growth as u64;
        let mut in_reach = 0;
        let (mut drops, mut waits, mut evicts) = (Vec::new(), Vec::new(), Vec::new());
        let mut entries: Box<[Entry]> = self.entries_for(&route).collect();
        for (index, (queue, entry)) in route.follow.iter().zip(&mut entries).enumerate() {
            if queue.is_evicted() || queue.takes_no_more() {
                continue; // listed still, and offered nothing
            }
            let room = queue.room(entry);
            let queued = (queue.terms().capacity as u64).saturating_sub(room);
            entry.high_water = entry.high_water.max(queued);
            if room > 0 {
                entry.reach = Reach::Within;
                in_reach += 1;
                slots = slots.min(room);
                continue;
            }
            queue.leave_out();
            entry.reach = Reach::LeftOut;
            let index = u32::try_from(index).expect("fewer than 2³² subscribers");
            match queue.terms().overflow {
                Overflow::DropNewest => drops.push(Full {
                    index,
                    places: Arc::clone(queue.places()),
                    until: queue.vacant_at(entry),
                }),
                Overflow::Block | Overflow::BlockFor(_) => waits.push(index),
                Overflow::Evict => evicts.push(index),
                Overflow::DropOldest => unreachable!("it does not follow"),
            }
        }
        if !waits.is_empty() {
            // Who publishes must wait for them, so nobody may append.
            slots = 1;
        }
        let slots = usize::try_from(slots).expect("it was made from a usize");
        let read =
            in_reach > 0 || !waits.is_empty() || !route.pick.is_empty() || !route.rules.is_empty();
        let retained = self.retained_for(&route); // user code, and nothing has happened yet
        let taken = wanted.min(slots);
        let parcel = if !read {
            Parcel::blind(self.end(), wanted)
        } else if taken > 1 && taken >= slots / 2 {
            Parcel::full(self.end(), pending.take_many(taken))
        } else {
            Parcel::new(self.end(), slots, taken, || pending.take())
        };
        Opening {
            parcel: Arc::new(parcel),
            route,
            entries,
            in_reach,
            drops: drops.into(),
            waits: waits.into(),
            evicts: evicts.into(),
            retained,
            growth,
        }
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

    /// Each queue's accounts at the end of this parcel, which is closed, for the queues of a route
    /// that is this one or came after it.
    fn entries_for(&self, route: &Route<M>) -> impl Iterator<Item = Entry> {
        let claimed = self.parcel.filled().claimed;
        let mut known = self.route.follow.iter().zip(&self.entries);
        // Queues keep their order, and new ones come last: so one walk finds them all.
        route.follow.iter().map(move |queue| {
            known
                .find(|(known, _)| Arc::ptr_eq(known, queue))
                .map_or_else(Entry::default, |(_, entry)| entry.after(claimed))
        })
    }

    /// Hands the parcel over to every queue in reach. Whoever comes first does it; who comes later
    /// may do it again.
    pub(crate) fn complete(&self, lobby: &Lobby) {
        if self.parcel.is_ready() {
            return;
        }
        for (queue, entry) in self.route.follow.iter().zip(&self.entries) {
            if entry.is_in_reach() {
                queue.hand_over(&self.parcel);
            }
        }
        for (queue, entry) in self.evicts() {
            queue.evict(entry, self.parcel.base());
        }
        for (queue, entry) in self.waits() {
            // Not only by who waits for it: he may be stopped, and those behind him would wait for him.
            queue.enrol(&self.parcel, entry);
        }
        if !self.drops.is_empty() {
            // Against the fence of a subscriber that goes to sleep: it has been seen to be full, may
            // have received all since, and not have learned of this loss.
            fence(Ordering::SeqCst);
            for queue in self.vacated() {
                queue.rouse(self.parcel.base());
            }
        }
        let reached = self.entries().filter(|(_, entry)| entry.is_in_reach());
        Alarm::ring_all(reached.map(|(queue, _)| queue.alarm()));
        lobby.ring(); // tasks that hold the parcel before
        pause::at(Step::HandedOver);
        self.parcel.mark_ready();
    }

    /// What becomes of so many envelopes in the parcel, as far as it goes by the parcel.
    pub(crate) fn outcome(&self, envelopes: usize) -> Outcome {
        Outcome {
            delivered: self.in_reach * envelopes,
            dropped: self.drops.len() * envelopes,
        }
    }

    /// Whether appending runs no user code but wakers: nobody is to be asked, and the envelope is kept.
    pub(crate) fn runs_no_user_code(&self) -> bool {
        self.is_plain() && !self.parcel.is_blind()
    }

    /// Whether who publishes has nothing to do beside appending.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.waits.is_empty() && self.route.pick.is_empty()
    }

    /// Whether a queue that was left out has made room since, so that the next parcel is due.
    #[inline]
    pub(crate) fn is_outdated(&self) -> bool {
        self.vacated().next().is_some()
    }

    /// The queues that were left out and have made room since.
    #[inline]
    fn vacated(&self) -> impl Iterator<Item = &Arc<FollowQueue<M>>> {
        (self.drops.iter())
            .filter(|full| full.places.consumed() >= full.until)
            .map(|full| self.route.follow.nth(full.index as usize))
    }

    /// The queues that a publisher has to wait for.
    pub(crate) fn waits(&self) -> impl Iterator<Item = (&Arc<FollowQueue<M>>, &Entry)> {
        self.waits.iter().map(|&index| self.at(index))
    }

    /// The queues that lose what is published.
    pub(crate) fn drops(&self) -> impl Iterator<Item = (&Arc<FollowQueue<M>>, &Entry)> {
        self.drops.iter().map(|full| self.at(full.index))
    }

    /// The queues that are put out, for want of room for the first envelope.
    pub(crate) fn evicts(&self) -> impl Iterator<Item = (&Arc<FollowQueue<M>>, &Entry)> {
        self.evicts.iter().map(|&index| self.at(index))
    }

    fn at(&self, index: u32) -> (&Arc<FollowQueue<M>>, &Entry) {
        let index = index as usize;
        (self.route.follow.nth(index), &self.entries[index])
    }

    /// The accounts of one queue, up to the parcel's base, if it is listed.
    pub(crate) fn entry(&self, terms: &Terms) -> Option<&Entry> {
        let index = (self.route.follow).position(terms.number(), |_| true)?;
        Some(&self.entries[index])
    }

    /// The accounts of one queue now, if it is listed.
    pub(crate) fn accounts(&self, terms: &Terms) -> Option<Entry> {
        let entry = self.entry(terms)?;
        Some(entry.after(self.parcel.filled().claimed))
    }

    /// The accounts of every queue now.
    pub(crate) fn standings(&self) -> impl Iterator<Item = (&Arc<FollowQueue<M>>, Entry)> {
        let claimed = self.parcel.filled().claimed;
        (self.entries()).map(move |(queue, entry)| (queue, entry.after(claimed)))
    }

    /// The accounts of every queue, up to the parcel's base.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&Arc<FollowQueue<M>>, &Entry)> {
        self.route.follow.iter().zip(&self.entries)
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
