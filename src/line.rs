//! A channel of envelopes with exact room: what finds it full is lost, or waited for.
//!
//! A subscriber is told of its losses where they lie. The members of a group take turns as they
//! come, so for them there is no such place: whoever receives next is told.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;

use crate::alarm::{Alarm, Ringer, alarm};
use crate::gate::{Gate, NEVER};
use crate::group::Seat;
use crate::overflow::Overflow;
use crate::parcel::Parcel;
use crate::pick::Picked;
use crate::queue::Terms;
use crate::room::{NoPlace, Room};
use crate::stats::Accounts;
use crate::sync::channel::{Receiver, Sender, TrySendError, bounded};
use crate::wait::{Nothing, Wait};

/// How often the subscriber looks how full the queue is: each so many receives.
const LOOK: u64 = 16;

/// What the channel carries.
struct Item<M> {
    picked: Picked<M>,
    /// How many envelopes the subscriber had lost when this one found its place: the gap lies
    /// before it. Counted modulo 2³², to keep the channel small.
    lost_before: u32,
}

/// The publishers' end.
pub(crate) struct Line<M> {
    sender: Sender<Item<M>>,
    counter: Arc<Counter<M>>,
    /// Whether places are reserved.
    reserves: bool,
    ringer: Ringer,
}

/// The subscriber's end.
pub(crate) struct LineEnd<M> {
    receiver: Receiver<Item<M>>,
    counter: Arc<Counter<M>>,
    /// Whether publishers wait for room.
    blocks: bool,
    /// Whether places are reserved.
    reserves: bool,
    /// Whether other members of a group receive from it too.
    shared: bool,
    /// Taken out of the channel, to be handed over by the next receive: a loss had to be told
    /// first. A place that was reserved for it is still taken.
    held: Option<Item<M>>,
    alarm: Arc<Alarm>,
}

/// What is shared by both ends: the room, and who waits for it.
pub(crate) struct Counter<M> {
    room: Room,
    gate: Gate<Waiters<M>>,
    /// Set by tasks that wait for room.
    vacancy: Arc<Alarm>,
}

/// In the order in which they came.
struct Waiters<M> {
    waiting: VecDeque<Waiter<M>>,
    /// How many turns were taken.
    turns: u64,
    /// How many were lost that came after somebody who waits still.
    lost_after: u32,
    /// Nobody waits any more.
    shut: bool,
}

/// What has to be known to place one envelope, whoever does it.
struct Waiter<M> {
    turn: u64,
    line: Arc<Line<M>>,
    /// Nothing once it was placed.
    picked: Option<Picked<M>>,
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
            shut: false,
        }
    }
}

impl<M> Waiters<M> {
    /// The one at this place is lost: what was lost after it lies now behind the one before, or behind
    /// nobody.
    fn lose(&mut self, place: usize) {
        let lost = std::mem::take(&mut self.waiting[place].lost_after);
        match place.checked_sub(1) {
            Some(before) => {
                self.waiting[before].lost_after += lost + 1;
                self.lost_after += 1;
            }
            None => self.lost_after -= lost,
        }
    }
}

pub(crate) fn line<M>(terms: &Terms) -> (Line<M>, LineEnd<M>) {
    let (sender, receiver) = bounded(terms.capacity);
    let counter = Arc::new(Counter {
        room: Room::new(terms.capacity),
        gate: Gate::new(),
        vacancy: Arc::default(),
    });
    let (ringer, alarm) = alarm();
    let reserves = terms.overflow != Overflow::DropNewest;
    let line = Line {
        sender,
        counter: Arc::clone(&counter),
        reserves,
        ringer,
    };
    let end = LineEnd {
        receiver,
        counter,
        blocks: terms.blocks(),
        reserves,
        shared: terms.group.is_some(),
        held: None,
        alarm,
    };
    (line, end)
}

impl<M> Line<M> {
    pub(crate) fn room(&self) -> &Room {
        &self.counter.room
    }

    pub(crate) fn alarm(&self) -> &Alarm {
        &self.ringer
    }

    /// Enqueues the envelope if there is room. The alarm is yet to be rung, here and where it is filled in.
    pub(crate) fn offer(&self, parcel: &Arc<Parcel<M>>, slot: usize) -> Result<(), NoPlace> {
        let room = self.room();
        if self.reserves {
            room.reserve()?;
        } else if room.is_shut() {
            return Err(NoPlace::Gone);
        } else if room.holds_back() && self.queued() >= room.capacity() {
            return Err(NoPlace::Full);
        }
        self.fill(parcel, slot)
    }

    /// Enqueues the envelope in a place that was reserved.
    pub(crate) fn fill(&self, parcel: &Arc<Parcel<M>>, slot: usize) -> Result<(), NoPlace> {
        self.send(Picked::new(parcel, slot), 0)
            .map_err(|error| match error {
                TrySendError::Full(_) => NoPlace::Full,
                TrySendError::Disconnected(_) => NoPlace::Gone,
            })
    }

    /// Sends into the channel. A place that was reserved is free. So many of those that were lost came after it: how many
    /// were lost is read before it is sent, so that none is told too late. The alarm is yet to be rung.
    fn send(&self, picked: Picked<M>, lost_after: u32) -> Result<(), TrySendError<Item<M>>> {
        #[expect(clippy::cast_possible_truncation, reason = "counted modulo 2³²")]
        let item = Item {
            picked,
            lost_before: (self.room().lost() as u32).wrapping_sub(lost_after),
        };
        self.sender.try_send(item)
    }

    /// How many are in the queue. Where no places are reserved, one of them may be held back.
    fn queued(&self) -> u64 {
        let held = !self.reserves && self.room().holds_back();
        self.sender.len() as u64 + u64::from(held)
    }

    /// As of one moment, but for what is received in just that moment.
    pub(crate) fn accounts(&self) -> Accounts {
        let mut tries = 3;
        loop {
            let mut accounts = self.room().accounts();
            if !self.reserves {
                accounts.placed = accounts.consumed + self.queued();
            }
            tries -= 1;
            if tries == 0 || self.room().consumed() == accounts.consumed {
                return accounts;
            }
        }
    }

    /// Takes a turn for an envelope that found no place. It is yet to be [served](Line::serve).
    pub(crate) fn line_up(self: &Arc<Self>, parcel: &Arc<Parcel<M>>, slot: usize) -> u64 {
        let waiter = Waiter {
            turn: 0,
            line: Arc::clone(self),
            picked: Some(Picked::new(parcel, slot)),
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
        self.counter.serve(|_| ());
    }

    /// Whether somebody waits for a place.
    pub(crate) fn has_waiters(&self) -> bool {
        self.counter
            .gate
            .look(|waiters| !waiters.waiting.is_empty())
    }

    /// What has become of a turn, if it is over. Else its publisher shall be woken when it is.
    pub(crate) fn look(&self, turn: u64, waker: Option<&Waker>) -> Option<Result<(), NoPlace>> {
        self.counter.serve(|_| ());
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
        self.counter.serve(|_| ());
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
        self.counter.serve(|_| ());
    }

    /// What a task sets that waits for room.
    pub(crate) fn vacancy(&self) -> &Arc<Alarm> {
        &self.counter.vacancy
    }

    /// How many envelopes were lost so far.
    pub(crate) fn lost(&self) -> u64 {
        self.room().lost()
    }

    /// No place can be had from now on, if one could before.
    pub(crate) fn evict(&self) -> bool {
        let first = self.room().evict();
        self.counter.serve(|_| ());
        first
    }

    /// The bus closes, or the subscription: whoever waits for a place gives up.
    pub(crate) fn close(&self) {
        self.counter.serve(|waiters| waiters.shut = true);
    }
}

impl<M> Counter<M> {
    /// Changes something about those who wait, places all that can be placed, and wakes whom that
    /// concerns.
    #[cold]
    fn serve(&self, mut change: impl FnMut(&mut Waiters<M>)) {
        let (mut served, mut woken) = (Vec::new(), Vec::new());
        self.gate.serve(|waiters| {
            change(waiters);
            self.place(waiters, &mut served);
            if waiters.waiting.is_empty() {
                return NEVER;
            }
            if waiters.shut || self.room.is_shut() {
                let waiting = waiters.waiting.iter_mut();
                woken.extend(waiting.filter_map(|waiter| waiter.waker.take()));
                return NEVER;
            }
            self.room.consumed() + 1
        });
        if let Some(first) = served.first() {
            first.line.ringer.ring();
        }
        woken.extend(served.into_iter().filter_map(|waiter| waiter.waker));
        woken.into_iter().for_each(Waker::wake);
        self.vacancy.ring();
    }

    /// Called under the lock, so what was placed is kept to be dropped after it.
    fn place(&self, waiters: &mut Waiters<M>, served: &mut Vec<Waiter<M>>) {
        while !waiters.waiting.is_empty() && self.room.reserve().is_ok() {
            let mut first = waiters.waiting.pop_front().expect("there is one");
            let picked = first.picked.take().expect("it was not placed");
            let sent = first.line.send(picked, waiters.lost_after);
            first.picked = sent.err().map(|error| error.into_inner().picked);
            waiters.lost_after -= first.lost_after;
            served.push(first);
        }
    }
}

impl<M> LineEnd<M> {
    /// A member of a group receives until it has left.
    pub(crate) fn receive(
        &mut self,
        mut wait: Wait,
        seat: Option<&Seat>,
    ) -> Result<Picked<M>, Nothing> {
        if let Some(item) = self.held.take() {
            self.room().hold_back(false);
            return Ok(self.take(item));
        }
        let item = loop {
            // Read before the queue is seen to be empty: the queue was full when these were lost,
            // and all it held then was received since, so the gap lies here.
            let lost = self.room().lost();
            if self.shared {
                self.tell(lost)?;
            }
            match self.receiver.try_recv() {
                Ok(item) => break item,
                Err(end) => {
                    self.tell(lost)?;
                    if end.is_disconnected() || self.reserves && self.room().is_drained() {
                        // Nobody is at it any more, so this is all. Where no places are reserved, one that was put
                        // out learns of it when all have gone that could still send to it.
                        self.tell(self.room().lost())?;
                        return Err(self.room().end());
                    }
                }
            }
            let received = match seat {
                Some(seat) => wait.receive_until(&self.receiver, seat.bell()),
                None => wait.receive(&self.receiver),
            };
            match received {
                Ok(item) => break item,
                Err(nothing) if seat.is_some_and(Seat::has_left) => return Err(nothing),
                // Once more, without waiting: something may have been lost since.
                Err(Nothing::Disconnected) => wait = Wait::No,
                Err(nothing) => return Err(nothing),
            }
        };
        if !self.shared {
            let told = self.room().losses().told();
            #[expect(clippy::cast_possible_truncation, reason = "counted modulo 2³²")]
            let untold = item.lost_before.wrapping_sub(told as u32);
            // More than half of the circle is behind: another publisher's loss was told already.
            if untold <= u32::MAX / 2
                && let Err(lagged) = self.tell(told + u64::from(untold))
            {
                self.held = Some(item);
                self.room().hold_back(true);
                return Err(lagged);
            }
        }
        Ok(self.take(item))
    }

    fn take(&mut self, item: Item<M>) -> Picked<M> {
        let consumed = self.room().give_back(self.shared);
        if consumed % LOOK == 1 {
            self.room().saw(self.receiver.len() + 1);
        }
        if self.blocks {
            if self.counter.gate.is_due(consumed) {
                self.counter.serve(|_| ());
            } else {
                self.counter.vacancy.ring_after_fence();
            }
        }
        item.picked
    }

    /// The losses up to `lost` that were not told yet, if there are some.
    fn tell(&self, lost: u64) -> Result<(), Nothing> {
        (self.room().losses().tell(lost)).map_or(Ok(()), |missed| Err(Nothing::Lagged(missed)))
    }

    pub(crate) fn room(&self) -> &Room {
        &self.counter.room
    }

    /// The subscriber leaves: no place can be had from now on.
    pub(crate) fn leave(&self) {
        self.room().leave();
        self.counter.serve(|_| ());
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn alarm(&self) -> &Arc<Alarm> {
        &self.alarm
    }

    pub(crate) fn len(&self) -> usize {
        self.receiver.len() + usize::from(self.held.is_some())
    }

    /// For another member of the group.
    pub(crate) fn share(&self) -> Self {
        LineEnd {
            receiver: self.receiver.clone(),
            counter: Arc::clone(&self.counter),
            held: None,
            alarm: Arc::clone(&self.alarm),
            ..*self
        }
    }

    /// Frees what is queued: the channel would keep it for as long as a publisher is still at it.
    pub(crate) fn drain(&mut self) {
        while self.receiver.try_recv().is_ok() {}
    }
}
