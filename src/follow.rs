//! A queue without a filter, on the publishers' side: who has room for a parcel, and whose turn it is
//! where there is none.

mod places;
mod turns;

use std::sync::Arc;
use std::task::Waker;

use self::turns::Turn;
use crate::accounts::Accounts;
use crate::entry::Entry;
use crate::follower::Follower;
use crate::lane::{Lane, lane};
use crate::overflow::Overflow;
use crate::parcel::{MAX_SLOTS, Parcel};
use crate::room::NoPlace;
use crate::sync::Ordering;
use crate::terms::Terms;
use crate::wait_list::WaitList;

pub(crate) use self::places::{End, Places};

/// The publishers' end.
pub(crate) struct FollowQueue<M> {
    lane: Lane<M>,
    terms: Arc<Terms>,
    places: Arc<Places<M>>,
    /// Where its subscriber waits.
    readers: Arc<WaitList>,
}

impl<M> FollowQueue<M> {
    pub(crate) fn new(terms: &Arc<Terms>, readers: &Arc<WaitList>) -> (Arc<Self>, Follower<M>) {
        let (lane, end) = lane(terms.capacity, terms.overflow == Overflow::DropOldest);
        let places = Arc::new(Places::new());
        let queue = FollowQueue {
            lane,
            terms: Arc::clone(terms),
            places: Arc::clone(&places),
            readers: Arc::clone(readers),
        };
        let follower = Follower::new(end, places, terms.blocks(), readers);
        (Arc::new(queue), follower)
    }

    pub(crate) fn terms(&self) -> &Arc<Terms> {
        &self.terms
    }

    pub(crate) fn places(&self) -> &Arc<Places<M>> {
        &self.places
    }

    /// Its accounts at this sequence number, where it is no exception: the parcels before have it in reach, and its
    /// subscriber knows of all losses.
    ///
    /// Everything since its start was enqueued but for those losses. They do not change while that is so; an opener for
    /// which they have changed has an opening that is out of use, and will not install another.
    pub(crate) fn plain_entry(&self, end: u64) -> Entry {
        let Some(start) = self.places.start() else {
            return Entry::default(); // its list is not in use yet
        };
        let left_out = self.places.left_out_before(self.terms.blocks());
        Entry::new(end.saturating_sub(start).saturating_sub(left_out), left_out)
    }

    /// Whether its subscriber knows of all that was left out so far.
    pub(crate) fn knows_of(&self, left_out: u64) -> bool {
        self.places.left_out_before(self.terms.blocks()) == left_out
    }

    /// How many more envelopes fit in, after what `entry` says was enqueued: any number where the newest are kept. Notes
    /// how many are queued.
    pub(crate) fn look_for_room(&self, entry: &Entry) -> u64 {
        let (room, queued) = if self.lane.newest().is_some() {
            (u64::MAX, self.accounts(entry).queued())
        } else {
            let room = self.room(entry);
            (room, (self.terms.capacity as u64).saturating_sub(room))
        };
        self.places.saw(queued);
        room
    }

    /// Before the parcel after this sequence number is opened: where the newest are kept, takes out what is too old. That
    /// may be dropped when the publish is over, since it is user code.
    pub(crate) fn make_room(&self, end: u64, gone: &mut Vec<Arc<Parcel<M>>>) {
        if let Some(newest) = self.lane.newest() {
            newest.keep_up_to(end, self.places.start().unwrap_or(end), gone);
        }
    }

    /// Whether more was taken out since this was asked last.
    pub(crate) fn has_lost_more(&self) -> bool {
        // Relaxed: only whether it is told of hangs on it.
        let lost = self.lane.lost();
        lost > 0 && self.places.told_of.swap(lost, Ordering::Relaxed) < lost
    }

    /// How many envelopes were taken out.
    pub(crate) fn lost(&self) -> u64 {
        self.lane.lost()
    }

    fn room(&self, entry: &Entry) -> u64 {
        let places = &*self.places;
        let mut enqueued = entry.enqueued;
        if self.terms.blocks() {
            // Acquire: when all were settled, `placed` is what it was then.
            if places.settled.load(Ordering::Acquire) != entry.left_out {
                // Some envelope still waits for its place, and this one must not overtake it.
                return 0;
            }
            enqueued += places.placed.load(Ordering::Relaxed);
        }
        // An opener that lost the race may hold an old entry: then it is ahead of it, and no matter.
        let consumed = places.consumed();
        (self.terms.capacity as u64).saturating_sub(enqueued.saturating_sub(consumed))
    }

    /// When the subscriber has received so many envelopes, a queue that is full by its `entry`, and that
    /// nobody waits for, has room.
    pub(crate) fn vacant_at(&self, entry: &Entry) -> u64 {
        (entry.enqueued + 1).saturating_sub(self.terms.capacity as u64)
    }

    /// The tasks that wait for room.
    pub(crate) fn vacancy(&self) -> &Arc<WaitList> {
        &self.places.vacancy
    }

    /// Its accounts, where `entry` has those of now.
    pub(crate) fn accounts(&self, entry: &Entry) -> Accounts {
        let places = &*self.places;
        let (placed, given_up) = places.turns();
        let consumed = places.consumed.load(Ordering::Relaxed); // a figure, no more
        let lost = self.lane.lost();
        Accounts {
            // All of these may have gone on since the entry was made.
            placed: (entry.enqueued + placed).saturating_sub(lost).max(consumed),
            consumed,
            dropped: if self.terms.blocks() {
                given_up
            } else {
                entry.left_out + lost
            },
        }
    }

    /// The queue is left out of a parcel.
    pub(crate) fn leave_out(&self) {
        // Relaxed: read by a subscriber that learned of a publish, which came after.
        if !self.places.was_left_out.load(Ordering::Relaxed) {
            self.places.was_left_out.store(true, Ordering::Relaxed);
        }
    }

    /// Puts a parcel into the channel, unless somebody has already. There is room for it. The subscriber is yet to be
    /// woken.
    pub(crate) fn hand_over(&self, parcel: &Arc<Parcel<M>>) {
        self.lane.hand_over(parcel);
    }

    /// Takes a turn for the one envelope of a parcel that left this queue out, unless somebody has
    /// already.
    ///
    /// `entry` is the parcel's: it says whose turn this is.
    pub(crate) fn enrol(self: &Arc<Self>, parcel: &Arc<Parcel<M>>, entry: &Entry) {
        let mut turn = Some(Turn {
            queue: Arc::clone(self),
            parcel: Arc::clone(parcel),
            enqueued: entry.enqueued,
            // With one place at a time every parcel would hold one envelope. So the subscriber is
            // given the time to make room for many, unless it takes too long.
            demand: self.terms.capacity.min(2 * MAX_SLOTS) as u64,
            waker: None,
        });
        let places = &*self.places;
        places.serve(|turns| {
            let is_over = places.is_settled(entry) || turns.has_given_up(entry.left_out);
            if !is_over && !places.gone.load(Ordering::Relaxed) {
                let free = turns.waiting.entry(entry.left_out);
                free.or_insert_with(|| turn.take().expect("it is not there yet"));
            }
        });
    }

    /// What has become of a turn, if it is over. Else its publisher shall be woken when it is, and is
    /// content with one place if it is impatient.
    pub(crate) fn look(
        &self,
        entry: &Entry,
        impatient: bool,
        waker: Option<&Waker>,
    ) -> Option<Result<(), NoPlace>> {
        let places = &*self.places;
        places.serve(|turns| {
            if let Some(turn) = turns.waiting.get_mut(&entry.left_out) {
                if impatient {
                    turn.demand = 1;
                }
                turn.waker = waker.cloned();
            }
        });
        if places.is_settled(entry) {
            return Some(Ok(()));
        }
        if places.gone.load(Ordering::Acquire) {
            // It is dropped here, outside the lock.
            let _turn = (places.gate).look(|turns| turns.waiting.remove(&entry.left_out));
            return Some(Err(NoPlace::Gone));
        }
        (places.gate.look(|turns| turns.shut)).then(|| self.give_up(entry))
    }

    /// Ends a turn without a place, unless it has found one.
    pub(crate) fn give_up(&self, entry: &Entry) -> Result<(), NoPlace> {
        let places = &*self.places;
        let (mut given_up, mut outcome) = (None, Ok(())); // it is dropped outside the lock
        places.serve(|turns| {
            if outcome.is_ok() && !places.is_settled(entry) {
                given_up = turns.give_up(entry.left_out);
                outcome = Err(NoPlace::Full);
            }
        });
        if given_up.is_some() && places.ended().is_some() {
            // It was the last thing that a subscriber of a closed bus has waited for, perhaps.
            self.readers.wake_all_after_fence();
        }
        outcome
    }

    /// Puts the subscriber out, for the envelope after what `entry` says was enqueued. Whoever sees
    /// to the parcel that has left it out does so; who comes later may do it again. It is yet to be woken.
    pub(crate) fn evict(&self, entry: &Entry) {
        // Release, against the acquire in `Places::is_evicted`.
        self.places.evicted.store(true, Ordering::Release);
        let _first = self.places.end.set(End {
            enqueued: entry.enqueued,
            left_out: 1,
            evicted: true,
        });
    }

    pub(crate) fn is_evicted(&self) -> bool {
        self.places.is_evicted()
    }

    /// Whether nothing is offered to it, though it be listed still.
    pub(crate) fn takes_no_more(&self) -> bool {
        // Acquire, against the release in `Places::leave`. Relaxed: see `Core::end_follower`.
        self.places.gone.load(Ordering::Acquire) || self.places.closed.load(Ordering::Relaxed)
    }

    /// Nothing is offered to it from the next opening on. False if it was closed already.
    pub(crate) fn close(&self) -> bool {
        !self.places.closed.swap(true, Ordering::Relaxed) // as above
    }

    /// The bus closes, or the subscription, having enqueued and left out so many. The subscriber is yet to be woken.
    pub(crate) fn end(&self, entry: &Entry) {
        let _first = self.places.end.set(End {
            enqueued: entry.enqueued,
            left_out: entry.left_out,
            evicted: false,
        });
        // Whoever has given up a turn before this takes the lock is known to whoever wakes the subscriber then, and
        // whoever does after knows of the end, and wakes it.
        self.places.serve(|turns| turns.shut = true);
    }
}
