//! How far a link is.

/// How far the life of a link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Runs,
    /// Nothing more is taken from the bus than what it has given already.
    Drains,
    Ended,
}

/// What the publishing part is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PublishingStage {
    Waits,
    /// An envelope is being published.
    Publishes,
    /// The bus takes nothing more.
    Ended,
}

impl PublishingStage {
    pub(super) fn of<T>(taken: Option<&T>) -> Self {
        taken.map_or(PublishingStage::Waits, |_| PublishingStage::Publishes)
    }
}
