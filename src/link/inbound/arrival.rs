//! The results of an arrival: what becomes of a frame, and what an importer passes on.

/// What an importer passes on, in order.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::link) enum Handed<T> {
    Frame(T),
    /// This many numbers are missing here, and will not come.
    Missed(u64),
}

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::link) enum Arrival {
    /// The frame is passed on, or waits for earlier ones.
    Taken,
    /// It came before.
    Duplicate,
    /// It was sent before this link listened.
    Early,
    /// It came when the link no longer took new frames.
    Late,
    /// Its number is too far ahead to be true.
    TooFar,
    /// Its number is far ahead, but after a cut nobody knows how far the exporter is. The frame is asked for again once
    /// that is known.
    PutOff,
}
