//! What a link tells its bus about itself: that its server is away or back, and that another link has its name.

use std::sync::Arc;

use tokio::time::Instant;

use crate::link::known_importers::SILENCE;
use crate::message::advisory::Advisory;

/// What was told, and what is to be.
#[derive(Debug, Default)]
pub(super) struct LinkStatus {
    /// Whether the server was there when the bus was told last. `None` before the link was ready.
    was_there: Option<bool>,
    /// When another link of this name was heard last.
    namesake_heard_at: Option<Instant>,
    /// The bus is to be told of it.
    has_namesake: bool,
}

impl LinkStatus {
    /// Another link of this name was heard. Returns whether that is news.
    pub(super) fn hear_namesake(&mut self, now: Instant) -> bool {
        let before = self.namesake_heard_at.replace(now);
        let is_news = before.is_none_or(|at| now >= at + SILENCE);
        self.has_namesake |= is_news;
        is_news
    }

    /// Returns what the bus is to be told of the link with this name, whose server is there or not. It is told once.
    pub(super) fn take(&mut self, name: &Arc<str>, is_there: bool) -> Vec<Advisory> {
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
