//! The intake from a stream: it passes each envelope on once, keeps exact accounts, and knows how far the link is.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use tokio::time::Instant;

use super::numbers::SeenNumbers;
use crate::link::engine::StreamProgress;
use crate::link::frames::frame::Frame;
use crate::link::frames::subject::{self, Purpose};
use crate::link::frames::wire::{Place, read_heading};
use crate::link::inbound::inbound_queue::Arrived;
use crate::link::name::is_name;
use crate::link::stats::{Fate, ImportStats};

/// The most origins that are remembered. The one heard longest ago is forgotten for a new one: a stream may hold frames
/// of any number of origins, and one unacknowledged frame would hold back all later ones.
const MAX_ORIGINS: usize = 1024;

/// The most lives of one origin that are told apart. The one heard longest ago is forgotten for a new one.
const MAX_LIVES: usize = 8;

/// After this many frames the engine is told how far the link is, even if more frames wait.
const TELL_AFTER: u64 = 128;

/// A frame that waits to be published.
#[derive(Debug)]
pub(in crate::link) struct StreamFrame {
    pub(in crate::link) origin: Arc<str>,
    pub(in crate::link) arrived: Arrived,
    position: u64,
}

#[derive(Debug)]
struct StreamSource {
    stats: ImportStats,
    /// How many frames had come in all when this origin last sent one.
    heard_at: u64,
    /// In the order of their last frames, the latest at the end.
    lives: VecDeque<(u64, SeenNumbers)>,
}

/// What comes from a stream.
#[derive(Debug)]
pub(in crate::link) struct StreamIntake {
    /// The name of this link.
    own: Arc<str>,
    /// What is imported, as the server sees it. The stream may hand over more.
    imports: Vec<String>,
    sources: BTreeMap<Arc<str>, StreamSource>,
    /// How many origins were forgotten for others.
    pub(in crate::link) forgotten: u64,
    queue: VecDeque<StreamFrame>,
    /// The origin and the position of the frame that is being published.
    publishing: Option<(Arc<str>, u64)>,
    /// The highest position that came, and how many frames came.
    latest: u64,
    came: u64,
    told: StreamProgress,
    /// Whether the link drains and the stream knows how far it is: a round trip came after the last acknowledgement.
    pub(in crate::link) is_acknowledged: bool,
}

impl StreamIntake {
    pub(in crate::link) fn new(own: Arc<str>, imports: Vec<String>) -> Self {
        StreamIntake {
            own,
            imports,
            sources: BTreeMap::new(),
            forgotten: 0,
            queue: VecDeque::new(),
            publishing: None,
            latest: 0,
            came: 0,
            told: StreamProgress::default(),
            is_acknowledged: false,
        }
    }

    /// Takes a frame of the stream. A frame that is not for this link needs nothing more.
    ///
    /// # Errors
    ///
    /// Why it is refused, in words.
    pub(in crate::link) fn arrive(&mut self, position: u64, frame: Frame) -> Result<(), String> {
        self.came += 1;
        if position <= self.latest {
            return Ok(()); // it is handed over again
        }
        self.latest = position;
        let Some((origin, purpose)) = subject::split(frame.subject()) else {
            return Err("a subject that is none of a link".to_owned());
        };
        let is_imported = |it: &String| subject::matches(it, frame.subject());
        if purpose != Purpose::Data || origin == &*self.own || !self.imports.iter().any(is_imported)
        {
            return Ok(());
        }
        let heading = read_heading(&frame).map_err(|error| error.to_string())?;
        if !is_name(origin) {
            return Err("an origin that is no name of a link".to_owned());
        }
        let origin = self.name(origin);
        self.source(&origin);
        self.queue.push_back(StreamFrame {
            origin,
            arrived: Arrived {
                heading,
                frame,
                at: Instant::now(),
            },
            position,
        });
        Ok(())
    }

    fn name(&self, origin: &str) -> Arc<str> {
        let known = self.sources.get_key_value(origin);
        known.map_or_else(|| origin.into(), |(name, _)| Arc::clone(name))
    }

    /// Returns what is known of an origin that is heard now. It may have been forgotten while its frames waited.
    fn source(&mut self, origin: &Arc<str>) -> &mut StreamSource {
        if self.sources.len() == MAX_ORIGINS && !self.sources.contains_key(origin) {
            let idle = self.sources.iter().min_by_key(|(_, it)| it.heard_at);
            let idle = idle.map(|(name, _)| Arc::clone(name));
            self.forgotten += u64::from(idle.and_then(|it| self.sources.remove(&it)).is_some());
        }
        let source = self.sources.entry(Arc::clone(origin));
        let source = source.or_insert_with(|| StreamSource {
            stats: ImportStats::new(Arc::clone(origin)),
            heard_at: 0,
            lives: VecDeque::new(),
        });
        source.heard_at = self.came;
        source
    }

    /// Takes the next frame to publish. Frames that came before are passed over.
    pub(in crate::link) fn pop(&mut self) -> Option<StreamFrame> {
        self.publishing = None;
        while let Some(kept) = self.queue.pop_front() {
            let place = kept.arrived.heading.place;
            let source = self.source(&kept.origin);
            if source.life(place.incarnation).has(place.sequence) {
                source.stats.duplicates += 1;
                continue;
            }
            self.publishing = Some((Arc::clone(&kept.origin), kept.position));
            return Some(kept);
        }
        None
    }

    /// Records what became of the frame that [`pop`](Self::pop) returned last.
    pub(in crate::link) fn done(&mut self, origin: &Arc<str>, place: Place, fate: Fate) {
        let source = self.source(origin);
        source.life(place.incarnation).note(place.sequence);
        source.stats.count(fate);
        self.publishing = None;
    }

    /// How far the link is, if it is time to tell it.
    pub(in crate::link) fn progress(&self) -> Option<StreamProgress> {
        let waits = self.queue.front().map(|kept| kept.position);
        let first = self.publishing.as_ref().map(|it| it.1).or(waits);
        let progress = StreamProgress {
            // Positions rise in the queue.
            position: first.map_or(self.latest, |first| first - 1),
            taken: self.came - self.queue.len() as u64,
        };
        let is_due = self.queue.is_empty() || progress.taken >= self.told.taken + TELL_AFTER;
        (is_due && progress != self.told).then_some(progress)
    }

    /// Notes that the engine was told how far the link is.
    pub(in crate::link) fn told(&mut self, progress: StreamProgress) {
        self.told = progress;
    }

    /// Whether everything that came is published, and told.
    pub(in crate::link) fn is_settled(&self) -> bool {
        self.queue.is_empty() && self.publishing.is_none() && self.told.position == self.latest
    }

    /// How many frames came and are not published.
    pub(in crate::link) fn unpublished(&self) -> u64 {
        self.queue.len() as u64 + u64::from(self.publishing.is_some())
    }

    pub(in crate::link) fn stats(&self) -> Vec<ImportStats> {
        let mut all: Vec<_> = self.sources.values().map(|it| it.stats.clone()).collect();
        for stats in &mut all {
            let waiting = self.queue.iter().map(|it| &it.origin);
            let queued = waiting.chain(self.publishing.iter().map(|it| &it.0));
            stats.queued = queued.filter(|it| **it == stats.origin).count() as u64;
        }
        all
    }
}

impl StreamSource {
    fn life(&mut self, incarnation: u64) -> &mut SeenNumbers {
        let known = (self.lives.iter()).rposition(|(life, _)| *life == incarnation);
        let life = known.and_then(|at| self.lives.remove(at));
        if life.is_none() && self.lives.len() == MAX_LIVES {
            self.lives.pop_front();
        }
        let life = life.unwrap_or_else(|| (incarnation, SeenNumbers::new()));
        self.lives.push_back(life);
        let last = self.lives.len() - 1;
        &mut self.lives[last].1
    }
}
