//! Announcements: what links say to each other about requests. Each link says what it imports, and which request nobody
//! will answer. So a request fails at once if nobody is there.

use serde::{Deserialize, Serialize};

use crate::link::frames::control::{self, MAX_SEQUENCE};
use crate::link::frames::frame::Frame;
use crate::link::frames::import_subject::ImportSubject;
use crate::link::frames::subject;

/// The most bytes of an announcement, and the most imports in it. A link with more says that it imports everything.
const MAX_ANNOUNCEMENT: usize = 8192;
const MAX_IMPORTS: usize = 256;

/// What a link imports. It is sent before a link is ready, from time to time, and when another link asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::link) struct Announcement {
    pub(in crate::link) incarnation: u64,
    /// Empty if the link ends.
    pub(in crate::link) imports: Vec<ImportSubject>,
    /// Whether all others should say what they import.
    pub(in crate::link) asks: bool,
}

/// An importer's message that nobody on its bus will answer a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::link) struct Declined {
    /// The exporter's life, and the number of the request's frame.
    pub(in crate::link) incarnation: u64,
    pub(in crate::link) sequence: u64,
    /// The importer's life.
    pub(in crate::link) by: u64,
}

impl Announcement {
    pub(in crate::link) fn frame(&self, origin: &str) -> Frame {
        let frame = control::frame(&subject::imports(origin), self);
        if self.imports.len() <= MAX_IMPORTS && frame.body().len() <= MAX_ANNOUNCEMENT {
            return frame;
        }
        let announcement = Announcement {
            imports: vec![ImportSubject::alone(subject::from_origin("*", ">"))],
            ..*self
        };
        control::frame(&subject::imports(origin), &announcement)
    }

    /// Whether the link that says it ends.
    pub(in crate::link) fn is_last(&self) -> bool {
        self.imports.is_empty() && !self.asks
    }

    pub(in crate::link) fn read(frame: &Frame) -> Option<Self> {
        if frame.body().len() > MAX_ANNOUNCEMENT {
            return None;
        }
        let announcement: Announcement = control::read(frame)?;
        (announcement.imports.len() <= MAX_IMPORTS).then_some(announcement)
    }
}

impl Declined {
    pub(in crate::link) fn frame(&self, origin: &str, of: &str) -> Frame {
        control::frame(&subject::declined(origin, of), self)
    }

    pub(in crate::link) fn read(frame: &Frame) -> Option<Self> {
        let declined: Declined = control::read(frame)?;
        (declined.sequence <= MAX_SEQUENCE).then_some(declined)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn announcement(patterns: usize, length: usize) -> Announcement {
        let subject = || format!("ob.*.{}", "x".repeat(length));
        let imports = (0..patterns).map(|_| ImportSubject::alone(subject()));
        Announcement {
            incarnation: 7,
            imports: imports.collect(),
            asks: true,
        }
    }

    #[test]
    fn an_announcement_is_read_as_it_was_written_and_one_that_is_too_long_says_everything() {
        for (patterns, length) in [(0, 0), (1, 1), (256, 8)] {
            let announcement = announcement(patterns, length);
            let read = Announcement::read(&announcement.frame("south"));
            assert_eq!(read, Some(announcement));
        }
        for (patterns, length) in [(257, 1), (20, 1_000)] {
            let read = Announcement::read(&announcement(patterns, length).frame("south"));
            let read = read.expect("it can be read");
            assert!(read.asks && read.imports.len() == 1);
            assert_eq!(read.imports[0].subject, "ob.*.>");
        }
    }
}
