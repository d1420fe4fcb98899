//! The exporting part of a running link: from the bus to the engine.

use std::future::ready;

use serde::Serialize;
use tokio::time::Instant;
use uuid::Uuid;

use crate::bus::handle::Bus;
use crate::bus::lifecycle::WeakBus;
use crate::link::deadline::reached;
use crate::link::engine::EngineSender;
use crate::link::frames::frame::Frame;
use crate::link::frames::import_subject::ImportSubject;
use crate::link::frames::subject;
use crate::link::frames::wire::encode;
use crate::link::requests::requests_out::RequestOut;
use crate::link::running::calling::{Called, call, succeeds};
use crate::link::running::seen::{SeenAs, SeenIds};
use crate::link::running::transit::hops;
use crate::link::state::action::Action;
use crate::link::state::linked::Linked;
use crate::link::state::stage::Stage;
use crate::message::advisory::Advisory;
use crate::message::envelope::Envelope;
use crate::message::subject::Payload;
use crate::queue::delivery::Delivery;
use crate::queue::recv_error::{RecvError, TryRecvError};
use crate::tokio::AsyncSubscription;

/// How many envelopes are taken from the bus before the first of them is sent.
const BATCH: usize = 64;

/// How many steps this part makes before other parts have a turn.
const STEPS: usize = 128;

/// The source of a link's envelopes.
pub(in crate::link) enum Outlet<M> {
    Exports(AsyncSubscription<M>),
    /// Nothing is exported. This subscription only shows when the bus ends.
    Nothing(AsyncSubscription<Advisory>),
}

/// The result of taking from the bus.
enum Taken<M> {
    Envelope(Delivery<M>),
    /// This many were lost in the queue.
    Lost(u64),
    /// The bus has evicted the link because its queue was full. Nothing more will come.
    Evicted,
    /// There is nothing now.
    Nothing,
    /// Nothing more will come.
    End,
}

impl<M> Outlet<M> {
    /// Lets no new envelopes in.
    pub(in crate::link) fn close(&self) {
        match self {
            Outlet::Exports(subscription) => subscription.close(),
            Outlet::Nothing(subscription) => subscription.close(),
        }
    }

    /// Waits for something. Cancel safe, as receiving is.
    async fn take(&mut self) -> Taken<M> {
        match self {
            Outlet::Exports(subscription) => match subscription.recv().await {
                Ok(envelope) => Taken::Envelope(envelope),
                Err(RecvError::Lagged { missed }) => Taken::Lost(missed),
                Err(RecvError::Evicted) => Taken::Evicted,
                Err(RecvError::Disconnected) => Taken::End,
            },
            Outlet::Nothing(subscription) => match subscription.recv().await {
                Ok(_) | Err(RecvError::Lagged { .. }) => Taken::Nothing,
                Err(RecvError::Disconnected | RecvError::Evicted) => Taken::End,
            },
        }
    }

    /// Takes what is there.
    fn try_take(&mut self) -> Taken<M> {
        let Outlet::Exports(subscription) = self else {
            return Taken::Nothing;
        };
        match subscription.try_recv() {
            Ok(envelope) => Taken::Envelope(envelope),
            Err(TryRecvError::Lagged { missed }) => Taken::Lost(missed),
            Err(TryRecvError::Empty) => Taken::Nothing,
            Err(TryRecvError::Evicted) => Taken::Evicted,
            Err(TryRecvError::Disconnected) => Taken::End,
        }
    }

    /// Takes what is left. Returns how many envelopes would have gone out, and how many were lost in the queue.
    pub(in crate::link) fn left(&mut self, goes_out: impl Fn(&Envelope<M>) -> bool) -> (u64, u64) {
        self.close();
        let (mut left, mut lagged) = (0, 0);
        loop {
            match self.try_take() {
                Taken::Envelope(envelope) => left += u64::from(goes_out(&envelope)),
                Taken::Lost(missed) => lagged += missed,
                Taken::Nothing | Taken::Evicted | Taken::End => return (left, lagged),
            }
        }
    }
}

pub(in crate::link) struct Exporting<'a, M, S> {
    pub(in crate::link) link: &'a Linked,
    pub(in crate::link) seen: &'a SeenIds,
    pub(in crate::link) bus: &'a WeakBus<M>,
    pub(in crate::link) outlet: &'a mut Outlet<M>,
    pub(in crate::link) sender: &'a mut S,
}

impl<M: Payload + Serialize, S: EngineSender> Exporting<'_, M, S> {
    /// Runs until the bus has closed and everything that it gave is confirmed, or until a time limit after the close.
    pub(in crate::link) async fn run(mut self) {
        let mut subscribed = 0;
        let mut give_up_at = None;
        let mut steps = 0;
        loop {
            steps += 1;
            if steps % STEPS == 0 {
                tokio::task::yield_now().await;
            }
            let now = Instant::now();
            let (action, declined, told) = {
                let mut state = self.link.state.lock();
                let told = state.take_advisories();
                (state.action(now), state.requests.take_declined(), told)
            };
            self.decline(&declined);
            self.report(told);
            match action {
                Action::Establish(generation) => {
                    self.establish(generation, &mut subscribed).await;
                }
                Action::Control(frame) => {
                    // Control frames are repeated, so a refused one is only noted.
                    if let Called::Refused(error) = self.send(frame).await {
                        self.link.state.lock().note(&error);
                    }
                }
                Action::Data(sequence, frame) => match self.send(frame).await {
                    Called::Well => self.link.state.lock().sent(sequence, now),
                    Called::Refused(error) => self.link.state.lock().bury(sequence, &error),
                    Called::Cut => {}
                },
                Action::Confirm(up_to) => {
                    if self.round_trip().await {
                        self.link.state.lock().confirm(up_to, Instant::now());
                    }
                    self.link.changed.notify_one();
                }
                Action::Store(sequence, frame) => self.store(sequence, frame).await,
                Action::Acknowledge(progress) => self.acknowledge(progress).await,
                Action::Take { has_room, until } => {
                    let (is_over, has_all) = self.is_over();
                    if is_over {
                        let end = *give_up_at.get_or_insert(now + self.link.settings.call);
                        if has_all || now >= end {
                            return;
                        }
                    }
                    let until = until
                        .into_iter()
                        .chain(give_up_at.filter(|_| is_over))
                        .min();
                    self.take(has_room, until).await;
                }
            }
        }
    }

    /// Tells the bus that nobody will answer these requests over this link.
    fn decline(&self, requests: &[Uuid]) {
        if let (false, Some(bus)) = (requests.is_empty(), self.bus.upgrade()) {
            for id in requests {
                bus.core.requests.decline(*id);
            }
        }
    }

    fn report(&self, advisories: Vec<Advisory>) {
        for advisory in advisories {
            if let Some(bus) = self.bus.upgrade() {
                bus.core.notices.tell(|| advisory);
            }
        }
    }

    /// Whether the bus has ended, so this part ends by itself; and whether everything that the bus gave is confirmed.
    fn is_over(&self) -> (bool, bool) {
        let state = self.link.state.lock();
        let is_over = state.is_exhausted && state.stage == Stage::Runs;
        (is_over, state.outgoing.window() == 0)
    }

    /// Takes from the bus until something happens.
    async fn take(&mut self, has_room: bool, until: Option<Instant>) {
        let is_exhausted = {
            let state = self.link.state.lock();
            if state.stage == Stage::Drains {
                self.outlet.close();
            }
            state.is_exhausted
        };
        let taking = has_room && !is_exhausted;
        let is_due = until.is_some_and(|until| until <= Instant::now());
        tokio::select! {
            biased;
            () = self.link.to_send.notified() => {}
            taken = self.outlet.take(), if taking => self.took(taken),
            () = ready(()), if is_due => {}
            () = reached(until) => {}
        }
    }

    /// Numbers the envelope that was taken, and all that can be taken without waiting.
    fn took(&mut self, first: Taken<M>) {
        let (state, bus) = (&self.link.state, self.bus.upgrade());
        let mut taken = first;
        for more in (0..BATCH).rev() {
            match taken {
                Taken::Nothing => return,
                Taken::Lost(missed) => state.lock().export.lagged += missed,
                Taken::Evicted => return self.exhausted(Some(&RecvError::Evicted)),
                Taken::End => return self.exhausted(None),
                Taken::Envelope(envelope) => self.number(&envelope, bus.as_ref()),
            }
            if more == 0 || !state.lock().outgoing.has_room() {
                return;
            }
            taken = self.outlet.try_take();
        }
    }

    /// Numbers an envelope if it goes out. The payload's code may do anything, so it runs without a lock. No other part
    /// takes the place meanwhile.
    fn number(&self, envelope: &Envelope<M>, bus: Option<&Bus<M>>) {
        let (state, settings, id) = (&self.link.state, &self.link.settings, envelope.id);
        let Some(hops) = hops(envelope, settings, self.seen) else {
            let mut state = state.lock();
            state.export.passed_over += 1;
            state.requests.decline(id);
            return;
        };
        let find = |id| bus.and_then(|bus| bus.core.requests.find(id));
        let pending = find(id);
        let was_given_up = || bus.is_some_and(|bus| bus.core.requests.was_given_up(id));
        if pending.is_none() && !settings.is_durable && was_given_up() {
            state.lock().export.declined += 1;
            return;
        }
        let seen_as = pending.map_or(SeenAs::Sent, |_| SeenAs::Asked);
        self.seen.note(id, seen_as);
        let place = state.lock().outgoing.next_place();
        let encoded = encode(envelope, &settings.name, place, hops, &settings.codec);
        let mut state = state.lock();
        let frame = match encoded {
            Ok(frame) => frame,
            Err(error) => {
                state.export.unsendable += 1;
                state.note(&error);
                state.requests.decline(id);
                return;
            }
        };
        // Over a stream no importer says whether it has heard a request.
        let awaited = pending.filter(|_| !settings.is_durable);
        let goes_out = awaited.is_none_or(|pending| {
            let subject = frame.subject().to_owned();
            let until = pending.deadline.map(Instant::from_std);
            let request = RequestOut { id, subject, until };
            let is_pending = |id| find(id).is_some();
            (state.requests).begin(place.sequence, request, is_pending)
        });
        if goes_out {
            state.outgoing.push(frame);
        } else {
            state.export.declined += 1;
        }
    }

    /// Nothing more will come from the bus.
    fn exhausted(&self, why: Option<&RecvError>) {
        let mut state = self.link.state.lock();
        state.is_exhausted = true;
        if let Some(why) = why {
            state.note(why);
        }
        self.link.changed.notify_one();
    }

    /// Makes the subscriptions beyond the first `subscribed`, and a round trip. An engine of a stream has the imports
    /// in its plan.
    async fn establish(&mut self, generation: u64, subscribed: &mut usize) {
        if !self.link.settings.is_durable && !self.subscribe(subscribed).await {
            return;
        }
        if self.round_trip().await {
            self.link.state.lock().establish(generation, Instant::now());
            self.link.to_tick.notify_one();
            self.link.changed.notify_one();
        }
    }

    /// Subscribes, and announces what is imported. Returns whether that went well.
    async fn subscribe(&mut self, subscribed: &mut usize) -> bool {
        for wanted in self.wanted().iter().skip(*subscribed) {
            let group = wanted.group.as_deref();
            if !succeeds(self.link, self.sender.subscribe(&wanted.subject, group)).await {
                return false;
            }
            *subscribed += 1;
        }
        // This is sent before the round trip, so other links know it once this link is ready.
        let announcement = self.link.state.lock().announcer.first(Instant::now());
        match self.send(announcement).await {
            Called::Well => {}
            Called::Refused(error) => self.link.state.lock().note(&error), // others do not know it, and nothing else
            Called::Cut => return false,
        }
        true
    }

    /// Returns what to subscribe to. A server sends a frame once for each subscription that matches. So a subscription
    /// that another one covers is left out, unless it is shared in a group.
    fn wanted(&self) -> Vec<ImportSubject> {
        let settings = &self.link.settings;
        let mut control = vec![subject::imports("*")];
        if !settings.imports.is_empty() {
            control.extend([subject::mark("*"), subject::gone("*")]);
        }
        if !settings.exports.is_empty() {
            control.extend([
                subject::hello("*"),
                subject::want("*", &settings.name),
                subject::declined("*", &settings.name),
            ]);
        }
        let mut wanted = settings.imports.clone();
        wanted.extend(control.into_iter().map(ImportSubject::alone));
        let mut needed = Vec::new();
        for (at, one) in wanted.iter().enumerate() {
            let covers_one = |(other_at, other): (usize, &ImportSubject)| {
                other.covers(one) && (other != one || other_at < at)
            };
            if !wanted.iter().enumerate().any(covers_one) {
                needed.push(one.clone());
            }
        }
        needed
    }

    async fn send(&mut self, frame: Frame) -> Called {
        call(self.link, self.sender.send(frame)).await
    }

    async fn round_trip(&mut self) -> bool {
        succeeds(self.link, self.sender.round_trip()).await
    }
}
