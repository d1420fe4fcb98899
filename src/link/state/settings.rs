//! The settings of a link: what its builder was given, and what identifies this life of it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::codec::Codec;
use crate::link::frames::import_subject::ImportSubject;
use crate::link::inbound::gap_patience::GapPatience;
use crate::link::outbound::outgoing::{Outgoing, WindowBounds};

/// The options of a link, and its identity.
#[derive(Debug)]
pub(in crate::link) struct Settings {
    pub(in crate::link) name: Arc<str>,
    /// Whether it sends to a stream, and receives from it.
    pub(in crate::link) is_durable: bool,
    /// The number of this life of the link, as in [`Place`](crate::link::frames::wire::Place).
    pub(in crate::link) incarnation: u64,
    /// When this life began.
    pub(in crate::link) began: Instant,
    pub(in crate::link) codec: Codec,
    pub(in crate::link) bounds: WindowBounds,
    pub(in crate::link) patience: GapPatience,
    /// The time limit of each call of the engine.
    pub(in crate::link) call: Duration,
    /// After this many frames, or this long after the first of them, a round trip confirms them.
    pub(in crate::link) confirm_frames: u64,
    pub(in crate::link) confirm_after: Duration,
    /// How long after the last frame a mark is sent.
    pub(in crate::link) mark_after: Duration,
    /// The exports and the subscriptions, as the server sees them.
    pub(in crate::link) exports: Vec<String>,
    /// Whether envelopes that other links bring are exported as well.
    pub(in crate::link) is_transit: bool,
    pub(in crate::link) imports: Vec<ImportSubject>,
}

impl Settings {
    pub(in crate::link) fn outgoing(&self) -> Outgoing {
        let outgoing = Outgoing::new(self.incarnation, self.bounds);
        if self.is_durable {
            outgoing.without_history()
        } else {
            outgoing
        }
    }

    /// The subjects of the imports that are not shared in a group.
    pub(in crate::link) fn subjects(&self) -> Vec<String> {
        (self.imports.iter())
            .filter(|it| it.group.is_none())
            .map(|it| it.subject.clone())
            .collect()
    }
}
