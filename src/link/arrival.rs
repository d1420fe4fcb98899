//! What becomes of a frame that comes, and what an importer hands on.

/// What an importer hands on, in order.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Handed<T> {
    Frame(T),
    /// So many numbers are missing here, and will not come.
    Missed(u64),
}

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrival {
    /// It is handed on, or waits for earlier ones.
    Taken,
    /// It came before.
    Duplicate,
    /// It was sent before this link listened.
    Early,
    /// It came when nothing new was taken any more.
    Late,
    /// Its number is farther than can be.
    TooFar,
    /// The same, but after a cut it is not known how far the exporter is. It is asked for again once that is known.
    PutOff,
}
