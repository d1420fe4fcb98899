//! What the exporting part of a durable link does. The stream says by itself what it has stored, so there are no round
//! trips, and no marks.

use tokio::time::Instant;

use crate::link::calling::{Called, call, succeeds};
use crate::link::engine::{EngineSender, StreamProgress};
use crate::link::exporting::Exporting;
use crate::link::frame::Frame;
use crate::link::stage::{PublishingStage, Stage};
use crate::link::state::{Action, State};
use crate::link::stats::ImportStats;

/// The most frames that are on their way to a stream at once. The importer's memory of numbers is longer.
const MAX_ON_THE_WAY: u64 = 1024;

impl State {
    /// What the exporting part does next if the connection is there.
    pub(super) fn durable_action(&mut self) -> Action {
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
    pub(super) fn is_settled(&self) -> bool {
        self.is_sent() && self.intake.is_settled() && self.publishing == PublishingStage::Waits
    }

    /// Whether the link drains, and everything that the bus gave is confirmed.
    pub(super) fn is_sent(&self) -> bool {
        self.stage == Stage::Drains && self.is_exhausted && self.outgoing.window() == 0
    }

    /// Whether the stream knows how far the link is, if it is to know it: else it would hand over again what the next
    /// link by this name has already.
    pub(super) fn is_stream_told(&self) -> bool {
        let imports = self.settings.is_durable && !self.settings.imports.is_empty();
        !imports || self.intake.is_acknowledged
    }

    /// How many origins were forgotten for others.
    pub(super) fn forgotten(&self) -> u64 {
        self.origins.forgotten() + self.intake.forgotten
    }

    /// The figures of what comes from the stream, or by a link that is not durable.
    pub(super) fn imports(&self) -> Vec<ImportStats> {
        if self.settings.is_durable {
            self.intake.stats()
        } else {
            self.origins.stats()
        }
    }
}

impl<M, S: EngineSender> Exporting<'_, M, S> {
    pub(super) async fn store(&mut self, sequence: u64, frame: Frame) {
        let settings = &self.link.settings;
        let (name, life) = (&settings.name, settings.incarnation);
        let id = format!("{name}-{life:016x}-{sequence}");
        match call(self.link, self.sender.store(frame, sequence, &id)).await {
            Called::Well => self.link.state.lock().sent(sequence, Instant::now()),
            Called::Refused(error) => {
                self.link.state.lock().bury(sequence, &error);
                self.link.changed.notify_one();
            }
            Called::Cut => {}
        }
    }

    pub(super) async fn acknowledge(&mut self, progress: StreamProgress) {
        if succeeds(self.link, self.sender.acknowledge(progress)).await {
            self.link.state.lock().intake.told(progress);
        }
        self.link.changed.notify_one();
    }
}
