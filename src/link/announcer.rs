//! When a link says what it imports.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::link::announcing::Announcement;
use crate::link::engine::Frame;
use crate::link::imported::Imported;

/// How often it is said again.
const EVERY: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Announcer {
    name: Arc<str>,
    incarnation: u64,
    imports: Vec<Imported>,
    /// Whether this link wants to know what others import.
    asks: bool,
    /// When it is said next.
    at: Option<Instant>,
}

impl Announcer {
    pub(super) fn new(
        name: Arc<str>,
        incarnation: u64,
        imports: Vec<Imported>,
        asks: bool,
    ) -> Self {
        Announcer {
            name,
            incarnation,
            imports,
            asks,
            at: None,
        }
    }

    /// Returns the first frame of a connection, which asks for those of others.
    pub(super) fn first(&mut self, now: Instant) -> Frame {
        if !self.imports.is_empty() {
            self.at = Some(now + EVERY);
        }
        self.frame(self.imports.clone(), self.asks)
    }

    /// Returns the next frame if it is due.
    pub(super) fn next(&mut self, now: Instant) -> Option<Frame> {
        self.at.filter(|at| now >= *at)?;
        self.at = Some(now + EVERY);
        Some(self.frame(self.imports.clone(), false))
    }

    /// Another link asks.
    pub(super) fn request(&mut self, now: Instant) {
        self.at = self.at.map(|_| now);
    }

    /// When the next frame is due.
    pub(super) fn at(&self) -> Option<Instant> {
        self.at
    }

    /// Returns the frame that says that nothing is imported any more, if anything was.
    pub(super) fn last(&self) -> Option<Frame> {
        (!self.imports.is_empty()).then(|| self.frame(Vec::new(), false))
    }

    fn frame(&self, imports: Vec<Imported>, asks: bool) -> Frame {
        let announcement = Announcement {
            incarnation: self.incarnation,
            imports,
            asks,
        };
        announcement.frame(&self.name)
    }
}
