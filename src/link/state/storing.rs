//! The next step of a durable link's exporting part. The stream reports by itself what it has stored, so there are no
//! confirming round trips and no marks.

use crate::link::state::State;
use crate::link::state::action::Action;
use crate::link::state::stage::{PublishingStage, Stage};
use crate::link::stats::ImportStats;

/// The most frames that are under way to a stream at once. The importer remembers more numbers than that.
const MAX_ON_THE_WAY: u64 = 1024;

impl State {
    /// Returns what the exporting part does next, if the connection is there.
    pub(in crate::link) fn durable_action(&mut self) -> Action {
        if let Some(progress) = self.intake.progress() {
            return Action::Acknowledge(progress);
        }
        self.outgoing.pass_over_lost();
        let has_way = self.outgoing.unconfirmed() < MAX_ON_THE_WAY;
        match self.outgoing.next().filter(|_| has_way) {
            Some((sequence, frame)) => Action::Store(sequence, frame.clone()),
            None if self.is_settled() && !self.is_stream_told() => {
                Action::Establish(self.connection.generation())
            }
            None => Action::Take {
                has_room: self.outgoing.has_room(),
                until: None,
            },
        }
    }

    /// Whether the link drains, and nothing is left to be stored, published or acknowledged.
    pub(in crate::link) fn is_settled(&self) -> bool {
        self.is_sent() && self.intake.is_settled() && self.publishing == PublishingStage::Waits
    }

    /// Whether the link drains, and everything that the bus gave is confirmed.
    pub(in crate::link) fn is_sent(&self) -> bool {
        self.stage == Stage::Drains && self.is_exhausted && self.outgoing.window() == 0
    }

    /// Whether the stream knows how far the link is, or need not know it. Otherwise the next life of the link would be
    /// given frames again.
    pub(in crate::link) fn is_stream_told(&self) -> bool {
        let imports = self.settings.is_durable && !self.settings.imports.is_empty();
        !imports || self.intake.is_acknowledged
    }

    /// How many origins were forgotten for others.
    pub(in crate::link) fn forgotten(&self) -> u64 {
        self.origins.forgotten() + self.intake.forgotten
    }

    /// The figures of the imports, from the stream or from origins.
    pub(in crate::link) fn imports(&self) -> Vec<ImportStats> {
        if self.settings.is_durable {
            self.intake.stats()
        } else {
            self.origins.stats()
        }
    }
}
