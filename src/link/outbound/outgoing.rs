//! The outgoing frames of a link: a state machine without I/O.
//!
//! A connection may be cut at any time, so the link keeps each frame until the server has confirmed it. Frames are
//! numbered without a gap. The unconfirmed ones are the *window*. It is bounded; while it is full, the link takes
//! nothing more from the bus. Confirmed frames stay as *history*, within bounds of the same size, because an importer
//! may ask for them again. A frame that no server takes is lost: a *tombstone* with its number goes out in its place.
//! That is promise 1 of `docs::links`. Tests: `tests/model.rs` of this layer and `tests/link/faults.rs`.

use std::collections::{BTreeSet, VecDeque};

use crate::link::frames::frame::Frame;
use crate::link::frames::wire::Place;
use crate::link::outbound::resend_queue::ResendQueue;

/// The bounds of a window.
#[derive(Debug, Clone, Copy)]
pub(in crate::link) struct WindowBounds {
    pub(in crate::link) frames: usize,
    pub(in crate::link) bytes: usize,
}

/// The numbered frames of one life of a link.
#[derive(Debug)]
pub(in crate::link) struct Outgoing {
    incarnation: u64,
    bounds: WindowBounds,
    /// Whether importers may ask for confirmed frames.
    keeps_history: bool,
    /// History, then window. The first frame has the number `first`, and there is no gap.
    frames: VecDeque<Frame>,
    first: u64,
    /// Everything up to this number is confirmed.
    confirmed: u64,
    /// Everything up to this number was handed to the engine since the last rewind.
    sent: u64,
    /// The highest number that was ever handed to the engine.
    last: u64,
    /// The bytes of all frames, and of the unconfirmed ones.
    bytes: usize,
    pending_bytes: usize,
    asked: ResendQueue,
    /// Whether the next frame is one that was asked for again, if there is one. These and new frames take turns, so no
    /// importer can hold back the new ones.
    is_turn_of_asked: bool,
    resent: u64,
    /// How many frames were lost, and which of them still have an unconfirmed tombstone.
    lost: u64,
    unconfirmed_tombstones: BTreeSet<u64>,
}

impl Outgoing {
    pub(in crate::link) fn new(incarnation: u64, bounds: WindowBounds) -> Self {
        Outgoing {
            incarnation,
            bounds,
            keeps_history: true,
            frames: VecDeque::new(),
            first: 1,
            confirmed: 0,
            sent: 0,
            last: 0,
            bytes: 0,
            pending_bytes: 0,
            asked: ResendQueue::default(),
            is_turn_of_asked: true,
            resent: 0,
            lost: 0,
            unconfirmed_tombstones: BTreeSet::new(),
        }
    }

    /// Forgets confirmed frames, because a stream keeps them.
    pub(in crate::link) fn without_history(self) -> Self {
        Outgoing {
            keeps_history: false,
            ..self
        }
    }

    /// Whether another frame may be taken from the bus.
    pub(in crate::link) fn has_room(&self) -> bool {
        self.window() < self.bounds.frames as u64 && self.pending_bytes < self.bounds.bytes
    }

    /// The place of the next frame that is [pushed](Self::push).
    pub(in crate::link) fn next_place(&self) -> Place {
        Place {
            incarnation: self.incarnation,
            sequence: self.exported() + 1,
        }
    }

    /// Takes a frame that has the next place.
    pub(in crate::link) fn push(&mut self, frame: Frame) {
        let size = frame.size();
        self.bytes += size;
        self.pending_bytes += size;
        self.frames.push_back(frame);
        self.trim();
    }

    /// Returns the next frame to hand to the engine, and its number: one that was asked for again, or the next in
    /// order.
    pub(in crate::link) fn next(&self) -> Option<(u64, &Frame)> {
        let new = self.sent + 1;
        let is_asked = self.is_turn_of_asked || self.get(new).is_none();
        let asked = self.asked.first().filter(|_| is_asked);
        let next = asked.unwrap_or(new);
        Some((next, self.get(next)?))
    }

    /// Notes that the frame with this number was handed to the engine.
    pub(in crate::link) fn sent(&mut self, sequence: u64) {
        let was_asked = self.asked.remove(sequence);
        self.is_turn_of_asked = !was_asked;
        if was_asked || sequence <= self.last {
            self.resent += 1;
        }
        if sequence == self.sent + 1 {
            self.sent = sequence;
        }
        self.last = self.last.max(sequence);
    }

    /// Gives up the frame with this number: a tombstone goes out in its place. If the server does not take that either,
    /// the frame counts as sent, and importers find out by themselves. Returns whether the frame is lost by this call.
    pub(in crate::link) fn bury(&mut self, sequence: u64, tombstone: Frame) -> bool {
        let is_new = sequence > self.confirmed && self.unconfirmed_tombstones.insert(sequence);
        let at = sequence.checked_sub(self.first);
        let Some(frame) = at.and_then(|at| self.frames.get_mut(usize::try_from(at).ok()?)) else {
            return false;
        };
        if *frame == tombstone {
            self.sent(sequence);
            return false;
        }
        let (before, after) = (frame.size(), tombstone.size());
        *frame = tombstone;
        self.bytes = self.bytes + after - before;
        if sequence > self.confirmed {
            self.pending_bytes = self.pending_bytes + after - before;
        }
        self.lost += u64::from(is_new);
        is_new
    }

    /// Over a stream no tombstone goes out: a lost frame counts as sent, and is done when the frames before it are.
    pub(in crate::link) fn pass_over_lost(&mut self) {
        while self.unconfirmed_tombstones.contains(&(self.sent + 1)) {
            self.sent += 1;
            self.last = self.last.max(self.sent);
        }
        while self.unconfirmed_tombstones.contains(&(self.confirmed + 1)) {
            self.confirm(self.confirmed + 1);
        }
    }

    /// How many frames were handed to the engine and are not confirmed.
    pub(in crate::link) fn unconfirmed(&self) -> u64 {
        self.sent - self.confirmed
    }

    /// The number up to which a round trip that begins now confirms.
    pub(in crate::link) fn confirmable(&self) -> u64 {
        self.sent
    }

    /// Notes that everything up to this number has reached the server.
    pub(in crate::link) fn confirm(&mut self, up_to: u64) {
        let up_to = up_to.min(self.sent);
        while self.confirmed < up_to {
            self.confirmed += 1;
            let size = self.get(self.confirmed).map_or(0, Frame::size);
            self.pending_bytes -= size;
            self.unconfirmed_tombstones.remove(&self.confirmed);
        }
        self.trim();
    }

    /// Begins to send all unconfirmed frames again, in order, because the connection was cut.
    pub(in crate::link) fn rewind(&mut self) {
        self.sent = self.confirmed;
    }

    /// Notes that an importer asks for these frames again. Returns whether all of them are still there.
    pub(in crate::link) fn want(&mut self, asker: &str, from: u64, to: u64) -> bool {
        let last = self.sent;
        self.asked.want(asker, from.max(self.first)..=to.min(last));
        from >= self.first && to <= last
    }

    /// The first number that importers can still ask for, and the last that was sent.
    pub(in crate::link) fn kept(&self) -> (u64, u64) {
        (self.first.min(self.last + 1), self.last)
    }

    /// How many frames were taken in all.
    pub(in crate::link) fn exported(&self) -> u64 {
        self.first - 1 + self.frames.len() as u64
    }

    /// How many frames are confirmed. Tombstones do not count.
    pub(in crate::link) fn confirmed(&self) -> u64 {
        let tombstones = self.lost - self.unconfirmed_tombstones.len() as u64;
        self.confirmed - tombstones
    }

    /// How many frames are neither confirmed nor lost.
    pub(in crate::link) fn pending(&self) -> u64 {
        self.window() - self.unconfirmed_tombstones.len() as u64
    }

    /// How many frames were lost because no server takes them.
    pub(in crate::link) fn lost(&self) -> u64 {
        self.lost
    }

    /// How many numbers are unconfirmed.
    pub(in crate::link) fn window(&self) -> u64 {
        self.exported() - self.confirmed
    }

    /// How often frames were handed to the engine again.
    pub(in crate::link) fn resent(&self) -> u64 {
        self.resent
    }

    fn get(&self, sequence: u64) -> Option<&Frame> {
        let at = sequence.checked_sub(self.first)?;
        self.frames.get(usize::try_from(at).ok()?)
    }

    /// Drops the oldest history beyond the bounds.
    fn trim(&mut self) {
        let is_beyond = |it: &Self| {
            let frames = it.confirmed + 1 - it.first;
            !it.keeps_history
                || frames > it.bounds.frames as u64
                || it.bytes - it.pending_bytes > it.bounds.bytes
        };
        while self.first <= self.confirmed && is_beyond(self) {
            let Some(frame) = self.frames.pop_front() else {
                return;
            };
            self.bytes -= frame.size();
            self.asked.remove(self.first);
            self.first += 1;
        }
    }
}

#[cfg(all(test, not(oxide_loom)))]
#[path = "../tests/model.rs"]
mod tests;
