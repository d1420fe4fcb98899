//! The places of a queue with a filter: who may enqueue, who has to wait, what was lost.
//!
//! Invariant: `consumed <= reserved <= consumed + capacity`.
//!
//! A publisher reserves a place before it sends into the channel, and the subscriber gives the
//! place back after it has handed the envelope over, so the channel never holds more than
//! `capacity` envelopes and a reserved place is always free. The channel's own capacity would not
//! do: a subscriber that has taken an envelope out to find that it must tell of a loss first would
//! have made room for one too many.
//!
//! | word | written by | read by |
//! | --- | --- | --- |
//! | `reserved` | publishers (compare-and-swap); the subscriber, once, when it leaves | publishers |
//! | `consumed` | the subscriber only | publishers |
//! | `lost` | publishers that found no place | publishers and the subscriber |
//! | `high_water` | the subscriber, and whoever asks for it | whoever asks for it |

use std::time::Instant;

use crate::gate::Gate;
use crate::stats::Accounts;
use crate::sync::{AtomicU64, Ordering};

/// Set in `reserved` when the subscriber has left: one word, so no place can be had after.
const GONE: u64 = 1 << 63;

#[derive(Debug)]
pub(crate) struct Room {
    capacity: u64,
    /// Places ever reserved, and the bit [`GONE`].
    reserved: AtomicU64,
    /// Places ever given back.
    consumed: AtomicU64,
    /// Envelopes ever lost because there was no place.
    lost: AtomicU64,
    /// The most places that were seen taken.
    high_water: AtomicU64,
    gate: Gate<()>,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoPlace {
    /// All are taken.
    Full,
    /// The subscriber has left.
    Gone,
}

impl Room {
    pub(crate) fn new(capacity: usize) -> Self {
        Room {
            capacity: capacity as u64,
            reserved: AtomicU64::new(0),
            consumed: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            high_water: AtomicU64::new(0),
            gate: Gate::new(),
        }
    }

    /// Takes a place, if there is one.
    pub(crate) fn reserve(&self) -> Result<(), NoPlace> {
        // Acquire: who reserves after another sees what the other saw of `consumed`, so it also
        // finds the channel as empty as the other did.
        let mut reserved = self.reserved.load(Ordering::Acquire);
        loop {
            if reserved & GONE != 0 {
                return Err(NoPlace::Gone);
            }
            // Acquire, against the release in `give_back`: the channel's slot is free by then.
            let consumed = self.consumed.load(Ordering::Acquire);
            // `reserved` may be the older of the two: then the swap fails, and it is read again.
            if reserved.saturating_sub(consumed) >= self.capacity {
                return Err(NoPlace::Full);
            }
            match self.reserved.compare_exchange_weak(
                reserved,
                reserved + 1,
                Ordering::AcqRel, // release: the other half of the acquire above
                Ordering::Acquire,
            ) {
                Ok(_) => return Ok(()),
                Err(newer) => reserved = newer,
            }
        }
    }

    /// Takes a place, and waits for one until the deadline if it must.
    ///
    /// Ends with [`NoPlace::Full`] when time is up or the bus closes.
    pub(crate) fn reserve_by(&self, deadline: Option<Instant>) -> Result<(), NoPlace> {
        self.gate
            .wait(deadline, |()| match self.reserve() {
                // Any place given back from now on.
                Err(NoPlace::Full) => Err(self.consumed.load(Ordering::Relaxed) + 1),
                done => Ok(done),
            })
            .unwrap_or(Err(NoPlace::Full))
    }

    /// Gives one place back. Only the subscriber calls it.
    ///
    /// `publishers_wait` says whether this queue's publishers may be waiting for the place.
    pub(crate) fn give_back(&self, publishers_wait: bool) {
        let consumed = self.consumed.load(Ordering::Relaxed) + 1; // nobody else writes it
        // A queue is never longer than just before something is taken out of it.
        self.saw(self.taken().saturating_sub(consumed - 1));
        // Release: the envelope was taken out of the channel before.
        self.consumed.store(consumed, Ordering::Release);
        if publishers_wait {
            self.gate.consumed(consumed);
        }
    }

    /// Places ever reserved.
    fn taken(&self) -> u64 {
        self.reserved.load(Ordering::Relaxed) & !GONE // a figure, no more
    }

    /// So many places were seen taken.
    fn saw(&self, taken: u64) {
        // Relaxed, twice: a figure, no more.
        if self.high_water.load(Ordering::Relaxed) < taken {
            self.high_water.fetch_max(taken, Ordering::Relaxed);
        }
    }

    /// The most places that were ever taken, so many of them now.
    pub(crate) fn high_water(&self, now: u64) -> u64 {
        self.saw(now);
        self.high_water.load(Ordering::Relaxed)
    }

    pub(crate) fn accounts(&self) -> Accounts {
        Accounts {
            placed: self.taken(),
            consumed: self.consumed.load(Ordering::Relaxed),
            dropped: self.lost(),
        }
    }

    /// Counts an envelope that found no place.
    pub(crate) fn lose(&self) {
        // Release: whoever reads the count sees the queue at least as full as it was then.
        self.lost.fetch_add(1, Ordering::Release);
    }

    /// How many envelopes were lost so far.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Acquire) // against the release in `lose`
    }

    /// The bus closes: whoever waits for a place gives up.
    pub(crate) fn shut(&self) {
        self.gate.shut();
    }

    /// The subscriber leaves: no place can be had from now on.
    pub(crate) fn leave(&self) {
        // Relaxed: it only has to be the same word that `reserve` swaps.
        self.reserved.fetch_or(GONE, Ordering::Relaxed);
        self.gate.wake();
    }
}
#[cfg(all(test, not(oxide_loom)))]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn there_are_as_many_places_as_the_capacity_and_one_given_back_can_be_had_again() {
        let room = Room::new(2);
        assert_eq!(room.reserve(), Ok(()));
        assert_eq!(room.reserve(), Ok(()));
        assert_eq!(room.reserve(), Err(NoPlace::Full));
        room.give_back(false);
        assert_eq!(room.reserve(), Ok(()));
        assert_eq!(room.reserve(), Err(NoPlace::Full));
    }

    #[test]
    fn nobody_gets_a_place_after_the_subscriber_has_left() {
        let room = Room::new(2);
        room.leave();
        assert_eq!(room.reserve(), Err(NoPlace::Gone));
        assert_eq!(room.reserve_by(None), Err(NoPlace::Gone));
    }

    #[test]
    fn a_wait_for_a_place_ends_at_its_deadline() {
        let room = Room::new(1);
        assert_eq!(room.reserve(), Ok(()));
        let deadline = Instant::now() + Duration::from_millis(5);
        assert_eq!(room.reserve_by(Some(deadline)), Err(NoPlace::Full));
        assert!(Instant::now() >= deadline);
    }

    #[test]
    fn nobody_waits_once_the_bus_has_closed() {
        let room = Room::new(1);
        room.shut();
        assert_eq!(room.reserve_by(None), Ok(()));
        assert_eq!(room.reserve_by(None), Err(NoPlace::Full));
    }
}

#[cfg(all(test, oxide_loom))]
mod loom_models {
    use loom::sync::Arc;
    use loom::thread;

    use super::*;
    use crate::sync::explore;

    #[test]
    fn two_publishers_and_a_subscriber_never_take_more_places_than_there_are() {
        explore(5, || {
            let room = Arc::new(Room::new(1));
            assert_eq!(room.reserve(), Ok(()));
            let publishers: Vec<_> = (0..2)
                .map(|_| {
                    let room = Arc::clone(&room);
                    thread::spawn(move || u64::from(room.reserve().is_ok()))
                })
                .collect();
            room.give_back(false);
            let taken: u64 = publishers.into_iter().map(|p| p.join().unwrap()).sum();
            assert!(taken <= 1, "one place was given back, {taken} were taken");
        });
    }

    #[test]
    fn a_publisher_that_waits_gets_the_place_that_is_given_back() {
        explore(5, || {
            let room = Arc::new(Room::new(1));
            assert_eq!(room.reserve(), Ok(()));
            let publisher = {
                let room = Arc::clone(&room);
                thread::spawn(move || room.reserve_by(None))
            };
            room.give_back(true);
            assert_eq!(publisher.join().unwrap(), Ok(()));
        });
    }

    #[test]
    fn two_publishers_that_wait_each_get_one_of_two_places_given_back() {
        explore(3, || {
            let room = Arc::new(Room::new(2));
            assert_eq!(room.reserve(), Ok(()));
            assert_eq!(room.reserve(), Ok(()));
            let publishers: Vec<_> = (0..2)
                .map(|_| {
                    let room = Arc::clone(&room);
                    thread::spawn(move || room.reserve_by(None))
                })
                .collect();
            room.give_back(true);
            room.give_back(true);
            for publisher in publishers {
                assert_eq!(publisher.join().unwrap(), Ok(()));
            }
        });
    }

    #[test]
    fn a_publisher_that_waits_learns_that_the_subscriber_leaves() {
        explore(5, || {
            let room = Arc::new(Room::new(1));
            assert_eq!(room.reserve(), Ok(()));
            let publisher = {
                let room = Arc::clone(&room);
                thread::spawn(move || room.reserve_by(None))
            };
            room.leave();
            assert_eq!(publisher.join().unwrap(), Err(NoPlace::Gone));
        });
    }

    #[test]
    fn a_publisher_that_waits_learns_that_the_bus_closes() {
        explore(5, || {
            let room = Arc::new(Room::new(1));
            assert_eq!(room.reserve(), Ok(()));
            let publisher = {
                let room = Arc::clone(&room);
                thread::spawn(move || room.reserve_by(None))
            };
            room.shut();
            assert_eq!(publisher.join().unwrap(), Err(NoPlace::Full));
        });
    }
}
