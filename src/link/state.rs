//! What the parts of a running link share: the two state machines, the connection, and the figures.
//!
//! All parts run in one task, and no lock is held while one of them waits. The lock is for the handles, which read
//! figures from elsewhere.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::link::announcement::Announcement;
use crate::link::announcement_times::AnnouncementTimes;
use crate::link::connection::{Connection, Standing};
use crate::link::control::{self, Mark, Tombstone, Want};
use crate::link::durable::StreamIntake;
use crate::link::engine::StreamProgress;
use crate::link::error::NotReadyError;
use crate::link::frame::Frame;
use crate::link::origins::Origins;
use crate::link::outgoing::Outgoing;
use crate::link::requests_out::RequestsOut;
use crate::link::settings::Settings;
use crate::link::stage::{PublishingStage, Stage};
use crate::link::stats::{ExportStats, LinkStats};
use crate::link::status::LinkStatus;
use crate::link::wire::{with_again, with_time_left};
use crate::message::advisory::Advisory;

/// The most control frames that wait to be sent. More are not needed: all of them are said again.
const MAX_CONTROL: usize = 1024;

/// The longest time between two marks.
const MAX_MARK_PAUSE: Duration = Duration::from_secs(32);

/// The shortest time between two marks, however often others ask.
const MIN_MARK_PAUSE: Duration = Duration::from_millis(50);

/// How long after a link has begun to listen it may still hear the life before it, which has ended.
const ECHO: Duration = Duration::from_secs(1);

/// What the exporting part does next.
#[derive(Debug)]
pub(super) enum Action {
    /// To find out by a round trip whether the connection is there.
    Establish(u64),
    /// To send a control frame.
    Control(Frame),
    /// To send a numbered frame.
    Data(u64, Frame),
    /// A round trip that confirms up to this number.
    Confirm(u64),
    /// To hand over a numbered frame for the stream.
    Store(u64, Frame),
    /// To tell how far the link is with what comes from the stream.
    Acknowledge(StreamProgress),
    /// To take from the bus if there is room, until something happens or this time comes.
    Take {
        has_room: bool,
        until: Option<Instant>,
    },
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) settings: Arc<Settings>,
    pub(super) outgoing: Outgoing,
    pub(super) origins: Origins,
    /// What comes from a stream, in the place of `origins`.
    pub(super) intake: StreamIntake,
    pub(super) requests: RequestsOut,
    pub(super) announcer: AnnouncementTimes,
    pub(super) status: LinkStatus,
    control: VecDeque<Frame>,
    pub(super) connection: Connection,
    unconfirmed_since: Option<Instant>,
    marked_at: Option<Instant>,
    mark_at: Option<Instant>,
    mark_pause: Duration,
    /// Before the next frame that was asked for, the bus was looked at. Else such frames could keep new ones there.
    has_looked: bool,
    pub(super) export: ExportStats,
    pub(super) refused: u64,
    server_denials: u64,
    engine_lags: u64,
    last_error: Option<Arc<str>>,
    pub(super) stage: Stage,
    /// There is nothing left in the subscription.
    pub(super) is_exhausted: bool,
    pub(super) publishing: PublishingStage,
}

impl State {
    pub(super) fn new(settings: Arc<Settings>) -> Self {
        State {
            outgoing: settings.outgoing(),
            intake: StreamIntake::new(Arc::clone(&settings.name), settings.subjects()),
            origins: Origins::new(settings.patience, settings.subjects()),
            requests: RequestsOut::default(),
            announcer: AnnouncementTimes::new(
                Arc::clone(&settings.name),
                settings.incarnation,
                settings.imports.clone(),
                !settings.exports.is_empty(),
            ),
            status: LinkStatus::default(),
            control: VecDeque::new(),
            connection: Connection::new(),
            unconfirmed_since: None,
            marked_at: None,
            mark_at: None,
            mark_pause: settings.mark_after,
            has_looked: false,
            export: ExportStats::default(),
            refused: 0,
            server_denials: 0,
            engine_lags: 0,
            last_error: None,
            stage: Stage::Runs,
            is_exhausted: false,
            publishing: PublishingStage::Waits,
            settings,
        }
    }

    /// What the exporting part does next.
    pub(super) fn action(&mut self, now: Instant) -> Action {
        let has_room = self.outgoing.has_room();
        let waiting = |until| Action::Take { has_room, until };
        match self.connection.standing(now) {
            Standing::Cut => return waiting(None),
            Standing::Failed(until) => return waiting(Some(until)),
            Standing::Unknown(generation) => return Action::Establish(generation),
            Standing::Established if self.settings.is_durable => return self.durable_action(),
            Standing::Established => {}
        }
        if let Some(frame) = self.control.pop_front() {
            return Action::Control(frame);
        }
        self.requests.settle(now);
        if let Some(frame) = self.announcer.next(now) {
            return Action::Control(frame);
        }
        if self.mark_at.is_some_and(|at| now >= at) {
            self.mark_pause = (2 * self.mark_pause).min(MAX_MARK_PAUSE);
            (self.marked_at, self.mark_at) = (Some(now), Some(now + self.mark_pause));
            return Action::Control(self.mark().frame(&self.settings.name));
        }
        let unconfirmed = self.outgoing.unconfirmed();
        let next = self.outgoing.next();
        let confirm_at = self
            .unconfirmed_since
            .map(|at| at + self.settings.confirm_after);
        let is_due = confirm_at.is_some_and(|at| now >= at)
            || unconfirmed >= self.settings.confirm_frames
            || next.is_none() && (self.is_exhausted || !has_room);
        if unconfirmed > 0 && is_due {
            return Action::Confirm(self.outgoing.confirmable());
        }
        if let Some((sequence, frame)) = next {
            let is_again = sequence <= self.outgoing.confirmable();
            self.has_looked = is_again && !self.has_looked;
            if self.has_looked {
                return waiting(Some(now));
            }
            let mut frame = frame.clone();
            if let Some(left) = self.requests.send(sequence, now) {
                frame = with_time_left(&frame, left);
            }
            if is_again {
                frame = with_again(&frame);
            }
            return Action::Data(sequence, frame);
        }
        let due = [
            confirm_at,
            self.mark_at,
            self.announcer.at(),
            self.requests.unsettled_until(),
        ];
        waiting(due.into_iter().flatten().min())
    }

    /// What a link says at its end: that it imports nothing more, and how many frames there were, so that importers can
    /// tell what they miss.
    pub(super) fn farewell(&self) -> Vec<Frame> {
        let has_sent = self.outgoing.kept().1 > 0 && !self.settings.is_durable;
        let mark = has_sent.then(|| self.mark().frame(&self.settings.name));
        self.announcer.last().into_iter().chain(mark).collect()
    }

    fn mark(&self) -> Mark {
        let (first, last) = self.outgoing.kept();
        let age = self.settings.began.elapsed().as_millis();
        Mark {
            incarnation: self.settings.incarnation,
            first,
            last,
            age: u64::try_from(age).unwrap_or(u64::MAX),
            exports: self.settings.exports.clone(),
        }
    }

    /// A numbered frame was handed to the engine.
    pub(super) fn sent(&mut self, sequence: u64, now: Instant) {
        self.outgoing.sent(sequence);
        if self.outgoing.unconfirmed() > 0 {
            self.unconfirmed_since.get_or_insert(now);
        }
        self.mark_pause = self.settings.mark_after;
        let mark_at = now + self.mark_pause;
        self.mark_at = Some(self.mark_at.map_or(mark_at, |at| at.min(mark_at)));
    }

    /// The engine will never take a numbered frame.
    pub(super) fn bury(&mut self, sequence: u64, error: &dyn fmt::Display) {
        self.note(error);
        let incarnation = self.settings.incarnation;
        let tombstone = Tombstone {
            incarnation,
            sequence,
        };
        let is_lost = (self.outgoing).bury(sequence, tombstone.frame(&self.settings.name));
        self.export.unsendable += u64::from(is_lost);
        self.requests.lose(sequence);
    }

    /// A round trip has ended well.
    pub(super) fn confirm(&mut self, up_to: u64, now: Instant) {
        self.outgoing.confirm(up_to);
        self.unconfirmed_since = (self.outgoing.unconfirmed() > 0).then_some(now);
    }

    /// A round trip has found the connection there. Everything that is not confirmed is sent again.
    pub(super) fn establish(&mut self, generation: u64, now: Instant) {
        if !self.connection.establish(generation) {
            return;
        }
        self.unconfirmed_since = None;
        self.requests.asked(now);
        self.outgoing.rewind();
        if self.settings.is_durable {
            self.intake.is_acknowledged = self.is_settled();
            return;
        }
        self.origins.listen(now);
        self.request_mark(now);
        self.greet();
    }

    /// A call of the engine has failed, or took too long.
    pub(super) fn fail(&mut self, error: &dyn fmt::Display, now: Instant) {
        self.note(error);
        self.connection.fail(now);
    }

    pub(super) fn denied(&mut self, subject: Option<String>, reason: String) {
        self.server_denials += 1;
        let refusal = NotReadyError::Denied { subject, reason };
        self.note(&refusal);
        self.connection.refused(refusal);
    }

    /// The engine has dropped frames: the marks of all exporters tell what is missing.
    pub(super) fn lagged(&mut self, now: Instant) {
        self.engine_lags += 1;
        self.origins.doubt();
        self.greet();
        // What others import may be among them.
        self.requests.asked(now);
        let announcement = self.announcer.first(now);
        self.push_control(announcement);
    }

    /// A frame is refused that has no place in a sequence.
    pub(super) fn refuse(&mut self, error: &dyn fmt::Display) {
        self.refused += 1;
        self.note(error);
    }

    /// Another link of this name says what it imports. If it is the life before this one, that ends or has just ended.
    pub(super) fn hear_namesake(&mut self, announcement: &Announcement, now: Instant) {
        let is_alive = !announcement.is_last() && self.origins.listens_for(ECHO, now);
        if is_alive && self.status.hear_namesake(now) {
            self.note(&"another link of this name is alive at the same server");
        }
    }

    /// Returns what the bus is to be told, once.
    pub(super) fn take_advisories(&mut self) -> Vec<Advisory> {
        let is_there = self.connection.is_established();
        self.status.take(&self.settings.name, is_there)
    }

    pub(super) fn note(&mut self, error: &dyn fmt::Display) {
        self.last_error = Some(error.to_string().into());
    }

    /// Another link asks how far this one is.
    pub(super) fn request_mark(&mut self, now: Instant) {
        if !self.settings.exports.is_empty() {
            let at = self
                .marked_at
                .map_or(now, |at| now.max(at + MIN_MARK_PAUSE));
            self.mark_at = Some(self.mark_at.map_or(at, |due| due.min(at)));
            self.mark_pause = self.settings.mark_after;
        }
    }

    /// Asks every exporter for a mark.
    fn greet(&mut self) {
        if !self.settings.imports.is_empty() {
            self.push_control(control::hello(&self.settings.name));
        }
    }

    pub(super) fn ask(&mut self, origin: &str, want: &Want) {
        let frame = want.frame(&self.settings.name, origin);
        self.push_control(frame);
    }

    pub(super) fn push_control(&mut self, frame: Frame) {
        if self.control.len() < MAX_CONTROL {
            self.control.push_back(frame);
        }
    }

    /// Whether something waits until all that the engine has was taken.
    pub(super) fn awaits_rest(&self) -> bool {
        self.connection.awaits_rest() || self.stage == Stage::Drains && !self.origins.is_closed()
    }

    /// All that the engine had was taken.
    pub(super) fn rest(&mut self) {
        self.connection.rest();
        if self.stage == Stage::Drains {
            self.origins.close();
        }
    }

    /// Whether everything that the bus gave is confirmed, and everything that came is published, or cannot be any more.
    pub(super) fn is_drained(&self) -> bool {
        let is_published =
            || self.is_settled() && self.is_stream_told() && self.origins.is_drained();
        self.is_sent() && (self.publishing == PublishingStage::Ended || is_published())
    }

    /// The link has ended. So many envelopes are left in its subscription, and so many were lost there.
    pub(super) fn end(&mut self, left: u64, lagged: u64) {
        self.export.exported = left;
        self.export.lost = left + self.outgoing.pending();
        self.export.lagged += lagged;
        self.connection.cut();
        self.stage = Stage::Ended;
    }

    /// Once the link has ended: how many envelopes are not confirmed.
    pub(super) fn unconfirmed(&self) -> u64 {
        self.export.lost
    }

    /// How many envelopes of others are known of, and neither published nor given up.
    pub(super) fn unpublished(&self) -> u64 {
        if self.settings.is_durable {
            self.intake.unpublished()
        } else {
            self.origins.unpublished()
        }
    }

    pub(super) fn stats(&self) -> LinkStats {
        let outgoing = &self.outgoing;
        let pending = if self.stage == Stage::Ended {
            0
        } else {
            outgoing.pending()
        };
        LinkStats {
            name: Arc::clone(&self.settings.name),
            connected: self.connection.is_there(),
            ready: self.connection.readiness() == Some(Ok(())),
            reconnects: self.connection.reconnects(),
            export: ExportStats {
                exported: self.export.exported + outgoing.exported(),
                confirmed: outgoing.confirmed(),
                pending,
                lost: self.export.lost + outgoing.lost(),
                resent: outgoing.resent(),
                ..self.export
            },
            imports: self.imports(),
            forgotten: self.forgotten(),
            refused: self.refused,
            server_denials: self.server_denials,
            engine_lags: self.engine_lags,
            last_error: self.last_error.clone(),
        }
    }
}
