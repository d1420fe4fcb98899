//! A publisher that waits: for several queues at once, and for each no longer than that one asks for.
//!
//! # The way of a turn
//!
//! Each step takes the lock of the queue's [gate](crate::gate), for a few instructions, and nothing between two
//! steps is done under it.
//!
//! | step | in a queue of parcels | in a queue with a filter | done by |
//! | --- | --- | --- | --- |
//! | it is taken | `FollowQueue::enrol` | `PickQueue::line_up` | whoever sees to the parcel; its publisher, in its turn where there is one order |
//! | it begins: the subscriber knows that it is waited for | the same | `PickQueue::serve` | its publisher |
//! | it is served | any step of anybody | any step of anybody | whoever comes to the gate first when there is room: a publisher or the subscriber |
//! | it is over: served, given up, or the subscriber gone | `look`, `give_up` | `look`, `give_up` | its publisher |
//!
//! Between the first two a turn in a queue with a filter waits for whoever comes to the gate next: a publisher that
//! is stopped just there holds up its own envelope only, and in one order those that have lined up behind it.

use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use smallvec::SmallVec;

use crate::entry::Entry;
use crate::follow::FollowQueue;
use crate::parcel::Parcel;
use crate::parker::Parker;
use crate::pick::PickQueue;
use crate::room::NoPlace;
use crate::sync::yield_now;
use crate::terms::Terms;

/// How long a publisher holds out for more than one place.
const PATIENCE: Duration = Duration::from_millis(1);

/// How often a publisher lets others run before it goes to sleep. Where the subscriber shares its
/// core, that gives it the time to make room, and nobody has to be woken.
const YIELDS: u32 = if cfg!(oxide_loom) { 0 } else { 2 };

/// A turn that was taken at a queue's gate.
pub(crate) enum Turn<M> {
    Follow(Arc<FollowQueue<M>>, Entry),
    Pick(Arc<PickQueue<M>>, u64),
}

/// The turns of one publish. It holds nothing else of the bus: a route would keep other subscribers
/// connected.
pub(crate) struct Waiting<M>(SmallVec<[Turn<M>; 1]>);

impl<M> Waiting<M> {
    pub(crate) fn none() -> Self {
        Waiting(SmallVec::new())
    }

    /// The turn of a queue that a parcel has left out: whoever has seen to the parcel has taken it.
    pub(crate) fn follow(&mut self, queue: &Arc<FollowQueue<M>>, entry: Entry) {
        self.0.push(Turn::Follow(Arc::clone(queue), entry));
    }

    /// Takes a turn for an envelope that this queue had no place for, which [`begin`](Waiting::begin) begins.
    pub(crate) fn pick(&mut self, queue: &Arc<PickQueue<M>>, parcel: &Arc<Parcel<M>>, slot: usize) {
        let turn = queue.line_up(parcel, slot);
        (self.0).push(Turn::Pick(Arc::clone(queue), turn));
    }

    /// From now on the subscribers know that they are waited for.
    pub(crate) fn begin(&self) {
        for turn in &self.0 {
            if let Turn::Pick(queue, _) = turn {
                queue.serve();
            }
        }
    }

    /// Waits until all turns are over, or time is up; `settled` is told what has become of each.
    pub(crate) fn end(
        &mut self,
        limit: Option<Instant>,
        mut settled: impl FnMut(&Turn<M>, Result<(), NoPlace>),
    ) {
        if self.0.is_empty() {
            return;
        }
        let started = Instant::now();
        let mut settle = |turns: &mut SmallVec<[Turn<M>; 1]>, waker: Option<&Waker>| {
            let now = Instant::now();
            let is_over = |end: Instant| now >= end;
            let patience = started + PATIENCE;
            let mut until = None;
            turns.retain(|turn| {
                let terms = turn.terms();
                let deadline = earlier(terms.deadline(started), terms.heed(limit));
                let is_late = deadline.is_some_and(is_over);
                let over = (turn.look(is_late || is_over(patience), waker))
                    .or_else(|| is_late.then(|| turn.give_up()));
                if let Some(outcome) = over {
                    settled(turn, outcome);
                } else {
                    let impatient = (!is_over(patience)).then_some(patience);
                    until = earlier(until, earlier(deadline, impatient));
                }
                over.is_none()
            });
            until
        };
        settle(&mut self.0, None);
        for _ in 0..YIELDS {
            if self.0.is_empty() {
                return;
            }
            yield_now();
            settle(&mut self.0, None);
        }
        if self.0.is_empty() {
            return;
        }
        let parker = Arc::new(Parker::default());
        let waker = Waker::from(Arc::clone(&parker));
        loop {
            let until = settle(&mut self.0, Some(&waker));
            if self.0.is_empty() {
                return;
            }
            parker.park(until);
        }
    }
}

/// A turn that nobody waits for any more would hold up those behind it.
impl<M> Drop for Waiting<M> {
    fn drop(&mut self) {
        for turn in self.0.drain(..) {
            let _outcome = turn.give_up();
        }
    }
}

impl<M> Turn<M> {
    pub(crate) fn terms(&self) -> &Arc<Terms> {
        match self {
            Turn::Follow(queue, _) => queue.terms(),
            Turn::Pick(queue, _) => queue.terms(),
        }
    }

    /// How many envelopes the queue has lost.
    pub(crate) fn dropped(&self) -> u64 {
        match self {
            Turn::Follow(queue, _) => queue.places().given_up(),
            Turn::Pick(queue, _) => queue.room().lost(),
        }
    }

    /// What has become of it, if it is over; else it is to be woken when it is.
    fn look(&self, impatient: bool, waker: Option<&Waker>) -> Option<Result<(), NoPlace>> {
        match self {
            Turn::Follow(queue, entry) => queue.look(entry, impatient, waker),
            Turn::Pick(queue, turn) => queue.look(*turn, impatient, waker),
        }
    }

    fn give_up(&self) -> Result<(), NoPlace> {
        match self {
            Turn::Follow(queue, entry) => queue.give_up(entry),
            Turn::Pick(queue, turn) => queue.give_up(*turn),
        }
    }
}

fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
