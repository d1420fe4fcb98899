//! A channel of envelopes with exact room: what finds it full is lost, or waited for.
//!
//! A subscriber is told of its losses where they lie. The members of a group take turns as they
//! come, so for them there is no such place: whoever receives next is told.

use std::sync::Arc;
use std::time::Instant;

use crate::parcel::Parcel;
use crate::pick::Picked;
use crate::queue::Terms;
use crate::room::{NoPlace, Room};
use crate::sync::channel::{Receiver, Sender, TrySendError, bounded};
use crate::wait::{Nothing, Wait};

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
    room: Arc<Room>,
}

/// The subscriber's end.
pub(crate) struct LineEnd<M> {
    receiver: Receiver<Item<M>>,
    room: Arc<Room>,
    /// Whether publishers wait for room.
    blocks: bool,
    /// Whether other members of a group receive from it too.
    shared: bool,
    /// Taken out of the channel, to be handed over by the next receive: a loss had to be told
    /// first. It still has its place.
    held: Option<Item<M>>,
}

pub(crate) fn line<M>(terms: &Terms) -> (Line<M>, LineEnd<M>) {
    let (sender, receiver) = bounded(terms.capacity);
    let room = Arc::new(Room::new(terms.capacity));
    let line = Line {
        sender,
        room: Arc::clone(&room),
    };
    let end = LineEnd {
        receiver,
        room,
        blocks: terms.blocks(),
        shared: terms.group.is_some(),
        held: None,
    };
    (line, end)
}

impl<M> Line<M> {
    pub(crate) fn room(&self) -> &Room {
        &self.room
    }

    /// Enqueues the envelope if there is room.
    pub(crate) fn offer(&self, parcel: &Arc<Parcel<M>>, slot: usize) -> Result<(), NoPlace> {
        self.room.reserve()?;
        self.send(parcel, slot)
    }

    /// Enqueues the envelope, and waits for room until the deadline if it must.
    pub(crate) fn offer_by(
        &self,
        parcel: &Arc<Parcel<M>>,
        slot: usize,
        deadline: Option<Instant>,
    ) -> Result<(), NoPlace> {
        self.room.reserve_by(deadline)?;
        self.send(parcel, slot)
    }

    /// Sends into a place that was reserved.
    fn send(&self, parcel: &Arc<Parcel<M>>, slot: usize) -> Result<(), NoPlace> {
        #[expect(clippy::cast_possible_truncation, reason = "counted modulo 2³²")]
        let item = Item {
            picked: Picked::new(parcel, slot),
            lost_before: self.room.lost() as u32,
        };
        match self.sender.try_send(item) {
            Ok(()) => Ok(()),
            Err(TrySendError::Disconnected(_)) => Err(NoPlace::Gone),
            Err(TrySendError::Full(_)) => unreachable!("a reserved place is free"),
        }
    }
}

impl<M> LineEnd<M> {
    pub(crate) fn receive(&mut self, mut wait: Wait) -> Result<Picked<M>, Nothing> {
        if let Some(item) = self.held.take() {
            return Ok(self.take(item));
        }
        let item = loop {
            // Read before the queue is seen to be empty: the queue was full when these were lost,
            // and all it held then was received since, so the gap lies here.
            let lost = self.room.lost();
            if self.shared {
                self.tell(lost)?;
            }
            match self.receiver.try_recv() {
                Ok(item) => break item,
                Err(end) => {
                    self.tell(lost)?;
                    if end.is_disconnected() || self.room.is_drained() {
                        // Nobody is at it any more, so this is all.
                        self.tell(self.room.lost())?;
                        return Err(self.room.end());
                    }
                }
            }
            match wait.receive(&self.receiver) {
                Ok(item) => break item,
                // Once more, without waiting: something may have been lost since.
                Err(Nothing::Disconnected) => wait = Wait::No,
                Err(nothing) => return Err(nothing),
            }
        };
        if !self.shared {
            let told = self.room.losses().told();
            #[expect(clippy::cast_possible_truncation, reason = "counted modulo 2³²")]
            let untold = item.lost_before.wrapping_sub(told as u32);
            // More than half of the circle is behind: another publisher's loss was told already.
            if untold <= u32::MAX / 2
                && let Err(lagged) = self.tell(told + u64::from(untold))
            {
                self.held = Some(item);
                return Err(lagged);
            }
        }
        Ok(self.take(item))
    }

    fn take(&mut self, item: Item<M>) -> Picked<M> {
        self.room.give_back(self.blocks);
        item.picked
    }

    /// The losses up to `lost` that were not told yet, if there are some.
    fn tell(&self, lost: u64) -> Result<(), Nothing> {
        (self.room.losses().tell(lost)).map_or(Ok(()), |lagged| Err(Nothing::Lagged(lagged)))
    }

    pub(crate) fn room(&self) -> &Room {
        &self.room
    }

    pub(crate) fn len(&self) -> usize {
        self.receiver.len() + usize::from(self.held.is_some())
    }

    /// For another member of the group.
    pub(crate) fn share(&self) -> Self {
        LineEnd {
            receiver: self.receiver.clone(),
            room: Arc::clone(&self.room),
            held: None,
            ..*self
        }
    }

    /// Frees what is queued: the channel would keep it for as long as a publisher is still at it.
    pub(crate) fn drain(&mut self) {
        while self.receiver.try_recv().is_ok() {}
    }
}
