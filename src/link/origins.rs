//! What a link knows of each origin that it imports from.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tokio::time::Instant;

use crate::link::arrival::{Arrival, Handed};
use crate::link::control::{Mark, Tombstone, Want};
use crate::link::engine::Frame;
use crate::link::gap_patience::GapPatience;
use crate::link::inbox::Incoming;
use crate::link::outbox::size;
use crate::link::stats::{Fate, ImportStats};
use crate::link::subject;
use crate::link::wire::Heading;

/// The most origins. Frames of others are refused.
const MAX_ORIGINS: usize = 1024;

/// The most lives of one origin that are told apart. The oldest is given up for a new one.
const MAX_LIVES: usize = 4;

/// The most frames, and their bytes, that wait for the bus.
const MAX_QUEUED: usize = 4096;
const MAX_QUEUED_BYTES: usize = 16 << 20;

/// A frame whose compact header was read.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) heading: Heading,
    pub(super) frame: Frame,
    /// When it came.
    pub(super) at: Instant,
}

/// What is to be published, or told, next.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) origin: Arc<str>,
    pub(super) what: Handed<Arrived>,
}

#[derive(Debug)]
struct Neighbour {
    name: Arc<str>,
    lives: VecDeque<(u64, Incoming<Arrived>)>,
    stats: ImportStats,
}

/// All origins of a link, and what comes from them.
#[derive(Debug)]
pub(super) struct Origins {
    patience: GapPatience,
    /// What is subscribed to at the server.
    subjects: Vec<String>,
    by_name: BTreeMap<Arc<str>, Neighbour>,
    queue: VecDeque<Queued>,
    queued_bytes: usize,
    /// The bytes of all frames that wait for earlier ones.
    held_bytes: usize,
    was_full: bool,
    /// When [`tick`](Self::tick) is due.
    tick_at: Option<Instant>,
    /// Since when this link listens.
    listens_since: Option<Instant>,
}

impl Origins {
    pub(super) fn new(patience: GapPatience, subjects: Vec<String>) -> Self {
        Origins {
            patience,
            subjects,
            by_name: BTreeMap::new(),
            queue: VecDeque::new(),
            queued_bytes: 0,
            held_bytes: 0,
            was_full: false,
            tick_at: None,
            listens_since: None,
        }
    }

    /// The subscriptions are in force.
    pub(super) fn listen(&mut self, now: Instant) {
        self.listens_since.get_or_insert(now);
    }

    fn covers(subjects: &[String], origin: &str, export: &str) -> bool {
        let export = subject::from_origin(origin, export);
        subjects.iter().any(|wide| subject::covers(wide, &export))
    }

    /// Runs a step of one life of an origin, which is made if it is new. `None` if there are too many origins.
    fn step<R>(
        &mut self,
        origin: &str,
        incarnation: u64,
        now: Instant,
        step: impl FnOnce(&mut Incoming<Arrived>, &mut dyn FnMut(Handed<Arrived>)) -> R,
    ) -> Option<(R, Option<Want>)> {
        let is_full = self.is_full();
        if !self.by_name.contains_key(origin) {
            if self.by_name.len() == MAX_ORIGINS {
                return None;
            }
            let name: Arc<str> = origin.into();
            self.by_name.insert(Arc::clone(&name), Neighbour::new(name));
        }
        let known = self.by_name.get_mut(origin)?;
        let name = Arc::clone(&known.name);
        let life = known.life(incarnation, self.patience, &mut self.held_bytes);
        self.held_bytes -= life.held_bytes;
        life.held_elsewhere = self.held_bytes;
        let (queue, bytes) = (&mut self.queue, &mut self.queued_bytes);
        let result = step(life, &mut |what| {
            *bytes += size_of(&what);
            queue.push_back(Queued {
                origin: Arc::clone(&name),
                what,
            });
        });
        self.held_bytes += life.held_bytes;
        let want = if is_full { None } else { life.ask(now) };
        let want = want.map(|gaps| Want { incarnation, gaps });
        if let Some(deadline) = life.deadline() {
            self.tick_at = Some(self.tick_at.map_or(deadline, |at| at.min(deadline)));
        }
        Some((result, want))
    }

    /// Takes a frame. `None` if there are too many origins.
    pub(super) fn arrive(
        &mut self,
        origin: &str,
        arrived: Arrived,
        now: Instant,
    ) -> Option<(Arrival, Option<Want>)> {
        let place = arrived.heading.place;
        if self.is_full() {
            self.was_full = true;
            let pass_over = |life: &mut Incoming<_>, _: &mut dyn FnMut(_)| {
                life.pass_over(place.sequence, now);
                Arrival::Taken
            };
            return self.step(origin, place.incarnation, now, pass_over);
        }
        self.step(origin, place.incarnation, now, |life, mut out| {
            let size = size(&arrived.frame);
            life.arrive(place.sequence, arrived, size, now, &mut out)
        })
    }

    /// Takes a mark.
    pub(super) fn mark(&mut self, origin: &str, mark: &Mark, now: Instant) -> Option<Want> {
        if self.is_full() {
            self.was_full = true; // it is asked for again
            return None;
        }
        let covers = !mark.exports.is_empty()
            && (mark.exports.iter()).all(|it| Self::covers(&self.subjects, origin, it));
        let began_while_listening = self.listens_since.is_some_and(|since| {
            u128::from(mark.age) < now.saturating_duration_since(since).as_millis()
        });
        let step = |life: &mut Incoming<_>, mut out: &mut dyn FnMut(_)| {
            life.mark(mark, covers, began_while_listening, now, &mut out);
        };
        self.step(origin, mark.incarnation, now, step)?.1
    }

    /// Takes a tombstone.
    pub(super) fn bury(
        &mut self,
        origin: &str,
        tombstone: Tombstone,
        now: Instant,
    ) -> Option<Want> {
        if self.is_full() {
            self.was_full = true; // it is asked for again
            return None;
        }
        let step = |life: &mut Incoming<_>, mut out: &mut dyn FnMut(_)| {
            life.bury(tombstone.sequence, now, &mut out);
        };
        self.step(origin, tombstone.incarnation, now, step)?.1
    }

    /// When [`tick`](Self::tick) is due.
    pub(super) fn tick_at(&self) -> Option<Instant> {
        self.tick_at
    }

    /// Gives up on gaps, and returns which frames to ask for, of which origin.
    pub(super) fn tick(&mut self, now: Instant, is_connected: bool) -> Vec<(Arc<str>, Want)> {
        self.tick_at = None;
        if self.is_full() || !is_connected {
            // What is missing cannot come, or could not be taken.
            let lives = self.by_name.values_mut().flat_map(|it| &mut it.lives);
            lives.for_each(|(_, life)| life.hold_on(now));
            self.tick_at = Some(now + self.patience.ask_again);
            return Vec::new();
        }
        let lives: Vec<_> = (self.by_name.values())
            .flat_map(|it| {
                it.lives
                    .iter()
                    .map(|(life, _)| (Arc::clone(&it.name), *life))
            })
            .collect();
        let mut wants = Vec::new();
        for (name, incarnation) in lives {
            let covers = Self::covers(&self.subjects, &name, ">");
            let stepped = self.step(&name, incarnation, now, |life, mut out| {
                life.tick(now, covers, &mut out);
            });
            if let Some(((), Some(want))) = stepped {
                wants.push((name, want));
            }
        }
        wants
    }

    fn is_full(&self) -> bool {
        self.queue.len() >= MAX_QUEUED || self.queued_bytes >= MAX_QUEUED_BYTES
    }

    /// Takes what is to be published next.
    pub(super) fn pop(&mut self) -> Option<Queued> {
        let queued = self.queue.pop_front()?;
        self.queued_bytes -= size_of(&queued.what);
        Some(queued)
    }

    /// Whether frames were passed over for want of room, and there is room again: then they are asked for anew.
    pub(super) fn has_room_again(&mut self, now: Instant) -> bool {
        if !self.was_full || self.queue.len() > MAX_QUEUED / 4 {
            return false;
        }
        self.was_full = false;
        for origin in self.by_name.values_mut() {
            origin
                .lives
                .iter_mut()
                .for_each(|(_, life)| life.ask_anew(now));
        }
        self.tick_at = Some(now);
        true
    }

    /// How much waits for the bus.
    pub(super) fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Counts what became of an envelope.
    pub(super) fn count(&mut self, origin: &str, outcome: Fate) {
        if let Some(origin) = self.by_name.get_mut(origin) {
            origin.stats.count(outcome);
        }
    }

    pub(super) fn stats(&self) -> Vec<ImportStats> {
        self.by_name.values().map(Neighbour::stats).collect()
    }
}

fn size_of(what: &Handed<Arrived>) -> usize {
    match what {
        Handed::Frame(arrived) => size(&arrived.frame),
        Handed::Missed(_) => 0,
    }
}

impl Neighbour {
    fn new(name: Arc<str>) -> Self {
        Neighbour {
            stats: ImportStats::new(Arc::clone(&name)),
            name,
            lives: VecDeque::new(),
        }
    }

    fn life(
        &mut self,
        incarnation: u64,
        patience: GapPatience,
        held_bytes: &mut usize,
    ) -> &mut Incoming<Arrived> {
        let at = self
            .lives
            .iter()
            .position(|(known, _)| *known == incarnation);
        let at = at.unwrap_or_else(|| {
            if self.lives.len() == MAX_LIVES
                && let Some((_, gone)) = self.lives.pop_front()
            {
                add(&mut self.stats, &gone);
                *held_bytes -= gone.held_bytes;
                self.stats.missed += std::mem::take(&mut self.stats.held);
            }
            self.lives.push_back((incarnation, Incoming::new(patience)));
            self.lives.len() - 1
        });
        &mut self.lives[at].1
    }

    fn stats(&self) -> ImportStats {
        let mut stats = self.stats.clone();
        self.lives
            .iter()
            .for_each(|(_, life)| add(&mut stats, life));
        stats
    }
}

/// Adds the figures of one life. They saturate, since a hostile origin may say any number.
fn add(stats: &mut ImportStats, life: &Incoming<Arrived>) {
    stats.duplicates = stats.duplicates.saturating_add(life.duplicates);
    stats.early = stats.early.saturating_add(life.early);
    stats.missed = stats.missed.saturating_add(life.missed);
    stats.untracked = stats.untracked.saturating_add(life.untracked());
    stats.held += life.held();
}
