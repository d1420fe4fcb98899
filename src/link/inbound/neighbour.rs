//! One origin that a link imports from: its lives, and its figures. A restarted exporter is another life of the same
//! origin.

use std::sync::Arc;

use tokio::time::Instant;

use crate::link::inbound::arrival::Handed;
use crate::link::inbound::gap_patience::GapPatience;
use crate::link::inbound::inbound_queue::{Arrived, InboundQueue};
use crate::link::inbound::incoming::Incoming;
use crate::link::stats::{Fate, ImportStats};

/// The most lives of one origin that are told apart. The life that is idle longest is given up for a new one.
const MAX_LIVES: usize = 4;

/// One origin, as an importer knows it.
#[derive(Debug)]
pub(in crate::link) struct Neighbour {
    pub(in crate::link) name: Arc<str>,
    pub(in crate::link) lives: Vec<OriginLife>,
    stats: ImportStats,
}

/// One life of an origin.
#[derive(Debug)]
pub(in crate::link) struct OriginLife {
    pub(in crate::link) incarnation: u64,
    pub(in crate::link) incoming: Incoming<Arrived>,
}

impl Neighbour {
    pub(in crate::link) fn new(name: Arc<str>) -> Self {
        Neighbour {
            stats: ImportStats::new(Arc::clone(&name)),
            name,
            lives: Vec::new(),
        }
    }

    /// Runs a step of one life, which is made if it is new. The frames that it passes on go into the queue.
    pub(in crate::link) fn step<R>(
        &mut self,
        incarnation: u64,
        patience: GapPatience,
        now: Instant,
        queue: &mut InboundQueue,
        step: impl FnOnce(&mut Incoming<Arrived>, &mut dyn FnMut(Handed<Arrived>)) -> R,
    ) -> R {
        let mut lives = self.lives.iter();
        let at = lives.position(|life| life.incarnation == incarnation);
        let at = at.unwrap_or_else(|| {
            if self.lives.len() == MAX_LIVES {
                let idle = (0..MAX_LIVES).min_by_key(|at| self.lives[*at].incoming.heard_at());
                self.end_life(idle.unwrap_or(0), now, queue);
            }
            (self.lives.iter_mut()).for_each(|life| life.incoming.retire());
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

    /// Gives up a life. Its held frames are passed on, and its gaps are told.
    fn end_life(&mut self, at: usize, now: Instant, queue: &mut InboundQueue) {
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
    pub(in crate::link) fn end(&mut self, now: Instant, queue: &mut InboundQueue) {
        while !self.lives.is_empty() {
            self.end_life(0, now, queue);
        }
    }

    /// When anything last came from this origin.
    pub(in crate::link) fn heard_at(&self) -> Option<Instant> {
        self.lives.iter().map(|life| life.incoming.heard_at()).max()
    }

    /// How many bytes wait for earlier frames.
    pub(in crate::link) fn held_bytes(&self) -> usize {
        let lives = self.lives.iter();
        lives.map(|life| life.incoming.held().bytes()).sum()
    }

    /// Counts what became of an envelope that was queued.
    pub(in crate::link) fn count(&mut self, fate: Fate) {
        self.stats.queued = self.stats.queued.saturating_sub(1);
        self.stats.count(fate);
    }

    pub(in crate::link) fn stats(&self) -> ImportStats {
        let mut stats = self.stats.clone();
        (self.lives.iter()).for_each(|life| add(&mut stats, &life.incoming));
        stats
    }

    /// How many envelopes the link knows of that are neither published nor given up.
    pub(in crate::link) fn unpublished(&self) -> u64 {
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
