//! The importers that an exporter knows, with their imports: they say which links may answer a request.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::link::frames::import_subject::ImportSubject;
use crate::link::requests::announcement::Announcement;

/// The most importers that are known.
const MAX_IMPORTERS: usize = 256;

/// How long a silent importer still counts: three of its announcements may be lost.
pub(in crate::link) const SILENCE: Duration = Duration::from_secs(35);

/// This long after it has asked, an exporter knows its importers.
const SETTLING: Duration = Duration::from_secs(1);

/// A responder: an answer may come from it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::link) enum Responder {
    /// One life of a link.
    Life(u64),
    /// One link of a group that shares what comes.
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
pub(in crate::link) struct KnownImporters {
    by_life: BTreeMap<u64, Importer>,
    /// Lives that were replaced by a newer one of the same name, and when. If one is heard again, it has not ended: two
    /// links have that name.
    retired: BTreeMap<u64, Instant>,
    /// The time from which on all importers are known.
    settled_at: Option<Instant>,
}

impl KnownImporters {
    /// Notes that all importers were asked what they import.
    pub(in crate::link) fn asked(&mut self, now: Instant) {
        self.settle_after(now + SETTLING);
    }

    /// The time from which on all importers are known.
    pub(in crate::link) fn settled_at(&self) -> Option<Instant> {
        self.settled_at
    }

    /// Takes an announcement. Returns the responders that will not answer any more: a link that ends, or the previous
    /// life of a restarted one. Two live links with one name both stay.
    pub(in crate::link) fn hear(
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
        let is_back = self.retired.remove(&life).is_some();
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
        before.map_or(Vec::new(), |before| self.retire(before, now))
    }

    /// Whether this is a life of that link, as far as the exporter knows.
    pub(in crate::link) fn speaks_for(&self, origin: &str, life: u64) -> bool {
        let known = self.by_life.get(&life);
        known.is_some_and(|it| *it.origin == *origin)
    }

    /// Returns the responders that may answer a request of this subject. `None` if they are not known yet.
    pub(in crate::link) fn responders(
        &mut self,
        subject: &str,
        now: Instant,
    ) -> Option<BTreeSet<Responder>> {
        self.forget_silent(now);
        let is_settled = self.settled_at.is_some_and(|at| now >= at);
        let lives = self.by_life.keys().copied();
        is_settled.then(|| lives.flat_map(|it| self.speaking(it, subject)).collect())
    }

    /// Returns the responders that one life of a link speaks for if it says something about this subject: itself, and
    /// its groups.
    pub(in crate::link) fn speaking(&self, life: u64, subject: &str) -> BTreeSet<Responder> {
        let imports = self.by_life.get(&life).map(|it| &it.imports);
        (imports.into_iter().flatten())
            .filter(|it| it.is_for(subject))
            .map(|it| match &it.group {
                Some(group) => Responder::Group(group.clone()),
                None => Responder::Life(life),
            })
            .collect()
    }

    fn retire(&mut self, life: u64, now: Instant) -> Vec<Responder> {
        let is_recent = |_: &u64, at: &mut Instant| now < *at + SILENCE;
        self.retired.retain(is_recent);
        if self.retired.len() < MAX_IMPORTERS {
            self.retired.insert(life, now);
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
