//! The advisories of a link: its server is away or back, or another link has its name. Each is told once.

use std::sync::Arc;

use tokio::time::Instant;

use crate::link::requests::known_importers::SILENCE;
use crate::message::advisory::Advisory;

/// What was told, and what must still be told.
#[derive(Debug, Default)]
pub(in crate::link) struct LinkStatus {
    /// Whether the server was there at the last advisory. `None` before the link was ready.
    was_there: Option<bool>,
    /// When another link of this name was last heard.
    namesake_heard_at: Option<Instant>,
    /// Whether the bus must still be told of the namesake.
    has_namesake: bool,
}

impl LinkStatus {
    /// Notes that another link of this name was heard. Returns whether that is news.
    pub(in crate::link) fn hear_namesake(&mut self, now: Instant) -> bool {
        let before = self.namesake_heard_at.replace(now);
        let is_news = before.is_none_or(|at| now >= at + SILENCE);
        self.has_namesake |= is_news;
        is_news
    }

    /// Takes the advisories about the link with this name, whose server is there or not.
    pub(in crate::link) fn take(&mut self, name: &Arc<str>, is_there: bool) -> Vec<Advisory> {
        let link = || Arc::clone(name);
        let mut told = Vec::new();
        match (self.was_there, is_there) {
            (Some(true), false) => told.push(Advisory::LinkCut { link: link() }),
            (Some(false), true) => told.push(Advisory::LinkRestored { link: link() }),
            _ => {}
        }
        if is_there || self.was_there.is_some() {
            self.was_there = Some(is_there);
        }
        if std::mem::take(&mut self.has_namesake) {
            told.push(Advisory::LinkNamesake { link: link() });
        }
        told
    }
}
