//! The calls of a durable link's exporting part to the stream: it stores frames, and says how far the link is. Tests:
//! `tests/link/durable.rs`.

use tokio::time::Instant;

use crate::link::engine::{EngineSender, StreamProgress};
use crate::link::frames::frame::Frame;
use crate::link::running::calling::{Called, call, succeeds};
use crate::link::running::exporting::Exporting;

impl<M, S: EngineSender> Exporting<'_, M, S> {
    pub(in crate::link) async fn store(&mut self, sequence: u64, frame: Frame) {
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

    pub(in crate::link) async fn acknowledge(&mut self, progress: StreamProgress) {
        if succeeds(self.link, self.sender.acknowledge(progress)).await {
            self.link.state.lock().intake.told(progress);
        }
        self.link.changed.notify_one();
    }
}
