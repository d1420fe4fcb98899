//! A stream in memory: the stored frames, and how far each link is.

use std::collections::{BTreeMap, HashSet};

use crate::link::frames::frame::Frame;
use crate::link::frames::subject;

/// The frames of a stream. The first one has the position 1.
#[derive(Debug, Default)]
pub(super) struct StoredStream {
    pub(super) subject: String,
    frames: Vec<Frame>,
    ids: HashSet<String>,
    /// How far each link is, by its name.
    pub(super) reached: BTreeMap<String, u64>,
}

/// One connection's reading of a stream.
#[derive(Debug)]
pub(super) struct StreamReader {
    pub(super) stream: String,
    pub(super) imports: Vec<String>,
    /// The next position to hand over.
    pub(super) next: u64,
}

impl StoredStream {
    pub(super) fn new(subject: &str) -> Self {
        StoredStream {
            subject: subject.to_owned(),
            ..StoredStream::default()
        }
    }

    /// Stores a frame, unless it is stored already.
    pub(super) fn store(&mut self, frame: Frame, id: &str) {
        if self.ids.insert(id.to_owned()) {
            self.frames.push(frame);
        }
    }

    pub(super) fn reach(&mut self, name: &str, position: u64) {
        let reached = self.reached.entry(name.to_owned()).or_default();
        *reached = position.max(*reached);
    }

    pub(super) fn last(&self) -> u64 {
        self.frames.len() as u64
    }

    /// Returns the frames after this position, with their positions.
    pub(super) fn after(&self, position: u64) -> impl Iterator<Item = (u64, &Frame)> {
        let frames = (1..).zip(&self.frames);
        frames.skip_while(move |(at, _)| *at <= position)
    }

    /// Returns the last frame of each subject, by position.
    pub(super) fn last_per_subject(&self) -> Vec<(u64, Frame)> {
        let last: BTreeMap<_, _> = self.after(0).map(|(at, it)| (it.subject(), at)).collect();
        let is_last = |(at, frame): &(u64, &Frame)| last.get(frame.subject()) == Some(at);
        let kept = self.after(0).filter(is_last);
        kept.map(|(at, frame)| (at, frame.clone())).collect()
    }
}

impl StreamReader {
    pub(super) fn wants(&self, frame: &Frame) -> bool {
        self.imports
            .iter()
            .any(|it| subject::matches(it, frame.subject()))
    }
}
