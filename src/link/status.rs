//! What a link tells its bus about itself: that its server is away or back, and that another link has its name.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::link::announcement::Announcement;
use crate::link::known_importers::SILENCE;
use crate::link::state::State;
use crate::message::advisory::Advisory;

/// How long after a link has begun to listen it may still hear the life before it, which has ended.
const ECHO: Duration = Duration::from_secs(1);

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

impl State {
    /// Another link of this name says what it imports. If it is the life before this one, that ends or has just ended.
    pub(super) fn hear_namesake(&mut self, announcement: &Announcement, now: Instant) {
        if announcement.is_last() || !self.origins.listens_for(ECHO, now) {
            return;
        }
        let before = self.status.namesake_heard_at.replace(now);
        if before.is_none_or(|at| now >= at + SILENCE) {
            self.status.has_namesake = true;
            self.note(&"another link of this name is alive at the same server");
        }
    }

    /// Returns what the bus is to be told, once.
    pub(super) fn take_advisories(&mut self) -> Vec<Advisory> {
        let is_there = self.connection.is_established();
        let status = &mut self.status;
        let (before, has_namesake) = (status.was_there, status.has_namesake);
        if is_there || before.is_some() {
            status.was_there = Some(is_there);
        }
        status.has_namesake = false;
        let link = || Arc::clone(&self.settings.name);
        let mut told = Vec::new();
        match (before, is_there) {
            (Some(true), false) => told.push(Advisory::LinkCut { link: link() }),
            (Some(false), true) => told.push(Advisory::LinkRestored { link: link() }),
            _ => {}
        }
        if has_namesake {
            told.push(Advisory::LinkNamesake { link: link() });
        }
        told
    }
}
