//! The publishing part of a running link: from the queue onto the bus.
//!
//! It waits for the bus as long as a subscriber makes publishers wait. The other parts go on meanwhile.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use tokio::time::Instant;
use uuid::Uuid;

use crate::bus::error::PublishError;
use crate::bus::lifecycle::WeakBus;
use crate::bus::request::Asked;
use crate::link::frames::import_subject::ImportSubject;
use crate::link::frames::subject;
use crate::link::frames::wire::{FrameError, decode, headers_from, is_subject_of};
use crate::link::inbound::arrival::Handed;
use crate::link::inbound::durable::StreamFrame;
use crate::link::inbound::inbound_queue::{Arrived, Queued};
use crate::link::running::relays::{Audience, BroughtRequest, Relays};
use crate::link::running::seen::{SeenAs, SeenIds};
use crate::link::state::linked::Linked;
use crate::link::state::stage::PublishingStage;
use crate::link::stats::Fate;
use crate::message::advisory::Advisory;
use crate::message::denial::Denial;
use crate::message::headers::Headers;
use crate::message::subject::Payload;
use crate::tokio::AsyncWeakPublisher;

/// The imports, each with its publisher.
pub(in crate::link) struct Inlet<M> {
    pub(in crate::link) imported: ImportSubject,
    pub(in crate::link) publisher: AsyncWeakPublisher<M>,
}

pub(in crate::link) struct PublishingPart<'a, M> {
    pub(in crate::link) link: &'a Arc<Linked>,
    pub(in crate::link) seen: &'a SeenIds,
    pub(in crate::link) bus: &'a WeakBus<M>,
    pub(in crate::link) inlets: &'a [Inlet<M>],
    pub(in crate::link) relays: Relays,
    pub(in crate::link) last_origin: Option<LastOrigin>,
}

/// The origin of the previous envelope, and its headers. All envelopes of that origin share them.
pub(in crate::link) struct LastOrigin {
    name: Arc<str>,
    headers: Headers,
}

/// The bus has ended.
struct Gone;

impl<M: Payload + DeserializeOwned> PublishingPart<'_, M> {
    /// Runs until the bus has ended.
    pub(in crate::link) async fn run(mut self) {
        if self.link.settings.is_durable {
            return self.run_from_stream().await;
        }
        loop {
            let (queued, has_room_again) = {
                let mut state = self.link.state.lock();
                let queued = state.origins.pop();
                state.publishing = PublishingStage::of(queued.as_ref());
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
                Handed::Missed(missed) => self.report(missed),
                Handed::Frame(arrived) => {
                    let request = BroughtRequest::of(&origin, &arrived);
                    let (fate, audience) =
                        match self.publish(&origin, arrived, request.as_ref()).await {
                            Ok(published) => published,
                            Err(Gone) => return,
                        };
                    self.link.state.lock().origins.count(&origin, fate);
                    if let Some(request) = request {
                        self.relays.watch(self.link, request, audience);
                    }
                }
            }
        }
    }

    /// The same for what comes from a stream.
    async fn run_from_stream(&mut self) {
        loop {
            let (kept, is_due) = {
                let mut state = self.link.state.lock();
                let kept = state.intake.pop();
                state.publishing = PublishingStage::of(kept.as_ref());
                (kept, state.intake.progress().is_some())
            };
            if is_due || kept.is_none() {
                self.link.to_send.notify_one(); // it tells the stream how far the link is
            }
            let Some(StreamFrame {
                origin, arrived, ..
            }) = kept
            else {
                self.link.changed.notify_one();
                self.link.to_publish.notified().await;
                continue;
            };
            let place = arrived.heading.place;
            match self.publish(&origin, arrived, None).await {
                Ok((fate, _)) => self.link.state.lock().intake.done(&origin, place, fate),
                Err(Gone) => return,
            }
        }
    }

    fn report(&self, missed: u64) {
        if let Some(bus) = self.bus.upgrade() {
            self.link.gaps.note(bus.core.position(), missed);
            let link = Arc::clone(&self.link.settings.name);
            (bus.core.notices).tell(|| Advisory::LinkLagged { link, missed });
        }
    }

    /// Returns the headers that name this origin.
    fn headers_from(&mut self, origin: &Arc<str>) -> Result<Headers, FrameError> {
        if let Some(last) = self
            .last_origin
            .as_ref()
            .filter(|last| last.name == *origin)
        {
            return Ok(last.headers.clone());
        }
        let headers = headers_from(origin).map_err(FrameError::Header)?;
        self.last_origin = Some(LastOrigin {
            name: Arc::clone(origin),
            headers: headers.clone(),
        });
        Ok(headers)
    }

    async fn publish(
        &mut self,
        origin: &Arc<str>,
        arrived: Arrived,
        request: Option<&BroughtRequest>,
    ) -> Result<(Fate, Audience<M>), Gone> {
        let Arrived { heading, frame, .. } = arrived;
        let (is_again, hops) = (heading.is_again, heading.hops);
        let codec = &self.link.settings.codec;
        let decoded = (self.headers_from(origin))
            .and_then(|headers| decode::<M>(&frame, heading, headers, codec));
        let envelope = match decoded {
            Ok(envelope) => envelope,
            Err(error) => {
                self.link.state.lock().note(&error);
                return Ok((Fate::Refused, Audience::Nobody));
            }
        };
        let inlet = (self.inlets.iter()).find(|it| it.imported.is_for(frame.subject()));
        if inlet.is_none() && subject::is_without_subject(frame.subject()) {
            return Ok((Fate::PassedOver, Audience::Nobody));
        }
        let any = inlet.or(self.inlets.first());
        let Some(publisher) = any.and_then(|it| it.publisher.upgrade()) else {
            return if any.is_some() {
                Err(Gone)
            } else {
                Ok((Fate::Denied, Audience::Nobody))
            };
        };
        if inlet.is_none() || !is_subject_of(&frame, &envelope.message) {
            publisher.deny_linked(&envelope, Denial::Subject);
            self.link.state.lock().note(&FrameError::Subject);
            return Ok((Fate::Denied, Audience::Nobody));
        }
        if request.is_some_and(|request| Instant::now() >= request.until) {
            return Ok((Fate::Late, Audience::Nobody));
        }
        if is_again && inlet.is_some_and(|it| it.imported.group.is_some()) {
            // Another link of the group had it the first time.
            return Ok((Fate::Repeated, Audience::Nobody));
        }
        let by = self.link.settings.incarnation;
        let Some(noted) = self.seen.note_until_kept(envelope.id, by, hops) else {
            return Ok((Fate::Repeated, Audience::Nobody));
        };
        let fate = match envelope.correlation_id {
            Some(request) if self.is_over(request) => Fate::AnswerTooLate,
            _ => Fate::Received,
        };
        let asked = match request {
            Some(request) if self.relays.has_room() => {
                let bus = self.bus.upgrade().ok_or(Gone)?;
                Asked::relay(&bus.core, envelope.id, request.until.into_std())
            }
            _ => None,
        };
        match publisher.place(envelope, publisher.linked()).await {
            Ok(receipt) => {
                noted.keep();
                let audience = match &asked {
                    _ if receipt.delivered() == 0 => Audience::Nobody,
                    Some(asked) if asked.published(&receipt).is_err() => Audience::Nobody,
                    _ => Audience::Somebody(asked),
                };
                Ok((fate, audience))
            }
            Err(PublishError::Closed(_)) => Err(Gone),
            Err(error) => {
                self.link.state.lock().note(&error);
                let is_denied = error.is_denied();
                let fate = if is_denied {
                    Fate::Denied
                } else {
                    Fate::Refused
                };
                Ok((fate, Audience::Nobody))
            }
        }
    }

    /// Whether this is a request of a link of this bus that no longer waits.
    fn is_over(&self, request: Uuid) -> bool {
        let bus = self.bus.upgrade();
        self.seen.get(request) == Some(SeenAs::Asked)
            && bus.is_some_and(|bus| bus.core.requests.find(request).is_none())
    }
}
