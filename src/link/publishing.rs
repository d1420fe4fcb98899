//! The publishing part of a running link: from the queue onto the bus.
//!
//! It may wait for the bus as long as a subscriber makes publishers wait. The other parts go on meanwhile.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::bus::error::PublishError;
use crate::bus::lifecycle::WeakBus;
use crate::link::durable::StreamFrame;
use crate::link::inbox::Handed;
use crate::link::origins::{Arrived, Queued};
use crate::link::seen::SeenIds;
use crate::link::state::Linked;
use crate::link::stats::Fate;
use crate::link::subject;
use crate::link::wire::{FrameError, decode, is_subject_of};
use crate::message::advisory::Advisory;
use crate::message::denial::Denial;
use crate::message::subject::Payload;
use crate::tokio::AsyncWeakPublisher;

/// What is imported, and the publisher for it.
pub(super) struct Inlet<M> {
    /// What is subscribed to, as the server sees it.
    pub(super) subject: String,
    pub(super) publisher: AsyncWeakPublisher<M>,
}

pub(super) struct PublishingPart<'a, M> {
    pub(super) link: &'a Linked,
    pub(super) seen: &'a SeenIds,
    pub(super) bus: &'a WeakBus<M>,
    pub(super) inlets: &'a [Inlet<M>],
}

/// The bus has ended.
struct Gone;

impl<M: Payload + DeserializeOwned> PublishingPart<'_, M> {
    /// Runs until the bus has ended.
    pub(super) async fn run(self) {
        if self.link.settings.is_durable {
            return self.run_from_stream().await;
        }
        loop {
            let (queued, has_room_again) = {
                let mut state = self.link.state.lock();
                let queued = state.origins.pop();
                state.is_publishing = queued.is_some();
                let now = Instant::now();
                (queued, state.origins.has_room_again(now))
            };
            if has_room_again {
                self.link.to_tick.notify_one();
            }
            let Some(Queued { origin, what }) = queued else {
                self.link.changed.notify_one();
                self.link.to_publish.notified().await;
                continue;
            };
            match what {
                Handed::Missed(missed) => self.tell(missed),
                Handed::Frame(arrived) => match self.publish(arrived).await {
                    Ok(outcome) => self.link.state.lock().origins.count(&origin, outcome),
                    Err(Gone) => return,
                },
            }
        }
    }

    /// The same for what comes from a stream.
    async fn run_from_stream(&self) {
        loop {
            let kept = {
                let mut state = self.link.state.lock();
                let kept = state.intake.pop();
                state.is_publishing = kept.is_some();
                kept
            };
            // It may be time to tell how far the link is.
            self.link.to_send.notify_one();
            let Some(StreamFrame {
                origin, arrived, ..
            }) = kept
            else {
                self.link.changed.notify_one();
                self.link.to_publish.notified().await;
                continue;
            };
            let place = arrived.heading.place;
            match self.publish(arrived).await {
                Ok(fate) => self.link.state.lock().intake.done(&origin, place, fate),
                Err(Gone) => return,
            }
        }
    }

    fn tell(&self, missed: u64) {
        if let Some(bus) = self.bus.upgrade() {
            self.link.gaps.note(bus.core.position(), missed);
            let link = Arc::clone(&self.link.settings.name);
            (bus.core.notices).tell(|| Advisory::LinkLagged { link, missed });
        }
    }

    async fn publish(&self, arrived: Arrived) -> Result<Fate, Gone> {
        let Arrived { heading, frame } = arrived;
        let decoded = decode::<M>(&frame, heading, &self.link.settings.codec);
        let envelope = match decoded {
            Ok(envelope) => envelope,
            Err(error) => {
                self.link.state.lock().note(&error);
                return Ok(Fate::Refused);
            }
        };
        let inlet = self
            .inlets
            .iter()
            .find(|it| subject::matches(&it.subject, &frame.subject));
        let any = inlet.or(self.inlets.first());
        let Some(publisher) = any.and_then(|it| it.publisher.upgrade()) else {
            return if any.is_some() {
                Err(Gone)
            } else {
                Ok(Fate::Denied)
            };
        };
        if inlet.is_none() || !is_subject_of(&frame, &envelope.message) {
            publisher.deny_linked(&envelope, Denial::Subject);
            self.link.state.lock().note(&FrameError::Subject);
            return Ok(Fate::Denied);
        }
        let Some(noted) = self.seen.note_until_kept(envelope.id) else {
            return Ok(Fate::Repeated);
        };
        match publisher.place(envelope, publisher.linked()).await {
            Ok(_) => {
                noted.keep();
                Ok(Fate::Received)
            }
            Err(PublishError::Closed(_)) => Err(Gone),
            Err(error) => {
                self.link.state.lock().note(&error);
                Ok(if error.is_denied() {
                    Fate::Denied
                } else {
                    Fate::Refused
                })
            }
        }
    }
}
