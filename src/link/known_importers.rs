//! What an exporter knows of its importers: which of them a request may be answered by.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::link::announcement::Announcement;
use crate::link::import_subject::ImportSubject;

/// The most importers that are known.
const MAX_IMPORTERS: usize = 256;

/// How long an importer that says nothing counts as one: three announcements may be lost.
pub(super) const SILENCE: Duration = Duration::from_secs(35);

/// How long after it has asked an exporter knows its importers.
const SETTLING: Duration = Duration::from_secs(1);

/// Whom an answer may come from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Responder {
    /// One life of a link.
    Life(u64),
    /// One of the links that share what comes.
    Group(String),
}

/// One life of a link that imports.
#[derive(Debug)]
struct Importer {
    origin: Arc<str>,
    imports: Vec<ImportSubject>,
    heard_at: Instant,
}

#[derive(Debug, Default)]
pub(super) struct KnownImporters {
    by_life: BTreeMap<u64, Importer>,
    /// Lives that were forgotten for a new one of the same name, and when. One that is heard again was no life before: two
    /// links have that name.
    superseded: BTreeMap<u64, Instant>,
    /// From then on all importers are known.
    settled_at: Option<Instant>,
}

impl KnownImporters {
    /// All importers were asked what they import.
    pub(super) fn asked(&mut self, now: Instant) {
        self.settle_after(now + SETTLING);
    }

    /// When all importers are known.
    pub(super) fn settled_at(&self) -> Option<Instant> {
        self.settled_at
    }

    /// Takes an announcement. Returns whom no answer will come from any more: a link that ends, or the life before of one
    /// that was started again. Of two links with one name that are both alive, each stays.
    pub(super) fn hear(
        &mut self,
        origin: &str,
        announcement: Announcement,
        now: Instant,
    ) -> Vec<Responder> {
        let life = announcement.incarnation;
        let is_known = self.by_life.contains_key(&life);
        if is_known && !self.speaks_for(origin, life) {
            return Vec::new();
        }
        let is_back = self.superseded.remove(&life).is_some();
        if announcement.imports.is_empty() {
            return self.forget(life);
        }
        let mut lives = self.by_life.iter();
        let before = lives.find(|(_, it)| !is_known && !is_back && *it.origin == *origin);
        let before = before.map(|(before, _)| *before);
        if !is_known && before.is_none() && self.by_life.len() >= MAX_IMPORTERS {
            self.forget_silent(now);
            if self.by_life.len() >= MAX_IMPORTERS {
                self.settle_after(now + SILENCE);
                return Vec::new();
            }
        }
        let importer = Importer {
            origin: origin.into(),
            imports: announcement.imports,
            heard_at: now,
        };
        self.by_life.insert(life, importer);
        before.map_or(Vec::new(), |before| self.supersede(before, now))
    }

    /// Whether this is a life of that link, as far as is known.
    pub(super) fn speaks_for(&self, origin: &str, life: u64) -> bool {
        let known = self.by_life.get(&life);
        known.is_some_and(|it| *it.origin == *origin)
    }

    /// Returns whom an answer to a request of this subject may come from. `None` if it is not known yet.
    pub(super) fn responders(
        &mut self,
        subject: &str,
        now: Instant,
    ) -> Option<BTreeSet<Responder>> {
        self.forget_silent(now);
        let is_settled = self.settled_at.is_some_and(|at| now >= at);
        let lives = self.by_life.keys().copied();
        is_settled.then(|| lives.flat_map(|it| self.speaking(it, subject)).collect())
    }

    /// Returns for whom one life of a link speaks if it says something about this subject: itself, and its groups.
    pub(super) fn speaking(&self, life: u64, subject: &str) -> BTreeSet<Responder> {
        let imports = self.by_life.get(&life).map(|it| &it.imports);
        (imports.into_iter().flatten())
            .filter(|it| it.is_for(subject))
            .map(|it| match &it.group {
                Some(group) => Responder::Group(group.clone()),
                None => Responder::Life(life),
            })
            .collect()
    }

    fn supersede(&mut self, life: u64, now: Instant) -> Vec<Responder> {
        let is_recent = |_: &u64, at: &mut Instant| now < *at + SILENCE;
        self.superseded.retain(is_recent);
        if self.superseded.len() < MAX_IMPORTERS {
            self.superseded.insert(life, now);
        }
        self.forget(life)
    }

    fn forget(&mut self, life: u64) -> Vec<Responder> {
        let Some(gone) = self.by_life.remove(&life) else {
            return Vec::new();
        };
        let has_others = |group: &String| {
            let mut left = self.by_life.values().flat_map(|it| &it.imports);
            left.any(|it| it.group.as_ref() == Some(group))
        };
        let groups = gone.imports.into_iter().filter_map(|it| it.group);
        groups
            .filter(|group| !has_others(group))
            .map(Responder::Group)
            .chain([Responder::Life(life)])
            .collect()
    }

    fn forget_silent(&mut self, now: Instant) {
        self.by_life
            .retain(|_, known| now < known.heard_at + SILENCE);
    }

    fn settle_after(&mut self, at: Instant) {
        self.settled_at = Some(self.settled_at.map_or(at, |before| before.max(at)));
    }
}
