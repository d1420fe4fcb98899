//! What a link was built with.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::codec::Codec;
use crate::link::gap_patience::GapPatience;
use crate::link::import_subject::ImportSubject;
use crate::link::outgoing::{Outgoing, WindowBounds};

/// The options of a link, and what it is known by.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) name: Arc<str>,
    /// Whether it sends to a stream, and receives from it.
    pub(super) is_durable: bool,
    /// The number of this life of the link, as in [`Place`](crate::link::wire::Place).
    pub(super) incarnation: u64,
    /// When this life began.
    pub(super) began: Instant,
    pub(super) codec: Codec,
    pub(super) bounds: WindowBounds,
    pub(super) patience: GapPatience,
    /// The time limit of each call of the engine.
    pub(super) call: Duration,
    /// After so many frames, or so long after the first of them, a round trip confirms them.
    pub(super) confirm_frames: u64,
    pub(super) confirm_after: Duration,
    /// How long after frames a mark is sent.
    pub(super) mark_after: Duration,
    /// What is exported, and what is subscribed to, as the server sees it.
    pub(super) exports: Vec<String>,
    /// What other links bring is exported as well.
    pub(super) is_transit: bool,
    pub(super) imports: Vec<ImportSubject>,
}

impl Settings {
    pub(super) fn outgoing(&self) -> Outgoing {
        let outgoing = Outgoing::new(self.incarnation, self.bounds);
        if self.is_durable {
            outgoing.without_history()
        } else {
            outgoing
        }
    }

    /// The subjects of all that comes here and not to another of a group.
    pub(super) fn subjects(&self) -> Vec<String> {
        (self.imports.iter())
            .filter(|it| it.group.is_none())
            .map(|it| it.subject.clone())
            .collect()
    }
}
