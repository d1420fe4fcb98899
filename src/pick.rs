//! A queue with a filter: the envelopes that match it, one by one.

use std::sync::Arc;
use std::time::Instant;

use crate::delivery::Delivery;
use crate::envelope::Envelope;
use crate::error::Lagged;
use crate::parcel::Parcel;
use crate::queue::Terms;
use crate::room::{NoPlace, Room};
use crate::route::Filter;
use crate::sync::channel::{Receiver, Sender, TryRecvError, TrySendError, bounded};
use crate::wait::{Nothing, Wait};

/// What the channel carries.
struct Picked<M> {
    parcel: Arc<Parcel<M>>,
    slot: u32,
    /// How many envelopes the subscriber had lost when this one found its place: the gap lies
    /// before it. Counted modulo 2³², to keep the channel small.
    lost_before: u32,
}

/// The publishers' end.
pub(crate) struct PickQueue<M> {
    sender: Sender<Picked<M>>,
    filter: Filter,
    terms: Arc<Terms>,
    room: Arc<Room>,
}

impl<M> PickQueue<M> {
    pub(crate) fn new(terms: &Arc<Terms>, filter: Filter) -> (Arc<Self>, Picker<M>) {
        let (sender, receiver) = bounded(terms.capacity);
        let room = Arc::new(Room::new(terms.capacity));
        let queue = PickQueue {
            sender,
            filter,
            terms: Arc::clone(terms),
            room: Arc::clone(&room),
        };
        let picker = Picker {
            receiver,
            room,
            blocks: terms.blocks(),
            held: None,
            hand: None,
            told: 0,
        };
        (Arc::new(queue), picker)
    }

    pub(crate) fn filter(&self) -> &Filter {
        &self.filter
    }

    pub(crate) fn terms(&self) -> &Arc<Terms> {
        &self.terms
    }

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

    /// Counts the envelope as lost, if the queue was full and nobody waits any more.
    pub(crate) fn account(&self, offered: Result<(), NoPlace>) -> Result<(), NoPlace> {
        if offered == Err(NoPlace::Full) {
            self.room.lose();
        }
        offered
    }

    /// Sends into a place that was reserved.
    fn send(&self, parcel: &Arc<Parcel<M>>, slot: usize) -> Result<(), NoPlace> {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a parcel has few slots, and losses are counted modulo 2³²"
        )]
        let picked = Picked {
            parcel: Arc::clone(parcel),
            slot: slot as u32,
            lost_before: self.room.lost() as u32,
        };
        match self.sender.try_send(picked) {
            Ok(()) => Ok(()),
            Err(TrySendError::Disconnected(_)) => Err(NoPlace::Gone),
            Err(TrySendError::Full(_)) => unreachable!("a reserved place is free"),
        }
    }
}

/// The subscriber's end.
pub(crate) struct Picker<M> {
    receiver: Receiver<Picked<M>>,
    room: Arc<Room>,
    /// Whether publishers wait for room.
    blocks: bool,
    /// Taken out of the channel, to be handed over by the next receive: a loss had to be told
    /// first. It still has its place.
    held: Option<Picked<M>>,
    /// The envelope that was received last.
    hand: Option<Delivery<M>>,
    /// How many losses were told.
    told: u64,
}

impl<M> Picker<M> {
    /// Takes the next envelope into the hand.
    pub(crate) fn advance(&mut self, wait: Wait) -> Result<(), Nothing> {
        if let Some(picked) = self.held.take() {
            self.take(picked);
            return Ok(());
        }
        // Read before the queue is seen to be empty: the queue was full when these were lost, and
        // all it held then was received since, so the gap lies here.
        let lost = self.room.lost();
        let picked = match self.receiver.try_recv() {
            Ok(picked) => picked,
            Err(_) if lost > self.told => return Err(self.tell(lost)),
            Err(TryRecvError::Empty) => match wait.receive(&self.receiver) {
                Ok(picked) => picked,
                // Once more, without waiting: something may have been lost since.
                Err(Nothing::Disconnected) => return self.advance(Wait::No),
                Err(nothing) => return Err(nothing),
            },
            Err(TryRecvError::Disconnected) => {
                // Nobody is at it any more, so this is all.
                let lost = self.room.lost();
                return Err(if lost > self.told {
                    self.tell(lost)
                } else {
                    Nothing::Disconnected
                });
            }
        };
        #[expect(clippy::cast_possible_truncation, reason = "counted modulo 2³²")]
        let untold = picked.lost_before.wrapping_sub(self.told as u32);
        // More than half of the circle is behind: another publisher's loss was told already.
        if untold != 0 && untold <= u32::MAX / 2 {
            let lagged = self.tell(self.told + u64::from(untold));
            self.held = Some(picked);
            return Err(lagged);
        }
        self.take(picked);
        Ok(())
    }

    fn take(&mut self, picked: Picked<M>) {
        self.room.give_back(self.blocks);
        // After the place is given back: it drops what was in the hand, and that is user code.
        self.hand = Some(Delivery::new(picked.parcel, picked.slot as usize));
    }

    /// The losses up to `lost` that were not told yet; there are some.
    fn tell(&mut self, lost: u64) -> Nothing {
        let missed = lost - self.told;
        self.told = lost;
        Nothing::Lagged(Lagged { missed })
    }

    /// What the last [`advance`](Picker::advance) took; asked for once.
    pub(crate) fn delivery(&mut self) -> Delivery<M> {
        self.hand.take().expect("asked for after an advance")
    }

    /// What the last [`advance`](Picker::advance) took, to be looked at.
    pub(crate) fn envelope(&self) -> &Envelope<M> {
        self.hand.as_ref().expect("asked for after an advance")
    }

    pub(crate) fn len(&self) -> usize {
        self.receiver.len() + usize::from(self.held.is_some())
    }

    pub(crate) fn lost(&self) -> u64 {
        self.room.lost()
    }

    pub(crate) fn leave(&self) {
        self.room.leave();
    }

    /// Frees what is queued: the channel would keep it for as long as a publisher is still at it.
    pub(crate) fn drain(&mut self) {
        while self.receiver.try_recv().is_ok() {}
    }
}
