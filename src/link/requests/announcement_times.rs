//! The times at which a link announces what it imports. An announcement may be lost, so it is repeated.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::link::frames::frame::Frame;
use crate::link::frames::import_subject::ImportSubject;
use crate::link::requests::announcement::Announcement;

/// How soon an announcement is repeated, in case it was lost. The pauses then grow up to `LONGEST_PAUSE`.
const SOON: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The shortest pause, however often others ask.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);

/// While the pause is shorter than this, the announcement asks the others as well.
const ASKING: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(in crate::link) struct AnnouncementTimes {
    name: Arc<str>,
    incarnation: u64,
    imports: Vec<ImportSubject>,
    /// Whether this link wants to know what others import.
    asks: bool,
    /// When the next announcement is due.
    at: Option<Instant>,
    pause: Duration,
    /// When the last announcement was sent.
    said_at: Option<Instant>,
}

impl AnnouncementTimes {
    pub(in crate::link) fn new(
        name: Arc<str>,
        incarnation: u64,
        imports: Vec<ImportSubject>,
        asks: bool,
    ) -> Self {
        AnnouncementTimes {
            name,
            incarnation,
            imports,
            asks,
            at: None,
            pause: SOON,
            said_at: None,
        }
    }

    /// Returns the first announcement of a connection. It asks the others for theirs.
    pub(in crate::link) fn first(&mut self, now: Instant) -> Frame {
        self.pause = SOON;
        (self.said_at, self.at) = (Some(now), Some(now + self.pause));
        self.frame(self.imports.clone(), self.asks)
    }

    /// Returns the next announcement if it is due.
    pub(in crate::link) fn next(&mut self, now: Instant) -> Option<Frame> {
        self.at.filter(|at| now >= *at)?;
        let asks = self.asks && self.pause < ASKING;
        self.pause = (2 * self.pause).min(LONGEST_PAUSE);
        let goes_on = !self.imports.is_empty() || self.asks && self.pause < ASKING;
        self.at = goes_on.then(|| now + self.pause);
        self.said_at = Some(now);
        Some(self.frame(self.imports.clone(), asks))
    }

    /// Notes that another link asks for an announcement.
    pub(in crate::link) fn request(&mut self, now: Instant) {
        if !self.imports.is_empty() {
            let at = self.said_at.map_or(now, |it| now.max(it + SHORTEST_PAUSE));
            self.at = Some(self.at.map_or(at, |due| due.min(at)));
        }
    }

    /// When the next announcement is due.
    pub(in crate::link) fn at(&self) -> Option<Instant> {
        self.at
    }

    /// Returns the announcement that nothing is imported any more, if anything was.
    pub(in crate::link) fn last(&self) -> Option<Frame> {
        (!self.imports.is_empty()).then(|| self.frame(Vec::new(), false))
    }

    fn frame(&self, imports: Vec<ImportSubject>, asks: bool) -> Frame {
        let announcement = Announcement {
            incarnation: self.incarnation,
            imports,
            asks,
        };
        announcement.frame(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_every_50_ms_at_most_however_often_others_ask() {
        let imports = vec![ImportSubject::alone("ob.*.>".to_owned())];
        let mut announcer = AnnouncementTimes::new("south".into(), 7, imports, false);
        let start = Instant::now();
        announcer.first(start);
        let mut said = 0;
        for millis in 0..1_000 {
            let now = start + Duration::from_millis(millis);
            announcer.request(now);
            said += usize::from(announcer.next(now).is_some());
        }
        assert!((15..=20).contains(&said), "{said}");
    }
}
