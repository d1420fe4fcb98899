//! The stages of a link's life.

/// How far a link is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::link) enum Stage {
    Runs,
    /// The link takes nothing more from the bus than what it was given already.
    Drains,
    Ended,
}

/// What the publishing part is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::link) enum PublishingStage {
    Waits,
    /// An envelope is being published.
    Publishes,
    /// The bus has ended, and takes nothing more.
    Ended,
}

impl PublishingStage {
    pub(in crate::link) fn of<T>(taken: Option<&T>) -> Self {
        taken.map_or(PublishingStage::Waits, |_| PublishingStage::Publishes)
    }
}
