//! Control frames: what links say to each other beside envelopes. These are marks, tombstones, greetings, and requests
//! for missing frames.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::link::frames::frame::Frame;
use crate::link::frames::subject;

/// The most bytes of a control frame.
const MAX_BODY: usize = 64 * 1024;

/// The most gaps that are asked for at once.
pub(in crate::link) const MAX_GAPS: usize = 64;

/// The most patterns that a mark names. A link with more, or with more than fit into a frame, says that it exports
/// everything.
const MAX_PATTERNS: usize = 256;

/// The largest sequence number that is believed. No link ever reaches it.
pub(in crate::link) const MAX_SEQUENCE: u64 = 1 << 62;

/// A mark: how far an exporter is. It is sent at the exporter's start, some time after frames, and when another link
/// asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::link) struct Mark {
    pub(in crate::link) incarnation: u64,
    /// The first frame that can still be asked for.
    pub(in crate::link) first: u64,
    /// The last frame that was sent.
    pub(in crate::link) last: u64,
    /// How long the exporter has existed, in milliseconds.
    pub(in crate::link) age: u64,
    /// Its exports, as the server sees them.
    pub(in crate::link) exports: Vec<String>,
}

/// A tombstone: it stands in the place of a frame that will not come, because no server takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::link) struct Tombstone {
    pub(in crate::link) incarnation: u64,
    pub(in crate::link) sequence: u64,
}

/// An importer's request for frames, as ranges of numbers. Without any range it asks for a mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::link) struct Want {
    pub(in crate::link) incarnation: u64,
    pub(in crate::link) gaps: Vec<(u64, u64)>,
}

impl Mark {
    pub(in crate::link) fn frame(&self, origin: &str) -> Frame {
        let whole = frame(&subject::mark(origin), self);
        if self.exports.len() <= MAX_PATTERNS && whole.body().len() <= MAX_BODY {
            return whole;
        }
        let everything = Mark {
            exports: vec![">".to_owned()],
            ..self.clone()
        };
        frame(&subject::mark(origin), &everything)
    }

    pub(in crate::link) fn read(frame: &Frame) -> Option<Self> {
        let mark: Mark = read(frame)?;
        let is_sane = mark.first > 0
            && mark.first <= mark.last.saturating_add(1)
            && mark.last <= MAX_SEQUENCE
            && mark.exports.len() <= MAX_PATTERNS;
        is_sane.then_some(mark)
    }
}

impl Tombstone {
    pub(in crate::link) fn frame(&self, origin: &str) -> Frame {
        frame(&subject::gone(origin), self)
    }

    pub(in crate::link) fn read(frame: &Frame) -> Option<Self> {
        let gone: Tombstone = read(frame)?;
        (gone.sequence > 0).then_some(gone)
    }
}

impl Want {
    pub(in crate::link) fn frame(&self, origin: &str, of: &str) -> Frame {
        frame(&subject::want(origin, of), self)
    }

    pub(in crate::link) fn read(frame: &Frame) -> Option<Self> {
        let want: Want = read(frame)?;
        (want.gaps.len() <= MAX_GAPS).then_some(want)
    }
}

/// Returns the frame by which an importer asks every exporter for a mark.
pub(in crate::link) fn hello(origin: &str) -> Frame {
    Frame::new(&subject::hello(origin), Bytes::new())
}

pub(in crate::link) fn frame(subject: &str, what: &impl Serialize) -> Frame {
    // Numbers and texts can always be written.
    let body = serde_json::to_vec(what).unwrap_or_default();
    Frame::new(subject, body)
}

pub(in crate::link) fn read<'a, T: Deserialize<'a>>(frame: &'a Frame) -> Option<T> {
    if frame.body().len() > MAX_BODY {
        return None;
    }
    serde_json::from_slice(frame.body()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_with_more_or_longer_patterns_than_a_frame_holds_tells_of_everything() {
        let everything = vec![">".to_owned()];
        let few = vec!["a.>".to_owned(), "b".to_owned()];
        for (exports, told) in [
            (few.clone(), &few),
            (vec!["a".to_owned(); MAX_PATTERNS + 1], &everything),
            (vec!["a".repeat(1_000); 100], &everything),
        ] {
            let mark = Mark {
                incarnation: u64::MAX,
                first: 1,
                last: 0,
                age: 0,
                exports,
            };
            let read = Mark::read(&mark.frame("north")).expect("it can be read");
            assert_eq!(&read.exports, told);
        }
    }
}
