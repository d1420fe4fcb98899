//! All origins that a link imports from. Their number and the memory of their held frames are bounded, and no origin
//! can use up the room of the others. Tests: `tests/origins.rs` of this layer and `tests/link/greedy.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::link::frames::control::{Mark, Tombstone, Want};
use crate::link::frames::subject;
use crate::link::inbound::arrival::{Arrival, Handed};
use crate::link::inbound::gap_patience::GapPatience;
use crate::link::inbound::inbound_queue::{Arrived, InboundQueue, Queued};
use crate::link::inbound::incoming::Incoming;
use crate::link::inbound::neighbour::{Neighbour, OriginLife};
use crate::link::stats::{Fate, ImportStats};

/// The most origins. The origin that is idle longest is forgotten for a new one.
const MAX_ORIGINS: usize = 1024;

/// All origins of a link, and their frames.
#[derive(Debug)]
pub(in crate::link) struct Origins {
    patience: GapPatience,
    /// The subscriptions at the server.
    subjects: Vec<String>,
    by_name: BTreeMap<Arc<str>, Neighbour>,
    forgotten: u64,
    queue: InboundQueue,
    /// The bytes of all held frames.
    held_bytes: usize,
    was_full: bool,
    is_closed: bool,
    /// When [`tick`](Self::tick) is due.
    tick_at: Option<Instant>,
    /// Since when this link listens.
    listens_since: Option<Instant>,
}

impl Origins {
    pub(in crate::link) fn new(patience: GapPatience, subjects: Vec<String>) -> Self {
        Origins {
            patience,
            subjects,
            by_name: BTreeMap::new(),
            forgotten: 0,
            queue: InboundQueue::default(),
            held_bytes: 0,
            was_full: false,
            is_closed: false,
            tick_at: None,
            listens_since: None,
        }
    }

    /// Notes that the subscriptions are in force.
    pub(in crate::link) fn listen(&mut self, now: Instant) {
        self.listens_since.get_or_insert(now);
        self.doubt();
    }

    /// Whether this link has listened for this long.
    pub(in crate::link) fn listens_for(&self, time: Duration, now: Instant) -> bool {
        (self.listens_since).is_some_and(|since| now.saturating_duration_since(since) >= time)
    }

    /// Notes that any number of frames may have been lost.
    pub(in crate::link) fn doubt(&mut self) {
        self.lives_mut().for_each(Incoming::doubt);
    }

    fn covers(subjects: &[String], origin: &str, export: &str) -> bool {
        let export = subject::from_origin(origin, export);
        subjects.iter().any(|wide| subject::covers(wide, &export))
    }

    /// Runs a step of one life of an origin, which is made if it is new.
    fn step<R>(
        &mut self,
        origin: &str,
        incarnation: u64,
        now: Instant,
        step: impl FnOnce(&mut Incoming<Arrived>, &mut dyn FnMut(Handed<Arrived>)) -> R,
    ) -> (R, Option<Want>) {
        let (room, is_closed) = (self.queue.room(), self.is_closed);
        if !self.by_name.contains_key(origin) {
            self.make_room_for_origin(now);
        }
        let name = || Arc::<str>::from(origin);
        let known = match self.by_name.get_mut(origin) {
            Some(known) => known,
            None => (self.by_name.entry(name())).or_insert_with(|| Neighbour::new(name())),
        };
        let held_before = known.held_bytes();
        let mut asks = None;
        let mut deadline = None;
        let (patience, queue) = (self.patience, &mut self.queue);
        let result = known.step(incarnation, patience, now, queue, |life, out| {
            if is_closed {
                life.close();
            }
            let result = step(life, out);
            asks = (room > 0).then(|| life.ask(now, room)).flatten();
            deadline = life.deadline();
            result
        });
        self.held_bytes = self.held_bytes + known.held_bytes() - held_before;
        self.tick_at = self.tick_at.into_iter().chain(deadline).min();
        while self.held_bytes > self.patience.held_bytes {
            self.make_room_for_held(now);
        }
        let want = asks.map(|gaps| Want { incarnation, gaps });
        (result, want)
    }

    /// Forgets the origin that is idle longest, if there is no room for another.
    fn make_room_for_origin(&mut self, now: Instant) {
        if self.by_name.len() < MAX_ORIGINS {
            return;
        }
        let idle = self.by_name.values().min_by_key(|it| it.heard_at());
        let idle = idle.map(|it| Arc::clone(&it.name));
        if let Some(mut gone) = idle.and_then(|name| self.by_name.remove(&name)) {
            self.held_bytes -= gone.held_bytes();
            gone.end(now, &mut self.queue);
            self.forgotten += 1;
        }
    }

    /// Gives up on the first gap of the life that holds most. So no origin takes the room of all others.
    fn make_room_for_held(&mut self, now: Instant) {
        let largest = (self.by_name.values_mut()).max_by_key(|it| it.held_bytes());
        let Some(largest) = largest else {
            return;
        };
        let before = largest.held_bytes();
        let bytes = |life: &&OriginLife| life.incoming.held().bytes();
        let Some(incarnation) = (largest.lives.iter().max_by_key(bytes)).map(|it| it.incarnation)
        else {
            return;
        };
        let (patience, queue) = (self.patience, &mut self.queue);
        largest.step(incarnation, patience, now, queue, |life, mut out| {
            life.give_up(now, &mut out);
        });
        self.held_bytes = self.held_bytes + largest.held_bytes() - before;
    }

    /// Takes a frame.
    pub(in crate::link) fn arrive(
        &mut self,
        origin: &str,
        arrived: Arrived,
        now: Instant,
    ) -> (Arrival, Option<Want>) {
        let place = arrived.heading.place;
        if self.queue.is_full() {
            self.was_full = true;
            let pass_over = |life: &mut Incoming<_>, _: &mut dyn FnMut(_)| {
                life.pass_over(place.sequence, now);
                Arrival::Taken
            };
            return self.step(origin, place.incarnation, now, pass_over);
        }
        self.step(origin, place.incarnation, now, |life, mut out| {
            let size = arrived.frame.size();
            life.arrive(place.sequence, arrived, size, now, &mut out)
        })
    }

    /// Takes a mark.
    pub(in crate::link) fn mark(
        &mut self,
        origin: &str,
        mark: &Mark,
        now: Instant,
    ) -> Option<Want> {
        if self.queue.is_full() {
            self.was_full = true; // it is asked for again
            return None;
        }
        let covers = !mark.exports.is_empty()
            && (mark.exports.iter()).all(|it| Self::covers(&self.subjects, origin, it));
        let since = self.listens_since;
        let step = |life: &mut Incoming<_>, mut out: &mut dyn FnMut(_)| {
            if let Some(began_while_listening) = life.began_after(since, mark, now) {
                life.mark(mark, covers, began_while_listening, now, &mut out);
            }
        };
        self.step(origin, mark.incarnation, now, step).1
    }

    /// Takes a tombstone.
    pub(in crate::link) fn bury(
        &mut self,
        origin: &str,
        tombstone: Tombstone,
        now: Instant,
    ) -> Option<Want> {
        if self.queue.is_full() {
            self.was_full = true; // it is asked for again
            return None;
        }
        let step = |life: &mut Incoming<_>, mut out: &mut dyn FnMut(_)| {
            life.bury(tombstone.sequence, now, &mut out);
        };
        self.step(origin, tombstone.incarnation, now, step).1
    }

    /// When [`tick`](Self::tick) is due.
    pub(in crate::link) fn tick_at(&self) -> Option<Instant> {
        self.tick_at
    }

    /// Gives up on gaps. Returns the frames to ask for, by origin.
    pub(in crate::link) fn tick(
        &mut self,
        now: Instant,
        is_connected: bool,
    ) -> Vec<(Arc<str>, Want)> {
        self.tick_at = None;
        if self.queue.is_full() || !is_connected {
            // Missing frames cannot come now, or could not be taken.
            self.lives_mut().for_each(|life| life.hold_on(now));
            self.tick_at = Some(now + self.patience.ask_again);
            return Vec::new();
        }
        let lives: Vec<_> = (self.by_name.values())
            .flat_map(|it| it.lives.iter().map(|life| (&it.name, life.incarnation)))
            .map(|(name, incarnation)| (Arc::clone(name), incarnation))
            .collect();
        let mut wants = Vec::new();
        for (name, incarnation) in lives {
            let step = |life: &mut Incoming<_>, mut out: &mut dyn FnMut(_)| {
                life.tick(now, &mut out);
            };
            let ((), want) = self.step(&name, incarnation, now, step);
            wants.extend(want.map(|want| (name, want)));
        }
        wants
    }

    /// Takes the next frame to publish, or gap to tell.
    pub(in crate::link) fn pop(&mut self) -> Option<Queued> {
        self.queue.pop()
    }

    /// Whether frames were passed over for want of room, and there is room again. Then they are asked for again.
    pub(in crate::link) fn has_room_again(&mut self, now: Instant) -> bool {
        if !self.was_full || !self.queue.has_much_room() {
            return false;
        }
        self.was_full = false;
        self.lives_mut().for_each(|life| life.ask_anew(now));
        self.tick_at = Some(now);
        true
    }

    /// Takes no frames from now on, except those that the link already knows of.
    pub(in crate::link) fn close(&mut self) {
        self.is_closed = true;
        self.lives_mut().for_each(Incoming::close);
    }

    pub(in crate::link) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Whether every frame that came before [`close`](Self::close) is passed on, and every other one is told as missed.
    pub(in crate::link) fn is_drained(&self) -> bool {
        let mut lives = self.by_name.values().flat_map(|it| &it.lives);
        self.is_closed && self.queue.is_empty() && lives.all(|life| !life.incoming.waits())
    }

    /// How many envelopes the link knows of that are neither published nor given up.
    pub(in crate::link) fn unpublished(&self) -> u64 {
        let each = self.by_name.values().map(Neighbour::unpublished);
        each.fold(0, u64::saturating_add)
    }

    fn lives_mut(&mut self) -> impl Iterator<Item = &mut Incoming<Arrived>> {
        let lives = self.by_name.values_mut().flat_map(|it| &mut it.lives);
        lives.map(|life| &mut life.incoming)
    }

    /// Counts what became of an envelope.
    pub(in crate::link) fn count(&mut self, origin: &str, fate: Fate) {
        if let Some(origin) = self.by_name.get_mut(origin) {
            origin.count(fate);
        }
    }

    /// How many origins were forgotten for others.
    pub(in crate::link) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    pub(in crate::link) fn stats(&self) -> Vec<ImportStats> {
        self.by_name.values().map(Neighbour::stats).collect()
    }
}

#[cfg(all(test, not(oxide_loom)))]
#[path = "../tests/origins.rs"]
mod tests;
