//! Publishers that wait in line for a place in a queue with a filter.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::task::Waker;

use crate::gate::{Gate, NEVER};
use crate::parcel::Parcel;
use crate::pick::PickQueue;
use crate::room::{NoPlace, Room};
use crate::sync::{AtomicBool, Mutex, Ordering};
use crate::wait_list::WaitList;

/// The most places that publishers wait for at once.
const MAX_BATCH: u64 = 32;

/// What is shared by both ends of a queue with a filter: the room, and the publishers that wait for it.
pub(crate) struct Counter<M> {
    pub(crate) room: Room,
    gate: Gate<Waiters<M>>,
    /// How many places are to be free before the subscriber comes by, so that publishers are woken for more than one.
    batch: u64,
    /// Tasks that wait for room.
    vacancy: Arc<WaitList>,
    /// Nobody sends any more.
    has_ended: AtomicBool,
    /// Held to take something out of a queue that keeps the newest, and to count that.
    pub(crate) taking: Mutex<()>,
}

/// In the order in which they came.
struct Waiters<M> {
    waiting: VecDeque<Waiter<M>>,
    /// How many turns were taken.
    turns: u64,
    /// How many were lost that came after somebody who waits still.
    lost_after: u32,
    /// They have waited for a while, and are content with one place.
    are_impatient: bool,
    /// Nobody waits any more.
    shut: bool,
}

/// What has to be known to place one envelope, whoever does it.
struct Waiter<M> {
    turn: u64,
    queue: Arc<PickQueue<M>>,
    parcel: Arc<Parcel<M>>,
    slot: usize,
    waker: Option<Waker>,
    /// How many that came right after it were lost: the gap lies behind it.
    lost_after: u32,
}

impl<M> Default for Waiters<M> {
    fn default() -> Self {
        Waiters {
            waiting: VecDeque::new(),
            turns: 0,
            lost_after: 0,
            are_impatient: false,
            shut: false,
        }
    }
}

impl<M> Waiters<M> {
    /// The one at this place is lost: what was lost after it lies now behind the one before, or behind
    /// nobody.
    fn lose(&mut self, place: usize) {
        let lost = mem::take(&mut self.waiting[place].lost_after);
        match place.checked_sub(1) {
            Some(before) => {
                self.waiting[before].lost_after += lost + 1;
                self.lost_after += 1;
            }
            None => self.lost_after -= lost,
        }
    }
}

impl<M> PickQueue<M> {
    /// Takes a turn for an envelope that found no place. It is yet to be [served](PickQueue::serve).
    pub(crate) fn line_up(self: &Arc<Self>, parcel: &Arc<Parcel<M>>, slot: usize) -> u64 {
        let waiter = Waiter {
            turn: 0,
            queue: Arc::clone(self),
            parcel: Arc::clone(parcel),
            slot,
            waker: None,
            lost_after: 0,
        };
        self.counter.gate.look(|waiters| {
            let turn = waiters.turns;
            waiters.waiting.push_back(Waiter { turn, ..waiter });
            waiters.turns += 1;
            turn
        })
    }

    /// Places all that waits and can be placed.
    pub(crate) fn serve(&self) {
        self.counter.serve();
    }

    /// Whether somebody waits for a place.
    pub(crate) fn has_waiters(&self) -> bool {
        self.counter
            .gate
            .look(|waiters| !waiters.waiting.is_empty())
    }

    /// Those to be woken when there is room, if an envelope that comes in order would have to be waited for.
    pub(crate) fn waited_for(&self) -> Option<&Arc<WaitList>> {
        // In this order: what was waited for has its place by then.
        let is_waited_for = self.terms().blocks() && (self.has_waiters() || self.room().is_full());
        is_waited_for.then(|| self.vacancy())
    }

    /// What has become of a turn, if it is over. Else its publisher shall be woken when it is.
    pub(crate) fn look(
        &self,
        turn: u64,
        is_impatient: bool,
        waker: Option<&Waker>,
    ) -> Option<Result<(), NoPlace>> {
        (self.counter).change(|waiters| waiters.are_impatient |= is_impatient);
        let mut over = None;
        let is_shut = self.counter.gate.look(|waiters| {
            match waiters.waiting.iter_mut().find(|it| it.turn == turn) {
                Some(waiter) => waiter.waker = waker.cloned(),
                None => over = Some(Ok(())),
            }
            waiters.shut
        });
        over.or_else(|| (is_shut || self.room().is_shut()).then(|| self.give_up(turn)))
    }

    /// Ends a turn without a place, unless it has found one. The loss is counted.
    pub(crate) fn give_up(&self, turn: u64) -> Result<(), NoPlace> {
        self.serve();
        let mut outcome = Ok(());
        let _removed = self.counter.gate.look(|waiters| {
            let place = waiters.waiting.iter().position(|it| it.turn == turn)?;
            outcome = Err(NoPlace::Gone);
            if !self.room().is_shut() {
                outcome = Err(NoPlace::Full);
                self.room().lose();
                waiters.lose(place);
            }
            waiters.waiting.remove(place) // to be dropped outside the lock
        });
        outcome
    }

    /// A place that was held is not needed after all.
    pub(crate) fn release(&self) {
        self.room().release();
        self.serve();
    }

    /// The tasks that wait for room.
    pub(crate) fn vacancy(&self) -> &Arc<WaitList> {
        &self.counter.vacancy
    }

    /// The bus closes, or the subscription: whoever waits for a place gives up.
    pub(crate) fn close(&self) {
        self.counter.change(|waiters| waiters.shut = true);
    }
}

impl<M> Counter<M> {
    pub(crate) fn new(capacity: usize) -> Self {
        Counter {
            room: Room::new(capacity),
            gate: Gate::new(),
            batch: (capacity as u64 / 4).clamp(1, MAX_BATCH),
            vacancy: Arc::default(),
            has_ended: AtomicBool::new(false),
            taking: Mutex::default(),
        }
    }

    /// Nobody sends any more.
    pub(crate) fn end(&self) {
        self.has_ended.store(true, Ordering::Release); // against the acquire in `has_ended`: all was sent before
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Acquire) // against the release in `end`
    }

    /// The subscriber has consumed so many: serves the publishers that wait for that.
    #[inline]
    pub(crate) fn consumed(&self, consumed: u64) {
        if self.gate.is_due_now(consumed) {
            self.serve();
        } else {
            self.vacancy.wake_all(); // after the `SeqCst` operation that `is_due_now` wants
        }
    }

    /// Places all that waits and can be placed.
    pub(crate) fn serve(&self) {
        self.change(|_| ());
    }

    /// Changes something about those who wait, places all that can be placed, and wakes whom that
    /// concerns.
    #[cold]
    fn change(&self, mut change: impl FnMut(&mut Waiters<M>)) {
        let (mut served, mut woken) = (Vec::new(), Vec::new());
        self.gate.serve(|waiters| {
            change(waiters);
            self.place(waiters, &mut served);
            if waiters.waiting.is_empty() {
                waiters.are_impatient = false;
                return NEVER;
            }
            if waiters.shut || self.room.is_shut() {
                let waiting = waiters.waiting.iter_mut();
                woken.extend(waiting.filter_map(|waiter| waiter.waker.take()));
                return NEVER;
            }
            let batch = if waiters.are_impatient { 1 } else { self.batch };
            self.room.consumed() + batch
        });
        for waiter in &served {
            waiter.queue.readers().wake_all_after_fence();
        }
        woken.extend(served.into_iter().filter_map(|waiter| waiter.waker));
        woken.into_iter().for_each(Waker::wake);
        self.vacancy.wake_all_after_fence();
    }

    /// Called under the lock, so what was placed is kept to be dropped after it.
    fn place(&self, waiters: &mut Waiters<M>, served: &mut Vec<Waiter<M>>) {
        while !waiters.waiting.is_empty() && self.room.reserve().is_ok() {
            let first = waiters.waiting.pop_front().expect("there is one");
            // If nobody is there any more, what was sent comes back; the waiter has the same parcel.
            let sent = (first.queue).send(&first.parcel, first.slot, waiters.lost_after);
            drop(sent);
            waiters.lost_after -= first.lost_after;
            served.push(first);
        }
    }
}
