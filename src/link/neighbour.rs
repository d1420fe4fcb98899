//! One origin that a link imports from: its lives, and its figures.

use std::sync::Arc;

use tokio::time::Instant;

use crate::link::arrival::Handed;
use crate::link::gap_patience::GapPatience;
use crate::link::incoming::Incoming;
use crate::link::stats::{Fate, ImportStats};
use crate::link::waiting::{Arrived, WaitingQueue};

/// The most lives of one origin that are told apart. The one that is idle longest is given up for a new one.
const MAX_LIVES: usize = 4;

/// One origin, as an importer knows it.
#[derive(Debug)]
pub(super) struct Neighbour {
    pub(super) name: Arc<str>,
    pub(super) lives: Vec<OriginLife>,
    stats: ImportStats,
}

/// What comes from one life of an origin.
#[derive(Debug)]
pub(super) struct OriginLife {
    pub(super) incarnation: u64,
    pub(super) incoming: Incoming<Arrived>,
}

impl Neighbour {
    pub(super) fn new(name: Arc<str>) -> Self {
        Neighbour {
            stats: ImportStats::new(Arc::clone(&name)),
            name,
            lives: Vec::new(),
        }
    }

    /// Runs a step of one life, which is made if it is new. What it hands on goes into the queue.
    pub(super) fn step<R>(
        &mut self,
        incarnation: u64,
        patience: GapPatience,
        now: Instant,
        queue: &mut WaitingQueue,
        step: impl FnOnce(&mut Incoming<Arrived>, &mut dyn FnMut(Handed<Arrived>)) -> R,
    ) -> R {
        let mut lives = self.lives.iter();
        let at = lives.position(|life| life.incarnation == incarnation);
        let at = at.unwrap_or_else(|| {
            if self.lives.len() == MAX_LIVES {
                let idle = (0..MAX_LIVES).min_by_key(|at| self.lives[*at].incoming.heard_at());
                self.end_life(idle.unwrap_or(0), now, queue);
            }
            (self.lives.iter_mut()).for_each(|life| life.incoming.supersede());
            let incoming = Incoming::new(patience, now);
            self.lives.push(OriginLife {
                incarnation,
                incoming,
            });
            self.lives.len() - 1
        });
        let (name, queued) = (&self.name, &mut self.stats.queued);
        step(&mut self.lives[at].incoming, &mut |what| {
            *queued += u64::from(matches!(what, Handed::Frame(_)));
            queue.push(name, what);
        })
    }

    /// Gives up a life. What it holds is handed on, and the gaps are told.
    fn end_life(&mut self, at: usize, now: Instant, queue: &mut WaitingQueue) {
        let mut gone = self.lives.swap_remove(at).incoming;
        let (name, queued) = (&self.name, &mut self.stats.queued);
        while gone.waits() {
            gone.give_up(now, &mut |what| {
                *queued += u64::from(matches!(what, Handed::Frame(_)));
                queue.push(name, what);
            });
        }
        add(&mut self.stats, &gone);
    }

    /// Gives up all lives.
    pub(super) fn end(&mut self, now: Instant, queue: &mut WaitingQueue) {
        while !self.lives.is_empty() {
            self.end_life(0, now, queue);
        }
    }

    /// When anything came from it last.
    pub(super) fn heard_at(&self) -> Option<Instant> {
        self.lives.iter().map(|life| life.incoming.heard_at()).max()
    }

    /// How many bytes wait for earlier frames.
    pub(super) fn held_bytes(&self) -> usize {
        let lives = self.lives.iter();
        lives.map(|life| life.incoming.held().bytes()).sum()
    }

    /// Counts what became of an envelope that was queued.
    pub(super) fn count(&mut self, fate: Fate) {
        self.stats.queued = self.stats.queued.saturating_sub(1);
        self.stats.count(fate);
    }

    pub(super) fn stats(&self) -> ImportStats {
        let mut stats = self.stats.clone();
        (self.lives.iter()).for_each(|life| add(&mut stats, &life.incoming));
        stats
    }

    /// How many envelopes are known of, and neither published nor given up.
    pub(super) fn unpublished(&self) -> u64 {
        let awaited = self.lives.iter().map(|life| life.incoming.awaited());
        awaited.fold(self.stats.queued, u64::saturating_add)
    }
}

/// Adds the figures of one life. They saturate, since a hostile origin may say any number.
fn add(stats: &mut ImportStats, life: &Incoming<Arrived>) {
    stats.duplicates = stats.duplicates.saturating_add(life.duplicates);
    stats.early = stats.early.saturating_add(life.early);
    stats.missed = stats.missed.saturating_add(life.missed);
    stats.untracked = stats.untracked.saturating_add(life.untracked());
    stats.held += life.held().len() as u64;
}
